"""Progress: bars on a terminal, in a pipe a line now and then, and nothing for what is soon done."""

import pytest

from tinyscout.cli import console, main
from tinyscout.cli.console import progress_bars


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets."""
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return now


def test_a_pipe_gets_a_line_every_ten_seconds_with_the_time_left(clock, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress:
        for step in range(1, 401):
            clock[0] += 0.125
            progress("training", step, 1_400)
        for step in range(1, 51):  # the same work once more, from its beginning and twice as slow
            clock[0] += 0.25
            progress("training", step, 200)
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.splitlines() == [
        "tinyscout: training: 80 of 1,400, about 165 s left",
        "tinyscout: training: 160 of 1,400, about 155 s left",
        "tinyscout: training: 240 of 1,400, about 145 s left",
        "tinyscout: training: 320 of 1,400, about 135 s left",
        "tinyscout: training: 400 of 1,400, about 125 s left",
        "tinyscout: training: 40 of 200, about 40 s left",
    ]


def test_what_is_soon_done_says_nothing_to_a_pipe_and_one_step_foretells_nothing(clock, capsys) -> None:
    with progress_bars() as progress:
        progress("reading leads", 100, 100)
        clock[0] += 9.9
        progress("searching", 1, 3)
        assert capsys.readouterr().err == ""
        clock[0] += 0.2
        progress("judging", 1, 3)
        clock[0] += 10
        progress("judging", 3, 3)
    assert capsys.readouterr().err == "tinyscout: judging: 1 of 3\ntinyscout: judging: 3 of 3\n"


def test_a_terminal_gets_bars(clock, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes any stream for a terminal then
    monkeypatch.setenv("TERM", "xterm")
    with progress_bars() as progress:
        clock[0] += 60
        progress("training", 1, 4)
        progress("training", 4, 4)
    assert "4/4" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["score", "write", "evaluate", "export", "stress"])
def test_help_says_which_model_is_meant(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "(artifacts/scout)" in " ".join(capsys.readouterr().out.split())
