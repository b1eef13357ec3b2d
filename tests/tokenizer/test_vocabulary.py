import numpy as np
import pytest

from tinyscout.tokenizer import Vocabulary
from tinyscout.tokenizer.vocabulary import END, PAD, SCORE


@pytest.fixture
def vocabulary() -> Vocabulary:
    fields = [
        ("persona", "category", ["persona=vp", "persona=cto", "persona=<missing>", "persona=<unseen>"]),
        ("seats", "number", ["seats", "seats=<missing>"]),
        ("note", "text", ["note=<text>", "note=<missing>"]),
    ]
    return Vocabulary([b"a", b" demo", b"\xc3"], fields, ["signal=visit", "signal=<unseen>"])


def test_blocks_follow_each_other(vocabulary):
    ids = np.arange(len(vocabulary))
    assert (vocabulary.names[PAD], vocabulary.names[SCORE], vocabulary.names[END]) == ("<pad>", "<score>", "<end>")
    assert vocabulary.n_language == vocabulary.words_start + vocabulary.n_words == 8
    blocks = np.select([vocabulary.is_word(ids), vocabulary.is_profile(ids), vocabulary.is_signal(ids)], [1, 2, 3])
    assert blocks.tolist() == [0] * 5 + [1] * 3 + [2] * 8 + [3] * 2


def test_names_and_ids_are_inverse(vocabulary):
    assert [vocabulary.id_of(name) for name in vocabulary.names] == list(range(len(vocabulary)))
    with pytest.raises(KeyError):
        vocabulary.id_of("persona=ceo")


def test_words_have_readable_ascii_names(vocabulary):
    assert vocabulary.names[5:8] == ["word 'a'", "word ' demo'", r"word b'\xc3'"]
    assert all(name.isascii() for name in vocabulary.names)


def test_fields_know_their_ids(vocabulary):
    persona, seats, note = vocabulary.fields
    assert vocabulary.names[persona.start : persona.stop][-1] == "persona=<unseen>"
    assert (persona.n_values, seats.n_values, note.n_values) == (2, 0, 0)
    assert (persona.is_number, seats.is_number) == (False, True)


def test_a_name_that_comes_twice_gets_a_number():
    fields = [
        ("signal", "category", ["signal=visit", "signal=<missing>", "signal=<unseen>"]),
        ("<pad>", "number", ["<pad>", "<pad>=<missing>"]),
    ]
    vocabulary = Vocabulary([], fields, ["signal=visit", "signal=<unseen>"])
    assert vocabulary.id_of("<pad>") == PAD and vocabulary.id_of("<pad>#2") == 8
    assert vocabulary.names[-2:] == ["signal=visit#2", "signal=<unseen>#2"]
