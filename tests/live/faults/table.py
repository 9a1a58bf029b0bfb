#!/usr/bin/env python3
"""Plays the rows of the fault table, one after the other, and writes what they found as a table.

    tests/live/faults/table.py [--out FILE] [--short] [--seed N] [--repeat N] [--list] [ROW …]

A ROW picks those whose name contains it. Each row is played in a process of its
own. What was lost, doubled, reordered or falsely acked must be 0; a row that
breaches it, or whose own promise does not hold, is told with its story, and
the exit status is 1. Rows that need what is not there are skipped with the reason.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LIVE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(LIVE))
sys.dont_write_bytecode = True

# They enter their rows, in this order.
from faults import rows_nodes, rows_links, rows_redis, rows_people, rows_operator  # noqa: F401  # isort: skip
from faults.scene import ROWS, Row, Scene
from process import CROSSTALKD, die_with_parent

ROW_WITHIN_S = 300.0
JUDGED = ("lost", "doubled", "reordered", "false_acks")


def play(row: Row, *, short: bool, seed: int) -> dict[str, Any]:
    """One row from its beginning to its end; raises where a promise is broken."""
    scene = Scene(short=short, seed=seed)
    began = time.monotonic()
    try:
        row.play(scene)
        verdict = scene.verdict()
        print(f"{row.title}: {verdict}; " + ", ".join(f"{name} {value}" for name, value in scene.figures), flush=True)
        return {"chats": verdict.messages, "repeats": verdict.repeats, "excused": dict(verdict.excused),
                "counts": dict(verdict.counts), "figures": scene.figures, "seconds": time.monotonic() - began,
                "stories": verdict.first}
    finally:
        if os.environ.get("CROSSTALK_KEEP_LOGS"):
            for node in scene.world.nodes:
                print(f"--- {node.log_path.name}\n{node.log()}")
        scene.close()


def play_alone(row: Row, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """The same in a process of its own; a failure is part of the result."""
    for need in row.needs:
        if why := need():
            return {"skipped": why}
    with tempfile.NamedTemporaryFile("r", prefix="crosstalk-row-") as result:
        try:
            child = subprocess.run(
                [sys.executable, __file__, "--play", row.key, "--result", result.name, "--seed", str(seed),
                 *(["--short"] if options.short else [])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=ROW_WITHIN_S, text=True, errors="replace", preexec_fn=die_with_parent, check=False)
            said, code = child.stdout, child.returncode
        except subprocess.TimeoutExpired as late:
            said, code = str(late.stdout), 1
        told = result.read()
    found: dict[str, Any] = json.loads(told) if told else {"failed": f"ended with {code}"}
    if code != 0 and "failed" not in found:
        found["failed"] = last_line(said)
    found["said"] = said
    return found


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["(nothing said)"])[-1][:200]


def cells(row: Row, found: dict[str, Any]) -> list[str]:
    if "skipped" in found:
        return [row.title, *["–"] * 6, f"skipped: {found['skipped']}"]
    counts = found.get("counts", {})
    judged = [str(counts.get(kind, 0)) if "counts" in found else "?" for kind in JUDGED]
    figures = [f"{name} {value}" for name, value in found.get("figures", [])]
    figures += [f"**{kind} {count}**" for kind, count in counts.items() if kind not in JUDGED and count]
    figures += [f"{count} {why}" for why, count in found.get("excused", {}).items()]
    if "failed" in found:
        figures.append(f"**failed: {found['failed']}**")
    return [row.title, str(found.get("chats", "?")), *judged, str(found.get("repeats", "?")), "; ".join(figures)]


def table(results: list[tuple[Row, dict[str, Any]]]) -> str:
    head = ["fault", "chats", "lost", "doubled", "reordered", "false acks", "marked repeats", "found"]
    lines = [head, ["---"] * len(head), *(cells(row, found) for row, found in results)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
                     for line in lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Plays the rows of the fault table.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only rows whose name contains this")
    parser.add_argument("--out", type=Path, help="where the table goes (it is printed in any case)")
    parser.add_argument("--short", action="store_true", help="as in make check")
    parser.add_argument("--seed", type=int, default=0, help="of what the rows leave to chance (another each time)")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="play all of it N times")
    parser.add_argument("--list", action="store_true", help="print the rows and stop")
    parser.add_argument("--play", help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        faulthandler.enable()
        faulthandler.dump_traceback_later(ROW_WITHIN_S - 10)
        found = play(ROWS[options.play], short=options.short, seed=options.seed)
        options.result.write_text(json.dumps(found), encoding="utf-8")
        return 0
    chosen = [row for row in ROWS.values() if not options.rows or any(wanted in row.key for wanted in options.rows)]
    if options.list:
        print("\n".join(f"{row.key:28} {row.title}" for row in chosen))
        return 0
    if not os.access(CROSSTALKD, os.X_OK):
        print(f"{CROSSTALKD.name} is not built; run make, or name it in CROSSTALKD", file=sys.stderr)
        return 1
    return run(chosen, options)


def run(chosen: list[Row], options: argparse.Namespace) -> int:
    results: list[tuple[Row, dict[str, Any]]] = []
    bad = 0
    for _ in range(options.repeat):
        for row in chosen:
            seed = options.seed or int.from_bytes(os.urandom(4), "big")
            began = time.monotonic()
            found = play_alone(row, options, seed)
            results.append((row, found))
            broken = "failed" in found or any(found.get("counts", {}).values())
            bad += broken
            kind = "skip" if "skipped" in found else "FAIL" if broken else "ok  "
            print(f"{kind}  {time.monotonic() - began:6.1f} s  {row.key} (seed {seed})", flush=True)
            if broken:
                stories = "\n".join(f"{kind}, the first:\n{story}" for kind, story in found.get("stories", {}).items())
                print(f"{found.get('said', '')}\n{stories}", flush=True)
    text = table(results)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
        print(f"written to {options.out}")
    print(f"{len(results) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
