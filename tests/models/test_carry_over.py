"""A model carried over to another vocabulary scores leads as before, where it knows all their tokens."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tinyscout.models.carry_over import carry_over
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig, predict_logits
from tinyscout.tokenizer import Tokens
from tinyscout.tokenizer.tokens import offsets_of

OLD = ["<pad>", "<score>", "b", "size", "d", "e"]
NEW = ["<pad>", "<score>", "new", "e", "size", "d", "newer", "b"]
CONFIG = LeadScoutConfig(6, 3, (3,), 3, width=8, depth=2, heads=2, max_tokens=12)


def examples(names: list[str], columns: list[int]) -> Examples:
    """The same 20 leads, written in the ids of `names` and with features in the order `columns`."""
    rng = np.random.default_rng(5)
    leads = [[*rng.choice(["b", "size", "d", "e"], rng.integers(1, 9)), "<score>"] for _ in range(20)]
    words = [word for lead in leads for word in lead]
    ids = np.array([names.index(word) for word in words], np.int32)
    values = np.where(np.array(words) == "size", rng.uniform(-1, 1, len(ids)), 0).astype(np.float32)
    ages = rng.uniform(1, 99, len(ids)).astype(np.float32)
    tokens = Tokens(ids, values, ages, offsets_of(np.array([len(lead) for lead in leads])), np.zeros(20, np.int32))
    return Examples(tokens, sparse.csr_matrix(rng.normal(size=(20, 3)).astype(np.float32)[:, columns]))


def trained(ngram: int = 1) -> LeadScout:
    model = LeadScout(replace(CONFIG, ngram=ngram), rng=np.random.default_rng(1))
    for parameter in model.parameters():
        parameter.data += np.random.default_rng(2).normal(0, 0.1, parameter.shape).astype(np.float32)
    return model.eval()


@pytest.mark.parametrize("ngram", [1, 3])
def test_leads_score_as_before(ngram: int) -> None:
    old = trained(ngram)
    sizes = replace(CONFIG, vocabulary=8, numbers=(4,), max_tokens=20, ngram=ngram)
    new = LeadScout(sizes, rng=np.random.default_rng(7)).eval()
    fresh = new.state_dict()
    features = (["f0", "f1", "f2"], ["f2", "f0", "f1"])
    new.load_state_dict(carry_over(old.state_dict(), fresh, tokens=(OLD, NEW), features=features))
    before = predict_logits(old, examples(OLD, [0, 1, 2]))
    np.testing.assert_allclose(predict_logits(new, examples(NEW, [2, 0, 1])), before, atol=1e-6)
    assert np.ptp(before) > 0.1
    np.testing.assert_array_equal(new.token.weight.data[[2, 6]], fresh["token.weight"][[2, 6]])
    np.testing.assert_array_equal(new.position.weight.data[12:], fresh["position.weight"][12:])


def test_another_width_is_refused() -> None:
    wider = LeadScout(replace(CONFIG, width=16), rng=np.random.default_rng(7))
    with pytest.raises(ValueError, match="give both the same width"):
        carry_over(trained().state_dict(), wider.state_dict(), tokens=(OLD, OLD), features=(["f"] * 3, ["f"] * 3))


def test_another_ngram_is_refused() -> None:
    longer = LeadScout(replace(CONFIG, ngram=2), rng=np.random.default_rng(7))
    for one, other in ((trained(), longer), (longer, trained())):
        with pytest.raises(ValueError, match=r"before\.0\.weight is in one model alone"):
            carry_over(one.state_dict(), other.state_dict(), tokens=(OLD, OLD), features=(["f"] * 3, ["f"] * 3))
