"""What a judged seed leaves behind, so that a check of hours that was cut off goes on where it stopped.

A record counts only for the settings, the code and the libraries that made it: whatever changed since, it is made anew.
"""

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tinyscout
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


def kept(path: Path, made_of: str) -> dict[int, Record]:
    """Seed -> record, of those in a check.json (which need not be there) that are made of the same."""
    try:
        file = json.loads(path.read_text(encoding="utf-8"))
        trials = [*file["trials"], *file["before"]]
        records = [Record.from_json(each) for each in trials if each["made_of"] == made_of]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {record.seed: record for record in records}


def set_aside(path: Path, made_of: str) -> None:
    """Move a check.json that was made of anything else to a name of its own, `check-<what it was made of>.json`."""
    try:
        trials = json.loads(path.read_text(encoding="utf-8"))["trials"]
        others = {each["made_of"] for each in trials} - {made_of}
    except (OSError, ValueError, KeyError, TypeError):
        return
    if others:
        path.replace(path.with_name(f"{path.stem}-{min(others)}{path.suffix}"))


def made_of(settings: Settings) -> str:
    """Hash of a trial's settings, of all code of the package, of families from outside, and of libraries' versions."""
    code = sha256(settings.model_dump_json().encode("utf-8"))
    for family in families():
        if not family.ours:
            code.update(f"{family.name} {_source(family.edit)}".encode())
    code.update(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode("utf-8"))
    folder = Path(tinyscout.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        code.update(path.relative_to(folder).as_posix().encode("utf-8") + b"\n" + path.read_bytes())
    return code.hexdigest()[:16]


def _source(function: Any) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return repr(function)


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
