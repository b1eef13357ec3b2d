"""How well does an additive lead score tell who will reply, and how would we know?

A logistic regression on what every CRM can count: profile, signals by kind, how recent, which words. It is the
yardstick of all later phases. Reverse mode, which fits it and everything after it, is written out here by hand.

Needs: nothing. Leaves: tokenizer, features and baseline, and its logits on the held-out leads.
Takes: about 10 s. Reference: Baydin et al. 2018, Automatic Differentiation in Machine Learning, section 3.2.
"""

# %% Settings
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tinyscout.autograd import Tensor, ops
from tinyscout.course import open_phase
from tinyscout.course.figure import BLUE, GREY, VERMILION, label, new_figure
from tinyscout.course.train import timed
from tinyscout.metrics import log_loss, paired_bootstrap
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.features import BaselineFeatures
from tinyscout.tokenizer import SalesTokenizer, Tokens

NEEDS = ()
SECONDS = 10


@dataclass(frozen=True)
class Settings:
    merges: int
    snapshot_days: tuple[int, ...]
    snapshot_penalty: float
    descent_steps: int


run = open_phase(__file__, Settings)
settings = run.settings

# %% The leads, and what can be counted of them. How a lead becomes tokens is phase 01; here it is a black box.
tables, rows = run.leads()
y, train, stop, test = rows.y, rows.train, rows.stop, rows.test
print(f"{len(y):,} contacts: {len(train):,} to train on, {len(stop):,} later ones to choose by, {len(test):,} held out")
tokenizer = SalesTokenizer.fit(tables.take(train), merges=settings.merges)
tokens = tokenizer.encode(tables)
features = BaselineFeatures.fit(tokens.take(train), tokenizer.vocabulary)
X = features.transform(tokens)  # (N, F) sparse
n_features = len(features.names)
print(f"features of a lead: {n_features}, of which {X.getnnz() / len(y):.0f} aren't zero on average\n")


# %% By hand: reverse mode. A value remembers what it was made from and how to send a gradient there.
class Value:
    def __init__(self, data, inputs=(), backward=None):
        self.data, self.inputs, self.backward, self.grad = data, inputs, backward, 0.0


def weigh(matrix, w):  # (N, F) @ (F,) -> (N,)
    return Value(matrix @ w.data, (w,), lambda dy: [matrix.T @ dy])


def add(a, b):  # a (N,) or (), b () is stretched over a: its gradient is summed
    return Value(a.data + b.data, (a, b), lambda dy: [dy, np.sum(dy)])


def mean_loss(logit, y):  # -log p of what happened, averaged: (N,) -> ()
    p = 1 / (1 + np.exp(-logit.data))
    loss = np.mean(np.logaddexp(0, logit.data) - y * logit.data)
    return Value(loss, (logit,), lambda dy: [dy * (p - y) / len(y)])


def penalty(w, strength):  # (F,) -> ()
    return Value(strength / 2 * w.data @ w.data, (w,), lambda dy: [dy * strength * w.data])


def reverse(loss, accumulate=True):
    order, seen = [], set()

    def visit(value):  # inputs first, so that reversed(order) meets a value after everything made from it
        if value not in seen:
            seen.add(value)
            for made_from in value.inputs:
                visit(made_from)
            order.append(value)

    visit(loss)
    loss.grad = 1.0
    for value in reversed(order):
        if value.inputs:
            for made_from, gradient in zip(value.inputs, value.backward(value.grad), strict=True):
                made_from.grad = made_from.grad + gradient if accumulate else gradient


def gradient_by_hand(w, b, strength, accumulate=True):
    """Loss and gradient (F + 1,) of the penalised baseline; w (F,) is used twice, by the penalty and by the loss."""
    w, b = Value(w), Value(b)
    loss = add(penalty(w, strength), mean_loss(add(weigh(scaled, w), b), y[train]))
    reverse(loss, accumulate)
    return loss.data, np.append(w.grad, b.grad)


def gradient_by_engine(w, b, strength):
    w, b = Tensor(w, requires_grad=True), Tensor(np.float64(b), requires_grad=True)
    loss = ops.bce_with_logits(ops.csr_matmul(w, matrix=scaled) + b, targets=y[train]) + (w * w).sum() * (strength / 2)
    loss.backward()
    return loss.item(), np.append(np.asarray(w.grad), np.asarray(b.grad))


spread = np.sqrt(np.maximum(X[train].power(2).mean(axis=0) - np.square(X[train].mean(axis=0)), 0)).A1
scaled = (X[train] @ sparse.diags(1 / np.where(spread > 0, spread, 1))).tocsr()  # columns of like spread
rng = np.random.default_rng(run.seed)
somewhere = rng.normal(0, 0.1, n_features)
by_hand, by_engine = gradient_by_hand(somewhere, -1.0, 0.1), gradient_by_engine(somewhere, -1.0, 0.1)
np.testing.assert_allclose(np.append(*by_hand), np.append(*by_engine), rtol=1e-9, atol=1e-12)
print(f"reverse mode by hand agrees with the engine: largest difference {np.abs(by_hand[1] - by_engine[1]).max():.1e}")


# %% Break it: overwrite a gradient where it should add up. w feeds the loss and the penalty: the loss's part is lost.
def descend(accumulate):
    """Training loss after each step of plain gradient descent."""
    at, losses = np.zeros(n_features + 1), []
    for _ in range(settings.descent_steps):
        loss, gradient = gradient_by_hand(at[:-1], at[-1], 1e-3, accumulate)
        losses.append(loss)
        at -= 0.2 * gradient
    return np.array(losses)


added, overwritten = descend(True), descend(False)
wrong = gradient_by_hand(somewhere, -1.0, 0.1, accumulate=False)[1]
off = np.linalg.norm(wrong - by_hand[1]) / np.linalg.norm(by_hand[1])
print(f"gradients overwritten are {off:.0%} off; descent ends at {overwritten[-1]:.3f} instead of {added[-1]:.3f}\n")

# %% The baseline itself: the same gradients under L-BFGS, the penalty chosen on the latest training leads.
baseline = LogisticBaseline.fit_best(X[train], y[train], X[stop], y[stop])
held_out = tokens.take(test)
test_logits, ms_per_lead = timed(lambda: baseline.decision_function(features.transform(held_out)))


# %% Break it again: export every lead three times, as CRM snapshots do, and split the rows at random.
def as_of(tokens, days):
    """The same leads as they stood some days before their contact: later signals gone, the others younger."""
    known = ~(tokens.ages < 24 * days)
    offsets = np.append(0, np.cumsum(np.bincount(tokens.lead[known], minlength=len(tokens))))
    ages = (tokens.ages[known] - 24 * days).astype(np.float32)
    return Tokens(tokens.ids[known], tokens.values[known], ages, offsets, tokens.dropped)


def judged_on_test(fitted_to):
    """Logits of the held-out leads at contact, by a model fitted to these snapshots."""
    model = LogisticBaseline(settings.snapshot_penalty)
    return model.fit(snapshots[fitted_to], y_snapshots[fitted_to]).decision_function(X[test])


snapshots = sparse.csr_matrix(sparse.vstack([features.transform(as_of(tokens, d)) for d in settings.snapshot_days]))
lead = np.tile(np.arange(len(y)), len(settings.snapshot_days))
y_snapshots, past = y[lead], np.flatnonzero(np.isin(lead, np.concatenate([train, stop])))
anything = np.flatnonzero(~np.isnan(y_snapshots) & ~((np.arange(len(lead)) < len(y)) & np.isin(lead, test)))
random = rng.choice(anything, size=len(past), replace=False)  # may hold other snapshots of the leads judged on
promised, delivered = judged_on_test(random), judged_on_test(past)
flattery = paired_bootstrap(y[test], promised, delivered, seed=run.seed)["log_loss"]
promise, delivery = log_loss(y[test], promised), log_loss(y[test], delivered)
print(f"fitted to snapshots split at random, a model promises log loss {promise:.4f}; fitted to as many of earlier")
print(f"leads it costs {delivery:.4f} (promise minus cost, 95 % interval: {flattery.low:+.4f} to {flattery.high:+.4f})")

# %% Measure. Credit waste: of the leads scored highest, as many as there are repliers, the share that doesn't reply
base_rate = np.full(len(test), np.log(y[train].mean() / (1 - y[train].mean())))
judged = run.table(y[test], test_logits, ms_per_lead, also={"base rate": base_rate})
row, constant = judged.rows[run.phase.label], judged.rows["base rate"]

# %% Hand over
says = "flatters" if flattery.high < 0 else "does not clearly flatter"
title = f"A random split of snapshots {says}: {promise:.4f} promised, {delivery:.4f} on later leads"
figure, (left, right) = new_figure(title, panels=2)
for name, losses, color in (("gradients added up", added, BLUE), ("gradient overwritten", overwritten, VERMILION)):
    left.plot(losses, color=color)
    label(left, name, len(losses), losses[-1], color, ha="right", above=9)
left.set(xlabel="step of gradient descent", ylabel="training loss with penalty (nats a lead)")
shown = (("base rate", constant["log_loss"], GREY), ("random", promise, VERMILION), ("by time", delivery, BLUE))
for i, (name, loss, color) in enumerate(shown):
    right.plot(loss, i, "o", color=color)
    label(right, f"{name}: {loss:.4f}", loss, i, color, ha="center", above=12)
right.set(xlabel="log loss on the same later leads (nats a lead)", yticks=[], ylim=(-0.5, 2.5))
right.margins(x=0.25)

run.hand_over(
    role="baseline",
    figure=figure,
    arrays={"test_logits": test_logits, **vars(rows)},
    state={"tokenizer": tokenizer.to_state(), "features": features.to_state(), "baseline": baseline.to_state()},
    judged=judged,
    findings={"overwritten": overwritten[-1], "added": added[-1], "promised": promise, "delivered": delivery},
    measured=f"log loss {row['log_loss']:.4f} against {constant['log_loss']:.4f} of the base rate, ROC AUC "
    f"{row['roc_auc']:.3f}; a random split of snapshots promises {promise:.4f} and later leads cost {delivery:.4f}",
    so_what="all later numbers are on leads contacted once the last training label was known; no lead is on both sides",
    try_this="set snapshot_penalty to 1 in a copy of configs/phases.toml and pass it with --config: who gains?",
)
