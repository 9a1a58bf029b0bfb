"""Child processes that never outlive the test, and ports that no other test takes."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deadline import PATIENCE, SLOWNESS

Address = tuple[str, int]

REPO = Path(__file__).resolve().parents[2]
CROSSTALKD = Path(os.environ.get("CROSSTALKD", REPO / "build" / "crosstalkd")).resolve()
CROSSTALK = CROSSTALKD.with_name("crosstalk")
BENCH = CROSSTALKD.with_name("crosstalk-bench")
PEEK = CROSSTALKD.with_name("cluster-peek")

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_reservations: list[socket.socket] = []


def die_with_parent() -> None:
    """Run in the child before exec: the kernel kills it when its parent dies, however that dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def spawn(arguments: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """A child that ends with this process; its standard input is empty."""
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(arguments, preexec_fn=die_with_parent, **options)


def run(*command: str | Path, stdin: str = "", within: float = PATIENCE,
        environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program that is to end by itself."""
    try:
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=within * SLOWNESS,
            preexec_fn=die_with_parent,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"{' '.join(map(str, command))} runs on; it said:\n{late.stdout!r}\n{late.stderr!r}") from None


def run_daemon(*flags: str, within: float = 20.0) -> subprocess.CompletedProcess[str]:
    """Runs crosstalkd to its end, for cases in which it is expected to stop by itself."""
    return run(CROSSTALKD, *flags, within=within)


def run_tool(*arguments: str, stdin: str = "", within: float = 60.0,
             environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs crosstalk to its end. Its clock is UTC's, and it has no token but the test's."""
    surroundings = {key: value for key, value in os.environ.items() if key != "CROSSTALK_TOKEN"}
    return run(CROSSTALK, *arguments, stdin=stdin, within=within,
               environment={**surroundings, "TZ": "UTC0", "LC_ALL": "C.UTF-8", **(environment or {})})


def free_port() -> int:
    """A loopback port for whoever must know it beforehand; nobody else is given it while this process lives.

    It lies below the range the kernel hands out to connections, and is reserved
    among parallel test processes by an abstract socket of its name.
    """
    while True:
        port = random.randrange(20000, 32000)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        probe = socket.socket()
        try:
            claim.bind(f"\0crosstalk-live-port-{port}")
            probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        finally:
            probe.close()
        _reservations.append(claim)
        return port


def address_of(text: str) -> Address:
    """`HOST:PORT` as Python wants it."""
    host, _, port = text.rpartition(":")
    return host, int(port)
