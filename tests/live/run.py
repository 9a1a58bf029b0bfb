#!/usr/bin/env python3
"""Runs the live tests: real crosstalkd processes, a real Redis, real faults.

    tests/live/run.py [-j N] [--repeat N] [--list] [NAME …]

A NAME picks the tests whose module.Class.test contains it. Tests run side by
side, each in a process of its own, as most of them wait; classes that share
their nodes run as one, and what loads the machine runs alone at the end.
The daemon is build/crosstalkd, or what CROSSTALKD names. CROSSTALK_SLOWNESS=3
stretches all deadlines, for instrumented builds; CROSSTALK_LOG_LINES says how
much of each log a failure shows.

The last line is `N passed, N failed`; the exit status is 1 if any failed.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from cluster import LiveTest, show_logs
from deadline import SLOWNESS
from process import CROSSTALKD, die_with_parent

UNIT_WITHIN_S = 420.0


@dataclass
class Unit:
    """What runs in one process: a test, or the tests of a class that share a world."""

    names: list[str]
    alone: bool


@dataclass
class Tally:
    """Results of all processes; prints each as it comes."""

    passed: int = 0
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, name: str, ok: bool, seconds: float, detail: str = "") -> None:
        with self.lock:
            self.passed += ok
            self.failed += not ok
            print(f"{'ok  ' if ok else 'FAIL'}  {seconds:6.2f} s  {name}", flush=True)
            if not ok:
                print("\n".join("      " + line for line in detail.rstrip().splitlines()), flush=True)


# The child: runs one unit, tells its results on a pipe.


class Teller(unittest.TestResult):
    """Writes one JSON line a test. Logs are shown at once, while their directory is still there."""

    def __init__(self, pipe: int) -> None:
        super().__init__()
        self._pipe = os.fdopen(pipe, "w", encoding="utf-8")
        self._began = time.monotonic()
        self._why: list[str] = []

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._began = time.monotonic()
        self._why = []

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self._tell(test)

    def addError(self, test: Any, err: Any) -> None:
        if isinstance(test, unittest.TestCase):
            self._bad(test, err)
            return
        self._began, self._why = time.monotonic(), []  # a class that could not be set up or ended badly
        self._bad(test, err)
        self._tell(test)

    def addFailure(self, test: Any, err: Any) -> None:
        self._bad(test, err)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self._bad(test, err, f"{subtest._subDescription()}\n")

    def addSkip(self, test: Any, reason: str) -> None:
        self._why.append(f"skipped: {reason}; a live test either passes or fails")

    def _bad(self, test: Any, err: Any, what: str = "") -> None:
        super().addError(test, err)  # for its formatting, without the frames of unittest
        self._why.append(what + self.errors.pop()[1])
        world = getattr(test, "world", None)
        if world is not None and len(self._why) == 1:
            show_logs(world)

    def _tell(self, test: Any) -> None:
        name = test.id() if isinstance(test, unittest.TestCase) else str(test)
        print(json.dumps({"name": name.removeprefix("test_"), "ok": not self._why,
                          "seconds": time.monotonic() - self._began, "why": "\n".join(self._why)}),
              file=self._pipe, flush=True)


def run_unit(names: list[str], pipe: int) -> None:
    faulthandler.enable()
    faulthandler.dump_traceback_later(UNIT_WITHIN_S * SLOWNESS - 5)
    unittest.TestLoader().loadTestsFromNames(names).run(Teller(pipe))
    faulthandler.cancel_dump_traceback_later()


# The parent.


def find_units(filters: list[str]) -> list[Unit]:
    units: list[Unit] = []
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for kind in vars(module).values():
            if not (isinstance(kind, type) and issubclass(kind, LiveTest) and kind.__module__ == path.stem):
                continue
            names = [f"{path.stem}.{kind.__name__}.{test}"
                     for test in unittest.TestLoader().getTestCaseNames(kind)]
            names = [name for name in names if not filters or any(wanted in name for wanted in filters)]
            if kind.shared and names:
                units.append(Unit(names, kind.alone))
            else:
                units += [Unit([name], kind.alone) for name in names]
    return units


class Crew:
    """N threads that take units off a queue, each running one process at a time."""

    def __init__(self, tally: Tally, scratch: str) -> None:
        self._tally = tally
        self._environment = {**os.environ, "TMPDIR": scratch, "PYTHONDONTWRITEBYTECODE": "1",
                             "CROSSTALKD": str(CROSSTALKD)}
        self._lock = threading.Lock()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._stopping = False

    def run(self, units: list[Unit], jobs: int) -> None:
        work: queue.SimpleQueue[Unit] = queue.SimpleQueue()
        for unit in units:
            work.put(unit)
        threads = [threading.Thread(target=self._work, args=(work,), daemon=True) for _ in range(min(jobs, len(units)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self) -> None:
        """Kills what still runs; the nodes and Redis servers of a test die with its process."""
        with self._lock:
            self._stopping = True
            for child in self._children:
                child.kill()

    def _work(self, work: queue.SimpleQueue[Unit]) -> None:
        # A child dies with the thread that started it, so a thread waits for its own.
        while not self._stopping:
            try:
                unit = work.get_nowait()
            except queue.Empty:
                return
            self._run(unit)

    def _run(self, unit: Unit) -> None:
        began = time.monotonic()
        reading, writing = os.pipe()
        with self._lock:
            child = subprocess.Popen(
                [sys.executable, str(Path(__file__).resolve()), "--unit", str(writing), *unit.names],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[writing],
                env=self._environment, cwd=HERE, preexec_fn=die_with_parent)
            self._children.add(child)
        os.close(writing)
        try:
            output, _ = child.communicate(timeout=UNIT_WITHIN_S * SLOWNESS)
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
        with self._lock:
            self._children.discard(child)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            results = [json.loads(line) for line in pipe]
        text = output.decode(errors="replace")
        for result in results:
            self._tally.note(result["name"], result["ok"], result["seconds"], result["why"] + "\n" + text)
        told = {result["name"] for result in results if result["name"].count(".") == 2}
        missing = [name for name in unit.names if name.removeprefix("test_") not in told]
        if missing and (child.returncode != 0 or not results):
            why = f"the test process ended with {child.returncode}\n{text}"
            for name in missing:
                self._tally.note(name.removeprefix("test_"), False, time.monotonic() - began, why)


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the live tests.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only tests whose module.Class.test contains this")
    parser.add_argument("-j", "--jobs", type=int, default=6, help="how many at a time (6)")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run all of it N times")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("--unit", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.unit is not None:
        run_unit(options.names, options.unit)
        return 0
    units = find_units(options.names)
    if options.list:
        print("\n".join(name.removeprefix("test_") for unit in units for name in unit.names))
        return 0
    if not os.access(CROSSTALKD, os.X_OK):
        print(f"{CROSSTALKD.name} is not built; run make, or name it in CROSSTALKD", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tally = Tally()
    scratch = tempfile.mkdtemp(prefix="crosstalk-live-")
    crew = Crew(tally, scratch)
    try:
        for _ in range(options.repeat):
            crew.run([unit for unit in units if not unit.alone], options.jobs)
            crew.run([unit for unit in units if unit.alone], 1)
    finally:
        crew.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 0 if tally.failed == 0 and tally.passed else 1


if __name__ == "__main__":
    sys.exit(main())
