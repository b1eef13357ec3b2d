"""The summary's keys, and the comparison as data, as text, as a rich table and as JSON."""

import io
import json

import numpy as np
import pytest
import rich.console

from tinyscout.metrics import scores
from tinyscout.metrics.bootstrap import fall, paired_bootstrap
from tinyscout.metrics.calibration import calibration_error
from tinyscout.metrics.comparison import comparison
from tinyscout.metrics.gains import credit_waste
from tinyscout.metrics.ranking import lift_at, precision_at, recall_at, top_over_rest
from tinyscout.metrics.summary import summary, summary_by_segment


def leads(n: int = 1_500, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1, 1.5, n)
    y = (rng.random(n) < scores.probability(truth)).astype(float)
    return y, {
        "baseline": 0.4 * truth - 0.5 + rng.normal(size=n),
        "trees with a name too long for the column": truth + 0.1 * rng.normal(size=n),
        "scout": truth,
        "near": truth + 1e-3 * rng.normal(size=n),
    }


def test_summary_equals_the_single_figures():
    y, logits = leads()
    logit = np.round(logits["baseline"], 1)
    assert summary(y, logit) == pytest.approx(
        {
            "n": 1_500,
            "positives": int(y.sum()),
            "base_rate": y.mean(),
            "log_loss": scores.log_loss(y, logit),
            "brier": scores.brier(y, logit),
            "roc_auc": scores.roc_auc(y, logit),
            "pr_auc": scores.pr_auc(y, logit),
            "pr_auc_random": scores.pr_auc_random(y),
            "precision_at_10": precision_at(y, logit, 0.1),
            "recall_at_10": recall_at(y, logit, 0.1),
            "lift_at_10": lift_at(y, logit, 0.1),
            "precision_at_20": precision_at(y, logit, 0.2),
            "recall_at_20": recall_at(y, logit, 0.2),
            "lift_at_20": lift_at(y, logit, 0.2),
            "top_20_over_rest": top_over_rest(y, logit, 0.2),
            "calibration_error": calibration_error(y, logit),
            "credit_waste": credit_waste(y, logit),
        }
    )


def test_summary_without_repliers_is_nan_where_undefined():
    found = summary(np.zeros(20), np.linspace(-1, 1, 20))
    undefined = {key for key, value in found.items() if np.isnan(value)}
    assert undefined == {
        *("roc_auc", "pr_auc", "lift_at_10", "lift_at_20", "recall_at_10", "recall_at_20"),
        *("top_20_over_rest", "credit_waste"),
    }


def test_summary_by_segment_splits_the_leads():
    y, logits = leads()
    segment = np.where(np.arange(1_500) % 3 == 0, "vp", "founder")
    found = summary_by_segment(y, logits["scout"], segment)
    assert list(found) == ["founder", "vp"]
    assert found["vp"] == summary(y[::3], logits["scout"][::3])
    with pytest.raises(ValueError, match="segment has 2 entries and y 1500"):
        summary_by_segment(y, logits["scout"], ["vp", "founder"])


def test_comparison_holds_rows_and_paired_differences():
    y, logits = leads()
    groups = np.arange(1_500) // 2
    found = comparison(y, logits, reference="baseline", groups=groups, draws=200, seed=3)
    assert list(found.rows) == list(logits)
    assert list(found.differences) == [name for name in logits if name != "baseline"]
    alone = paired_bootstrap(
        y, logits["scout"], logits["baseline"], metrics=["roc_auc"], groups=groups, draws=200, seed=3
    )
    assert found.differences["scout"]["roc_auc"] == alone["roc_auc"]
    assert found.rows["scout"] == summary(y, logits["scout"])


def test_verdicts_say_no_more_than_the_interval():
    y, logits = leads()
    found = comparison(y, logits, reference="scout", draws=300)
    difference = found.differences["baseline"]["log_loss"]
    assert difference.low > 0
    assert found.verdicts()[0] == (
        f"scout beats baseline by {difference.value:.4f} log loss "
        f"(95 % interval {difference.low:.4f} to {difference.high:.4f})"
    )
    near = [line for line in found.verdicts() if "near" in line]
    assert all(line.startswith("no difference shown, near and scout: ") for line in near)
    other_way = comparison(y, logits, reference="baseline", draws=300).verdicts()
    assert any(line.startswith("scout beats baseline by ") for line in other_way)


def test_credit_waste_below_fifty_repliers_is_printed_as_a_dash():
    y, logits = leads(60)
    assert y.sum() < 50
    found = comparison(y, logits, reference="baseline", draws=50)
    assert "scout and baseline: credit waste is undefined on these leads" in found.verdicts()
    row = next(line for line in found.text().splitlines() if line.startswith("scout "))
    assert row.split()[7] == "-"  # after the name, four scores, and the calibration error with its interval
    assert found.to_json()["models"]["scout"]["credit_waste"] is None


def test_text_is_ascii_within_110_columns_and_holds_every_model():
    y, logits = leads()
    text = comparison(y, logits, reference="baseline", ms_per_lead={"scout": 12.345}, draws=50).text()
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 110
    assert "1,500 leads" in text
    assert "12.345" in text
    for name in ("baseline", "trees with a name", "scout", "near"):
        assert sum(line.startswith(name) for line in text.splitlines()) >= 1
    assert "ms a" not in comparison(y, logits, reference="baseline", draws=50).text()


def test_rich_shows_the_same_cells_uncut():
    y, logits = leads()
    found = comparison(y, logits, reference="baseline", ms_per_lead={"scout": 12.345}, draws=50)
    stream = io.StringIO()
    rich.console.Console(file=stream, width=110).print(found.to_rich())
    assert stream.getvalue().isascii()
    assert set(found.text().split()) - set(stream.getvalue().split()) <= {
        word for word in found.text().split() if set(word) == {"-"}
    }


def test_json_round_trips_and_undefined_is_null():
    y, logits = leads(60)
    found = comparison(y, logits, reference="baseline", ms_per_lead={"scout": 0.5}, draws=50).to_json()
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again == found
    assert set(found) == {"reference", "draws", "models", "differences", "verdicts"}
    assert found["models"]["scout"]["ms_per_lead"] == 0.5
    assert set(found["differences"]["scout"]["log_loss"]) == {"value", "low", "high"}
    assert found["models"]["scout"]["calibration_low"] <= found["models"]["scout"]["calibration_high"]


def test_one_model_alone_has_no_differences():
    y, logits = leads(200)
    found = comparison(y, {"scout": logits["scout"]}, reference="scout", draws=20)
    assert found.differences == {} and found.verdicts() == []
    assert "minus" not in found.text()


def test_unknown_names_are_refused():
    y, logits = leads(100)
    with pytest.raises(ValueError, match="reference is 'trees'; needs one of baseline"):
        comparison(y, logits, reference="trees")
    with pytest.raises(ValueError, match="ms_per_lead has a time for 'other'"):
        comparison(y, logits, reference="scout", ms_per_lead={"other": 1.0})


def test_fall_and_comparison_agree_on_the_figures():
    y, logits = leads()
    row = comparison(y, logits, reference="baseline", draws=20).rows
    fallen = fall(y, logits["scout"], logits["baseline"], draws=20)
    for metric in ("log_loss", "credit_waste"):
        assert fallen[metric].value == pytest.approx(1 - row["scout"][metric] / row["baseline"][metric])
