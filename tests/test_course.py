"""The plan of the course: what is fresh, what is not and why, and the one line that names the remedy."""

import argparse
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tinyscout import artifact
from tinyscout.course import Course, Phase, open_phase
from tinyscout.course.plan import course_folder
from tinyscout.course.replies import in_turns
from tinyscout.errors import InputError

PHASE = '''
"""Is {name} any good?

More words.
"""

NEEDS = {needs!r}
SECONDS = {seconds}
'''
NAMES = ("00_first", "01_second", "02_third")


@dataclass(frozen=True)
class Settings:
    width: int
    rates: tuple[float, ...]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Three phases, each needing the ones before it directly or through another."""
    folder = tmp_path / "phases"
    folder.mkdir()
    for i, name in enumerate(NAMES):
        content = PHASE.format(name=name, needs=NAMES[max(0, i - 1) : i], seconds=10 * (i + 1))
        (folder / f"{name}.py").write_text(textwrap.dedent(content), encoding="utf-8")
    config = tmp_path / "phases.toml"
    sections = [f"[phase{i:02}]\nwidth = 8\nrates = [1, 0.5]\n[phase{i:02}.quick]\nwidth = 2\n" for i in range(3)]
    config.write_text("\n".join(sections), encoding="utf-8")
    return Course(folder=folder, root=tmp_path / "artifacts", config=config)


def make(course: Course, name: str, value: float = 0.0) -> None:
    phase = course.phase(name)
    manifest = artifact.Manifest(
        name=name,
        role="test",
        made_by="test",
        seed=course.seed,
        config=course.settings(phase),
        parents=course.parents(phase),
        code_hash=artifact.file_hash(phase.path),
    )
    artifact.save(course.directory(name), manifest, {"x": np.array([value])})


def again(course: Course, **changes: object) -> Course:
    """A course that has read nothing yet."""
    return Course(**{"folder": course.folder, "root": course.root, "config": course.config, **changes})  # pyright: ignore


def states(course: Course) -> list[str]:
    return [course.why_stale(phase) for phase in course.phases]


def test_a_phase_is_read_without_running_it(course: Course) -> None:
    phase = course.phase("02")
    assert (phase.name, phase.question, phase.needs, phase.seconds) == (
        "02_third",
        "Is 02_third any good?",
        ("01_second",),
        30.0,
    )


def test_a_phase_without_its_constants_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "03_none.py"
    path.write_text('"""Why?"""\nNEEDS = ()\n', encoding="utf-8")
    with pytest.raises(InputError, match="has no SECONDS"):
        Phase.read(path)


def test_a_phase_can_only_need_an_earlier_one(course: Course) -> None:
    path = course.folder / "00_first.py"
    path.write_text(PHASE.format(name="00_first", needs=("01_second",), seconds=1), encoding="utf-8")
    with pytest.raises(InputError, match="01_second, which is no earlier phase"):
        again(course).phase("00")


def write(course: Course, name: str, needs: tuple[str, ...], role: str) -> None:
    content = textwrap.dedent(PHASE.format(name=name, needs=needs, seconds=1)) + f'run.hand_over(role="{role}")\n'
    (course.folder / f"{name}.py").write_text(content, encoding="utf-8")


def test_a_role_stands_for_the_newest_phase_before_that_leaves_it(course: Course) -> None:
    write(course, "01_second", ("00_first",), "scout")
    write(course, "03_small", ("00_first", "scout"), "small scout")
    write(course, "05_later", (), "scout")
    course = again(course)
    assert course.phase("03").needs == ("00_first", "01_second") and course.phase("01").role == "scout"
    with pytest.raises(InputError, match=r"phase 03 needs 00_first and 01_second; run: tinyscout learn 00 01 "):
        course.require(course.phase("03"))
    for name in ("00_first", "01_second", "03_small"):
        make(course, name)
    assert course.why_stale(course.phase("03")) == ""
    assert set(artifact.read_manifest(course.directory("03_small")).parents) == {"sample", "00_first", "01_second"}

    write(course, "02_third", (), "scout")
    course = again(course)
    assert course.phase("03").needs == ("00_first", "02_third")
    assert course.why_stale(course.phase("03")) == "inputs changed since it was made"
    assert list(course.unmet(course.phase("03"))) == ["02_third"]


def test_a_role_that_nothing_before_leaves_is_one_line(course: Course) -> None:
    write(course, "03_small", ("scout",), "small scout")
    write(course, "04_scout", (), "scout")
    with pytest.raises(InputError, match=r"NEEDS names scout, which is no earlier phase and no role .* 00, 01, 02$"):
        again(course).phase("03")


def test_a_copy_elsewhere_takes_the_role_from_the_course(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(course, "01_second", (), "scout")
    write(course, "03_small", ("scout",), "small scout")
    make(again(course), "01_second", value=3.0)
    copy = tmp_path / "elsewhere" / "03_small.py"
    copy.parent.mkdir()
    copy.write_text((course.folder / "03_small.py").read_text(encoding="utf-8"), encoding="utf-8")
    config = tmp_path / "own.toml"
    text = course.config_path.read_text(encoding="utf-8")
    config.write_text(text + "\n[phase03]\nwidth = 8\nrates = []\n", encoding="utf-8")
    monkeypatch.setattr("tinyscout.course.run.course_folder", lambda: course.folder)
    run = open_phase(str(copy), Settings, argv=["--config", str(config)], root=course.root)
    assert run.phase.needs == ("01_second",) and run.load("scout").arrays["x"] == 3.0
    with pytest.raises(ValueError, match="NEEDS doesn't name"):
        run.load("02_third")


def test_fresh_until_something_it_came_from_changes(course: Course) -> None:
    assert states(course) == ["missing"] * 3
    for name in NAMES:
        make(course, name)
    assert states(course) == [""] * 3

    assert ["seed" in why for why in states(again(course, seed=1))] == [True] * 3
    assert states(again(course, quick=True)) == ["missing"] * 3
    assert course.config is not None
    text = course.config.read_text(encoding="utf-8")
    course.config.write_text(text.replace("width = 8", "width = 9", 1), encoding="utf-8")
    assert states(again(course)) == ["settings changed since it was made", "", ""]
    course.config.write_text(text, encoding="utf-8")

    path = course.folder / "02_third.py"
    path.write_text(path.read_text(encoding="utf-8") + "x = 1\n", encoding="utf-8")
    assert states(again(course)) == ["", "", "phase file changed since it was made"]


def test_a_remade_need_makes_stale_only_if_it_differs(course: Course) -> None:
    for name in NAMES:
        make(course, name)
    make(course, "00_first")
    assert states(course) == [""] * 3
    make(course, "00_first", value=1.0)
    assert states(course) == ["", "inputs changed since it was made", ""]


def test_the_remedy_names_every_phase_to_run(course: Course) -> None:
    with pytest.raises(InputError) as caught:
        course.require(course.phase("02"))
    assert str(caught.value) == (
        "phase 02 needs 00_first and 01_second; run: tinyscout learn 00 01 (about 30 s)".replace(
            "(about 30 s)", f"--config {course.config} (about 30 s)"
        )
    )
    make(course, "00_first")
    make(course, "01_second")
    course.require(course.phase("02"))
    (course.directory("00_first") / artifact.MANIFEST).unlink()
    with pytest.raises(InputError, match=r"phase 02 needs 00_first and 01_second; run: tinyscout learn 00 01"):
        course.require(course.phase("02"))
    course.require(course.phase("02"), running=("00_first", "01_second"))


def test_an_unknown_phase_names_what_there_is(course: Course) -> None:
    with pytest.raises(InputError, match=r'there is no phase "07"; needs one of 00, 01, 02'):
        course.phase("07")


def run_first(course: Course, *options: str, kind: type = Settings) -> object:
    file = course.folder / "00_first.py"
    return open_phase(str(file), kind, argv=["--config", str(course.config), *options], root=course.root)


def test_settings_come_from_the_section_and_quick_lies_over_it(course: Course) -> None:
    run = run_first(course)
    assert run.settings == Settings(8, (1.0, 0.5))  # pyright: ignore[reportAttributeAccessIssue]
    quick = run_first(course, "--quick", "--seed", "3")
    assert quick.settings.width == 2 and quick.seed == 3  # pyright: ignore[reportAttributeAccessIssue]
    assert quick.directory == course.root / "quick" / "00_first"  # pyright: ignore[reportAttributeAccessIssue]


def test_a_phase_may_have_options_of_its_own(course: Course) -> None:
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--seeds")
    argv = ["--config", str(course.config), "--seed", "3"]
    run = open_phase(str(course.folder / "00_first.py"), Settings, argv=argv, root=course.root, options=own)
    assert run.seed == 3 and run.options.seeds is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("width = 8", "width = 8\ndepth = 3", "has a key depth, which the phase doesn't know; needs width, rates"),
        ("width = 8", "", "[phase00] has no width"),
        ("width = 8", 'width = "wide"', "[phase00] width is 'wide': input should be a valid integer"),
        ("[phase00]", "[phase00", "can't be read as TOML"),
    ],
)
def test_wrong_settings_are_one_line_and_exit_code_2(
    course: Course, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    assert course.config is not None
    text = course.config.read_text(encoding="utf-8")
    course.config.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        run_first(course)
    captured = capsys.readouterr()
    assert caught.value.code == 2
    assert words in captured.err and captured.err.count("\n") == 1 and captured.out == ""


def test_a_phase_can_only_load_what_it_needs(course: Course) -> None:
    run = run_first(course)
    with pytest.raises(ValueError, match="NEEDS doesn't name"):
        run.load("01_second")  # pyright: ignore[reportAttributeAccessIssue]


def test_a_truncated_need_is_one_line_and_exit_code_2(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    make(course, "00_first")
    file = str(course.folder / "01_second.py")
    run = open_phase(file, Settings, argv=["--config", str(course.config)], root=course.root)
    next(course.directory("00_first").glob("arrays-*")).write_bytes(b"short")
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        run.load("00_first")
    assert caught.value.code == 2
    assert "phase 01:" in (line := capsys.readouterr().err) and "make the artefact again" in line


def test_every_shipped_phase_reads_and_has_settings() -> None:
    shipped = Course()
    numbers = [phase.number for phase in shipped.phases]
    assert numbers[0] == "00" and numbers == sorted(set(numbers))
    assert all(phase.role for phase in shipped.phases)
    for phase in shipped.phases:
        assert phase.question.endswith("?") and phase.seconds > 0
        assert shipped.settings(phase), f"configs/phases.toml has no [phase{phase.number}]"
        assert set(Course(quick=True).settings(phase)) == set(shipped.settings(phase))
    assert course_folder("configs").is_dir()


def test_what_is_timed_in_turns_is_called_in_turns() -> None:
    called: list[str] = []
    seconds = in_turns({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, rounds=3)
    assert called == ["a", "b"] * 4  # once to compile
    assert set(seconds) == {"a", "b"} and all(len(each) == 3 and each.min() >= 0 for each in seconds.values())
