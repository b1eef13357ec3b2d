"""docs/bring_your_own.md: its commands are taken, its field map loads, and its example is read as it says."""

import re
from pathlib import Path

import pytest

from tinyscout.cli import _parser
from tinyscout.leads import FieldMap, outreach_allowed, quality, read_tables
from tinyscout.leads.outreach_instructions import CHANNELS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "bring_your_own.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^tinyscout .*$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one(command):
    _, name, *rest = command.split()
    args = _parser(name).parse_args([name, *rest])
    assert args.command == name


def test_every_flag_in_the_text_exists():
    flags = set(re.findall(r"`(--[a-z-]+)", TEXT))
    known = set()
    for name in ("quality", "fit", "score", "write"):
        known |= set(re.findall(r"--[a-z-]+", _help(name)))
    assert flags <= known


def test_the_field_map_and_the_example_read_as_the_text_says(tmp_path):
    (tmp_path / "ours.toml").write_text(re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)[1], encoding="utf-8")
    assert FieldMap.load(tmp_path / "ours.toml").date_formats == ("%d.%m.%Y %H:%M", "%d.%m.%Y")
    example = next(part for part in re.findall(r"```\n(.*?)```", TEXT, re.DOTALL) if part.startswith("lead_id"))
    (tmp_path / "leads.csv").write_text(example, encoding="utf-8")
    tables = read_tables(tmp_path / "leads.csv", observed_until="2025-06-30")
    assert tables.labels.tolist() == [1, 0]
    assert quality.render(quality.report(tables)).isascii()


def test_the_reasons_in_the_table_are_those_of_the_code():
    from tinyscout.leads.signal_log import FATES

    source = "".join(path.read_text(encoding="utf-8") for path in Path(quality.__file__).parent.glob("*.py"))
    rows = TEXT[TEXT.index("## Rows that are dropped") :]
    for line in re.findall(r"^\| (.+?) \|", rows, re.MULTILINE)[1:]:
        for reason in [line] if line in FATES.values() else line.split(", "):
            assert f'"{reason}"' in source, reason


def test_what_a_status_says_by_channel_are_words_of_the_code():
    source = Path(outreach_allowed.__file__).read_text(encoding="utf-8")
    table = re.findall(r"^\| (`.+?`) \| (.+) \| (.+?) \|$", TEXT, re.MULTILINE)
    assert [name for names, *_ in table for name in re.findall(r"`(\w+)`", names)] == list(CHANNELS)
    for *_, statuses in table:
        for said in statuses.split("; "):
            assert said in source, said
    for channel, days in (("`follow_up`", "FOLLOW_UP_DAYS"), ("`re_engage`", "RE_ENGAGE_DAYS")):
        least, most = getattr(outreach_allowed, days)
        who = next(who for names, who, _ in table if names == channel)
        assert f" {least:.0f} to {most:.0f} days " in f"{who} ", (channel, who)


def _help(name: str) -> str:
    commands = next(action for action in _parser(name)._actions if action.choices)
    return commands.choices[name].format_help()
