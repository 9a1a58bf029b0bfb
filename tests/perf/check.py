#!/usr/bin/env python3
"""Counts what fixed scripts cost, and compares it with the accepted figures.

usage: tests/perf/check.py PROGRAM [--accept | --top SCRIPT]

PROGRAM (main.cc) plays the scripts on two nodes under valgrind --tool=callgrind, which counts
instructions in place of time: the same figures on a busy machine as on an idle one. Counted are
the nodes' turns, and the figures are of one chat, or of one login, at both nodes together:
instructions (the kernel's are not seen), allocations of memory, and system calls. Fails where a
script takes more than what is accepted (the file beside this one). --accept writes that file;
--top shows which functions of a script take most.
"""

from __future__ import annotations

import argparse
import collections
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from typing import NamedTuple

ACCEPTED = pathlib.Path(__file__).with_name("accepted")
TOP = 25

# What may be more than accepted: instructions by a share, calls by so many a chat.
INSTRUCTIONS_MORE = 0.05
CALLS_MORE = 0.05

ALLOCATE = {"malloc", "calloc", "realloc", "memalign", "posix_memalign", "aligned_alloc"}
# Of the C library's, those that a node that serves has a use for.
SYSTEM_CALLS = {"accept4", "bind", "brk", "close", "connect", "epoll_ctl", "epoll_pwait", "epoll_wait", "fcntl", "fstat",
                "futex", "getpeername", "getrlimit", "getsockname", "getsockopt", "ioctl", "listen", "madvise", "mmap",
                "mremap", "munmap", "open", "poll", "read", "readv", "recv", "recvfrom", "recvmsg", "send", "sendmsg",
                "sendto", "setsockopt", "shutdown", "socket", "syscall", "write", "writev"}

# Valgrind shows a program some of what its processor can do, and libraries choose their code by
# that. Here they have no choice: the C library keeps to SSE2, simdjson to SSE4.2, everywhere.
AVOIDED = "AVX AVX2 AVX_Fast_Unaligned_Load SSSE3 SSE4_1 SSE4_2 ERMS FSRM BMI1 BMI2 LZCNT MOVBE POPCNT"
ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(f"-{name}" for name in AVOIDED.split()),
    "SIMDJSON_FORCE_IMPLEMENTATION": "westmere" if platform.machine() == "x86_64" else "fallback",
    "LD_BIND_NOW": "1",  # no function is looked up by its name in the middle of a script
    "LC_ALL": "C",
}
VALGRIND = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no", "--combine-dumps=yes",
            "--dump-instr=yes", "--compress-pos=no")


class Figures(NamedTuple):
    """Of one chat, or one login."""
    instructions: float
    allocations: float
    system_calls: float


class Part:
    """One dump: what a script took in so many times."""

    def __init__(self) -> None:
        self.script = ""
        self.times = 1
        self.functions: collections.Counter[str] = collections.Counter()  # instructions of their own
        self.entries: dict[str, tuple[int, int]] = {}  # of functions: where that is, how often it was reached

    def each(self) -> Figures:
        def called(names: set[str]) -> float:
            return sum(self.entries[name][1] for name in names & self.entries.keys()) / self.times
        return Figures(self.functions.total() / self.times, called(ALLOCATE), called(SYSTEM_CALLS))


def parts_of(dumps: list[str]) -> list[Part]:
    """Reads callgrind's format: valgrind manual, "Callgrind Format Specification".

    Its counts of calls are of no use: they include those that the clients make.
    """
    parts: list[Part] = []
    names: dict[str, str] = {}  # of functions, by number, for all dumps
    libraries: dict[str, str] = {}
    function, library, called = "", "", False
    for line in dumps:
        if line.startswith("0x"):
            if not called:  # else of whom it calls
                address, _, cost = line.split()
                parts[-1].functions[function] += int(cost)
                entry = (int(address, 16), int(cost))
                parts[-1].entries[function] = min(entry, parts[-1].entries.get(function, entry))
            called = False
        elif line.startswith("calls="):
            called = True
        elif named := re.match(r"c?fn=\((\d+)\)(?: (.*))?$", line):
            name = names.setdefault(named[1], named[2])
            if line.startswith("fn="):
                function = f"{name} of {library}" if name.startswith("0x") else name
        elif named := re.match(r"c?ob=\((\d+)\)(?: .*?([^/]*))?$", line):
            name = libraries.setdefault(named[1], named[2])
            if line.startswith("ob="):
                library = name
        elif line.startswith("part:"):
            parts.append(Part())
        elif trigger := re.match(r"desc: Trigger: Client Request: ([\w-]+)/(\d+)$", line):
            parts[-1].script, parts[-1].times = trigger[1], int(trigger[2])
    return [part for part in parts if part.script]


def play(program: str) -> tuple[str, list[Part]]:
    """What the figures depend on besides the code, and what was counted."""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR")}
    with tempfile.TemporaryDirectory() as folder:
        dumps = pathlib.Path(folder, "dumps")
        done = subprocess.run([*VALGRIND, f"--callgrind-out-file={dumps}", program], capture_output=True, text=True,
                              errors="replace", env=environment | ENVIRONMENT, check=False)
        if done.returncode != 0:
            sys.exit(f"{done.stderr}{program} has failed under valgrind")
        return f"{platform.machine()}, {done.stdout.strip()}", parts_of(dumps.read_text(errors="replace").splitlines())


def figures_of(parts: list[Part]) -> dict[str, Figures]:
    """A script's parts are many because some have something rare to do: their median does not."""
    figures = {}
    for script in dict.fromkeys(part.script for part in parts):
        instructions, allocations, system_calls = zip(*(part.each() for part in parts if part.script == script))
        figures[script] = Figures(round(statistics.median(instructions)), round(statistics.median(allocations), 2),
                                  round(statistics.median(system_calls), 2))
    return figures


def read_accepted() -> tuple[str, dict[str, Figures]]:
    built, *lines = ACCEPTED.read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return built.removeprefix("# "), {script: Figures(*map(float, figures)) for script, *figures in rows}


def accept(built: str, figures: dict[str, Figures]) -> None:
    lines = [f"# {built}", "# script instructions allocations system_calls",
             *(f"{script} {each.instructions:.0f} {each.allocations:.2f} {each.system_calls:.2f}"
               for script, each in figures.items())]
    ACCEPTED.write_text("\n".join(lines) + "\n")


def over(now: Figures, accepted: Figures) -> list[str]:
    """Of which there is more than what may be."""
    limits = Figures(accepted.instructions * (1 + INSTRUCTIONS_MORE), accepted.allocations + CALLS_MORE,
                     accepted.system_calls + CALLS_MORE)
    return [name.replace("_", " ") for name, found, limit in zip(Figures._fields, now, limits) if found > limit]


def compare(accepted: dict[str, Figures], figures: dict[str, Figures]) -> bool:
    """Prints a table and what follows from it."""
    print(f"  {'':14} {'instructions':>22}   {'allocations':>15}   {'system calls':>15}\n"
          f"  {'':14} {'accepted':>8} {'now':>6} {'':6}   {'accepted':>8} {'now':>6}   {'accepted':>8} {'now':>6}")
    for script, now in figures.items():
        was = accepted.get(script, now)
        print(f"  {script:14} {was.instructions:8.0f} {now.instructions:6.0f} {now.instructions / was.instructions - 1:+6.1%}"
              f"   {was.allocations:8.2f} {now.allocations:6.2f}   {was.system_calls:8.2f} {now.system_calls:6.2f}")
    known = [script for script in figures if script in accepted]
    strange = sorted(accepted.keys() ^ figures.keys())
    worse = {script: more for script in known if (more := over(figures[script], accepted[script]))}
    better = {script: less for script in known if (less := over(accepted[script], figures[script]))}
    for script, less in better.items():
        print(f"better: {script}, fewer {' and '.join(less)}")
    for script, more in worse.items():
        print(f"worse: {script}, more {' and '.join(more)}")
    for script in strange:
        print(f"without accepted figures, or no longer played: {script}")
    if worse:
        print(f"`make perf-top SCRIPT={next(iter(worse))}` shows what takes most")
    if worse or better or strange:
        print("`make perf-accept` takes the figures as they are for the accepted ones")
    failed = len(worse) + len(strange)
    print(f"{len(known) - len(worse)} passed, {failed} failed")
    return failed == 0


def show_top(parts: list[Part]) -> None:
    """Of the part in the middle; what is inlined in a function is counted as its own."""
    part = sorted(parts, key=Part.each)[len(parts) // 2]
    print(f"{part.script}: {part.each().instructions:.0f} instructions each; the functions that take most")
    for function, own in part.functions.most_common(TOP):
        name = re.sub(r"std::basic_string_view<char, std::char_traits<char> >", "std::string_view", function)
        print(f"  {own / part.times:7.1f} {own / part.functions.total():6.1%}  {name}")


def main() -> int:
    options = argparse.ArgumentParser(usage=(__doc__ or "").split("\n")[2].removeprefix("usage: "))
    options.add_argument("program")
    what = options.add_mutually_exclusive_group()
    what.add_argument("--accept", action="store_true")
    what.add_argument("--top", metavar="SCRIPT")
    chosen = options.parse_args()
    built, parts = play(chosen.program)
    figures = figures_of(parts)
    if chosen.top:
        if chosen.top not in figures:
            sys.exit(f"no such script: {chosen.top}; there are {', '.join(figures)}")
        show_top([part for part in parts if part.script == chosen.top])
        return 0
    if chosen.accept:
        accept(built, figures)
        return 0
    accepted_for, accepted = read_accepted()
    if built != accepted_for:
        print(f"not judged: accepted are the figures of {accepted_for}; this is {built}\n0 passed, 0 failed")
        return 0
    return 0 if compare(accepted, figures) else 1


if __name__ == "__main__":
    sys.exit(main())
