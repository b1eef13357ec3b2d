"""Field maps: which column of an export plays which role, read from TOML.

A map lists names for each role; the first one found in the file wins, whatever its case, spaces and underscores.
Keys a map does not set (missing markers, label words) come from configs/generic.toml; roles never do.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from tinyscout.errors import InputError
from tinyscout.leads.consent import CHANNELS, KINDS, ConsentColumn
from tinyscout.leads.schema import ColumnType

LEAD_ROLES = ("lead_id", "contact_id", "contacted_at", "replied_at", "sentiment", "label", "order")
OUTCOMES = ("label", "replied_at", "sentiment")  # the roles that hold the answer
SIGNAL_ROLES = ("lead_id", "signal_id", "at", "kind", "direction", "call_direction", "channel", "text")
_LISTS = ("after_contact", "missing", "label_true", "label_false", "positive", "date_formats")


@dataclass(frozen=True)
class FieldMap:
    """Names of the roles of the leads and the signals table, and how cells are to be read.

    leads, signals: role -> names to look for. optional: "leads.role" or "signals.role" that may be absent.
    after_contact: columns filled in after contact, never read. types: column -> type, instead of guessing.
    missing, label_true, label_false, positive: words, compared without case. date_formats: strptime formats tried
    after ISO 8601 and epoch. window_days: the label window, where the export fixes it.
    leakage_words: words in a column's name that hint at a field filled in while a lead is worked.
    label_first: a ready label wins where the export has reply times as well.
    outcomes: names of columns that hold the answer besides those that play a role; never read.
    consent: channel -> one of consent.KINDS -> names of the columns that say so; those never become features.
    consent_yes, consent_no: what their cells say, compared without case; anything else is no consent.
    """

    name: str
    leads: dict[str, tuple[str, ...]]
    signals: dict[str, tuple[str, ...]]
    optional: tuple[str, ...] = ()
    after_contact: tuple[str, ...] = ()
    types: dict[str, ColumnType] = field(default_factory=dict)
    missing: tuple[str, ...] = ("",)
    label_true: tuple[str, ...] = ("1",)
    label_false: tuple[str, ...] = ("0",)
    positive: tuple[str, ...] = ("positive",)
    date_formats: tuple[str, ...] = ()
    window_days: float | None = None
    leakage_words: tuple[str, ...] = ()
    label_first: bool = False
    outcomes: tuple[str, ...] = ()
    consent: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    consent_yes: tuple[str, ...] = ()
    consent_no: tuple[str, ...] = ()

    @classmethod
    def load(cls, name_or_path: str | Path) -> FieldMap:
        """A map by the name of a shipped one (generic, hubspot, ...) or by the path of a TOML file.

        Raises InputError when there is no such map, or a key or a value in it is wrong.
        """
        path = _find(name_or_path)
        content = _in_full(_read_toml(path), path)
        base = None if path == _find("generic") else cls.load("generic")
        return _parse(content, path, base)

    def with_role(self, role: str, column: str) -> FieldMap:
        """The same map with one lead role played by a named column, for example label by "Converted"."""
        if role not in LEAD_ROLES:
            raise InputError(f'field map: there is no lead role "{role}"; roles are {", ".join(LEAD_ROLES)}')
        optional = tuple(entry for entry in self.optional if entry != f"leads.{role}")
        leads = {**self.leads, role: (column,)}
        outcomes = self.outcomes + (self.leads.get(role, ()) if role in OUTCOMES else ())
        label_first = self.label_first or role == "label"
        return replace(self, leads=leads, optional=optional, label_first=label_first, outcomes=outcomes)

    def holds_the_answer(self, column: str) -> bool:
        """Whether a column has one of the names of an outcome, be it the one that plays the role or another."""
        names = (*self.outcomes, *(name for role in OUTCOMES for name in self.leads.get(role, ())))
        return normal(column) in map(normal, names)

    def find(
        self, table: str, columns: Iterable[str], where: str, needed: Iterable[str], spare: Iterable[str] = ()
    ) -> dict[str, str]:
        """Role -> column of a file, for the roles of `table` ("leads" or "signals") that it has.

        `needed` are the roles this reading can't do without, `spare` those it can. Raises InputError naming file, role
        and columns when a needed role, or one this map names, does not call optional and isn't spare, is not there.
        """
        columns = list(columns)
        by_name = by_normal_name(columns)
        roles: dict[str, tuple[str, ...]] = getattr(self, table)
        found: dict[str, str] = {}
        for role, names in roles.items():
            column = next((by_name[normal(name)] for name in names if normal(name) in by_name), None)
            if column is not None and column not in found.values():
                found[role] = column
        for role in needed:
            if role not in found:
                raise InputError(_missing_role(where, table, role, roles.get(role, ()), columns))
        optional = {"label", "replied_at", *spare}  # either outcome will do; the reader asks for one of them
        for role, names in roles.items():
            if role not in found and f"{table}.{role}" not in self.optional and role not in optional:
                raise InputError(_missing_role(where, table, role, names, columns))
        return found

    def find_texts(self, columns: Iterable[str]) -> list[str]:
        """The columns of a signals file that hold texts, as the map has them: every one of its names, not the first.

        A CRM has the subject of a mail in one column, and what it says in another.
        """
        by_name = by_normal_name(columns)
        found = (by_name.get(normal(name)) for name in self.signals.get("text", ()))
        return list(dict.fromkeys(column for column in found if column is not None))

    def find_consent(self, columns: Iterable[str], where: str) -> tuple[ConsentColumn, ...]:
        """The columns of a file that say who may be written to: every one that has one of the names, not the first.

        A name that ends in * stands for all that begin so. Raises InputError where none of the names is there and the
        map doesn't list "consent.channel" as optional.
        """
        columns = list(columns)
        found: list[ConsentColumn] = []
        for channel, kinds in self.consent.items():
            for kind, names in kinds.items():
                wanted = {normal(name) for name in names if not name.endswith("*")}
                begins = tuple(normal(name) for name in names if name.endswith("*"))
                there = [
                    ConsentColumn(channel, kind, column)
                    for column in columns
                    if normal(column) in wanted or normal(column).startswith(begins)
                ]
                if not there and f"consent.{channel}" not in self.optional:
                    raise InputError(_missing_role(where, "consent", f"{channel} {kind}", names, columns))
                found += there
        return tuple(found)

    def naming_nothing(self, names: Iterable[str], columns: Iterable[str]) -> list[str]:
        """Those of the names that no column of an export has, quoted, with the column that is meant perhaps.

        Nothing for a shipped map, which names whatever such a CRM may have.
        """
        by_name = by_normal_name(columns)
        found = []
        for name in names if self.name not in shipped() else ():
            if normal(name) not in by_name:
                near = difflib.get_close_matches(normal(name), by_name, n=1)
                found.append(f'"{name}"' + (f' (perhaps "{by_name[near[0]]}" is meant)' if near else ""))
        return found

    def to_dict(self) -> dict[str, Any]:
        return json.loads(json.dumps(asdict(self)))  # lists for tuples, as it will come back from a file

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> FieldMap:
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in state.items()
        }
        for table in ("leads", "signals"):
            values[table] = {role: tuple(names) for role, names in values[table].items()}
        if "consent" not in values:  # saved before there was such a table: nobody's wish is forgotten for that
            return cls(**values)._with_consent_of(cls.load("generic"))
        values["consent"] = {
            channel: {kind: tuple(names) for kind, names in kinds.items()}
            for channel, kinds in values["consent"].items()
        }
        return cls(**values)

    def _with_consent_of(self, other: FieldMap) -> FieldMap:
        """The same map, looking for consent where another does, if there is any, and knowing its words besides."""
        return replace(
            self,
            consent=other.consent,
            consent_yes=tuple(dict.fromkeys((*self.consent_yes, *other.consent_yes))),
            consent_no=tuple(dict.fromkeys((*self.consent_no, *other.consent_no))),
            optional=(*self.optional, *(f"consent.{channel}" for channel in other.consent)),
        )


def normal(name: str) -> str:
    """A column name without case, spaces, underscores and signs: what names are compared by."""
    return re.sub(r"[\W_]+", "", name.casefold()) or name


def normal_once(name: str) -> str:
    """normal() without the number of a column whose name came before: "notes (2)"."""
    return normal(re.sub(r" \(\d+\)$", "", name))


def by_normal_name(columns: Iterable[str]) -> dict[str, str]:
    """Normal name -> the first column of a file that has it."""
    return {normal(column): column for column in reversed(list(columns))}


def shipped() -> list[str]:
    """Names of the field maps that come with tinyscout."""
    return sorted(path.stem for folder in _folders() for path in folder.glob("*.toml") if "[leads]" in _text(path))


def _folders() -> list[Path]:
    """Where shipped maps lie: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return [folder for folder in (package / "configs", package.parent / "configs") if folder.is_dir()][:1]


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix.lower() == ".toml" or path.parent != Path():
        if not path.is_file():
            raise InputError(f"{path}: no such field map; give a TOML file, or one of {', '.join(shipped())}")
        return path
    for folder in _folders():
        if (folder / f"{path.name}.toml").is_file():
            return folder / f"{path.name}.toml"
    raise InputError(
        f'there is no field map called "{path.name}"; give the path of a TOML file, or one of {", ".join(shipped())}'
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: can't be read ({reason}); give a TOML file in UTF-8") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: is no TOML ({' '.join(str(error).split())}); correct that line") from error


def _in_full(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """The content of a map on top of that of the shipped map which it is `like`, table by table and key by key."""
    like = content.pop("like", None)
    if like is None:
        return content
    if like not in shipped():
        raise InputError(f"{path}: like is {like!r}; needs one of {', '.join(shipped())}; see docs/bring_your_own.md")
    full = _read_toml(_find(like))
    for key, value in content.items():
        both = isinstance(value, dict) and isinstance(full.get(key), dict)
        full[key] = full[key] | value if both else value
    return full


def _parse(content: dict[str, Any], path: Path, base: FieldMap | None) -> FieldMap:
    """A FieldMap from the content of a TOML file; what it does not set in [reading] is taken from `base`."""

    def refuse(where: str, came: Any, needed: str) -> InputError:
        return InputError(f"{path}: {where} is {came!r}; needs {needed}; see docs/bring_your_own.md")

    def names(where: str, value: Any) -> tuple[str, ...]:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(entry, str) for entry in values):
            raise refuse(where, value, "a name or a list of names")
        return tuple(values)

    known = {"name", "like", "optional", "leads", "signals", "reading", "types", "leakage", "consent"}
    for key in content:
        if key not in known:
            raise refuse("key", key, f"one of {', '.join(sorted(known))}")
    for table in ("leads", "signals", "reading", "types", "leakage", "consent"):
        if not isinstance(content.get(table, {}), dict):
            raise refuse(table, content[table], f"a table: [{table}]")
    if "leads" not in content:
        raise refuse("file", "without [leads]", "a table [leads] with at least lead_id")

    values: dict[str, Any] = {"name": str(content.get("name", path.stem))}
    for table, roles in (("leads", LEAD_ROLES), ("signals", SIGNAL_ROLES)):
        for role in content.get(table, {}):
            if role not in roles:
                raise refuse(f"[{table}] role", role, f"one of {', '.join(roles)}")
        values[table] = {role: names(f"{table}.{role}", given) for role, given in content.get(table, {}).items()}
    values["optional"] = names("optional", content.get("optional", []))

    reading = dict(content.get("reading", {}))
    window = reading.pop("window_days", None)
    if window is not None and (isinstance(window, bool) or not isinstance(window, int | float) or window <= 0):
        raise refuse("reading.window_days", window, "a number of days above 0")
    values["window_days"] = None if window is None else float(window)
    for key in reading:
        if key not in _LISTS:
            raise refuse("[reading] key", key, f"one of window_days, {', '.join(_LISTS)}")
    for key in _LISTS:
        if key in reading:
            values[key] = names(f"reading.{key}", reading[key])
        elif base is not None and key not in ("after_contact", "date_formats"):
            values[key] = getattr(base, key)
    if "" not in values["missing"]:
        values["missing"] = ("", *values["missing"])

    for column, kind in content.get("types", {}).items():
        if kind not in get_args(ColumnType):
            raise refuse(f"types.{column}", kind, f"one of {', '.join(get_args(ColumnType))}")
    values["types"] = dict(content.get("types", {}))
    words = content.get("leakage", {}).get("words")
    values["leakage_words"] = names("leakage.words", words) if words is not None else base.leakage_words if base else ()

    consent = dict(content.get("consent", {}))
    for key in ("yes", "no"):
        words = names(f"consent.{key}", consent.pop(key, []))
        values[f"consent_{key}"] = words + (getattr(base, f"consent_{key}") if base is not None else ())
    values["consent"] = {}
    for channel, given in consent.items():
        if channel not in CHANNELS:
            raise refuse("[consent] channel", channel, f"one of {', '.join(CHANNELS)}, or the words of yes and no")
        if not isinstance(given, dict) or not given or not given.keys() <= set(KINDS):
            raise refuse(f"consent.{channel}", given, f'{{ opt_out = "a column" }}, or another of {", ".join(KINDS)}')
        values["consent"][channel] = {
            kind: names(f"consent.{channel}.{kind}", columns) for kind, columns in given.items()
        }
    made = FieldMap(**values)
    return made if base is None or made.consent else made._with_consent_of(base)


def _missing_role(where: str, table: str, role: str, names: tuple[str, ...], columns: list[str]) -> str:
    sought = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "") or "nothing: the field map names none"
    have = ", ".join(columns[:12]) + (f", ... ({len(columns)} in all)" if len(columns) > 12 else "")
    return (
        f"{where}: has no column for {role} (looked for {sought}); its columns are {have}. "
        f'Name the column in a field map, [{table}] {role} = "..."; see docs/bring_your_own.md'
        f"{' (or is it the file of leads? That one is named first)' if table == 'signals' else ''}"
    )
