"""The text of a logged message as its sender wrote it: without lines that it quotes, and of HTML the words."""

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_DASH = re.compile(r"(?<=\w) (?:-|--|\u2013|\u2014) (?=\w)")  # between two thoughts
_QUOTE = re.compile(r"<blockquote\b.*?(?:</blockquote>|$)", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr|/h\d)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(  # not "<anna@example.com>", and not what a text may have to pass for a part of a prompt
    r"</?(?!(?:end|message|score|instruction|system|user|assistant)\b)[a-z][a-z0-9]*(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_HEAD = re.compile(  # of an earlier message, below which it is quoted
    r"^(?:(?:original message|ursprungliche nachricht):?|on .{5,120} wrote ?:.*|am .{5,120} schrieb.*"
    r"|le .{5,120} a ecrit ?:.*|(?:from|von|de|da|van) ?: .*[<@].*)$"
)


@lru_cache(maxsize=50_000)
def folded(text: str) -> str:
    """The text as words are looked for in it: unquoted, in small letters without accents, quotes straight, spaces for
    hyphens, and "email" for "e-mail"."""
    return "\n".join(_plain(line) for line in _own_lines(text)).strip()


@lru_cache(maxsize=50_000)
def unquoted(text: str) -> str:
    """The text without the lines that it quotes, and what stands below the head of an earlier message."""
    return "\n".join(_own_lines(text)).strip()


def _own_lines(text: str) -> Iterator[str]:
    """The lines that are not quoted; below the head of a message nothing is, if there were words above it."""
    above = False
    for line in _of_html(text).splitlines():
        plain = _plain(line)
        if plain.startswith(">"):
            continue
        if _HEAD.match(plain):
            if above:
                return
            continue
        above |= bool(plain)
        yield line


def _of_html(text: str) -> str:
    """The text of a body in HTML, without what it quotes; any other text as it is."""
    if "<" in text:
        text = _TAG.sub(" ", _BREAK.sub("\n", _QUOTE.sub("\n", text)))
    return html.unescape(text) if "&" in text else text


def _plain(line: str) -> str:
    plain = "".join(each for each in unicodedata.normalize("NFKD", line) if not unicodedata.combining(each)).casefold()
    plain = re.sub("[\u2018\u2019`]", "'", re.sub(r"[-\u2010-\u2015]", " ", _DASH.sub(", ", plain)))
    return " ".join(re.sub(r"\be mail", "email", plain).split())
