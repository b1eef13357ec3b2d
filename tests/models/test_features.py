import json
import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from tinyscout.models.careful import CarefulFeatures
from tinyscout.models.features import BaselineFeatures
from tinyscout.tokenizer import Tokens, Vocabulary
from tinyscout.tokenizer.vocabulary import SCORE

WORDS = [bytes([97 + i]) for i in range(20)]
VOCABULARY = Vocabulary(
    WORDS,
    [
        ("persona", "category", ["persona=vp", "persona=cto", "persona=<missing>", "persona=<unseen>"]),
        ("country", "category", [f"country={i}" for i in range(9)] + ["country=<missing>", "country=<unseen>"]),
        (
            "contact_weekday",
            "weekday",
            ["contact_weekday=mon", "contact_weekday=<missing>", "contact_weekday=<unseen>"],
        ),
        ("seats", "number", ["seats", "seats=<missing>"]),
        ("note", "text", ["note=<text>", "note=<missing>"]),
    ],
    ["signal=visit", "signal=demo", "signal=open@web", "signal=<unseen>"],
)
ID = {name: i for i, name in enumerate(VOCABULARY.names)}

Lead = list[tuple[str, float, float]]  # (name, value, age)


def tokens_of(leads: list[Lead]) -> Tokens:
    flat = [token for lead in leads for token in [*lead, ("<score>", 0.0, math.nan)]]
    return Tokens(
        np.array([ID[name] for name, _, _ in flat], np.int32),
        np.array([value for _, value, _ in flat], np.float32),
        np.array([age for _, _, age in flat], np.float32),
        np.cumsum([0, *(len(lead) + 1 for lead in leads)]),
        np.zeros(len(leads), np.int32),
    )


def random_lead(rng: np.random.Generator) -> Lead:
    lead = [(f"persona={rng.choice(['vp', 'cto', '<missing>', '<unseen>'])}", 0.0, math.nan)]
    lead.append((f"country={rng.integers(9)}", 0.0, math.nan))
    lead.append(("contact_weekday=mon", 0.0, math.nan))
    known = rng.random() < 0.7
    lead.append(
        ("seats", float(np.float32(rng.uniform(-1, 1))), math.nan) if known else ("seats=<missing>", 0.0, math.nan)
    )
    lead.append(("note=<text>", 0.0, math.nan))
    lead += [(f"word '{chr(97 + rng.integers(3))}'", 0.0, math.nan) for _ in range(rng.integers(0, 4))]
    for age in np.sort(rng.uniform(0.1, 900, rng.integers(0, 6)))[::-1]:
        age = float(np.float32(age))
        lead.append((f"signal={rng.choice(['visit', 'demo', 'open@web'])}", 0.0, age))
        lead += [(f"word '{chr(97 + min(19, rng.geometric(0.3)))}'", 0.0, age) for _ in range(rng.integers(0, 4))]
    return lead


@pytest.fixture(scope="module")
def leads() -> list[Lead]:
    rng = np.random.default_rng(5)
    return [random_lead(rng) for _ in range(300)]


def baseline_by_hand(leads: list[Lead]) -> list[dict[str, float]]:
    """The features a lead at a time, straight from their definition."""
    fresh = defaultdict(list)
    having = Counter()
    for lead in leads:
        for signal, ages in ages_of(lead).items():
            fresh[signal].append(-math.log1p(min(ages)))
        having.update({name for name, _, _ in lead if name.startswith("word ")})
    mean = {signal: sum(values) / len(values) for signal, values in fresh.items()}
    common = {name for name, n in having.items() if n >= 20}
    rows = []
    for lead in leads:
        row = defaultdict(float)
        for name, value, _ in lead:
            if ID["persona=vp"] <= ID[name] <= ID["note=<missing>"]:
                row[name] = value if name == "seats" else 1.0
            if name in common:
                row[name] += 1.0
        for signal, ages in ages_of(lead).items():
            age = -math.log1p(min(ages)) - mean[signal]
            if signal == "all":
                row |= {"age of latest signal": age, "any signal": 1.0, "count of all signals": math.log1p(len(ages))}
            else:
                row |= {f"count {signal}": math.log1p(len(ages)), f"age {signal}": age}
        rows.append(dict(row))
    return rows


def ages_of(lead: Lead) -> dict[str, list[float]]:
    ages = defaultdict(list)
    for name, _, age in lead:
        if name.startswith("signal="):
            ages[name].append(age)
            ages["all"].append(age)
    return ages


def dense(rows: list[dict[str, float]], names: list[str]) -> np.ndarray:
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])


def test_baseline_equals_its_definition(leads):
    features = BaselineFeatures.fit(tokens_of(leads), VOCABULARY)
    by_hand = baseline_by_hand(leads)
    matrix = features.transform(tokens_of(leads))
    assert matrix.dtype == np.float64 and matrix.shape == (len(leads), len(features.names))
    assert len(set(features.names)) == len(features.names)
    np.testing.assert_allclose(matrix.toarray(), dense(by_hand, features.names), rtol=1e-12)
    assert {name for row in by_hand for name in row} <= set(features.names)


def test_words_need_enough_leads_and_the_commonest_come_first(monkeypatch):
    def fitted(leads_with: dict[str, int]) -> list[str]:
        held = [[(word, 0.0, math.nan) for word, n in leads_with.items() if i < n] * 2 for i in range(30)]
        return [name for name in BaselineFeatures.fit(tokens_of(held), VOCABULARY).names if name.startswith("word ")]

    leads_with = {"word 'a'": 19, "word 'b'": 20, "word 'c'": 30, "word 'd'": 25, "word 'e'": 25}
    assert fitted(leads_with) == ["word 'c'", "word 'd'", "word 'e'", "word 'b'"]
    monkeypatch.setattr("tinyscout.models.features.MAX_WORDS", 2)
    assert fitted(leads_with) == ["word 'c'", "word 'd'"]
    monkeypatch.setattr("tinyscout.models.features.MIN_SHARE_WITH_WORD", 0.9)
    assert fitted(leads_with) == ["word 'c'"]


def test_careful_equals_its_definition(leads):
    features = CarefulFeatures.fit(tokens_of(leads), VOCABULARY)
    rows = baseline_by_hand(leads)
    for lead, row in zip(leads, rows, strict=True):
        signals = [(name, age) for name, _, age in lead if name.startswith("signal=")]
        if signals:
            row[f"last {signals[-1][0]}"] = 1.0
        for name, age in signals:
            cross = f"{lead[0][0]} x {name}"
            row[cross] = row.get(cross, 0.0) + 0.5 ** (age / (7 * 24))
    names = features.names
    np.testing.assert_allclose(features.transform(tokens_of(leads)).toarray(), dense(rows, names), rtol=1e-12)
    # country has nine values and the weekday is no category: neither is crossed
    assert {name for row in rows for name in row} <= set(names)
    assert sum(" x " in name for name in names) == 4 * 3


def test_careful_keeps_the_crosses_that_most_leads_have(leads, monkeypatch):
    crosses = Counter(
        cross for lead in leads for cross in {(lead[0][0], name) for name, _, age in lead if name.startswith("signal=")}
    )
    monkeypatch.setattr("tinyscout.models.careful.MAX_CROSSES", 5)
    names = [name for name in CarefulFeatures.fit(tokens_of(leads), VOCABULARY).names if " x " in name]
    assert sorted(crosses[tuple(name.split(" x "))] for name in names) == sorted(crosses.values())[-5:]


@pytest.mark.parametrize("kind", [BaselineFeatures, CarefulFeatures])
def test_a_lead_does_not_depend_on_its_neighbours(leads, kind):
    tokens = tokens_of(leads)
    features = kind.fit(tokens, VOCABULARY)
    rows = np.array([7, 0, 7, 299])
    np.testing.assert_array_equal(
        features.transform(tokens.take(rows)).toarray(), features.transform(tokens).toarray()[rows]
    )


@pytest.mark.parametrize("kind", [BaselineFeatures, CarefulFeatures])
def test_saved_and_loaded_gives_the_same_features(leads, kind):
    features = kind.fit(tokens_of(leads[:200]), VOCABULARY)
    loaded = kind.from_state(json.loads(json.dumps(features.to_state())))
    assert loaded.names == features.names
    np.testing.assert_array_equal(
        loaded.transform(tokens_of(leads)).toarray(), features.transform(tokens_of(leads)).toarray()
    )


@pytest.mark.parametrize("kind", [BaselineFeatures, CarefulFeatures])
def test_nothing_leaves_the_training_range(leads, kind):
    training = tokens_of(leads)
    features = kind.fit(training, VOCABULARY)
    seen = features.transform(training).toarray()
    absurd = [(name, value, age) for name, value, age in leads[0] if name.startswith(("persona", "seats"))]
    absurd += [("persona=<unseen>", 0.0, math.nan)] + [("word 'a'", 0.0, math.nan)] * 500
    absurd += [("signal=visit", 0.0, 1e9)] * 500 + [("signal=demo", 0.0, 1e-9), ("signal=<unseen>", 0.0, 1.0)] * 500
    row = features.transform(tokens_of([absurd])).toarray()[0]
    assert np.isfinite(row).all()
    assert (row <= np.maximum(seen.max(axis=0), 0)).all() and (row >= np.minimum(seen.min(axis=0), 0)).all()
    at_most = features.names.index("count signal=visit")
    assert row[at_most] == seen[:, at_most].max() > 0
    assert row[features.names.index("count signal=<unseen>")] == 0  # never seen in training, so it can't count


def test_twins_have_equal_features(leads):
    """Same bag, counts and latest ages: an additive score cannot tell them apart, and the careful one only by order."""
    features = BaselineFeatures.fit(tokens_of(leads), VOCABULARY)
    profile = leads[0][:5]
    calm = [
        ("signal=open@web", 0.0, 700.0),
        ("word 'a'", 0.0, 700.0),
        ("word 'b'", 0.0, 700.0),
        ("signal=visit", 0.0, 300.0),
    ]
    late = [
        ("signal=open@web", 0.0, 60.0),
        ("signal=visit", 0.0, 8.0),
        ("word 'c'", 0.0, 8.0),
        ("signal=demo", 0.0, 2.0),
    ]
    other_calm = [("signal=visit", 0.0, 500.0), ("signal=open@web", 0.0, 90.0), ("word 'c'", 0.0, 90.0)]
    other_late = [*late[:2], ("word 'b'", 0.0, 8.0), ("word 'a'", 0.0, 8.0), ("signal=demo", 0.0, 2.0)]
    twins = tokens_of([[*profile, *calm, *late], [*profile, *other_calm, *other_late]])
    left, right = features.transform(twins).toarray()
    np.testing.assert_array_equal(left, right)
    assert np.count_nonzero(left) > 12
    left, right = CarefulFeatures.fit(tokens_of(leads), VOCABULARY).transform(twins).toarray()
    assert (left != right).any()


def test_truncation_leaves_the_wide_features_alone(leads):
    tokens = tokens_of(leads)
    features = BaselineFeatures.fit(tokens, VOCABULARY)
    before = features.transform(tokens).toarray()
    truncated = tokens.truncate(12, VOCABULARY)
    assert truncated.dropped.sum() > 100
    np.testing.assert_array_equal(features.transform(tokens).toarray(), before)
    assert (features.transform(truncated).toarray() != before).any()  # so they must be taken from the tokens before


@pytest.mark.parametrize("kind", [BaselineFeatures, CarefulFeatures])
def test_leads_without_anything_are_zero(leads, kind):
    bare = Tokens(
        np.full(2, SCORE, np.int32),
        np.zeros(2, np.float32),
        np.full(2, np.nan, np.float32),
        np.arange(3),
        np.zeros(2, np.int32),
    )
    for training in (tokens_of(leads), bare, bare.take(np.zeros(0, int))):
        features = kind.fit(training, VOCABULARY)
        assert features.transform(bare).nnz == 0
        assert features.transform(bare.take(np.zeros(0, int))).shape == (0, len(features.names))
