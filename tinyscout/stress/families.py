"""Families of attacks: a function that edits leads, and the truth about what it made, which only the oracle tells.

A family is `f(leads, signals, budget, rng)` -> (leads, signals): frames of edited leads. It is not trusted: what breaks
the threat model is refused, the oracle gives every edited lead its probability, and the label is drawn from that.
`register(f)` or a FILE.py takes one from outside.
"""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from tinyscout.errors import InputError
from tinyscout.leads import oracle
from tinyscout.leads.tables import LeadTables
from tinyscout.leads.world import World
from tinyscout.stress.returned import Frames, validated, whole_numbers
from tinyscout.stress.threat import BUDGET, Violation, check
from tinyscout.stress.variants import assemble, join, source_ids

Edit = Callable[[pd.DataFrame, pd.DataFrame, int, np.random.Generator], Frames]
Match = Literal["exact", "balanced", "none"]
ROLES = ("decoy", "sleeper")
SEARCH = "search"  # how the names of searches begin
HIDDEN = ("label", "replied_at", "order")  # of the leads, from a family
LONGEST_ERROR = 300  # characters that are shown of what a family says when it fails
_CHUNK = 6  # source leads shown to a family at a time, for each pair still wanted


@dataclass(frozen=True)
class Family:
    """An attack with its story.

    skill: what tells its decoys from its sleepers; held_out: kept from all hardening; match: `exact` where twins have
    equal yardstick features, `balanced` where only pairs of pairs have, `none` where an additive score sees a
    difference; like: of a held-out one, a seen family that asks for nearly the same; ours: not from outside. A file's
    counts as held out, and gets a generator of its own to draw from, which says nothing of labels to be drawn.
    """

    name: str
    story: str
    edit: Edit
    skill: str = ""
    held_out: bool = True
    match: Match = "none"
    like: str = ""
    ours: bool = False


@dataclass(frozen=True)
class Attacked:
    """What an attack made: variants with drawn labels, the truth about them, and what was refused.

    world.truth: contact_id, reply_probability, role, family, pair (int64: twins share one). A pair is refused whole.
    returned: leads that the attack returned, these and those that broke a rule, their twins, and more than were wanted.
    """

    world: World
    refused: list[Violation] = field(default_factory=list)
    returned: int = 0

    @property
    def leads_refused(self) -> int:
        """Leads that broke a rule or more."""
        return len({violation.contact_id for violation in self.refused})

    @property
    def pairs(self) -> int:
        """Pairs of twins; a variant without a twin counts as one."""
        return len(np.unique(self.world.truth["pair"].to_numpy()))


_FAMILIES: dict[str, Family] = {}


def register(family: Family | Edit) -> Family:
    """Add a family, or a plain function with the first line of its docstring as its story.

    Raises InputError for a name that is taken; the project's own are there before any other.
    """
    if not isinstance(family, Family):
        family = Family(getattr(family, "__name__", "family"), _story(family), family)
    if not family.ours:
        families()
        if family.name.startswith(SEARCH) or f"{family.name} ".startswith("all "):
            raise InputError(f'"{family.name}" is what searches, or all attacks, are called; give it another name')
    if family.name in _FAMILIES:
        raise InputError(f'a family named "{family.name}" is registered already; give it another name')
    _FAMILIES[family.name] = family
    return family


def families(*, held_out: bool | None = None) -> tuple[Family, ...]:
    """The registered families in order of registration: all, or those that are held out from hardening, or not."""
    for module in ("seen", "held_out"):  # they register themselves
        importlib.import_module(f"tinyscout.stress.{module}")
    return tuple(each for each in _FAMILIES.values() if held_out is None or each.held_out == held_out)


def load(path: Path) -> Family:
    """The family of a Python file: its function `family(leads, signals, budget, rng)`, named as the file.

    The file is run. Raises InputError where there is no such file or function, or the file fails.
    """
    path = Path(path)
    spec = importlib.util.spec_from_file_location(f"tinyscout_family_{path.stem}", path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; needs one that defines family(leads, signals, budget, rng)")
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: is no Python file; needs one that defines family(leads, signals, budget, rng)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # where dataclasses look for it

    def told(error: BaseException) -> str:
        del sys.modules[module.__name__]
        return f"{path}: fails when it is run ({_in_a_line(error)})"

    with _one_line_of(told):
        spec.loader.exec_module(module)
    made = getattr(module, "family", None)
    if isinstance(made, Family):
        if not isinstance(made.name, str) or len(made.name.splitlines()) != 1:
            raise InputError(f"{path}: its Family is named {made.name!a}; needs a name of one line")
        return replace(made, held_out=True, ours=False)
    if not callable(made):
        raise InputError(f"{path}: defines no function family(leads, signals, budget, rng)")
    return Family(path.stem, _story(made), made)  # pyright: ignore


@contextmanager
def _one_line_of(told: Callable[[BaseException], str]) -> Iterator[None]:
    """Whatever somebody's code ends in, but for a user's interrupt, becomes an InputError with the words of `told`."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise InputError(told(error)) from error


def _story(function: object) -> str:
    """The first line of a function's docstring."""
    said = getattr(function, "__doc__", None)
    return next(iter(said.strip().splitlines()), "") if isinstance(said, str) else ""


def attack(
    family: Family, tables: LeadTables, *, pairs: int, rng: np.random.Generator, budget: int = BUDGET
) -> Attacked:
    """Up to `pairs` pairs of variants (or single variants, from a family that doesn't say which are twins).

    Source leads are drawn from the mature contacts of `tables`. Raises InputError when a family returns something that
    is no lead table, such as numbers for moments, and where no lead is mature.
    """
    mature = rng.permutation(np.flatnonzero(tables.mature))
    if not len(mature):
        raise InputError(f"stress: none of {len(tables):,} leads has a known label; an attack needs mature leads")
    parts: list[Attacked] = []
    made = 0
    while made < pairs and len(mature):
        take = _CHUNK * max(pairs - made, 50)
        part = _attack(family, tables.take(np.sort(mature[:take])), budget, rng, pairs - made)
        mature = mature[take:]
        parts.append(part)
        made += part.pairs
    return parts[0] if len(parts) == 1 else concatenate(parts, rng)


def concatenate(parts: Sequence[Attacked], rng: np.random.Generator) -> Attacked:
    """Several attacks as one; pairs are numbered anew."""
    tables, position = join([part.world.tables for part in parts], rng)
    counts = np.cumsum([0, *(part.pairs for part in parts)])
    truth = pd.concat(
        [part.world.truth.assign(pair=part.world.truth["pair"] + n) for part, n in zip(parts, counts, strict=False)],
        ignore_index=True,
    )
    contact = _distinct(pd.Series(tables.leads["contact_id"]))
    truth = truth.iloc[position].reset_index(drop=True).assign(contact_id=contact)
    tables.leads["contact_id"] = contact
    refused = [violation for part in parts for violation in part.refused]
    return Attacked(World(tables, truth), refused, sum(part.returned for part in parts))


def _attack(family: Family, source: LeadTables, budget: int, rng: np.random.Generator, most: int) -> Attacked:
    """One call of the family, checked, judged by the oracle, cut to `most` pairs."""
    with _one_line_of(lambda error: f'family "{family.name}" failed{_place(family, error)} ({_in_a_line(error)})'):
        made = family.edit(*_shown(source), budget, rng if family.ours else np.random.default_rng(rng.integers(2**63)))
    try:
        if not isinstance(made, tuple):
            raise TypeError(f"a {type(made).__name__}")
        leads, signals = made
        leads, signals = validated(source, leads, signals)
        return told(family.name, source, leads, signals, rng=rng, most=most, budget=budget)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(
            f'family "{family.name}" returned no lead tables ({_in_a_line(error)}); needs a tuple of two '
            "frames: leads as given, and signals with row (a position in leads), at, kind, channel and text"
        ) from error


def _place(family: Family, error: BaseException) -> str:
    """Where in the family's own file an error came from: " in line 7 of last_look.py"; "" where that isn't known."""
    file = getattr(getattr(family.edit, "__code__", None), "co_filename", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" in line {lines[-1]} of {Path(file).name}" if file and lines else ""


def _in_a_line(error: BaseException) -> str:
    """An error's kind and the beginning of its words, in ASCII and without what steers a terminal."""
    words = " ".join(f"{type(error).__name__}: {error}".split()).encode("ascii", "backslashreplace").decode("ascii")
    shown = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in words)
    return shown if len(shown) <= LONGEST_ERROR else f"{shown[:LONGEST_ERROR]}..."


def told(
    name: str,
    source: LeadTables,
    leads: pd.DataFrame,
    signals: pd.DataFrame,
    *,
    rng: np.random.Generator,
    most: int | None = None,
    budget: int = BUDGET,
) -> Attacked:
    """The truth about edited frames: what breaks the threat model is refused, the oracle judges, labels are drawn.

    leads: edited leads of `source`, with `role` and `pair` where the attack says so; cut to `most` pairs at random.
    """
    leads = leads.reset_index(drop=True)
    if "role" in leads and (others := set(leads["role"].astype(str)) - set(ROLES)):
        raise ValueError(f"role is {sorted(others)}; needs {' or '.join(ROLES)}")
    role, pair = (leads.pop(column) if column in leads else None for column in ("role", "pair"))
    pair = np.arange(len(leads)) if pair is None else whole_numbers("leads: pair", pair)
    if len(many := np.flatnonzero((sizes := np.unique(pair, return_counts=True))[1] > 2)):
        raise ValueError(f"pair {sizes[0][many[0]]} has {sizes[1][many[0]]} leads; needs one or two")
    late = ~(signals["at"] < leads["contacted_at"].take(signals["row"]).set_axis(signals.index)).to_numpy()
    edited, position = assemble(source, leads.reindex(columns=list(source.leads)), signals.loc[~late], rng)
    contact = edited.leads["contact_id"]
    ahead = set(contact[np.isin(position, signals["row"].to_numpy()[late])])
    refused = [violation for violation in check(source, edited, budget) if violation.contact_id not in ahead]
    refused += [Violation(each, "time", "a signal that is not before contact") for each in sorted(ahead)]
    bad = contact.isin([violation.contact_id for violation in refused]).to_numpy()
    pair = pair[position]
    fine = np.setdiff1d(pair, pair[bad])
    kept = np.flatnonzero(np.isin(pair, rng.permutation(fine)[:most]))
    edited, pair = edited.take(kept), np.unique(pair[kept], return_inverse=True)[1]

    chance = oracle.reply_probability(edited)
    said = np.where(chance < 0.5, *ROLES) if role is None else role.to_numpy(object)[position][kept]
    leads = edited.leads
    leads["label"] = (rng.random(len(leads)) < chance).astype(np.float64)
    delay = pd.Series(pd.to_timedelta(np.round(rng.uniform(0.1, 20, len(leads)) * 86_400), unit="s"))
    leads["replied_at"] = (leads["contacted_at"] + delay).where(leads["label"] == 1).astype("datetime64[us, UTC]")
    truth = pd.DataFrame({"contact_id": leads["contact_id"], "reply_probability": chance})
    truth = truth.assign(role=said, family=name, pair=pair)
    return Attacked(World(edited, truth), refused, len(position))


def _shown(source: LeadTables) -> Frames:
    """What a family sees of its source leads: no label, and text where the tables have categories, free to edit."""
    leads = source.leads.drop(columns=[name for name in HIDDEN if name in source.leads])
    frames = []
    for frame in (leads, source.signals):
        names = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
        frames.append(frame.astype(dict.fromkeys(names, "str")))
    return frames[0], frames[1]


def _distinct(contact_id: pd.Series) -> pd.Series:
    """Variants of one contact numbered anew where several attacks numbered them alike."""
    source = source_ids(contact_id)
    return (source + "~" + source.groupby(source, sort=False).cumcount().astype(str)).astype("str")
