"""Waiting for the outside world, always with a deadline.

A test waits for what it can observe (a line, a member of a Redis set, the end
of a process) and never for time to pass. Where the contract names a deadline
the test passes that one; where it names none, PATIENCE is long enough for two
busy cores.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Literal, TypeVar

T = TypeVar("T")

# Instrumented builds are several times slower; CROSSTALK_SLOWNESS=3 stretches every deadline alike.
SLOWNESS = float(os.environ.get("CROSSTALK_SLOWNESS", "1"))
PATIENCE = 30.0
POLL_S = 0.02


class Late(AssertionError):
    """What was waited for did not happen in time."""


class Deadline:
    """A moment after which nothing is waited for any more."""

    def __init__(self, within: float) -> None:
        self.within = within * SLOWNESS
        self._end = time.monotonic() + self.within

    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    def passed(self) -> bool:
        return time.monotonic() >= self._end


def pause(seconds: float) -> None:
    """Gives way between two looks at something that cannot call back."""
    threading.Event().wait(seconds)


def eventually(condition: Callable[[], T | None | Literal[False]], within: float = PATIENCE,
               what: str = "the condition") -> T:
    """Looks until `condition` gives something true, and returns that; Late after `within` seconds."""
    deadline = Deadline(within)
    while True:
        last_look = deadline.passed()
        value = condition()
        if value:
            return value
        if last_look:
            raise Late(f"not within {deadline.within:g} s: {what} (last seen: {value!r})")
        pause(POLL_S)


def throughout(seconds: float, check: Callable[[], object]) -> None:
    """Watches for `seconds` that `check`, which asserts, keeps passing: for what must *not* happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        check()
        pause(POLL_S)
