"""Customers are known by their stage, however it is put, and get no message."""

from pathlib import Path

import pytest

from tinyscout.leads import FieldMap, read_tables
from tinyscout.leads.customers import is_customer

YES = ["Customer", "customer", "Closed won", "closedwon", "Closed - Won", "WON", "Existing client", "Bestandskunde"]
NO = ["Lead", "Negotiation", "Open deal", "Former customer", "Churned customer", "Closed lost", "won't buy", "not won"]


@pytest.mark.parametrize("value", [*YES, *NO, "", "Wonder", "Potential customer"])
def test_a_stage_tells_a_customer(value: str) -> None:
    assert is_customer(value) == (value in YES)


@pytest.mark.parametrize("column", ["Lifecycle Stage", "Lead Status", "Stage", "deal_stage"])
@pytest.mark.parametrize("name", ["generic", "hubspot"])
def test_what_one_row_says_holds_for_its_lead(tmp_path: Path, column: str, name: str) -> None:
    rows = ["a,2025-01-01,Customer", "a,2025-02-01,", "b,2025-01-01,Open deal"]
    first = "Record ID,First outreach date" if name == "hubspot" else "lead_id,contacted_at"
    (tmp_path / "leads.csv").write_text("\n".join([f"{first},{column},Email", *(f"{row},x" for row in rows)]), "utf-8")
    options = {"field_map": FieldMap.load(name), "labelled": False}
    tables = read_tables(tmp_path / "leads.csv", as_of_now=True, **options)
    said = f"{column} is Customer"
    assert dict(zip(tables.leads["lead_id"], tables.leads["customer_already"], strict=True)) == {"a": said, "b": ""}
    assert "customer_already" not in read_tables(tmp_path / "leads.csv", **options).leads
