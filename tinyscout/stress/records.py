"""What a judged seed leaves behind, so that a check of hours that was cut off goes on where it stopped.

A record counts only for the settings and the code that made it: whatever of the package changed since, it is made anew.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import tinyscout
from tinyscout.metrics.bootstrap import Interval
from tinyscout.settings import Settings
from tinyscout.stress.ceiling import LEAST_FALL
from tinyscout.stress.trial import Trial

SEEDS, JUDGED = 5, 20_000  # seeds, and leads of each, that it takes to say PASSED


@dataclass(frozen=True)
class Record:
    """A trial in figures.

    made_of: hash of what made it; leads: that were judged; passed, least_ceiling, falls: as in Check; figures: metric
    -> contestant -> figure on all judged leads; text: its tables; found: all figures, for json.dumps.
    """

    seed: int
    made_of: str
    leads: int
    passed: bool
    least_ceiling: float
    falls: dict[str, dict[str, Interval]]
    figures: dict[str, dict[str, float]]
    text: str
    found: dict[str, Any]

    @classmethod
    def of(cls, trial: Trial, made_of: str) -> "Record":
        """The record of a trial that has just been made."""
        check = trial.check
        return cls(
            trial.seed,
            made_of,
            len(trial.judged),
            check.passed,
            check.least_ceiling,
            check.falls,
            check.figures["all"],
            trial.text(),
            trial.to_json(),
        )

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
        ceiling = min(each["value"] for each in judged["ceiling"].values())
        figures = judged["figures"]["all"]
        return cls(
            own["seed"], found["made_of"], found["leads"], judged["passed"], ceiling, falls, figures, found["text"], own
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


def made_of(settings: Settings) -> str:
    """Hash of a trial's settings and of all code of the package."""
    code = sha256(settings.model_dump_json().encode("utf-8"))
    folder = Path(tinyscout.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        code.update(path.relative_to(folder).as_posix().encode("utf-8") + b"\n" + path.read_bytes())
    return code.hexdigest()[:16]


def verdict(records: Sequence[Record], *, full: bool) -> tuple[str, int]:
    """What may be said of the check after these trials, and the exit code: PASSED takes all of its conditions."""
    if not records:
        raise ValueError("verdict: no trial; needs one at least")
    tight = [str(each.seed) for each in records if not each.least_ceiling >= LEAST_FALL]
    if not all(each.passed for each in records):
        return "FAILED", 1
    if tight:
        return f"NO VERDICT: the oracle itself falls less than {100 * LEAST_FALL:.0f} % on seed {', '.join(tight)}", 1
    if full and len({each.seed for each in records}) >= SEEDS and all(each.leads >= JUDGED for each in records):
        return "PASSED", 0
    return f"holds on {len(records)} seed(s); PASSED takes --full, {SEEDS} seeds and {JUDGED:,} judged leads each", 0
