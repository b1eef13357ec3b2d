"""Nobody can have seen the final test: its seeds stand nowhere else, and who may ask the oracle is written down.

Each guard is tried on what it is to catch, too.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tinyscout.stress.trial import TrialSettings

ROOT = Path(__file__).parents[2]
PHASES = ROOT / "configs" / "phases.toml"
SKIPPED = ("artifacts", "__pycache__", "node_modules")  # and what begins with a dot, but for CI


def leaks(root: Path, seeds: list[int]) -> list[str]:
    """Where in the texts below a folder one of the seeds stands, but for the line that gives them to the phase."""
    there = re.compile("|".join(rf"(?<!\d){str(seed)[:2]}_?{str(seed)[2:]}(?!\d)" for seed in seeds))
    found = []
    for path in root.rglob("*"):
        inside = path.relative_to(root)
        hidden = any(part.startswith(".") and part != ".ci" for part in inside.parts)
        if hidden or set(inside.parts) & set(SKIPPED) or not path.is_file():
            continue
        section = ""
        for number, line in enumerate(text_of(path).splitlines(), 1):
            section = line if line.startswith("[") else section
            its_own = inside == PHASES.relative_to(ROOT) and section == "[phase16]" and line.startswith("seeds = ")
            if there.search(line) and not its_own:
                found.append(f"{inside.as_posix()}:{number}")
    return found


def text_of(path: Path) -> str:
    """What a file says; nothing where it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_the_seeds_of_the_final_test_stand_nowhere_but_in_its_settings():
    seeds = tomllib.loads(PHASES.read_text(encoding="utf-8"))["phase16"]["seeds"]
    assert len(set(seeds)) == 5 and not leaks(ROOT, seeds)


@pytest.mark.parametrize(
    ("name", "text", "caught"),
    [
        ("tinyscout/tune.py", "SEED = 12345\n", True),
        ("tests/test_x.py", "rng = default_rng(12_345)\n", True),
        ("README.md", "\non seed 12345 it holds\n", True),
        (".ci/run", "python phases/16_final_check.py --seeds 12345\n", True),
        ("configs/phases.toml", "[phase16]\nseeds = [12345]\n", False),
        ("configs/phases.toml", "[phase15]\nseeds = [12345]\n", True),
        ("configs/phases.toml", "[phase16]\nseed = 12345\n", True),
        ("tinyscout/size.py", "SIZE = 912345\n", False),
    ],
)
def test_a_seed_that_stands_elsewhere_is_found(tmp_path, name, text, caught):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [place.split(":")[0] for place in leaks(tmp_path, [12345, 67890])] == ([name] if caught else [])


def test_the_check_that_says_passed_is_of_the_size_that_the_package_says():
    """What phase 16 reads from its settings are the sizes of TrialSettings, at which alone `--full` may pass."""
    sizes, trial = tomllib.loads(PHASES.read_text(encoding="utf-8"))["phase16"], TrialSettings()
    known = {**trial.harden.model_dump(), **trial.model_dump(), "natural_epochs": trial.natural.fit.epochs}
    elsewhere = {"seed", "seeds", "curves", "budgets", "quick"}
    assert {name: known[name] for name in sizes.keys() - elsewhere} == {
        name: sizes[name] for name in sizes.keys() - elsewhere
    }


def test_the_check_ends_with_the_exit_code_of_its_verdict():
    tree = ast.parse((ROOT / "phases" / "16_final_check.py").read_text(encoding="utf-8"))
    calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert ast.unparse(tree.body[-1]) == "sys.exit(code)"
    assert sum("sys.exit" in call for call in calls) == 1
    judged = [call for call in calls if call.startswith("verdict(")]
    assert judged == ["verdict(records, full=given.full and plan == TrialSettings(), quick=run.quick)"]


def test_whatever_trains_or_predicts_is_barred_from_the_oracle():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = tools["importlinter"]["contracts"]
    contract = next(each for each in contracts if "tinyscout.leads.oracle" in each.get("forbidden_modules", ()))
    rooms = {f"tinyscout.{path.stem}" for path in (ROOT / "tinyscout").iterdir() if not path.name.startswith("_")}
    rooms -= {"tinyscout.leads", "tinyscout.stress", "tinyscout.data"}
    leads = {path.stem for path in (ROOT / "tinyscout" / "leads").glob("*.py")}
    made_up = ("_", "world", "oracle", "outreach")  # outreach reads the oracle's words, not its probabilities
    rooms |= {f"tinyscout.leads.{name}" for name in leads if not name.startswith(made_up)}
    assert rooms <= set(contract["source_modules"])
    world = next(each for each in contracts if "tinyscout.leads.world" in each.get("forbidden_modules", ()))
    learning = {room for room in rooms if not room.startswith("tinyscout.leads.")}
    beneath = {f"tinyscout.{name}" for name in ("artifact", "cli", "course", "errors", "settings")}
    assert learning - beneath <= set(world["source_modules"])


@pytest.mark.parametrize(
    "planted",
    ["", "from tinyscout.leads.oracle import reply_probability\n", "from tinyscout.leads.world import load_sample\n"],
)
def test_an_import_of_the_oracle_breaks_the_contract(tmp_path, planted):
    shutil.copytree(ROOT / "tinyscout", tmp_path / "tinyscout", ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "tinyscout" / "metrics" / "scores.py").open("a", encoding="utf-8") as file:
        file.write(planted)
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == (1 if planted else 0), done.stdout + done.stderr
    module = planted.removeprefix("from ").split(" ")[0]
    assert not planted or f"tinyscout.metrics.scores -> {module}" in done.stdout


def test_only_the_phases_that_say_so_ask_the_oracle():
    for path in (ROOT / "phases").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
        if any("oracle" in ast.unparse(node).replace("oracle_logits", "") for node in imports):
            assert "the oracle" in (ast.get_docstring(tree) or ""), path.name
