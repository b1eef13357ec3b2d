"""Nothing heavy is imported before it is needed: what a command imports is most of its time on few leads."""

import subprocess
import sys
from pathlib import Path

from tinyscout.leads.world import make_world, write
from tinyscout.scout import Scout


def modules_after(code: str) -> set[str]:
    code += "\nimport sys; print('modules', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_package_imports_nothing_heavy() -> None:
    assert not {"numpy", "pandas", "numba", "rich"} & modules_after("import tinyscout")


def test_help_imports_nothing_heavy() -> None:
    code = "from tinyscout.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert not {"numpy", "pandas", "numba", "rich"} & modules_after(code)


def test_scoring_imports_only_what_it_runs(small_scout: Scout, tmp_path: Path) -> None:
    write(make_world(60, 4), tmp_path)
    small_scout.save(tmp_path / "model")
    files = [f"{tmp_path / 'leads.parquet'}", "--signals", f"{tmp_path / 'signals.parquet'}"]
    arguments = ["score", *files, "--model", f"{tmp_path / 'model'}", "--out", f"{tmp_path / 'ranked.csv'}"]
    loaded = modules_after(f"from tinyscout.cli import main\nassert main({arguments!r}) == 0")
    assert "pandas" in loaded
    assert not {"sklearn", "matplotlib", "torch", "scipy.stats", "scipy.optimize"} & loaded
