"""What a judged seed leaves behind, so that a check of hours that was cut off goes on where it stopped.

A record counts only for the settings, the code and the libraries that made it: whatever changed since, it is made anew.
"""

import inspect
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import tinyscout
from tinyscout.errors import InputError
from tinyscout.metrics.bootstrap import Interval
from tinyscout.settings import Settings
from tinyscout.stress.ceiling import LEAST_FALL
from tinyscout.stress.check import NEEDED, ends, least_end
from tinyscout.stress.families import families
from tinyscout.stress.report import report
from tinyscout.stress.trial import Trial

SEEDS, JUDGED = 5, 20_000  # seeds, and leads of each, that it takes to say PASSED
MAY_RISE = 0.01  # log loss on natural leads, over that of the best who saw no attack
LIBRARIES = ("numpy", "scipy", "numba", "scikit-learn", "pandas")  # whose versions may move a figure


@dataclass(frozen=True)
class Record:
    """A trial in figures.

    made_of: hash of what made it; leads: that were judged; least_ceiling, falls: as in Check; natural_rise: as in
    Trial; figures: metric -> contestant -> figure on all judged leads; text: its tables; found: all figures, for
    json.dumps.
    """

    seed: int
    made_of: str
    leads: int
    least_ceiling: float
    natural_rise: float
    falls: dict[str, dict[str, Interval]]
    figures: dict[str, dict[str, float]]
    text: str
    found: dict[str, Any]

    @classmethod
    def of(cls, trial: Trial, made_of: str) -> "Record":
        """The record of a trial that has just been made."""
        check = trial.check
        return cls(
            seed=trial.seed,
            made_of=made_of,
            leads=len(trial.judged),
            least_ceiling=check.least_ceiling,
            natural_rise=trial.natural_rise,
            falls=check.falls,
            figures=check.figures["all"],
            text=report(trial),
            found=trial.to_json(),
        )

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What keeps it from passing: a fall that doesn't surely reach what is needed, natural leads paid for too
        dearly; empty where it passes."""
        least, found = least_end(self.falls), []
        if not least >= NEEDED:
            found.append(f"the least lower end of a fall {ends(least)}")
        if not self.natural_rise <= MAY_RISE:
            found.append(f"natural leads cost {100 * self.natural_rise:+.1f} % (at most {100 * MAY_RISE:.0f})")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """For json.dumps."""
        return {**self.found, "leads": self.leads, "made_of": self.made_of, "text": self.text}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Record":
        """The record that `to_json` of one described. Raises KeyError or TypeError for anything else."""
        own = {key: value for key, value in found.items() if key not in ("leads", "made_of", "text")}
        judged = own["judged"]
        falls = {
            name: {metric: Interval(**each) for metric, each in some.items()} for name, some in judged["falls"].items()
        }
        return cls(
            seed=own["seed"],
            made_of=found["made_of"],
            leads=found["leads"],
            least_ceiling=min(each["value"] for each in judged["ceiling"].values()),
            natural_rise=own["natural_rise"],
            falls=falls,
            figures=judged["figures"]["all"],
            text=found["text"],
            found=own,
        )


def kept(path: Path, made_of: str, *, but: Collection[int] = ()) -> dict[int, Record]:
    """Seed -> record, of those that are made of the same, in a check.json or what was set aside of it; {} for none.

    but: seeds to leave out, which are to be judged again.
    """
    found = {}
    for each in [*sorted(path.parent.glob(f"{path.stem}-*{path.suffix}")), path]:
        found |= {record.seed: record for record in _records(each) if record.made_of == made_of}
    return {seed: record for seed, record in found.items() if seed not in but}


def set_aside(path: Path, made_of: str, *, but: Collection[int] = ()) -> None:
    """Move a check.json that holds nothing that `kept` gives to a name of its own: check-1.json, check-2.json.

    With any of the seeds `but` in it as well, since their records are to be written anew. Raises InputError where it
    can't be moved, as while another program has it open.
    """
    held = {record.seed for record in _records(path) if record.made_of == made_of}
    if not path.exists() or (held and not held & set(but)):
        return
    free = next(name for n in count(1) if not (name := path.with_name(f"{path.stem}-{n}{path.suffix}")).exists())
    try:
        path.rename(free)
    except OSError as error:
        raise InputError(f"{path}: can't be moved to {free.name} ({error.strerror}); close what has it open") from error


def _records(path: Path) -> list[Record]:
    try:
        file = json.loads(path.read_text(encoding="utf-8"))
        return [Record.from_json(each) for each in (*file["trials"], *file["before"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def made_of(settings: Settings) -> str:
    """Hash of a trial's settings, of all code of the package, of families from outside, and of libraries' versions."""
    code = sha256(settings.model_dump_json().encode("utf-8"))
    for family in families():
        if not family.ours:
            code.update(f"{replace(family, edit=None)}".encode() + _source(family.edit))  # pyright: ignore
    code.update(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode("utf-8"))
    folder = Path(tinyscout.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        code.update(path.relative_to(folder).as_posix().encode("utf-8") + b"\n" + path.read_bytes())
    return code.hexdigest()[:16]


def _source(function: Any) -> bytes:
    """The whole file that a function is written in; its type where it is in none."""
    try:
        return Path(inspect.getsourcefile(function) or "").read_bytes()
    except (OSError, TypeError):
        return type(function).__qualname__.encode("utf-8")


def verdict(records: Sequence[Record], *, full: bool, quick: bool = False) -> tuple[str, int]:
    """What may be said of the check after these trials, and the exit code: PASSED takes all of its conditions.

    full: whether this is the check's own size; quick: whether it was only to be seen that it runs.
    Raises ValueError where there is no trial.
    """
    if not records:
        raise ValueError("verdict: no trial; needs one at least")
    if quick:
        return "NOT THE CHECK: a quick run shows that it runs, and nothing of the scout", 0
    tight = [str(each.seed) for each in records if not each.least_ceiling >= LEAST_FALL]
    short = [f"seed {each.seed}: {why}" for each in records for why in each.shortfalls]
    if short:
        return f"FAILED: {'; '.join(short)}", 1
    if tight:
        return f"NO VERDICT: the oracle itself falls less than {100 * LEAST_FALL:.0f} % on seed {', '.join(tight)}", 1
    seeds = dict.fromkeys(str(each.seed) for each in records)
    if full and len(seeds) >= SEEDS and all(each.leads >= JUDGED for each in records):
        return f"PASSED on seeds {', '.join(seeds)}", 0
    takes = f"PASSED takes --full, the settings that ship, {SEEDS} seeds and {JUDGED:,} judged leads each"
    return f"holds on {len(seeds)} seed(s); {takes}", 0
