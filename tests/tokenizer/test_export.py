import json
import random

import pytest

from tinyscout.tokenizer import BPE, Vocabulary
from tinyscout.tokenizer.export import export_hugging_face, hugging_face_json

tokenizers = pytest.importorskip("tokenizers", reason="the oracle is Hugging Face tokenizers (extra: export)")


def odd_strings(n: int, seed: int) -> list[str]:
    """Made-up strings from every corner of Unicode, white space and punctuation more often than their share."""
    rng = random.Random(seed)
    corners = [
        lambda: chr(rng.randrange(0x00, 0x80)),
        lambda: chr(rng.randrange(0x80, 0x3000)),
        lambda: chr(rng.randrange(0xE000, 0x110000)),
        lambda: rng.choice(" '\t\n\r\u00a0\u200b\u2028\ufeff\u0301\u0130"),
        lambda: rng.choice(
            ["demo", " please", "don't", "<score>", "<pad>", "\u65e5\u672c", "123456", "--", "\U0001f600"]
        ),
    ]
    return ["".join(rng.choice(corners)() for _ in range(rng.randrange(40))) for _ in range(n)]


@pytest.fixture(scope="module")
def bpe() -> BPE:
    return BPE.train(odd_strings(500, 0) + ["we'd love a demo please, don't call 123456"] * 20, 300)


def test_hugging_face_gives_the_same_ids(bpe):
    start = Vocabulary(bpe.words, [], []).words_start
    theirs = tokenizers.Tokenizer.from_str(json.dumps(hugging_face_json(bpe)))
    strings = [*odd_strings(3000, 1), "", "x" * 10_000, " " * 100, "<score><pad><end>"]
    for string in strings:
        assert theirs.encode(string).ids == [start + i for i in bpe.encode(string)], ascii(string)
        assert theirs.decode([start + i for i in bpe.encode(string)], skip_special_tokens=False) == string


def test_file_names_every_language_id(bpe, tmp_path):
    export_hugging_face(bpe, tmp_path / "tokenizer.json")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    vocabulary = Vocabulary(bpe.words, [], [])
    assert theirs.get_vocab_size() == vocabulary.n_language
    assert theirs.token_to_id("<score>") == vocabulary.id_of("<score>")
