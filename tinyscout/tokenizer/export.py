"""The word ids as a Hugging Face `tokenizers` file, for reading our tokens elsewhere.

Loaded by that library it gives the ids that our BPE gives, shifted by the specials before them. Specials are in the
file's vocabulary but aren't matched in text: a customer who types "<score>" gets bytes, there and here.
"""

import json
from pathlib import Path
from typing import Any

from tinyscout.artifact import replacing
from tinyscout.tokenizer.bpe import BPE, N_BYTES, PATTERN
from tinyscout.tokenizer.vocabulary import SPECIALS


def hugging_face_json(bpe: BPE) -> dict[str, Any]:
    """The contents of a tokenizer.json."""
    spelling = ["".join(map(_printable().__getitem__, word)) for word in bpe.words]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False},
                byte_level,
            ],
        },
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate([*SPECIALS, *spelling])},
            "merges": [[spelling[left], spelling[right]] for left, right in bpe.merges],
        },
    }


def export_hugging_face(bpe: BPE, path: Path) -> None:
    """Write tokenizer.json to path, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(hugging_face_json(bpe), indent=1), encoding="utf-8")


def _printable() -> list[str]:
    """A visible character for each byte: itself where it is one in Latin-1, else one from U+0100 on (as GPT-2 does)."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = (byte for byte in range(N_BYTES) if byte not in visible)
    stand_in = {byte: chr(0x100 + i) for i, byte in enumerate(hidden)}
    return [stand_in.get(byte, chr(byte)) for byte in range(N_BYTES)]
