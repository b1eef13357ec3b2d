"""LeadScout: starts at the baseline, reads a lead alone, never looks ahead, and its gradients are right."""

import numpy as np
import pytest
from scipy import sparse

from tinyscout.autograd import gradcheck_direction, no_grad, ops
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig, predict_logits
from tinyscout.models.time_encoding import age_features
from tinyscout.tokenizer import Padded, Tokens

CONFIG = LeadScoutConfig(
    vocabulary=30,
    language=12,
    numbers=tuple(range(12, 30)),
    wide=5,
    width=16,
    depth=2,
    heads=4,
    max_tokens=24,
    dropout=0.0,
)


def make_examples(lengths: list[int], seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    n = sum(lengths)
    ages = rng.exponential(200, n).astype(np.float32)
    ages[rng.random(n) < 0.3] = np.nan
    tokens = Tokens(
        rng.integers(12, 30, n).astype(np.int32),
        rng.uniform(-1, 1, n).astype(np.float32),
        ages,
        np.concatenate([[0], np.cumsum(lengths)]),
        np.zeros(len(lengths), np.int32),
    )
    return Examples(tokens, sparse.csr_matrix(rng.normal(size=(len(lengths), 5)).astype(np.float32)))


def make_model(dtype: type = np.float32) -> LeadScout:
    model = LeadScout(CONFIG, rng=np.random.default_rng(1), dtype=dtype)
    rng = np.random.default_rng(2)
    model.reply.weight.data[:] = rng.normal(size=model.reply.weight.shape)
    model.wide.weight.data[:] = rng.normal(size=5)
    return model


def test_a_new_model_is_its_wide_path() -> None:
    model = LeadScout(CONFIG, rng=np.random.default_rng(1))
    model.wide.weight.data[:] = [1, -2, 3, 0, 0.5]
    examples = make_examples([3, 9, 1])
    np.testing.assert_allclose(
        predict_logits(model, examples), examples.features @ model.wide.weight.data, rtol=1e-6, atol=1e-6
    )


def test_recalibrating_changes_every_logit_alike() -> None:
    model, examples = make_model(), make_examples([3, 9, 1])
    before = predict_logits(model, examples)
    model.recalibrate(0.5, -1.5)
    np.testing.assert_allclose(predict_logits(model, examples), 0.5 * before - 1.5, atol=1e-5)


def test_batched_equals_one_by_one() -> None:
    lengths = np.random.default_rng(3).integers(1, 25, 60).tolist()
    examples, model = make_examples(lengths), make_model()
    together = predict_logits(model, examples, batch_tokens=10_000)
    alone = np.concatenate([predict_logits(model, examples.take(np.array([i]))) for i in range(60)])
    np.testing.assert_allclose(1 / (1 + np.exp(-together)), 1 / (1 + np.exp(-alone)), atol=1e-6)
    assert np.std(together) > 0.5


def test_the_language_head_does_not_look_ahead() -> None:
    examples, model = make_examples([10]), make_model()
    batch = examples.tokens.pad()
    changed = Padded(batch.ids.copy(), batch.values, batch.ages, batch.lengths)
    changed.ids[0, 7] = 12 + (changed.ids[0, 7] - 11) % 18
    with no_grad():
        before, after = model.language_logits(batch).data, model.language_logits(changed).data
    assert before.shape == (1, 10, 12)
    np.testing.assert_array_equal(before[:, :7], after[:, :7])
    assert np.abs(before[:, 7:] - after[:, 7:]).max() > 1e-4


@pytest.mark.parametrize("part", ["ids", "values", "ages"])
def test_the_reply_head_reads_every_coordinate_of_a_token(part: str) -> None:
    examples, model = make_examples([6]), make_model()
    batch = examples.tokens.pad()
    arrays = {name: getattr(batch, name).copy() for name in ("ids", "values", "ages")}
    arrays[part][0, 2] = {"ids": 12 + (arrays["ids"][0, 2] - 11) % 18, "values": 0.77, "ages": 3.0}[part]
    with no_grad():
        before = model.reply_logits(batch, examples.features).item()
        after = model.reply_logits(Padded(**arrays, lengths=batch.lengths), examples.features).item()
    assert abs(before - after) > 1e-4


def test_no_age_is_not_age_zero() -> None:
    features = age_features(np.array([[np.nan, 0.0, 2.0, 1440.0]], np.float32))
    assert not features[0, 0].any()
    assert features[0, 1].any()
    assert np.linalg.norm(features[0, 2] - features[0, 3]) > 0.5  # two hours against two months


def test_gradients_of_the_whole_model() -> None:
    examples, model = make_examples([4, 7, 1]), make_model(np.float64)
    model.reply.weight.data *= 0.2  # less curvature, so that differences are good to the tolerance
    batch = examples.tokens.pad()
    features, targets = examples.features.astype(np.float64), np.array([1.0, 0.0, 1.0])

    def loss():
        return ops.bce_with_logits(model.reply_logits(batch, features), targets=targets)

    gradcheck_direction(loss, list(model.parameters()))


def test_save_and_load_give_the_same_bits() -> None:
    examples, model = make_examples([4, 7, 1]), make_model()
    other = LeadScout(CONFIG, rng=np.random.default_rng(9))
    other.load_state_dict(model.state_dict())
    assert predict_logits(model, examples).tobytes() == predict_logits(other, examples).tobytes()
