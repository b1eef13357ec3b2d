"""The ranked list: every lead once, best first, marks where the prices say so."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.errors import InputError
from tinyscout.ranking import ranked_list


def leads_of(n: int) -> pd.DataFrame:
    return pd.DataFrame({"lead_id": [f"L{i}" for i in range(n)], "contact_id": [f"L{i}" for i in range(n)]})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_every_lead_once_best_first(probabilities: list[float]) -> None:
    table = ranked_list(leads_of(len(probabilities)), np.array(probabilities), model_version="v")
    assert sorted(table["lead_id"]) == sorted(leads_of(len(probabilities))["lead_id"])
    assert (np.diff(table["probability"]) <= 0).all()
    assert table["rank"].tolist() == list(range(1, len(probabilities) + 1))
    assert table["decile"].between(1, 10).all() and (np.diff(table["decile"]) >= 0).all()


def test_tiers_and_deciles_of_a_hundred_leads() -> None:
    table = ranked_list(leads_of(100), np.linspace(1, 0, 100), model_version="v")
    assert table["tier"].value_counts().to_dict() == {"A": 10, "B": 20, "C": 30, "D": 40}
    assert (table["decile"].value_counts() == 10).all()
    assert "contact_id" not in table and "do_not_contact" not in table


def test_ties_keep_their_order() -> None:
    table = ranked_list(leads_of(5), np.array([0.2, 0.5, 0.5, 0.2, 0.5]), model_version="v")
    assert table["lead_id"].tolist() == ["L1", "L2", "L4", "L0", "L3"]


def test_a_lead_contacted_twice_keeps_both_contacts() -> None:
    leads = pd.DataFrame({"lead_id": ["L", "L"], "contact_id": ["c1", "c2"]})
    assert ranked_list(leads, np.array([0.1, 0.2]), model_version="v")["contact_id"].tolist() == ["c2", "c1"]


def test_do_not_contact_is_where_a_contact_costs_more_than_it_brings() -> None:
    table = ranked_list(
        leads_of(3), np.array([0.01, 0.02, 0.03]), model_version="v", cost_per_contact=2, value_per_reply=100
    )
    assert table.set_index("lead_id")["do_not_contact"].to_dict() == {"L0": 1, "L1": 0, "L2": 0}


def test_reasons_follow_their_lead() -> None:
    residual = np.array([0.25, -0.5])
    table = ranked_list(leads_of(2), np.array([0.1, 0.9]), [["a", "b", "c"], ["d"]], residual, model_version="v")
    assert table["unexplained"].tolist() == [-0.5, 0.25]
    assert table[["lead_id", "reason_1", "reason_2", "reason_3"]].to_numpy().tolist() == [
        ["L1", "d", "", ""],
        ["L0", "a", "b", "c"],
    ]


@pytest.mark.parametrize(
    ("cost", "value"), [(1, None), (None, 1), (-1, 5), (1, 0), (float("nan"), 1), (1, float("inf"))]
)
def test_bad_prices_are_one_clear_line(cost: float | None, value: float | None) -> None:
    with pytest.raises(InputError, match=r"--cost|--value"):
        ranked_list(leads_of(1), np.array([0.5]), model_version="v", cost_per_contact=cost, value_per_reply=value)
