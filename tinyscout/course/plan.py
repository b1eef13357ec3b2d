"""The plan of the course: the phases on disk, what each needs, and whether what it left is still fresh.

Everything is read without running a phase: needs and seconds from its source, settings from TOML, the rest from
manifests. There is no second record of progress.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tinyscout import artifact
from tinyscout.errors import InputError

PACKAGE = Path(__file__).resolve().parent.parent
SAMPLE = PACKAGE / "data"


@dataclass(frozen=True)
class Phase:
    """One phase script: `name` is the file's, without .py; `needs` names the phases whose artefacts it reads.

    `question` is the first sentence of its docstring, `seconds` what it took at default size when it was written,
    `role` that of the artefact it leaves. As read from a file, `needs` may hold roles; `Course` makes them phases.
    """

    path: Path
    name: str
    question: str
    needs: tuple[str, ...]
    seconds: float
    role: str = ""

    @property
    def number(self) -> str:
        return self.name[:2]

    @property
    def label(self) -> str:
        """The name as tables show it: 03 self attention."""
        return self.name.replace("_", " ")

    @classmethod
    def read(cls, path: Path) -> Phase:
        """Read a phase's docstring, NEEDS, SECONDS and role from its source. Raises InputError where one is missing."""
        path = Path(path)
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError) as error:
            raise InputError(f"{path}: can't be read as Python ({' '.join(str(error).split())})") from error
        found: dict[str, Any] = {}
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                name = statement.targets[0].id
                if name in ("NEEDS", "SECONDS"):
                    found[name] = ast.literal_eval(statement.value)
        question = (ast.get_docstring(tree) or "").split("\n\n")[0]
        for name in ("NEEDS", "SECONDS"):
            if name not in found:
                raise InputError(f"{path}: has no {name}; a phase states it as a module constant")
        needs, seconds = tuple(found["NEEDS"]), float(found["SECONDS"])
        return cls(path, path.stem, " ".join(question.split()), needs, seconds, _role(tree))


def _role(tree: ast.Module) -> str:
    """The role in a phase's run.hand_over(role="...")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "hand_over":
            given = [each.value for each in node.keywords if each.arg == "role"]
            return next((str(value.value) for value in given if isinstance(value, ast.Constant)), "")
    return ""


def course_folder(name: str = "phases") -> Path:
    """The folder `phases` or `configs`: of the installed package, or of the checkout it runs from."""
    for folder in (PACKAGE / name, PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise InputError(f"{PACKAGE / name}: no such folder; install tinyscout anew, or run from a checkout")


@dataclass(frozen=True)
class Course:
    """All phases with the settings they would run with; `root` is where their artefacts lie."""

    folder: Path = field(default_factory=course_folder)
    root: Path = Path("artifacts")
    config: Path | None = None  # default: configs/phases.toml
    quick: bool = False
    seed: int = 0

    @cached_property
    def phases(self) -> list[Phase]:
        """In order, their needs all names of phases. Raises InputError when one needs what doesn't come before it."""
        phases: list[Phase] = []
        for path in sorted(self.folder.glob("[0-9][0-9]_*.py")):
            phases.append(_resolved(Phase.read(path), phases))
        return phases

    def resolved(self, phase: Phase) -> Phase:
        """A phase just read, its needs all names of phases. Raises InputError when one doesn't come before it."""
        return _resolved(phase, [each for each in self.phases if each.name < phase.name])

    def phase(self, name: str) -> Phase:
        """A phase by its name or number. Raises InputError naming what there is."""
        for phase in self.phases:
            if name in (phase.name, phase.number):
                return phase
        known = ", ".join(phase.number for phase in self.phases)
        raise InputError(f'there is no phase "{name}"; needs one of {known}')

    def directory(self, name: str) -> Path:
        """Where a phase leaves its artefact; quick ones lie apart."""
        return self.root / "quick" / name if self.quick else self.root / name

    @cached_property
    def _settings(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.config_path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(f"{self.config_path}: no such settings file; give an existing TOML file") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{self.config_path}: can't be read as TOML ({' '.join(str(error).split())})") from error

    @property
    def config_path(self) -> Path:
        return self.config or course_folder("configs") / "phases.toml"

    def settings(self, phase: Phase) -> dict[str, Any]:
        """The section [phaseNN] of the settings file, [phaseNN.quick] over it when quick."""
        section = dict(self._settings.get(f"phase{phase.number}", {}))
        quick = section.pop("quick", {})
        return section | quick if self.quick else section

    @cached_property
    def sample_hash(self) -> str:
        """Hash of the shipped sample leads, which every phase is judged on."""
        files = sorted(SAMPLE.glob("sample_*.parquet"))
        return artifact.content_hash(files={path.name: artifact.file_hash(path) for path in files})

    def parents(self, phase: Phase) -> dict[str, str]:
        """Hashes of what a phase would be made from; an artefact that isn't there counts as "missing"."""
        found = {"sample": self.sample_hash}
        for name in phase.needs:
            try:
                found[name] = artifact.read_manifest(self.directory(name)).sha
            except InputError:
                found[name] = "missing"
        return found

    def why_stale(self, phase: Phase) -> str:
        """Why what a phase left can't be used, in words; an empty string when it is fresh."""
        code_hash = artifact.file_hash(phase.path)
        why = artifact.freshness(
            self.directory(phase.name),
            config=self.settings(phase),
            seed=self.seed,
            parents=self.parents(phase),
            code_hash=code_hash,
        )
        return why.replace("code_hash", "phase file").replace("config", "settings").replace("parents", "inputs")

    def unmet(self, phase: Phase) -> dict[str, str]:
        """Earlier phases that must run before this one, in order: name -> why."""
        return {each.name: why for each in self._before(phase) if (why := self.why_stale(each))}

    def _before(self, phase: Phase) -> Iterator[Phase]:
        wanted: set[str] = set()
        for each in [phase, *reversed(self.phases)]:
            if each is phase or each.name in wanted:
                wanted |= set(each.needs)
        return (each for each in self.phases if each.name in wanted)

    def require(self, phase: Phase, *, running: Sequence[str] = ()) -> None:
        """Raise InputError naming the remedy unless all a phase needs is fresh, or in `running`, which runs before."""
        unmet = [self.phase(name) for name in self.unmet(phase) if name not in running]
        if unmet:
            names = " and ".join(each.name for each in unmet)
            numbers = " ".join(each.number for each in unmet)
            seconds = sum(each.seconds for each in unmet)
            duration = "a few seconds" if self.quick else f"about {seconds:.0f} s"
            raise InputError(
                f"phase {phase.number} needs {names}; run: tinyscout learn {numbers}{self.options} ({duration})"
            )

    @property
    def options(self) -> str:
        """The options that make a command line run phases with these settings."""
        parts = [" --quick" if self.quick else "", f" --seed {self.seed}" if self.seed else ""]
        return "".join(parts) + (f" --config {self.config}" if self.config else "")


def _resolved(phase: Phase, earlier: Sequence[Phase]) -> Phase:
    """A phase whose needs are names of phases: for a role, the last of `earlier` that leaves it."""
    needs = []
    for need in phase.needs:
        found = [each.name for each in earlier if need in (each.name, each.role)]
        if not found:
            known = ", ".join(each.number for each in earlier) or "none"
            raise InputError(
                f"{phase.path}: NEEDS names {need}, which is no earlier phase and no role that one leaves; earlier "
                f"phases: {known}"
            )
        needs.append(found[-1])
    return replace(phase, needs=tuple(needs))
