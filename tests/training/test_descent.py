"""Descent: rates of its schedule, gradients cleared and clipped, progress told, what isn't finite refused."""

import numpy as np
import pytest

from tinyscout.errors import InputError
from tinyscout.models.lead_scout import LeadScout, LeadScoutConfig
from tinyscout.optim import warmup_cosine
from tinyscout.training.descent import Descent
from tinyscout.training.instruct import LanguageSettings

SCHEDULE = LanguageSettings(learning_rate=0.01, final_rate=0.5, warmup=0.4, clip=1.0)


def make_model() -> LeadScout:
    config = LeadScoutConfig(40, 10, (), 1, width=16, depth=1, heads=1, max_tokens=16, dropout=0.0)
    return LeadScout(config, rng=np.random.default_rng(0))


def gradients(model: LeadScout, size: float) -> None:
    for _, parameter in model.named_parameters():
        parameter.grad = np.full_like(parameter.data, size)


def test_rates_are_those_of_the_schedule_and_gradients_are_cleared() -> None:
    model, told = make_model(), []
    descent = Descent(model, SCHEDULE, 5, doing="learning", progress=lambda *what: told.append(what))
    rates = []
    for _ in range(5):
        gradients(model, 1e-4)
        descent.step(1.0)
        rates.append(descent.optimizer.lr)
        assert all(parameter.grad is None for _, parameter in model.named_parameters())
    assert rates == [warmup_cosine(i, warmup=2, total=5, peak=0.01, floor=0.5) for i in range(5)]
    assert told == [("learning", i, 5) for i in range(1, 6)]


@pytest.mark.parametrize(("size", "loss"), [(np.nan, None), (np.inf, 1.0), (1.0, np.nan), (1.0, np.inf)])
def test_what_is_not_finite_moves_nothing_and_is_one_line(size: float, loss: float | None) -> None:
    model = make_model()
    before = model.state_dict()
    descent = Descent(model, SCHEDULE, 5, doing="learning", remedy=" or raise beta (0.1)")
    gradients(model, size)
    with np.errstate(all="ignore"), pytest.raises(InputError) as caught:
        descent.step(loss)
    said = "learning, step 1: the loss or a gradient is not finite; lower learning_rate (0.01) or raise beta (0.1)"
    assert str(caught.value) == said
    assert all((before[name] == after).all() for name, after in model.state_dict().items())
