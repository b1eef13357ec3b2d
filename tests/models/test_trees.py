"""BoostedTrees: the search does what it says, checked against scikit-learn called directly."""

import json

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from tinyscout.metrics import log_loss, probability, roc_auc
from tinyscout.models import trees
from tinyscout.models.trees import BoostedTrees, TreeSettings, draw


def leads(n: int, seed: int) -> tuple[dict[str, sparse.csr_matrix], np.ndarray]:
    """Two kinds of features of the same leads: of both inputs to an exclusive or, or of noise."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 2, n), rng.integers(0, 2, n)
    y = (rng.random(n) < probability(np.where(first ^ second, 1.5, -1.5))).astype(float)
    rare = np.zeros((n, 2))
    rare[:3] = 1  # too rare to split on
    useful = np.column_stack([first, second, rng.normal(size=n), np.full(n, 4.2), rare])
    return {"noise": sparse.csr_matrix(rng.normal(size=(n, 3))), "useful": sparse.csr_matrix(useful)}, y


SEED = 10  # a search whose second round turns the order of the first
SPLITTABLE = slice(0, 3)  # of both kinds: the other columns are constant or too rare


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Leads as few as these only make OpenMP's threads wait for each other."""
    with threadpool_limits(1, user_api="openmp"):
        yield


@pytest.fixture(scope="module")
def data():
    return *leads(600, 0), *leads(300, 1)


@pytest.fixture(scope="module")
def fitted(data):
    return BoostedTrees(trials=6, seed=SEED).fit(*data)


def direct(settings: TreeSettings, seed: int = SEED, **options) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=settings.learning_rate,
        max_leaf_nodes=settings.max_leaf_nodes,
        min_samples_leaf=settings.min_samples_leaf,
        l2_regularization=settings.l2_regularization,
        max_features=settings.max_features,
        random_state=seed,
        **options,
    )


def test_it_finds_what_an_additive_score_cannot(data, fitted):
    features, y = leads(500, 2)
    assert fitted.best_.settings.features == "useful"
    assert roc_auc(y, fitted.decision_function(features)) > 0.75


def test_candidates_start_with_the_defaults_of_each_kind():
    found = draw(["baseline", "careful"], 20, seed=0)
    assert found[:2] == [TreeSettings("baseline"), TreeSettings("careful")]
    assert [each.features for each in found] == ["baseline", "careful"] * 10
    assert len(set(found)) > 15
    assert found == draw(["baseline", "careful"], 20, seed=0) != draw(["baseline", "careful"], 20, seed=1)
    assert draw(["baseline"], 1, seed=0) == [TreeSettings("baseline")]
    defaults = HistGradientBoostingClassifier().get_params()
    assert all(defaults[name] == value for name, value in TreeSettings("").__dict__.items() if name != "features")


def test_least_validation_loss_of_the_best_of_round_one_wins(fitted):
    assert len(fitted.trials_) == 6 and len(fitted.finalists_) == trees.FINALISTS
    kept = sorted(fitted.trials_, key=lambda trial: trial.log_loss)[: trees.FINALISTS]
    assert {trial.settings for trial in fitted.finalists_} == {trial.settings for trial in kept}
    assert fitted.best_.log_loss == min(trial.log_loss for trial in fitted.finalists_)
    assert fitted.best_.settings != kept[0].settings


def test_a_finalist_equals_scikit_learn_stopped_on_the_latest_training_leads(data, fitted):
    features, y, valid, y_valid = data
    for trial in fitted.finalists_:
        X, X_valid = (each[trial.settings.features].toarray()[:, SPLITTABLE] for each in (features, valid))
        oracle = direct(trial.settings, max_iter=600, early_stopping=True, n_iter_no_change=10)
        oracle.fit(X[:510], y[:510], X_val=X[510:], y_val=y[510:])
        stages = [log_loss(y[510:], stage.ravel()) for stage in oracle.staged_decision_function(X[510:])]
        assert trial.trees == np.argmin(stages) + 1
        logit = list(oracle.staged_decision_function(X_valid))[trial.trees - 1].ravel()
        assert trial.log_loss == pytest.approx(log_loss(y_valid, logit), abs=1e-12)


@pytest.mark.parametrize(("seed", "members"), [(SEED, 1), (11, 2)], ids=["best alone", "mean"])
def test_best_or_mean_is_handed_over_after_a_refit_to_all_leads(data, seed, members):
    features, y, valid, y_valid = data
    found = BoostedTrees(trials=6, seed=seed).fit(*data)
    stopped, refitted = [], []
    for trial in found.finalists_:
        X, X_valid = (each[trial.settings.features].toarray()[:, SPLITTABLE] for each in (features, valid))
        oracle = direct(trial.settings, seed, max_iter=trial.trees, early_stopping=False).fit(X[:510], y[:510])
        stopped.append(oracle.decision_function(X_valid))
        oracle = direct(trial.settings, seed, max_iter=trial.trees, early_stopping=False)
        oracle.fit(np.vstack([X, X_valid]), np.append(y, y_valid))
        refitted.append(oracle.decision_function(X_valid))
    mean_is_better = log_loss(y_valid, np.mean(stopped, axis=0)) < log_loss(y_valid, stopped[0])
    assert mean_is_better == (members == 2), "choose another seed: this one doesn't show the case"
    assert found.members_ == found.finalists_[:members]
    np.testing.assert_allclose(found.decision_function(valid), np.mean(refitted[:members], axis=0))


def test_round_one_takes_a_share_of_both_labels_and_large_steps(data, monkeypatch):
    seen = []
    fit = HistGradientBoostingClassifier.fit

    def spy(self, X, y, *args, **kwargs):
        seen.append((self.learning_rate, len(y), y.mean()))
        return fit(self, X, y, *args, **kwargs)

    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", spy)
    monkeypatch.setattr(trees, "FIRST_ROUND_LEADS", 200)
    monkeypatch.setattr(trees, "FINALISTS", 1)
    features, y, valid, y_valid = data
    found = BoostedTrees(trials=3, seed=SEED).fit(features, y, valid, y_valid)
    assert [rate for rate, _, _ in seen] == [0.3] * 3 + [found.best_.settings.learning_rate] * 2
    assert [count for _, count, _ in seen[3:]] == [510, 900]
    for _, count, rate in seen[:3]:
        assert 200 <= count <= 202
        assert rate == pytest.approx(y[:510].mean(), abs=0.01)


def test_seed_decides_and_sparse_or_dense_does_not(data, fitted):
    features, y, valid, y_valid = data
    again = BoostedTrees(trials=6, seed=SEED).fit(features, y, valid, y_valid)
    np.testing.assert_array_equal(again.decision_function(valid), fitted.decision_function(valid))
    assert again.to_dict() == fitted.to_dict()
    dense, dense_valid = ({kind: X.toarray() for kind, X in each.items()} for each in (features, valid))
    from_dense = BoostedTrees(trials=6, seed=SEED).fit(dense, y, dense_valid, y_valid)
    np.testing.assert_array_equal(from_dense.decision_function(dense_valid), fitted.decision_function(valid))


def test_weights_reach_fit_stop_and_judgement(data):
    features, y, valid, y_valid = data
    rng = np.random.default_rng(0)
    weight, valid_weight = rng.choice([1.0, 4.0, 20.0], 600), rng.choice([1.0, 4.0], 300)
    found = BoostedTrees(trials=2, seed=SEED).fit(
        features, y, valid, y_valid, sample_weight=weight, valid_weight=valid_weight
    )
    trial = found.best_
    X, X_valid = features["useful"].toarray(), valid["useful"].toarray()  # all columns: leaving some out loses nothing
    assert trial.settings == TreeSettings("useful")
    oracle = direct(trial.settings, max_iter=600, early_stopping=True, n_iter_no_change=10)
    oracle.fit(X[:510], y[:510], weight[:510], X_val=X[510:], y_val=y[510:], sample_weight_val=weight[510:])
    assert trial.trees == max(1, np.argmax(oracle.validation_score_))
    logit = list(oracle.staged_decision_function(X_valid))[trial.trees - 1].ravel()
    losses = [log_loss(y_valid[[row]], logit[[row]]) for row in range(300)]
    assert trial.log_loss == pytest.approx(np.average(losses, weights=valid_weight))
    refit = direct(trial.settings, max_iter=trial.trees, early_stopping=False)
    refit.fit(np.vstack([X, X_valid]), np.append(y, y_valid), np.append(weight, valid_weight))
    assert found.members_ == [trial]
    np.testing.assert_allclose(found.decision_function(valid), refit.decision_function(X_valid))


def test_what_is_not_fitted_again_knows_nothing_of_the_validation_leads(data):
    features, y, valid, y_valid = data
    found, other = (
        BoostedTrees(trials=2, seed=SEED).fit(features, y, valid, labels, refit=False)
        for labels in (y_valid, np.where(np.arange(300) < 4, 1 - y_valid, y_valid))
    )
    trial = found.best_
    assert found.members_ == [trial] and [each.settings for each in other.members_] == [trial.settings]
    oracle = direct(trial.settings, max_iter=600, early_stopping=True, n_iter_no_change=10)
    X, X_valid = features["useful"].toarray(), valid["useful"].toarray()
    oracle.fit(X[:510], y[:510], X_val=X[510:], y_val=y[510:])
    logits = list(oracle.staged_decision_function(X_valid))
    assert trial.trees < len(logits)  # those grown in vain are left out
    np.testing.assert_allclose(found.decision_function(valid), logits[trial.trees - 1].ravel())
    np.testing.assert_array_equal(found.decision_function(valid), other.decision_function(valid))


@pytest.mark.parametrize(("trials", "fits"), [(5, 8), (1, 3)])
def test_progress_counts_every_fit(data, trials, fits):
    features, y, valid, y_valid = data
    calls = []
    BoostedTrees(trials=trials).fit(features, y, valid, y_valid, progress=lambda *call: calls.append(call))
    assert calls == [("boosted trees", step, fits) for step in range(fits + 1)]


def test_prediction_in_blocks_is_the_same(data, fitted, monkeypatch):
    whole = fitted.decision_function(data[2])
    monkeypatch.setattr(trees, "_BLOCK", 7)
    np.testing.assert_array_equal(fitted.decision_function(data[2]), whole)
    assert fitted.decision_function({"useful": data[2]["useful"][:0]}).shape == (0,)


def test_record_survives_json(fitted):
    found = json.loads(json.dumps(fitted.to_dict()))
    assert found == fitted.to_dict()
    assert set(found) == {"seed", "best", "averaged", "finalists", "trials"}
    assert found["best"]["features"] == "useful" and found["best"]["trees"] >= 1


def test_what_makes_no_sense_is_refused_in_one_line(data):
    features, y, valid, y_valid = data
    with pytest.raises(ValueError, match="trials is 0"):
        BoostedTrees(trials=0)
    with pytest.raises(ValueError, match=r"training has features \['noise', 'useful'\], validation \['noise'\]"):
        BoostedTrees().fit(features, y, {"noise": valid["noise"]}, y_valid)
    with pytest.raises(ValueError, match="0 of the earliest 510 training leads replied; needs both kinds"):
        BoostedTrees().fit(features, np.where(np.arange(600) < 510, 0, y), valid, y_valid)
    with pytest.raises(ValueError, match="y has 1 NaN among 600 labels"):
        BoostedTrees().fit(features, np.where(np.arange(600) == 5, np.nan, y), valid, y_valid)
