"""LogisticBaseline against scikit-learn, and the properties that make it a fair yardstick."""

import json

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tinyscout.metrics import log_loss, probability
from tinyscout.models.baseline import LogisticBaseline


def leads(n: int = 600, seed: int = 0) -> tuple[sparse.csr_matrix, np.ndarray]:
    """One-hot groups (collinear), counts, a number far from 0, an empty and a constant column."""
    rng = np.random.default_rng(seed)
    persona, kind = np.eye(4)[rng.integers(0, 4, n)], np.eye(3)[rng.integers(0, 3, n)]
    counts = np.log1p(rng.poisson(0.5, (n, 6)))
    size = 1_000 + rng.normal(size=(n, 1))
    X = np.hstack([persona, kind, counts, size, np.zeros((n, 1)), np.full((n, 1), 3.7)])
    logit = X[:, :13] @ rng.normal(size=13) + (size[:, 0] - 1_000) - 1
    return sparse.csr_matrix(X), (rng.random(n) < probability(logit)).astype(float)


@pytest.mark.parametrize("l2", [0.1, 1.0, 30.0])
def test_coefficients_equal_scikit_learn_on_standardised_columns(l2):
    X, y = leads()
    model = LogisticBaseline(l2).fit(X, y)
    Z = StandardScaler().fit_transform(X.toarray())
    oracle = LogisticRegression(C=1 / l2, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(Z, y)
    np.testing.assert_allclose(model.coef_, oracle.coef_[0], atol=1e-6)
    assert model.intercept_ == pytest.approx(oracle.intercept_[0], abs=1e-6)
    np.testing.assert_allclose(model.decision_function(X), oracle.decision_function(Z), atol=1e-5)


def test_weights_equal_scikit_learn():
    X, y = leads()
    weight = np.random.default_rng(1).choice([0.0, 1.0, 4.0, 20.0], len(y))
    model = LogisticBaseline(2.0).fit(X, y, weight)
    Z = StandardScaler().fit(X.toarray(), sample_weight=weight).transform(X.toarray())
    oracle = LogisticRegression(C=0.5, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(Z, y, weight)
    np.testing.assert_allclose(model.coef_, oracle.coef_[0], atol=1e-5)


def test_a_row_of_weight_two_is_that_row_twice_and_of_weight_zero_none():
    X, y = leads()
    weight = np.random.default_rng(1).integers(0, 4, len(y))
    repeated = np.repeat(np.arange(len(y)), weight)
    weighted, copied = LogisticBaseline().fit(X, y, weight), LogisticBaseline().fit(X[repeated], y[repeated])
    np.testing.assert_allclose(weighted.raw_coef, copied.raw_coef, atol=1e-6)
    np.testing.assert_allclose(weighted.decision_function(X), copied.decision_function(X), atol=1e-5)


def test_sparse_dense_and_unsummed_input_are_one():
    X, y = leads()
    logit = LogisticBaseline().fit(X, y).decision_function(X)
    model = LogisticBaseline().fit(X.toarray(), y)
    np.testing.assert_allclose(model.decision_function(X.toarray().astype(np.float32)), logit, atol=1e-3)
    halves = sparse.csr_matrix((np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), X.indptr * 2), X.shape)
    before = halves.data.copy()
    np.testing.assert_allclose(LogisticBaseline().fit(halves, y).decision_function(X), logit, atol=1e-9)
    np.testing.assert_array_equal(halves.data, before)


def test_raw_coefficients_give_the_same_logits():
    X, y = leads()
    model = LogisticBaseline().fit(X, y)
    standardised = (X.toarray() - model.mean_) / model.scale_
    np.testing.assert_allclose(model.decision_function(X), standardised @ model.coef_ + model.intercept_, atol=1e-9)
    np.testing.assert_allclose(model.decision_function(X), X @ model.raw_coef + model.raw_intercept, atol=1e-12)


def test_units_and_origin_of_a_feature_do_not_matter():
    X, y = leads()
    moved = X.toarray() * np.linspace(0.01, 100, X.shape[1]) + np.linspace(-5, 5, X.shape[1])
    logit = LogisticBaseline().fit(moved, y).decision_function(moved)
    np.testing.assert_allclose(logit, LogisticBaseline().fit(X, y).decision_function(X), atol=1e-5)


def test_a_column_without_spread_gets_scale_one_and_no_coefficient():
    X, y = leads()
    model = LogisticBaseline().fit(X, y)
    np.testing.assert_array_equal(model.scale_[-2:], [1, 1])
    np.testing.assert_allclose(model.coef_[-2:], 0, atol=1e-9)


def test_mean_probability_is_the_base_rate():
    X, y = leads()
    for l2 in (1.0, 1e6):
        assert probability(LogisticBaseline(l2).fit(X, y).decision_function(X)).mean() == pytest.approx(y.mean())


def test_fit_best_takes_the_least_validation_loss():
    X, y = leads(300)
    X_valid, y_valid = leads(200, seed=7)
    grid = (0.3, 300.0, 10.0)
    model = LogisticBaseline.fit_best(X, y, X_valid, y_valid, grid)
    losses = {}
    for l2 in grid:
        alone = LogisticBaseline(l2).fit(X, y)
        losses[l2] = log_loss(y_valid, alone.decision_function(X_valid))
        assert model.validation_[l2] == pytest.approx(losses[l2], abs=1e-7)
    assert model.l2 == min(losses, key=losses.get)
    np.testing.assert_allclose(model.coef_, LogisticBaseline(model.l2).fit(X, y).coef_, atol=1e-5)


def test_fit_best_refits_on_both_slices_when_asked():
    X, y = leads(300)
    X_valid, y_valid = leads(200, seed=7)
    weight, valid_weight = np.full(300, 2.0), np.full(200, 0.5)
    model = LogisticBaseline.fit_best(
        X, y, X_valid, y_valid, (3.0,), sample_weight=weight, valid_weight=valid_weight, refit=True
    )
    both = LogisticBaseline(3.0).fit(
        sparse.vstack([X, X_valid]), np.append(y, y_valid), np.append(weight, valid_weight)
    )
    np.testing.assert_allclose(model.coef_, both.coef_, atol=1e-7)
    assert list(model.validation_) == [3.0]


def test_validation_weights_decide():
    X, y = leads(300)
    X_valid, y_valid = sparse.vstack([X, X], format="csr"), np.append(y, 1 - y)  # the second half contradicts
    trusting, doubting = np.repeat([1.0, 0.0], 300), np.repeat([1.0, 1.5], 300)
    grid = (0.1, 1e5)
    assert LogisticBaseline.fit_best(X, y, X_valid, y_valid, grid, valid_weight=trusting).l2 == 0.1
    assert LogisticBaseline.fit_best(X, y, X_valid, y_valid, grid, valid_weight=doubting).l2 == 1e5


def test_state_keeps_the_bits_through_json():
    X, y = leads()
    model = LogisticBaseline.fit_best(X, y, X, y, (1.0, 10.0))
    again = LogisticBaseline.from_state(json.loads(json.dumps(model.to_state())))
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))
    np.testing.assert_array_equal(again.coef_, model.coef_)
    assert (again.l2, again.validation_) == (model.l2, model.validation_)


def test_what_makes_no_sense_is_refused_in_one_line():
    X, y = leads(50)
    for l2 in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="needs a finite number above 0"):
            LogisticBaseline(l2)
    with pytest.raises(ValueError, match="no lead with label 1 among 50"):
        LogisticBaseline().fit(X, np.zeros(50))
    with pytest.raises(ValueError, match="no lead with label 0 among 50"):
        LogisticBaseline().fit(X, y, np.where(y == 0, 0.0, 1.0))
    with pytest.raises(ValueError, match="weights have shape"):
        LogisticBaseline().fit(X, y, np.full(50, -1.0))
    with pytest.raises(ValueError, match="y has 50 rows and X has 49"):
        LogisticBaseline().fit(X[:49], y)
    broken = X.copy()
    broken.data[5] = np.nan
    with pytest.raises(ValueError, match="X has 1 NaN or infinite values, the first in feature"):
        LogisticBaseline().fit(broken, y)
    with pytest.raises(ValueError, match="X has 5 features, the model was fitted to 16"):
        LogisticBaseline().fit(X, y).decision_function(X[:, :5])
    with pytest.raises(ValueError, match="grid is empty"):
        LogisticBaseline.fit_best(X, y, X, y, ())
