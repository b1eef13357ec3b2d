"""The command line. A command's module is imported only when that command is asked for, so that --help is quick."""

import argparse
import importlib
import io
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from tinyscout import __version__
from tinyscout.errors import ArgumentError, InputError

COMMANDS = {
    "demo": "fit on the shipped sample, compare with baseline and trees, write a ranked list and a figure",
    "quality": "report what an export holds: class balance, missing values, duplicates, leaking columns",
    "fit": "fit a scout on an export, judged on its latest leads",
    "score": "rank the leads of an export with a fitted scout",
    "write": "draft a first message for the best leads that may be written to",
    "evaluate": "judge a fitted scout on leads whose outcome is known",
    "stress": "attack a fitted scout with leads made to trick it",
    "export": "write a fitted scout's transformers as ONNX, or as weights that PyTorch loads",
    "learn": "run the phases of the course in order, skipping what is fresh",
    "status": "show which phases there are, whether they are fresh, and which models",
    "doctor": "check this machine and installation",
    "warm": "compile the kernels for this machine now, so that no later command waits for it",
    "world": "make synthetic leads with known reply probabilities",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 the answer is no, 2 bad input, 130 interrupted."""
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(next((word for word in argv if word in COMMANDS), None))
    args = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a path or column may have signs the console can't show; and a pipe is told at once what takes so long
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    try:
        with _notices():
            return args.run(args)
    except InputError as error:
        if args.debug:
            raise
        print(f"tinyscout {args.command}: {_in_options(error, args)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"tinyscout {args.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _in_options(error: InputError, args: argparse.Namespace) -> str:
    """The error in words of the command line: the option by which an argument of a function behind it is given."""
    if isinstance(error, ArgumentError) and hasattr(args, error.name):
        return f"--{error.name.replace('_', '-')} {error.said}"
    return str(error)


class _Parser(argparse.ArgumentParser):
    """Like argparse's, but what is wrong is told in one line, as everywhere, and --help has the usage."""

    def error(self, message: str) -> NoReturn:
        given = re.fullmatch(r"argument (?:\S+/)?(\S+): invalid (int|float) value: (['\"])(.*)\3", message, re.DOTALL)
        if given:
            kind = {"int": "a whole number", "float": "a number"}[given[2]]
            message = f'{given[1]} is "{given[4]}"; needs {kind}'
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)\n")


class _Notice(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        # sys.stderr of this moment: above the bars, while progress is drawn
        print(f"tinyscout: {record.getMessage()}", file=sys.stderr)


@contextmanager
def _notices() -> Iterator[None]:
    """Show on standard error what the kernels log, such as that they are compiled for the first time."""
    logger, handler = logging.getLogger("tinyscout.kernels"), _Notice()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="tinyscout", description="Predict which sales leads will reply. Each command has its own --help."
    )
    parser.add_argument("--version", action="version", version=f"tinyscout {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
        if name == wanted:
            module = importlib.import_module(f"tinyscout.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
