"""What every phase script shares: its settings, the leads, the earlier artefacts, the one table, the hand-over.

A phase begins with `run = open_phase(__file__, Settings)` and ends with `run.hand_over(...)`. What a user can cause
(a missing need, a full disk) ends the script with one line on standard error and exit code 2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from tinyscout import artifact
from tinyscout.course.plan import Course, Phase, course_folder
from tinyscout.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinyscout.leads.tables import LeadTables
    from tinyscout.metrics import Comparison

AnySettings = TypeVar("AnySettings")
QUICK_THINNING = 4  # --quick keeps every fourth lead of the sample
HOLDOUT, STOP_SHARE = 0.2, 0.12


@dataclass(frozen=True)
class Rows:
    """The split every phase uses, by time with a gap of one label window, as rows of the sample.

    y (N,) float64 is the label, NaN where it isn't known; train for weights, stop (the latest before the gap) for
    early stopping and choices, test for the table alone.
    """

    y: np.ndarray
    train: np.ndarray
    stop: np.ndarray
    test: np.ndarray

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Rows:
        """The rows among the arrays of phase 00."""
        return cls(*(arrays[each.name] for each in fields(cls)))


class Left(NamedTuple):
    """What a phase left: arrays by name (those of a part as "part.name") and what JSON can hold."""

    arrays: dict[str, np.ndarray]
    state: dict[str, Any]

    def part(self, name: str) -> dict[str, np.ndarray]:
        """The arrays that were handed over as one part, such as a model's or the tokens'."""
        prefix = f"{name}."
        return {key.removeprefix(prefix): array for key, array in self.arrays.items() if key.startswith(prefix)}


@dataclass
class PhaseRun(Generic[AnySettings]):
    """A phase that is running; `open_phase` makes it."""

    phase: Phase
    course: Course
    settings: AnySettings
    started: float
    options: argparse.Namespace  # as they were given
    held_out_leads: np.ndarray | None = None  # lead ids (M,) of the held-out contacts, once `leads` has read them

    @property
    def quick(self) -> bool:
        return self.course.quick

    @property
    def seed(self) -> int:
        return self.course.seed

    @property
    def directory(self) -> Path:
        return self.course.directory(self.phase.name)

    def leads(self) -> tuple[LeadTables, Rows]:
        """The shipped sample and its split: the same held-out leads in every phase."""
        from tinyscout.leads.splits import latest_slices, time_split
        from tinyscout.leads.world import load_sample

        with stopping_at_input_errors(self.phase):
            tables = load_sample().tables
            if self.quick:
                tables = tables.take(np.arange(0, len(tables), QUICK_THINNING))
            split = time_split(tables, holdout=HOLDOUT)
            train, stop = latest_slices(tables, split.train, (STOP_SHARE,))
        self.held_out_leads = tables.leads["lead_id"].to_numpy()[split.test]
        return tables, Rows(tables.labels, train, stop, split.test)

    def load(self, name: str) -> Left:
        """What an earlier phase left; name: the phase's or its role, as this phase's NEEDS has it."""
        needed = [each.name for each in self._needed() if name in (each.name, each.role)]
        if not needed:
            raise ValueError(f"{self.phase.name}: load({name!r}) of a phase that NEEDS doesn't name; add it there")
        with stopping_at_input_errors(self.phase):
            _, arrays, state = artifact.load(self.course.directory(needed[-1]))
        return Left(arrays, state)

    def table(
        self,
        y: np.ndarray,
        logits: np.ndarray,
        ms_per_lead: float,
        *,
        also: Mapping[str, np.ndarray] | None = None,
        also_ms: Mapping[str, float] | None = None,
    ) -> Comparison:
        """Compare this phase on the held-out leads with the phase before it and the baseline; print the table.

        y (M,) labels and logits (M,) of the held-out leads; `also` adds logits by name, an ablation for one, and
        `also_ms` milliseconds a lead for some of them. Differences are the others' figures minus this phase's;
        contacts of one lead are drawn together.
        """
        from tinyscout.metrics import comparison

        contestants: dict[str, np.ndarray] = {}
        times: dict[str, float] = dict(also_ms or {})
        for rival in self._rivals():
            with stopping_at_input_errors(self.phase):
                manifest, arrays, _ = artifact.load(self.course.directory(rival.name))
            contestants[rival.label], times[rival.label] = arrays["test_logits"], manifest.metrics["ms_per_lead"]
        contestants |= dict(also or {})
        contestants[self.phase.label], times[self.phase.label] = logits, ms_per_lead
        judged = comparison(
            y,
            contestants,
            reference=self.phase.label,
            groups=self.held_out_leads,
            ms_per_lead=times,
            seed=self.seed,
        )
        print(f"\nThe held-out leads, which nothing above was fitted to or chosen on:\n{judged.text()}\n")
        return judged

    def verdict(self, judged: Comparison, number: str) -> str:
        """What may be said of this phase's log loss against another's, in a few words with the interval."""
        rival = self.course.phase(number).label
        own, other = (judged.rows[name]["log_loss"] for name in (self.phase.label, rival))
        gap = judged.differences[rival]["log_loss"]
        words = "beats" if gap.low > 0 else "is worse than" if gap.high < 0 else "shows no difference from"
        interval = f"{gap.value:+.4f}, 95 % interval {gap.low:+.4f} to {gap.high:+.4f}"
        return f"{own:.4f} {words} phase {number}'s {other:.4f} in log loss ({interval})"

    def _rivals(self) -> list[Phase]:
        """The baseline and the phase before, whose logits on the held-out leads this phase is compared with."""
        needed = self._needed()
        return needed if len(needed) < 2 else [needed[0], needed[-1]]

    def _needed(self) -> list[Phase]:
        return [each for each in self.course.phases if each.name in self.phase.needs]

    def hand_over(
        self,
        *,
        role: str,
        figure: Figure,
        arrays: Mapping[str, np.ndarray],
        judged: Comparison,
        findings: Mapping[str, Any],
        measured: str,
        so_what: str,
        try_this: str,
        parts: Mapping[str, Mapping[str, np.ndarray]] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> artifact.Manifest:
        """Write figure, metrics.json, arrays, state and manifest, then print the closing block.

        arrays must hold `test_logits`, the logits of the held-out leads; parts are groups of arrays under one name,
        such as a model's. findings: what was measured besides the table, as JSON can hold it. The manifest is written
        last: a phase that dies leaves its old artefact whole, or none.
        """
        from tinyscout.course.figure import save_figure

        grouped = {f"{part}.{name}": array for part, group in (parts or {}).items() for name, array in group.items()}
        row = judged.rows[self.phase.label]
        metrics = {
            "log_loss": row["log_loss"],
            "ms_per_lead": row["ms_per_lead"],
            "measured": measured,
            "findings": _plain(findings),
            "comparison": judged.to_json(),
        }
        manifest = artifact.Manifest(
            name=self.phase.name,
            role=role,
            made_by=self.phase.path.name,
            seed=self.seed,
            config=self.course.settings(self.phase),
            data_hash=self.course.sample_hash,
            parents=self.course.parents(self.phase),
            code_hash=artifact.file_hash(self.phase.path),
            metrics=metrics,
            seconds=round(time.perf_counter() - self.started, 2),
        )
        with stopping_at_input_errors(self.phase):
            save_figure(figure, self.directory / "figure.png")
            with artifact.replacing(self.directory / "metrics.json") as temporary:
                temporary.write_text(json.dumps(metrics, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            manifest = artifact.save(self.directory, manifest, {**arrays, **grouped}, state)
        closing = {
            "Question": self.phase.question,
            "Measured": measured,
            "So what": so_what,
            "Saved": f"{self.directory.as_posix()}: model, figure.png, metrics.json ({manifest.seconds:.0f} s)",
            "Try": try_this,
        }
        for name, text in closing.items():
            print(textwrap.fill(f"{name:<9} {text}", 110, subsequent_indent=" " * 10, break_on_hyphens=False))
        return manifest


def seed_list(text: str) -> tuple[int, ...]:
    """The type of an option such as --seeds 1,2,3: each seed once. Raises ArgumentTypeError for what is no number."""
    try:
        return tuple(dict.fromkeys(np.uint32(each).item() for each in text.split(",")))
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f'"{text}" is no list of seeds; needs whole numbers such as 1,2,3') from error


def open_phase(
    file: str,
    kind: type[AnySettings],
    *,
    argv: Sequence[str] | None = None,
    root: Path = Path("artifacts"),
    options: argparse.ArgumentParser | None = None,
) -> PhaseRun[AnySettings]:
    """Read a phase's options and settings and check that all it needs is there and fresh.

    file: the phase's __file__; kind: its frozen dataclass of settings; options: a parser without help, of options that
    this phase alone has. Exits with code 2 and one line otherwise.
    """
    started = time.perf_counter()
    phase = Phase.read(Path(file))
    # Two BLAS threads took a phase 3 times as long where another program held one of two cores, and changed its bits.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # for what is loaded later
    threadpool_limits(1, user_api="blas")
    parents = [] if options is None else [options]
    parser = argparse.ArgumentParser(prog=f"python {file}", description=phase.question, parents=parents)
    parser.add_argument("--quick", action="store_true", help="a small run of a few seconds, apart from the real one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, help="settings (TOML) in place of configs/phases.toml")
    if argv is None and "ipykernel" in sys.modules:  # cells of a notebook: the arguments are the kernel's
        argv = []
    args = parser.parse_args(argv)
    course = Course(phase.path.parent, root, config=args.config, quick=args.quick, seed=args.seed)
    with stopping_at_input_errors(phase):
        try:
            phase = course.resolved(phase)
        except InputError:  # a learner's copy may lie anywhere
            course = replace(course, folder=course_folder())
            phase = course.resolved(phase)
        course.require(phase)
        settings = _settings(kind, course, phase)
    duration = "a few seconds" if args.quick else f"about {phase.seconds:.0f} s"
    print(f"Phase {phase.number}: {phase.question}\nTakes {duration}.\n", flush=True)
    return PhaseRun(phase, course, settings, started, args)


def _settings(kind: type[AnySettings], course: Course, phase: Phase) -> AnySettings:
    """The phase's section of the settings file as its dataclass: every field, no other key, the right types."""
    from pydantic import TypeAdapter, ValidationError

    content = course.settings(phase)
    where = f"{course.config_path}: [phase{phase.number}]"
    known = [each.name for each in fields(kind)]  # pyright: ignore[reportArgumentType]
    for key in content:
        if key not in known:
            raise InputError(f"{where} has a key {key}, which the phase doesn't know; needs {', '.join(known)}")
    for key in known:
        if key not in content:
            raise InputError(f"{where} has no {key}; add it (configs/phases.toml shows all keys)")
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{where} {first['loc'][0]} is {first['input']!r}: {first['msg'].lower()}") from error


def _plain(value: Any) -> Any:
    """The same as JSON can hold it: NumPy numbers as Python's, what is undefined as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


@contextmanager
def stopping_at_input_errors(phase: Phase) -> Iterator[None]:
    """End the script with exit code 2 and the error's one line on standard error."""
    try:
        yield
    except InputError as error:
        line = str(error)
        print(line if line.startswith("phase ") else f"phase {phase.number}: {line}", file=sys.stderr)
        raise SystemExit(2) from None
