"""The chat template: a lead's tokens up to `<score>`, then `<instruction>` words `<message>` words `<end>`.

A writer that is told all it may say in the instruction reads no lead at all: then `<score>` alone stands before it.

The words are those of a text, never specials: whatever an instruction or a CRM note says, it can't end a message.
"""

from collections.abc import Sequence

import numpy as np

from tinyscout.tokenizer.sales import SalesTokenizer
from tinyscout.tokenizer.tokens import Tokens
from tinyscout.tokenizer.vocabulary import END, INSTRUCTION, MESSAGE, SCORE


def nobody(number: int) -> Tokens:
    """`number` leads of whom nothing is told: `<score>` alone, for a message that depends on its instruction only."""
    ids, nothing = np.full(number, SCORE, np.int32), np.zeros(number, np.float32)
    return Tokens(ids, nothing, nothing + np.nan, np.arange(number + 1), np.zeros(number, np.int32))


def prompts(tokens: Tokens, instructions: Sequence[str], tokenizer: SalesTokenizer) -> Tokens:
    """Leads (B,) with their instructions (B,), up to `<message>`: what a model is to go on from."""
    return tokens.append([_question(text, tokenizer) for text in instructions])


def lessons(tokens: Tokens, instructions: Sequence[str], messages: Sequence[str], tokenizer: SalesTokenizer) -> Tokens:
    """Leads (B,) with their instructions and messages (B,) up to `<end>`: what a model is to learn from."""
    pairs = zip(instructions, messages, strict=True)
    return tokens.append([[*_question(ask, tokenizer), *tokenizer.encode_text(answer), END] for ask, answer in pairs])


def answers(tokens: Tokens) -> np.ndarray:
    """Where the answers of lessons with N tokens stand: (N,) bool, True at a message's words and its `<end>`."""
    begun = np.cumsum(tokens.ids == MESSAGE)
    earlier = np.concatenate([[0], begun])[tokens.offsets[:-1]]  # (B,) in the lessons before
    return (begun > np.repeat(earlier, tokens.lengths)) & (tokens.ids != MESSAGE)


def drawn(ids: np.ndarray, learnt: np.ndarray, tokenizer: SalesTokenizer, *, width: int = 100) -> str:
    """One lesson's mask as text: its words, and under each token `^` where it is learnt and `.` where it is only read.

    ids (T,), learnt (T,) bool. A line break of the message shows as a slash.
    """
    names = [tokenizer.decode_text([i]).replace("\n", "/") or tokenizer.vocabulary.names[i] for i in ids.tolist()]
    marks = "".join(("^" if own else ".") * len(name) for name, own in zip(names, learnt, strict=True))
    text = "".join(names)
    return "\n".join(line[i : i + width] for i in range(0, len(text), width) for line in (text, marks))


def _question(text: str, tokenizer: SalesTokenizer) -> list[int]:
    return [INSTRUCTION, *tokenizer.encode_text(text), MESSAGE]
