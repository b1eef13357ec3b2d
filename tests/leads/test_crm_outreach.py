"""What a CRM's own columns say of its outreach: a bounced address takes no email, a contact of late is a contact."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tinyscout.leads import FieldMap, read_tables
from tinyscout.leads.same_person import read_as_one

ROWS = [  # id, email, hard bounce, last contacted, in a sequence
    "a,a@x.example,UNKNOWN_USER,2025-02-20,",
    "b,b@x.example,,2025-02-20 10:30,false",
    "c,c@x.example,false,2027-01-01,true",
    "d,d@x.example,,soon,",
]


def read(tmp_path: Path, rows: list[str] = ROWS, **options):
    names = "Record ID,Email,Email hard bounce reason,Last Contacted,Currently in Sequence,First outreach date"
    text = "\n".join([names, *(f"{row},2025-01-10" for row in rows)])
    (tmp_path / "leads.csv").write_text(text + "\n", encoding="utf-8")
    options = {"observed_until": "2025-03-01", "as_of_now": True} | options
    return read_tables(tmp_path / "leads.csv", field_map=FieldMap.load("hubspot"), labelled=False, **options)


def test_bounces_and_contacts_are_read(tmp_path: Path) -> None:
    leads = read(tmp_path).leads.set_index("lead_id")
    said = "email bounced, so that its address takes none (Email hard bounce reason is UNKNOWN_USER)"
    assert leads["email_bounced"].to_dict() == {"a": said, "b": "", "c": "", "d": ""}
    days = leads["last_contact"].dt.strftime("%Y-%m-%d")
    assert days[["a", "b"]].tolist() == ["2025-02-20"] * 2 and leads["last_contact"][["c", "d"]].isna().all()
    assert leads["stage_forbids"].to_dict()["c"].startswith("in a sequence of yours already (Currently in Sequence")
    assert not leads["stage_forbids"][["a", "b", "d"]].any()


def test_nothing_is_read_where_leads_are_to_be_learnt_from(tmp_path: Path) -> None:
    leads = read(tmp_path, as_of_now=False).leads
    assert not {"email_bounced", "last_contact", "stage_forbids"} & set(leads)


@pytest.mark.parametrize("column", ["LastActivityDate", "Last Activity Date"])
def test_salesforces_own_name_alone_is_of_our_activity(tmp_path: Path, column: str) -> None:
    (tmp_path / "leads.csv").write_text(f"lead_id,contacted_at,{column}\na,2025-01-10,2025-02-20\n", encoding="utf-8")
    leads = read_tables(tmp_path / "leads.csv", labelled=False, as_of_now=True, observed_until="2025-03-01").leads
    assert ("last_contact" in leads) == (column == "LastActivityDate")


def test_one_person_is_contacted_and_bounces_once_for_all_records(tmp_path: Path) -> None:
    rows = ["a,a@x.example,,2025-02-20,", "b,A@x.example,no such user,2025-01-05,"]
    leads = read_as_one(read(tmp_path, rows)).leads
    assert (leads["email_bounced"] != "").all()
    assert (leads["last_contact"] == pd.Timestamp("2025-02-20", tz="UTC")).all()
    assert np.array_equal(leads["own_contact"], leads["earlier_contact"])
