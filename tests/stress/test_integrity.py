"""Nobody can have seen the final test: its seeds stand nowhere else, and who may ask the oracle is written down."""

import ast
import re
import tomllib
from pathlib import Path

from tinyscout.stress.trial import TrialSettings

ROOT = Path(__file__).parents[2]
PHASES = ROOT / "configs" / "phases.toml"
TEXT = (".py", ".toml", ".json", ".yaml", ".yml", ".md", ".sh", ".cfg", ".txt", ".ipynb")
SKIPPED = (".git", "artifacts", "__pycache__", ".venv", "node_modules")


def test_the_seeds_of_the_final_test_stand_nowhere_but_in_its_settings():
    seeds = tomllib.loads(PHASES.read_text(encoding="utf-8"))["phase16"]["seeds"]
    assert len(set(seeds)) == 5
    there = re.compile("|".join(rf"(?<!\d){str(seed)[:2]}_?{str(seed)[2:]}(?!\d)" for seed in seeds))
    found = []
    for path in ROOT.rglob("*"):
        if path.suffix not in TEXT or set(path.relative_to(ROOT).parts) & set(SKIPPED):
            continue
        section = ""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            section = line if line.startswith("[") else section
            its_own = path == PHASES and section == "[phase16]" and line.startswith("seeds = ")
            if there.search(line) and not its_own:
                found.append(f"{path.relative_to(ROOT)}:{number}")
    assert not found


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
    assert sum("sys.exit" in call for call in calls) == 1 and any(call.startswith("verdict(records") for call in calls)


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


def test_only_the_phases_that_say_so_ask_the_oracle():
    for path in (ROOT / "phases").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
        if any("oracle" in ast.unparse(node).replace("oracle_logits", "") for node in imports):
            assert "the oracle" in (ast.get_docstring(tree) or ""), path.name
