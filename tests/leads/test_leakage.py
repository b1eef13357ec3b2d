"""Leaks: planted ones are found with their reasons, and strong honest columns are left alone."""

import numpy as np
import pandas as pd
import pytest

from tinyscout.leads import read_tables
from tinyscout.leads.evidence import auc_error, folds, levels_of, weigh
from tinyscout.leads.leakage import find_leaks

N = 4000


def export(base: float, seed: int = 0) -> pd.DataFrame:
    """Leads with honest columns of every strength met in practice, and one of each kind of leak."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=N)
    logit = np.log(base / (1 - base)) + 1.2 * honest
    y = (rng.random(N) < 1 / (1 + np.exp(-logit))).astype(int)
    contacted = pd.Timestamp("2025-01-01T08:00") + pd.to_timedelta(np.sort(rng.integers(0, 300 * 24, N)), unit="h")
    role = np.where(y & (rng.random(N) < 0.4), "founder", rng.choice(["vp", "founder", "dev", "ops"], N))
    form = rng.random(N) < 0.3 + 0.4 * y  # people who mean it fill in the form
    worked = rng.random(N) < 0.2 + 0.35 * y  # sales people write about leads that go well
    verdict = np.where(y, rng.choice(["warm"] * 4 + ["cold"], N), rng.choice(["warm"] + ["cold"] * 4, N))
    stage = np.where(y, "customer", rng.choice(["new", "open", "lost"], N))
    stage = np.where(rng.random(N) < 0.04, rng.choice(["new", "open", "customer"], N), stage)
    later = contacted + pd.to_timedelta(rng.integers(1, 90, N), unit="D")
    return pd.DataFrame(
        {
            "lead_id": [f"l{i}" for i in range(N)],
            "contacted_at": contacted,
            "label": y,
            "time on site": np.exp(0.7 * honest + 4).round(1),
            "role": role,
            "company": rng.choice([f"company {i}" for i in range(1500)], N),
            "budget": np.where(form, rng.choice(["small", "large"], N), None),
            "source": rng.choice(["web", "event", "list"], N),
            "signed up": (contacted - pd.to_timedelta(rng.integers(1, 400, N), unit="D")).astype(str),
            "stage": stage,
            "verdict": np.where(worked, verdict, None),
            "contract": np.where(y & (rng.random(N) < 0.3), rng.choice(["basic", "plus"], N), None),
            "calls": rng.poisson(np.where(y, 9, 2)),
            "touched": np.where(rng.random(N) < 0.1, later.astype(str), (contacted - pd.Timedelta(days=2)).astype(str)),
            "summary": np.where(y, "agreed to meet and to sign the order", "no answer so far and none expected now")
            + pd.Series(rng.integers(0, 2000, N).astype(str)).radd(" ref "),
        }
    )


HONEST = ["time on site", "role", "company", "budget", "source", "signed up"]
LEAKS = {
    "stage": "too good to be known before contact",
    "verdict": "both whether and how it is filled in tell",
    "contract": "as good as the answer",
    "calls": "too good to be known before contact",
    "touched": "time stamps after contact",
    "summary": "too good to be known before contact",
}


@pytest.fixture(scope="module", params=[0.4, 0.08])
def found(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("leaks") / "leads.csv"
    export(request.param).to_csv(path, index=False)
    tables = read_tables(path)
    return tables, {suspect.column: suspect for suspect in find_leaks(tables)}


@pytest.mark.parametrize("column", LEAKS)
def test_each_kind_of_leak_is_found_for_its_reason(found, column):
    _, suspects = found
    assert suspects[column].grade == "leaking"
    assert LEAKS[column] in suspects[column].reason


@pytest.mark.parametrize("column", HONEST)
def test_honest_columns_are_not_thrown_out(found, column):
    _, suspects = found
    assert column not in suspects or suspects[column].grade == "suspect"


def test_an_optional_field_is_suspected_and_kept(found):
    _, suspects = found
    assert suspects["budget"].reason.startswith("being filled in tells")


def test_examples_are_figures_of_the_export(found):
    tables, suspects = found
    for example in suspects["stage"].examples:
        rows = (tables.leads["stage"] == example["value"]).to_numpy()
        assert example["leads"] == rows.sum()
        assert example["replied"] == tables.labels[rows].sum()
    assert suspects["touched"].examples[0]["touched"] > suspects["touched"].examples[0]["contacted_at"]


def test_leaking_columns_come_first_and_the_strongest_first(found):
    tables, _ = found
    ranked = find_leaks(tables)
    assert [suspect.grade for suspect in ranked] == sorted(suspect.grade for suspect in ranked)
    for grade in ("leaking", "suspect"):
        scores = [suspect.score for suspect in ranked if suspect.grade == grade]
        assert scores == sorted(scores, reverse=True)


def test_a_few_stray_dates_after_contact_are_only_suspect(tmp_path):
    frame = export(0.4)[["lead_id", "contacted_at", "label", "signed up"]]
    frame.loc[:9, "signed up"] = "2026-12-01"
    frame.to_csv(tmp_path / "a.csv", index=False)
    (suspect,) = find_leaks(read_tables(tmp_path / "a.csv"))
    assert (suspect.column, suspect.grade) == ("signed up", "suspect")
    assert suspect.reason.startswith("time stamps after contact: 10 of 4,000")


def test_labels_without_meaning_make_no_leaks(tmp_path):
    frame = export(0.4).drop(columns=["touched"])
    frame["label"] = np.random.default_rng(9).permutation(frame["label"])
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert find_leaks(read_tables(tmp_path / "a.csv")) == []


def test_with_few_outcomes_nothing_is_weighed(tmp_path):
    export(0.4)[:90].to_csv(tmp_path / "a.csv", index=False)
    assert [suspect.column for suspect in find_leaks(read_tables(tmp_path / "a.csv"))] == ["touched"]


def test_a_signal_written_when_the_reply_comes_is_suspected(tmp_path):
    frame = export(0.4)[["lead_id", "contacted_at", "label"]]
    events = frame.assign(at=frame["contacted_at"] - pd.Timedelta(hours=1))
    events["kind"] = np.where(frame["label"] == 1, "thanks for the reply", "visit")
    frame.to_csv(tmp_path / "a.csv", index=False)
    events[["lead_id", "at", "kind"]].to_csv(tmp_path / "s.csv", index=False)
    (suspect,) = find_leaks(read_tables(tmp_path / "a.csv", tmp_path / "s.csv"))
    assert (suspect.column, suspect.grade) == ("signal kind thanks for the reply", "suspect")


def test_many_rare_values_gain_nothing():
    rng = np.random.default_rng(1)
    y = (rng.random(N) < 0.3).astype(float)
    rare = pd.Series(pd.Categorical([f"v{value}" for value in rng.integers(0, N // 2, N)]))
    evidence = weigh(levels_of(rare, "category", pd.Series(dtype=object)), y, folds(np.arange(N).astype(str)))
    assert abs(evidence.auc - 0.5) < 0.05
    assert evidence.gain < 0.01


def test_rows_of_a_lead_share_a_fold():
    lead = np.array(["a", "b", "a", "c", "b", "a"])
    fold = folds(lead)
    assert len(set(fold[lead == "a"])) == len(set(fold[lead == "b"])) == 1


def test_the_error_of_an_auc_is_the_spread_over_draws():
    rng = np.random.default_rng(2)
    draws = []
    for _ in range(400):
        positive, negative = rng.normal(1, 1, 60), rng.normal(0, 1, 90)
        draws.append((positive[:, None] > negative).mean())
    assert auc_error(float(np.mean(draws)), 60, 90) == pytest.approx(np.std(draws), rel=0.12)
