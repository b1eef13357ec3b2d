"""Time, calls and shapes of every op, on standard error at exit, when TINYSCOUT_PROFILE=1.

The same figures for one stretch of code: `with profile() as calls: ...; print(calls.table())`.
"""

import atexit
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

active: list["Calls"] = []
"""Who is listening; empty means that ops run without being timed."""


@dataclass
class Calls:
    """Seconds, number of calls and the largest input shapes seen, by op name."""

    seconds: dict[str, float] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, str] = field(default_factory=dict)
    _largest: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, seconds: float, inputs: Sequence[Any]) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.count[name] = self.count.get(name, 0) + 1
        size = sum(x.size for x in inputs if x is not None)
        if size > self._largest.get(name, -1):
            self._largest[name] = size
            self.shapes[name] = " ".join(str(x.shape) for x in inputs if x is not None)

    def table(self) -> str:
        """One line an op, the most time first."""
        total = sum(self.seconds.values())
        lines = [f"{'op':<28}{'ms':>10}{'share':>8}{'calls':>8}{'us/call':>10}  largest inputs"]
        for name in sorted(self.seconds, key=self.seconds.__getitem__, reverse=True):
            spent, count = self.seconds[name], self.count[name]
            share = f"{spent / total:.1%}" if total else "-"
            figures = f"{spent * 1e3:>10.2f}{share:>8}{count:>8}{spent / count * 1e6:>10.1f}"
            lines.append(f"{name:<28}{figures}  {self.shapes[name]}".rstrip())
        lines.append(f"{'all ops':<28}{total * 1e3:>10.2f}")
        return "\n".join(lines)


def call(name: str, function: Callable, inputs: Sequence[Any], options: dict[str, Any] | None = None) -> Any:
    """Run function(*inputs, **options) and book its time under name."""
    start = time.perf_counter()
    result = function(*inputs, **(options or {}))
    seconds = time.perf_counter() - start
    for listener in active:
        listener.add(name, seconds, inputs)
    return result


@contextmanager
def profile() -> Iterator[Calls]:
    """Time every op that runs inside the block."""
    calls = Calls()
    active.append(calls)
    try:
        yield calls
    finally:
        active[:] = [listener for listener in active if listener is not calls]


def _profile_until_exit() -> None:
    calls = Calls()
    active.append(calls)
    atexit.register(lambda: print(calls.table(), file=sys.stderr))


if os.environ.get("TINYSCOUT_PROFILE") == "1":
    _profile_until_exit()
