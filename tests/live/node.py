"""A crosstalkd process: started, stopped, killed, paused, and its log read."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deadline import PATIENCE, SLOWNESS, eventually
from process import CROSSTALKD, Address, address_of, spawn

# Drain is over within 10 s (drain.timeout_ms); the rest is for a busy machine.
STOP_WITHIN = 15.0

_SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|Assertion .* failed")


class Answer(NamedTuple):
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Node:
    """One node. Its flags stay the same over restarts, its log goes on in one file."""

    def __init__(self, name: str, directory: Path, flags: Sequence[str] = (), *, label: str = "",
                 listen: str = "127.0.0.1:0", peer_listen: str = "127.0.0.1:0", http_listen: str = "127.0.0.1:0", wrap: Sequence[str] = (),
                 environment: Mapping[str, str] | None = None) -> None:
        """`label` names its files, for a second node of a name. `wrap` is a command that becomes the node by exec."""
        self.name = name
        self.listen = listen
        self.peer_listen = peer_listen
        self.http_listen = http_listen
        self.flags = list(flags)
        self.wrap = list(wrap)
        self.environment = dict(environment or {})
        self.log_path = directory / f"{label or name}.log"
        self.ready_path = directory / f"{label or name}.ready"
        self.ready: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.log_path.touch()

    # Life.

    def start(self) -> Node:
        return self.launch().wait_ready()

    def launch(self) -> Node:
        """Starts the process without waiting until it serves."""
        self.ready_path.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = spawn(
                [*self.wrap, str(CROSSTALKD), "--node", self.name, "--listen", self.listen, "--peer-listen", self.peer_listen,
                 "--http-listen", self.http_listen,
                 "--ready-file", str(self.ready_path), *self.flags], stdout=log, stderr=log,
                env={**os.environ, **self.environment})
        return self

    def wait_ready(self, within: float = PATIENCE) -> Node:
        self.ready = eventually(self._read_ready, within, f"{self.name} writes its ready file")
        return self

    def stop(self) -> None:
        """SIGTERM; the end must be in good order: exit 0, no ready file, nothing found by a sanitizer."""
        self.terminate()
        self.ended_well()

    def terminate(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGCONT)  # in case a failed test left it paused

    def ended_well(self) -> None:
        if self.process is None:
            return
        code = self.exit_code(STOP_WITHIN)
        found = _SANITIZER.search(self.log())
        assert not found, f"{self.name}: {found and found.group()} in its log"
        assert code == 0, f"{self.name} ended with {code}, not 0"
        assert not self.ready_path.exists(), f"{self.name} left its ready file behind"

    def exit_code(self, within: float = PATIENCE) -> int:
        """Waits for the end of the process. A process that does not end is killed, and that is a failure."""
        assert self.process is not None
        try:
            return self.process.wait(within * SLOWNESS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {within * SLOWNESS:g} s") from None
        finally:
            self.process = None

    def kill(self) -> None:
        """kill -9: the kernel closes its sockets, nobody says good-bye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def keep_ports(self) -> None:
        """The next start listens where this one did."""
        self.listen = self.ready["client"]
        self.peer_listen = self.ready["peer"]
        self.http_listen = self.ready["http"]

    # Where it is.

    @property
    def client(self) -> Address:
        return address_of(self.ready["client"])

    @property
    def http(self) -> Address:
        return address_of(self.ready["http"])

    @property
    def peer(self) -> Address:
        """The advertised address, behind which a fault proxy may stand."""
        return address_of(self.ready["peer"])

    @property
    def member(self) -> str:
        """Its member of the Redis set."""
        return f"{self.name}@{self.ready['peer']}"

    # What it answers.

    def ask(self, method: str, path: str, **headers: str) -> Answer:
        """One question over HTTP, on a connection of its own. In the name of a header, `_` stands for `-`."""
        connection = http.client.HTTPConnection(*self.http, timeout=PATIENCE * SLOWNESS)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def call(self, method: str, path: str) -> tuple[int, Any]:
        """The status, and the JSON that came with it."""
        answer = self.ask(method, path)
        return answer.status, answer.json

    def told(self, path: str) -> Any:
        """What there is to be read as JSON."""
        answer = self.ask("GET", path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json"), answer
        return answer.json

    def unready(self) -> str:
        """Why it is not ready; empty where it is."""
        answer = self.ask("GET", "/readyz")
        if answer.status == 200:
            return ""
        assert answer.status == 503, answer
        return str(answer.json["error"]["message"])

    # What it says.

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def log_lines(self, *words: str) -> list[str]:
        """The lines that have all the words, whatever their case."""
        wanted = [word.lower() for word in words]
        return [line for line in self.log().splitlines() if all(word in line.lower() for word in wanted)]

    def _read_ready(self) -> dict[str, Any] | None:
        assert self.alive(), f"{self.name} ended at its start:\n{self.log()[-2000:]}"
        try:
            ready: dict[str, Any] = json.loads(self.ready_path.read_text())
            return ready
        except FileNotFoundError:
            return None
