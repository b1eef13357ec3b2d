"""The training loop: it learns, it stops early, and a killed run resumed ends with the same bits."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from tinyscout.errors import InputError
from tinyscout.metrics import log_loss
from tinyscout.metrics.scores import shifted_losses
from tinyscout.models.expert_use import expert_use
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig, predict_logits
from tinyscout.settings import FitSettings
from tinyscout.tokenizer import Tokens
from tinyscout.training import fit
from tinyscout.training.fit import shuffled_batches
from tinyscout.training.shards import Shards

SCORE = 1
SETTINGS = FitSettings(
    epochs=3, batch_size=16, learning_rate=5e-3, evaluations_per_epoch=2, patience=20, average=0.5, threads=2
)


def make_examples(n: int, seed: int) -> tuple[Examples, np.ndarray]:
    """Leads whose label is whether token 5 comes before token 6: order decides, counts say nothing."""
    rng = np.random.default_rng(seed)
    ids, ages, labels = [], [], []
    for _ in range(n):
        label = int(rng.random() < 0.5)
        pair = [5, 6] if label else [6, 5]
        noise = rng.integers(7, 12, rng.integers(0, 4)).tolist()
        lead = [*noise, *pair, SCORE]
        ids += lead
        ages += [*range(len(lead) - 1, 0, -1), np.nan]
        labels.append(label)
    ends = np.flatnonzero(np.array(ids) == SCORE) + 1
    tokens = Tokens(
        np.array(ids, np.int32),
        np.zeros(len(ids), np.float32),
        np.array(ages, np.float32),
        np.concatenate([[0], ends]).astype(np.int64),
        np.zeros(n, np.int32),
    )
    features = sparse.csr_matrix(rng.normal(size=(n, 3)).astype(np.float32))
    return Examples(tokens, features), np.array(labels, float)


def make_model(seed: int = 0, **sizes) -> LeadScout:
    config = LeadScoutConfig(
        vocabulary=12, language=5, numbers=(), wide=3, width=16, depth=2, heads=2, max_tokens=16, dropout=0.1, **sizes
    )
    return LeadScout(config, rng=np.random.default_rng(seed))


def test_learns_order_that_the_wide_path_cannot_see() -> None:
    train, y = make_examples(400, 1)
    held_out, y_held_out = make_examples(200, 2)
    model = make_model()
    settings = SETTINGS.model_copy(update={"epochs": 8})
    stop, y_stop = make_examples(200, 3)
    history = fit(model, train, y, settings, stop=(stop, y_stop), seed=0)
    rate = y_stop.mean()
    entropy = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)  # step 0 is the (empty) baseline
    assert history.rows[0]["stop"] == pytest.approx(entropy, abs=1e-6)
    assert log_loss(y_held_out, predict_logits(model, held_out)) < 0.2


@pytest.mark.parametrize(("top_k", "capacity"), [(1, 0.0), (2, 1.0)])
def test_experts_learn_it_too_and_a_killed_run_resumes(tmp_path: Path, top_k: int, capacity: float) -> None:
    sizes = {"experts": 4, "top_k": top_k, "capacity": capacity}
    train, stop, settings = make_examples(400, 1), make_examples(200, 3), SETTINGS.model_copy(update={"epochs": 8})
    whole, resumed = make_model(**sizes), make_model(**sizes)
    fit(whole, *train, settings, stop=stop, seed=0)
    held_out, y = make_examples(200, 2)
    assert log_loss(y, predict_logits(whole, held_out)) < 0.3
    assert expert_use(whole, held_out)[0].min() > 0

    def kill(_what: str, done: int, _total: int) -> None:
        if done == 60:
            raise _Killed

    with pytest.raises(_Killed):
        fit(make_model(**sizes), *train, settings, stop=stop, seed=0, checkpoint=tmp_path, progress=kill)
    fit(resumed, *train, settings, stop=stop, seed=0, checkpoint=tmp_path)
    for name, array in whole.state_dict().items():
        assert array.tobytes() == resumed.state_dict()[name].tobytes(), name


def test_leaves_the_model_at_its_best_evaluation() -> None:
    stop, y_stop = make_examples(100, 3)
    model = make_model()
    history = fit(model, *make_examples(200, 1), SETTINGS, stop=(stop, y_stop), seed=0)
    logits = predict_logits(model, stop)
    least = min(row["stop"] for row in history.rows)
    assert shifted_losses(y_stop, logits).mean() == pytest.approx(least, abs=1e-6)


def test_labels_of_pure_noise_leave_the_baseline_or_stop_early() -> None:
    train, _ = make_examples(200, 1)
    noise = (np.random.default_rng(0).random(200) < 0.5).astype(float)
    settings = SETTINGS.model_copy(update={"epochs": 40, "patience": 4})
    history = fit(make_model(), train, noise, settings, stop=make_examples(100, 3), seed=0)
    assert history.rows[-1]["step"] < 40 * 13


class _Killed(Exception):
    pass


@pytest.mark.parametrize("kill_at", [1, 7, 8, 20, 38])
def test_a_killed_run_resumed_ends_with_the_same_bits(tmp_path: Path, kill_at: int) -> None:
    train, stop = make_examples(200, 1), make_examples(80, 3)
    whole = make_model()
    history = fit(whole, *train, SETTINGS, stop=stop, seed=5)

    def kill(_what: str, done: int, _total: int) -> None:
        if done == kill_at:
            raise _Killed

    with pytest.raises(_Killed):
        fit(make_model(), *train, SETTINGS, stop=stop, seed=5, checkpoint=tmp_path / "c", progress=kill)
    resumed = make_model()
    again = fit(resumed, *train, SETTINGS, stop=stop, seed=5, checkpoint=tmp_path / "c")
    assert repr(again) == repr(history)  # repr, because NaN is not equal to itself
    for name, array in whole.state_dict().items():
        assert array.tobytes() == resumed.state_dict()[name].tobytes(), name


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    train, stop = make_examples(60, 1), make_examples(40, 3)
    fit(make_model(), *train, SETTINGS, stop=stop, seed=5, checkpoint=tmp_path)
    with pytest.raises(InputError, match="belongs to a run with other"):
        fit(make_model(), *train, SETTINGS, stop=stop, seed=6, checkpoint=tmp_path)
    with pytest.raises(InputError, match="belongs to a run with other"):
        fit(make_model(), *make_examples(60, 9), SETTINGS, stop=stop, seed=5, checkpoint=tmp_path)


def test_a_truncated_checkpoint_is_one_clear_line(tmp_path: Path) -> None:
    train, stop = make_examples(60, 1), make_examples(40, 3)
    fit(make_model(), *train, SETTINGS, stop=stop, seed=5, checkpoint=tmp_path)
    arrays = next(tmp_path.glob("arrays-*"))
    arrays.write_bytes(arrays.read_bytes()[:100])
    with pytest.raises(InputError, match="truncated or changed") as caught:
        fit(make_model(), *train, SETTINGS, stop=stop, seed=5, checkpoint=tmp_path)
    assert "\n" not in str(caught.value)


def test_a_loss_that_is_not_finite_names_the_op() -> None:
    model = make_model()
    model.blocks[1].mlp_norm.gain.data[3] = np.inf
    with pytest.raises(InputError, match=r"training step 0 .*mlp_branch") as caught:
        fit(model, *make_examples(60, 1), SETTINGS, stop=make_examples(40, 3), seed=0)
    assert "\n" not in str(caught.value)


def test_an_epoch_sees_every_lead_once() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 1003)
    batches = list(shuffled_batches(lengths, 16, np.random.default_rng(1)))
    assert sorted(np.concatenate(batches)) == list(range(1003))
    padding = sum(len(b) * lengths[b].max() - lengths[b].sum() for b in batches) / lengths.sum()
    assert padding < 0.15


def test_shards_add_up_to_the_whole_batch() -> None:
    examples, y = make_examples(50, 1)
    rows = np.arange(3, 40)
    gradients = []
    for count in (1, 2, 3):
        model = make_model().eval()
        shards = Shards(model, count)
        for replica in shards.replicas:
            replica.eval()  # without dropout, which differs between shards
        model.reply.weight.data[:] = 0.1
        with shards.running():
            loss = shards.backward(examples, y, rows, deep_weight=0.5)
        gradients.append((loss, {name: p.grad for name, p in model.named_parameters()}))
    for loss, found in gradients[1:]:
        assert loss == pytest.approx(gradients[0][0], rel=1e-6)
        for name, grad in gradients[0][1].items():
            if grad is None:
                assert found[name] is None
            else:
                np.testing.assert_allclose(found[name], grad, rtol=1e-3, atol=2e-6, err_msg=name)


def test_the_deep_path_alone_is_a_second_loss_with_its_weight() -> None:
    examples, y = make_examples(30, 1)
    model = make_model().eval()
    model.wide.bias.data[:] = 1.0  # no part of the second loss
    batch = examples.tokens.pad()
    reply, root = model.training_loss(batch, examples.features, y, deep_weight=0.5)
    alone = (
        model.alone.bias.data[0] + model._at_score(model.embed(batch), batch.lengths).data @ model.alone.weight.data[0]
    )
    assert reply.item() == pytest.approx(log_loss(y, model.reply_logits(batch, examples.features).data), rel=1e-5)
    assert root.item() == pytest.approx(reply.item() + 0.5 * log_loss(y, alone), rel=1e-5)
    assert model.training_loss(batch, examples.features, y, deep_weight=0.0)[1].item() == reply.item()


def test_a_lead_that_would_end_at_a_token_is_a_loss_of_the_deep_path_there() -> None:
    examples, y = make_examples(30, 1)
    model = make_model().eval()
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(len(examples.tokens.ids)) < 0.4, rng.integers(0, 2, len(examples.tokens.ids)), np.nan)
    batch = examples.tokens.pad()
    without, weights = model.training_loss(batch, examples.features, y, deep_weight=0.5), {"deep_weight": 0.5}
    reply, root = model.training_loss(
        batch, examples.features, y, **weights, prefix_labels=labels.astype(np.float32), prefix_weight=2.0
    )
    known = np.isfinite(labels)
    shorter = [examples.tokens.take(np.array([lead])) for lead in examples.tokens.lead[known]]
    places = examples.tokens.positions[known]
    logits = []
    for one, place in zip(shorter, places, strict=True):  # each as a lead of its own, which ends there
        cut = Tokens(
            one.ids[: place + 1], one.values[: place + 1], one.ages[: place + 1], np.array([0, place + 1]), one.dropped
        )
        hidden = model._at_score(model.embed(cut.pad()), cut.lengths).data[0]
        logits.append(model.alone.bias.data[0] + hidden @ model.alone.weight.data[0])
    assert reply.item() == pytest.approx(without[0].item(), rel=1e-5)
    expected = without[1].item() + 2 * log_loss(labels[known], np.array(logits))
    assert root.item() == pytest.approx(expected, rel=1e-4) and known.sum() > 30
    nobody = np.full(len(labels), np.nan, np.float32)
    assert model.training_loss(batch, examples.features, y, **weights, prefix_labels=nobody)[1].item() == pytest.approx(
        without[1].item(), rel=1e-6
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_labels_of_prefixes_reach_training(threads: int) -> None:
    examples, y = make_examples(100, 1)
    settings = SETTINGS.model_copy(update={"threads": threads})
    labels = np.where(examples.tokens.ids == 5, 1, np.nan).astype(np.float32)  # a lead that ends at a 5 replies
    found = []
    for known in (None, labels, 1 - labels):
        model = make_model()
        fit(model, Examples(examples.tokens, examples.features, known), y, settings, seed=5)
        cut = Tokens(np.array([5], np.int32), *np.array([[0], [1]], np.float32), np.array([0, 1]), np.zeros(1, int))
        hidden = model.eval()._at_score(model.embed(cut.pad()), cut.lengths)
        found.append(float(model.alone(hidden).data[0, 0]))
    assert found[1] > found[0] > found[2] and found[1] - found[2] > 1


def test_the_same_seed_and_threads_give_the_same_bits() -> None:
    train, stop = make_examples(100, 1), make_examples(40, 3)
    first, second = make_model(), make_model()
    fit(first, *train, SETTINGS, stop=stop, seed=5)
    fit(second, *train, SETTINGS, stop=stop, seed=5)
    assert all(
        a.tobytes() == b.tobytes()
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def test_a_refit_ends_after_its_share_of_the_schedule() -> None:
    train, y = make_examples(160, 1)  # 10 batches an epoch, 30 in all
    straight = make_model()
    fit(straight, train, y, SETTINGS, seed=5)
    done: list[int] = []
    part = make_model()
    history = fit(part, train, y, SETTINGS, seed=5, share=0.5, progress=lambda _what, steps, _total: done.append(steps))
    assert max(done) == 15 and not history.rows
    assert any(
        a.tobytes() != b.tobytes()
        for a, b in zip(straight.state_dict().values(), part.state_dict().values(), strict=True)
    )
