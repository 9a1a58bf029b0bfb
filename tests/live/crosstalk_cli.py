"""What the tests of the crosstalk command have in common: it is run, it ends, it is looked at in a terminal."""

from __future__ import annotations

import contextlib
import json
import subprocess
from typing import Any

from cluster import LiveTest
from deadline import PATIENCE, SLOWNESS
from node import Node
from process import CROSSTALK, die_with_parent
from screen import Terminal

Ran = subprocess.CompletedProcess[str]


def at(node: Node) -> list[str]:
    """The flags that name a node."""
    return ["-s", node.ready["client"], "--http", node.ready["http"]]


def objects(ran: Ran) -> list[Any]:
    """What --json printed, which is ASCII."""
    assert ran.stdout.isascii(), ran.stdout
    return [json.loads(line) for line in ran.stdout.splitlines()]


class CliTest(LiveTest):
    def ends(self, ran: Ran, status: int, code: str = "") -> Ran:
        self.assertEqual(ran.returncode, status, f"{ran.args}\n{ran.stdout}{ran.stderr}")
        if code:
            self.assertRegex(ran.stderr, rf"^crosstalk: {code}: .+\n\Z")
        return ran

    def running(self, *arguments: str) -> subprocess.Popen[str]:
        """The command in the background, with its lines on a pipe."""
        process = subprocess.Popen([str(CROSSTALK), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, encoding="utf-8", preexec_fn=die_with_parent)
        self.addCleanup(self.reap, process)
        return process

    @staticmethod
    def reap(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait(PATIENCE * SLOWNESS)
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def terminal(self, *arguments: str, **options: Any) -> Terminal:
        terminal = Terminal([str(CROSSTALK), *arguments], **options)
        self.world.at_end(terminal.close)
        return terminal
