"""Field maps: found by name or path, forgiving about how a column is spelt, strict about everything else."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import tinyscout
from tinyscout.errors import InputError
from tinyscout.leads.field_map import FieldMap, normal, shipped

MINIMAL = '[leads]\nlead_id = "ID"\nlabel = ["Won?", "Converted"]\n'


def load(tmp_path: Path, text: str) -> FieldMap:
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    return FieldMap.load(path)


@pytest.mark.parametrize("name", ["generic", "hubspot", "salesforce", "x_education", "college_messages"])
def test_shipped_maps_load_and_survive_json(name):
    field_map = FieldMap.load(name)
    assert name in shipped()
    assert FieldMap.from_dict(json.loads(json.dumps(field_map.to_dict()))) == field_map


def test_maps_are_found_where_the_wheel_puts_them(tmp_path):
    package = tmp_path / "tinyscout"
    source = Path(tinyscout.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__", "*.parquet"))
    if not (package / "configs").is_dir():
        shutil.copytree(source.parent / "configs", package / "configs")
    code = "from tinyscout.leads import FieldMap, field_map; print(FieldMap.load('hubspot').name, field_map.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    name, where = done.stdout.split()
    assert name == "hubspot"
    assert Path(where).is_relative_to(tmp_path)


def test_names_are_compared_without_case_spaces_and_signs():
    assert normal("Lead ID") == normal("lead_id") == normal("LeadId") == normal("LEAD-ID")
    found = FieldMap.load("generic").find(
        "leads", ["Lead ID", "Contacted At", "CONVERTED", "City"], "a.csv", ["lead_id"]
    )
    assert found == {"lead_id": "Lead ID", "contacted_at": "Contacted At", "label": "CONVERTED"}


def test_the_first_name_of_a_role_wins_and_a_column_plays_one_role(tmp_path):
    field_map = load(tmp_path, MINIMAL + 'contact_id = "ID"\n')
    assert field_map.find("leads", ["Converted", "Won", "id"], "a", ["lead_id"], ["contact_id"]) == {
        "lead_id": "id",
        "label": "Won",
    }


def test_what_a_map_does_not_say_comes_from_the_generic_one_but_roles_do_not(tmp_path):
    field_map = load(tmp_path, MINIMAL)
    generic = FieldMap.load("generic")
    assert field_map.missing == generic.missing
    assert field_map.leakage_words == generic.leakage_words
    assert set(field_map.leads) == {"lead_id", "label"}
    assert field_map.signals == {}


def test_an_empty_cell_is_always_missing(tmp_path):
    assert load(tmp_path, MINIMAL + '[reading]\nmissing = ["unknown"]\n').missing == ("", "unknown")


def test_a_named_column_that_is_not_there_is_an_error_unless_optional(tmp_path):
    text = MINIMAL + 'contacted_at = "First call"\n'
    with pytest.raises(InputError, match=r"a\.csv: has no column for contacted_at \(looked for First call\)"):
        load(tmp_path, text).find("leads", ["ID", "Converted"], "a.csv", ["lead_id"])
    assert load(tmp_path, 'optional = ["leads.contacted_at"]\n' + text).find("leads", ["ID"], "a.csv", []) == {
        "lead_id": "ID"
    }


def test_a_label_that_was_asked_for_is_needed_and_comes_first():
    field_map = FieldMap.load("generic").with_role("label", "Bought")
    assert field_map.label_first
    assert field_map.leads["label"] == ("Bought",)
    with pytest.raises(InputError, match="no column for label"):
        field_map.find("leads", ["lead_id"], "a.csv", ["label"])
    with pytest.raises(InputError, match='no lead role "lable"'):
        field_map.with_role("lable", "x")


WRONG = {
    "no toml": ("[leads", "is no TOML"),
    "no leads": ('name = "x"', "without [leads]"),
    "unknown key": (MINIMAL + "[lead]\n", "key is 'lead'"),
    "unknown role": ('[leads]\nlead = "x"\n', "[leads] role is 'lead'"),
    "not a name": ("[leads]\nlead_id = 3\n", "a name or a list of names"),
    "unknown reading key": (MINIMAL + "[reading]\nwindow = 3\n", "[reading] key is 'window'"),
    "no window": (MINIMAL + "[reading]\nwindow_days = 0\n", "a number of days above 0"),
    "unknown type": (MINIMAL + '[types]\nCity = "string"\n', "types.City is 'string'"),
    "like none": ('like = "zoho"\n' + MINIMAL, "like is 'zoho'; needs one of"),
    "like a list": ("like = [1]\n" + MINIMAL, "like is [1]; needs one of"),
    "not a table": ("reading = 3\n" + MINIMAL, "needs a table: [reading]"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_map_is_refused_in_one_line(tmp_path, name):
    text, said = WRONG[name]
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert str(tmp_path / "map.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_map_that_does_not_exist_names_those_that_do(tmp_path):
    with pytest.raises(InputError, match="generic, hubspot"):
        FieldMap.load("hubspott")
    with pytest.raises(InputError, match="no such field map"):
        FieldMap.load(tmp_path / "nothing.toml")


def test_a_map_like_a_shipped_one_says_what_is_different(tmp_path):
    hubspot, own = FieldMap.load("hubspot"), load(tmp_path, 'like = "hubspot"\n[consent]\nno = [""]\n')
    assert "" in own.consent_no and "" not in hubspot.consent_no
    assert replace(own, consent_no=hubspot.consent_no) == hubspot
    named = load(tmp_path, 'like = "hubspot"\nname = "ours"\n[leads]\nlead_id = "Nr"\n')
    assert named.name == "ours" and named.leads == hubspot.leads | {"lead_id": ("Nr",)}
