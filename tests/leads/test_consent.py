"""Who may be written to: columns of consent are read, never become features, and what isn't a clear yes forbids."""

from pathlib import Path

import numpy as np
import pytest

from tinyscout.errors import InputError
from tinyscout.leads import FieldMap, LeadTables, Schema, iter_tables, read_tables

LEADS = """lead_id,contacted_at,Do Not Email,Email Consent,LinkedIn consent,persona,label
a,2025-01-01,No,yes,granted,founder,0
b,2025-01-02,Yes,yes,,vp,1
c,2025-01-03,,yes,yes,founder,0
d,2025-01-04,no,,yes,vp,0
e,2025-01-05,0,1,no,founder,1
f,2025-01-06,perhaps,true,yes,vp,0
g,2025-01-07,FALSE,withdrawn,yes,vp,1
"""
FORBIDDEN = {
    "a": "",
    "b": "Do Not Email is Yes",
    "c": "Do Not Email is empty",
    "d": "Email Consent is empty",
    "e": "",
    "f": 'Do Not Email is "perhaps", neither yes nor no',
    "g": "Email Consent is withdrawn",
}


def read(tmp_path: Path, text: str = LEADS, **options) -> LeadTables:
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    return read_tables(tmp_path / "leads.csv", **options)


def of_leads(tables: LeadTables, column: str) -> dict[str, str]:
    return dict(zip(tables.leads["lead_id"], tables.leads[column], strict=True))


def test_what_is_not_a_clear_yes_forbids(tmp_path: Path) -> None:
    tables = read(tmp_path)
    assert of_leads(tables, "no_consent_email") == FORBIDDEN
    by_linkedin = of_leads(tables, "no_consent_linkedin")
    assert by_linkedin == dict.fromkeys("acdfg", "") | {
        "b": "LinkedIn consent is empty",
        "e": "LinkedIn consent is no",
    }
    assert "consent for email is read from: Email Consent, Do Not Email" in tables.account.lines()


def test_a_column_of_consent_is_no_feature_and_none_is_made_without_one(tmp_path: Path) -> None:
    tables = read(tmp_path)
    assert list(tables.schema.columns) == ["persona"] == tables.schema.profile
    bare = read(tmp_path, "\n".join(",".join(line.split(",")[i] for i in (0, 1, 5, 6)) for line in LEADS.splitlines()))
    assert not [name for name in bare.leads if name.startswith("no_consent")]
    assert bare.schema.profile == tables.schema.profile


def test_what_one_row_forbids_holds_for_its_lead_in_whatever_order_and_is_no_repeat(tmp_path: Path) -> None:
    rows = "lead_id,contacted_at,Do Not Email,label\na,2025-01-01,no,0\na,2025-01-01,yes,0\nb,2025-01-01,no,0\n"
    tables = read(tmp_path, rows)
    assert len(tables) == 3  # the first two differ in what they say of consent alone
    assert of_leads(tables, "no_consent_email") == {"a": "Do Not Email is yes", "b": ""}
    back = read(tmp_path, "\n".join([rows.splitlines()[0], *rows.splitlines()[:0:-1]]))
    assert (back.leads.loc[back.leads["lead_id"] == "a", "no_consent_email"] == "Do Not Email is yes").all()
    numbered = read(
        tmp_path, rows.replace("lead_id,", "contact_id,lead_id,").replace("\na", "\n1,a").replace("\nb", "\n2,b")
    )
    assert len(numbered) == 2  # the second row of contact 1 is dropped, its wish is not
    assert of_leads(numbered, "no_consent_email") == {"a": "Do Not Email is yes", "b": ""}


def test_a_map_of_ones_own_names_columns_and_words(tmp_path: Path) -> None:
    text = LEADS.replace("Do Not Email", "Sperre").replace("perhaps", "ja").replace(",granted,", ",jawohl,")
    ours = tmp_path / "ours.toml"
    ours.write_text(
        '[leads]\nlead_id = "lead_id"\ncontacted_at = "contacted_at"\nlabel = "label"\n'
        '[consent]\nemail = { opt_out = "Sperre" }\nyes = ["ja"]\nno = [""]\n',
        encoding="utf-8",
    )
    tables = read(tmp_path, text, field_map=FieldMap.load(ours))
    assert of_leads(tables, "no_consent_email") == dict.fromkeys("acdeg", "") | {
        "b": "Sperre is Yes",
        "f": "Sperre is ja",
    }
    assert "no_consent_linkedin" not in tables.leads
    assert "Email Consent" in tables.schema.profile  # this map names its own columns, no others


@pytest.mark.parametrize("name", ["generic", "hubspot", "salesforce"])
@pytest.mark.parametrize(
    ("column", "kind", "channels"),
    [
        ("Opted out of marketing emails", "opt_out", ("email",)),
        ("Opted out of email: Newsletter", "opt_out", ("email",)),
        ("Unsubscribed from all email", "opt_out", ("email",)),
        ("hs_email_optout_1234", "opt_out", ("email",)),
        ("Newsletter opt-out", "opt_out", ("email",)),
        ("DNC", "opt_out", ("email", "linkedin")),
        ("Do Not Contact", "opt_out", ("email", "linkedin")),
        ("Email Opt Out", "opt_out", ("email",)),
        ("HasOptedOutOfEmail", "opt_out", ("email",)),
        ("Do not allow Bulk Emails", "opt_out", ("email",)),
        ("Unsubscribed at", "opted_out_at", ("email", "linkedin")),
        ("Marketing consent", "consent", ("email",)),
        ("Permission to email", "consent", ("email",)),
        ("GDPR consent", "consent", ("email", "linkedin")),
        ("Do Not Call", "", ()),
    ],
)
def test_the_usual_names_are_known_to_every_map(name: str, column: str, kind: str, channels: tuple[str, ...]) -> None:
    found = FieldMap.load(name).find_consent(["Record ID", column, "Region"], "leads.csv")
    assert [(each.channel, each.kind, each.column) for each in found] == [(c, kind, column) for c in channels]


def test_an_opt_out_whose_name_names_no_channel_stops_all() -> None:
    consent = FieldMap.load("generic").consent
    of_all = [name for name in consent["email"]["opt_out"] if "mail" not in name and "newsletter" not in name]
    of_all = [name.removesuffix("*") for name in of_all]
    assert len(of_all) > 10 and not {name for name in of_all if name != "unsubscribed_from"} - set(
        consent["linkedin"]["opt_out"]
    )
    assert consent["email"]["opted_out_at"] == consent["linkedin"]["opted_out_at"]


def test_the_date_of_an_opt_out_forbids_and_none_allows(tmp_path: Path) -> None:
    rows = "lead_id,contacted_at,Unsubscribed at,label\na,2025-01-01,2025-02-03,0\nb,2025-01-02,,1\nc,2025-01-03,no,0\n"
    said = {"a": "Unsubscribed at is 2025-02-03", "b": "", "c": ""}
    assert of_leads(read(tmp_path, rows), "no_consent_email") == said


def test_words_of_ones_own_stand_beside_the_names_of_the_map_that_it_is_like(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    ours.write_text('like = "hubspot"\n[consent]\nno = [""]\n', encoding="utf-8")
    rows = "Record ID,Email Consent,Unsubscribed from all email\na,yes,\nb,yes,yes\nc,,\n"
    tables = read(tmp_path, rows, field_map=FieldMap.load(ours), labelled=False)
    assert of_leads(tables, "no_consent_email") == {
        "a": "",
        "b": "Unsubscribed from all email is yes",
        "c": "Email Consent is empty",
    }


def test_a_status_of_marketing_is_a_consent(tmp_path: Path) -> None:
    rows = ["a,Subscribed", "b,Unsubscribed", "c,No consent", "d,Bounced"]
    tables = read(tmp_path, "\n".join(["lead_id,Marketing status,label", *(f"{row},0" for row in rows)]))
    assert of_leads(tables, "no_consent_email") == {
        "a": "",
        "b": "Marketing status is Unsubscribed",
        "c": "Marketing status is No consent",
        "d": 'Marketing status is "Bounced", neither yes nor no',
    }


def test_a_named_column_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    text = '[leads]\nlead_id = "lead_id"\nlabel = "label"\n[consent]\nemail = { opt_out = "Do Not Mail" }\n'
    ours.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"has no column for email opt_out \(looked for Do Not Mail\)") as caught:
        read(tmp_path, field_map=FieldMap.load(ours))
    assert "\n" not in str(caught.value)
    ours.write_text('optional = ["consent.email"]\n' + text, encoding="utf-8")
    assert "no_consent_email" not in read(tmp_path, field_map=FieldMap.load(ours)).leads


def test_a_map_without_the_table_looks_for_the_usual_names_and_so_does_one_saved_before_there_was_any() -> None:
    generic = FieldMap.load("generic")
    assert FieldMap.load("x_education").consent == generic.consent
    assert FieldMap.load("hubspot").consent == FieldMap.load("salesforce").consent == generic.consent
    saved = {key: value for key, value in generic.to_dict().items() if not key.startswith("consent")}
    assert FieldMap.from_dict(saved).consent == generic.consent
    assert FieldMap.from_dict(saved).consent_no == generic.consent_no


def test_a_model_that_knew_the_column_as_a_feature_still_gets_it(tmp_path: Path) -> None:
    schema = Schema({"persona": "category", "Do Not Email": "category"}, has_hour=False)
    tables = read(tmp_path, schema=schema, field_map=FieldMap.load("generic"), labelled=False)
    assert of_leads(tables, "Do Not Email")["b"] == "Yes"
    assert of_leads(tables, "no_consent_email") == FORBIDDEN


def test_in_chunks_and_from_several_files(tmp_path: Path) -> None:
    tables = read(tmp_path)
    parts = list(iter_tables(tmp_path / "leads.csv", schema=tables.schema, chunk=3))
    assert len(parts) > 1
    assert {key: why for part in parts for key, why in of_leads(part, "no_consent_email").items()} == FORBIDDEN
    (tmp_path / "more.csv").write_text("lead_id,contacted_at,persona,label\nz,2025-02-01,vp,0\n", encoding="utf-8")
    both = read_tables([tmp_path / "leads.csv", tmp_path / "more.csv"])
    assert of_leads(both, "no_consent_email") == FORBIDDEN | {"z": "Email Consent is empty"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('[consent]\nfax = { opt_out = "x" }', "[consent] channel is 'fax'; needs one of email, linkedin"),
        ('[consent]\nemail = "x"', "consent.email is 'x'"),
        ('[consent]\nemail = { optout = "x" }', "consent.email is {'optout': 'x'}"),
        ("[consent]\nemail = { opt_out = 3 }", "consent.email.opt_out is 3"),
        ("[consent]\nyes = 1", "consent.yes is 1"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(tmp_path: Path, wrong: str, said: str) -> None:
    (tmp_path / "map.toml").write_text(f'[leads]\nlead_id = "a"\n{wrong}\n', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        FieldMap.load(tmp_path / "map.toml")
    assert said in str(caught.value) and "\n" not in str(caught.value)


SIGNALS = (
    "lead_id,at,kind\na,2024-12-30T10:00:00,visit\na,2025-03-01T10:00:00,unsubscribe\nb,2025-03-02T10:00:00,visit\n"
)


def test_as_of_now_every_lead_is_read_as_of_one_moment_and_sees_what_came_after_its_contact(tmp_path: Path) -> None:
    (tmp_path / "signals.csv").write_text(SIGNALS, encoding="utf-8")
    again = LEADS.replace("\nb,", "\na,2025-01-09T08:00:00,no,yes,yes,director,0\nb,", 1)
    files = {"signals_paths": tmp_path / "signals.csv"}
    then = read(tmp_path, again, **files)
    now = read(tmp_path, again, **files, schema=then.schema, labelled=False, as_of_now=True)
    assert now.leads["contacted_at"].nunique() == 1 and now.leads["not_contacted"].all()
    assert str(now.leads["contacted_at"].iloc[0]).startswith("2025-03-03")
    seen = {row: now.signals["kind"][now.offsets[row] : now.offsets[row + 1]].tolist() for row in range(len(now))}
    rows = np.flatnonzero(now.leads["lead_id"] == "a")
    assert [seen[row] for row in rows] == [["visit", "unsubscribe"]] * 2
    assert now.leads["persona"][rows[-1]] == "director"  # the later contact is the later row
    assert [then.signals["kind"].tolist()] == [["visit", "visit"]]
    given = read(
        tmp_path, again, **files, schema=then.schema, labelled=False, as_of_now=True, observed_until="2025-02-01"
    )
    assert given.signals["kind"].tolist() == ["visit", "visit"]
    assert any(line.startswith("every lead is read as of: 2025-02-02") for line in given.account.lines())


def test_as_of_now_is_for_leads_without_labels(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pass labelled=False"):
        read(tmp_path, as_of_now=True)


@pytest.mark.parametrize("name", ["unsubscribed", "Opted Out", "opt-out", "do_not_contact", "Unsubscribed?"])
def test_an_opt_out_that_names_no_channel_stops_every_channel(tmp_path: Path, name: str) -> None:
    tables = read(tmp_path, f"lead_id,contacted_at,{name},label\na,2025-01-01,yes,0\nb,2025-01-02,no,1\n")
    for channel in ("email", "linkedin"):
        assert of_leads(tables, f"no_consent_{channel}") == {"a": f"{name} is yes", "b": ""}
