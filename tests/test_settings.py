"""Settings: the written-out defaults are the defaults, and a mistake in a file is one clear line."""

from pathlib import Path

import pytest

from tinyscout.errors import InputError
from tinyscout.settings import FitSettings, ModelSettings, ScoutSettings, load_settings, overridden

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "scout.toml"


def test_the_shipped_file_writes_out_every_default() -> None:
    loaded = load_settings(ScoutSettings, CONFIG)
    assert loaded == ScoutSettings()
    assert loaded.model_fields_set == set(ScoutSettings.model_fields)
    assert loaded.fit.model_fields_set == set(FitSettings.model_fields)
    assert loaded.model.model_fields_set == set(ModelSettings.model_fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sed = 1", "sed"),
        ("[fit]\nepochs = 0", "fit.epochs"),
        ("[fit]\nlearning_rate = 'fast'", "fit.learning_rate"),
        ("[model]\ndropout = 1.0", "model.dropout"),
        ("[model]\nheads = 3", "model.heads"),
        ("[model]\nwidth = 10", "model.heads"),
        ("[model]\nexperts = 1\ntop_k = 2", "model.top_k"),
        ("[model]\nexperts = 300", "model.experts"),
        ("seed = [", "TOML"),
    ],
)
def test_a_mistake_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_settings(ScoutSettings, path)
    assert said in str(caught.value) and "s.toml" in str(caught.value) and "\n" not in str(caught.value)


def test_what_the_command_line_gives_is_checked_too() -> None:
    assert overridden(ScoutSettings(), seed=3, leave_leaking_out=None) == ScoutSettings(seed=3)
    with pytest.raises(InputError, match=r"--seed is -1"):
        overridden(ScoutSettings(), seed=-1)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such settings file"):
        load_settings(ScoutSettings, tmp_path / "none.toml")
