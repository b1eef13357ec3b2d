"""The world is as hard as real lead data: the bounds of DESIGN.md, section 4, on natural leads held out by time."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from tinyscout.leads import world
from tinyscout.leads.splits import latest_slices, time_split
from tinyscout.metrics import log_loss, roc_auc
from tinyscout.models.baseline import YARDSTICK_MIN_SCALE, LogisticBaseline
from tinyscout.models.features import BaselineFeatures
from tinyscout.tokenizer import SalesTokenizer


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


@pytest.fixture(scope="module")
def figures() -> dict[str, float]:
    """Base rate, logistic AUC and the log losses on the latest 30 % of 32,000 leads."""
    made = world.make_world(32_000, 41)
    tables = made.tables
    split = time_split(tables, holdout=0.3)
    fit, valid = latest_slices(tables, split.train, [0.15])
    y = {"fit": tables.labels[fit], "valid": tables.labels[valid], "test": tables.labels[split.test]}
    tokenizer = SalesTokenizer.fit(tables.take(fit))
    tokens = {name: tokenizer.encode(tables.take(rows)) for name, rows in zip(y, (fit, valid, split.test), strict=True)}
    features = BaselineFeatures.fit(tokens["fit"], tokenizer.vocabulary)
    X = {name: features.transform(tokens[name]) for name in y}

    logistic = LogisticBaseline.fit_best(
        X["fit"], y["fit"], X["valid"], y["valid"], grid=(300.0, 30.0, 3.0), min_scale=YARDSTICK_MIN_SCALE, refit=True
    ).decision_function(X["test"])
    dense = {name: matrix.toarray().astype(np.float32) for name, matrix in X.items()}
    trees = HistGradientBoostingClassifier(
        learning_rate=0.07, max_leaf_nodes=8, l2_regularization=10, max_iter=250, max_bins=127, early_stopping=True,
        n_iter_no_change=12, random_state=0,
    )  # fmt: skip
    trees.fit(dense["fit"], y["fit"], X_val=dense["valid"], y_val=y["valid"])
    boosted = logit(trees.predict_proba(dense["test"])[:, 1])
    oracle = logit(made.truth["reply_probability"].to_numpy()[split.test])
    return {
        "base rate": y["test"].mean(),
        "auc": roc_auc(y["test"], logistic),
        "constant": log_loss(y["test"], np.full(len(split.test), logit(y["fit"].mean()))),
        "logistic": log_loss(y["test"], logistic),
        "trees": log_loss(y["test"], boosted),
        "oracle": log_loss(y["test"], oracle),
    }


def test_base_rate(figures):
    assert 0.03 <= figures["base rate"] <= 0.09


def test_logistic_auc(figures):
    assert 0.65 <= figures["auc"] <= 0.85


def test_trees_gain_no_more_than_on_real_data(figures):
    assert figures["logistic"] < figures["constant"]
    assert -0.02 <= 1 - figures["trees"] / figures["logistic"] <= 0.20


def test_there_is_room_for_a_reader_of_timelines(figures):
    assert figures["oracle"] < 0.8 * min(figures["trees"], figures["logistic"])


@pytest.mark.parametrize("seed", [51, 52, 53])
def test_base_rate_of_other_seeds(seed):
    truth = world.make_world(12_000, seed).truth
    assert 0.03 <= truth["reply_probability"].mean() <= 0.09


def test_most_leads_are_cold_and_few_are_certain():
    chance = world.make_world(12_000, 54).truth["reply_probability"]
    assert chance.between(0.005, 0.15).mean() > 0.75
    assert 0.02 < (chance > 0.85).mean() < 0.08
    assert chance.between(0.15, 0.85).mean() < 0.12
