"""A private Redis server, and as much of a Redis client as the tests need."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from deadline import PATIENCE, eventually
from process import free_port, spawn

REDIS_SERVER = "/usr/bin/redis-server"


class RedisError(Exception):
    """An error reply of the server."""


class RedisClient:
    """One connection; replies are str, int, None or lists of those."""

    def __init__(self, port: int, timeout_s: float = 10.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def call(self, *words: str | int) -> Any:
        self.send(*words)
        return self.reply()

    def send(self, *words: str | int) -> None:
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            data = str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self._socket.sendall(b"".join(parts))

    def reply(self) -> Any:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        size = int(rest)
        if size < 0:
            return None
        if kind == b"$":
            return self._file.read(size + 2)[:-2].decode()
        return [self.reply() for _ in range(size)]


class Redis:
    """A redis-server process on a port of its own, with nothing saved; a replica of another, if one is given."""

    def __init__(self, directory: Path, cluster: str = "main", replica_of: Redis | None = None) -> None:
        self.port = free_port()
        self._replica_of = replica_of
        self.url = f"redis://127.0.0.1:{self.port}"
        self.prefix = f"crosstalk:{{{cluster}}}:"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._client: RedisClient | None = None

    # The process.

    def start(self) -> None:
        replicating = ["--replicaof", "127.0.0.1", str(self._replica_of.port)] if self._replica_of else []
        with open(self._directory / "redis.log", "ab") as log:
            self._process = spawn(
                [REDIS_SERVER, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                 "--repl-diskless-sync-delay", "0", "--dir", str(self._directory), "--daemonize", "no", *replicating],
                stdout=log, stderr=log, cwd=self._directory)
        eventually(self._answers, what=f"redis-server on port {self.port} answers")

    def shutdown(self) -> None:
        """Stops it in good order; its data is gone, as nothing is saved."""
        assert self._process is not None
        try:
            self.call("SHUTDOWN", "NOSAVE")
        except OSError:
            pass  # it closes instead of answering
        self._ended()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._ended()

    def freeze(self) -> None:
        """It accepts and says nothing, as a machine that hangs does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None:
            self.kill()

    def _ended(self) -> None:
        assert self._process is not None
        self._process.wait(PATIENCE)
        self._process = None
        if self._client is not None:
            self._client.close()
            self._client = None

    def _answers(self) -> bool:
        try:
            return bool(self.call("PING") == "PONG")
        except (OSError, RedisError):
            return False

    def role(self) -> str:
        """`master` or `slave`; nothing where it does not say, as in the moment in which it becomes the other."""
        try:
            return str(self.call("ROLE")[0])
        except OSError:
            return ""

    # What is in it.

    def call(self, *words: str | int) -> Any:
        if self._client is None:
            self._client = RedisClient(self.port)
        try:
            return self._client.call(*words)
        except OSError:
            self._client.close()
            self._client = None
            raise

    def nodes(self) -> set[str]:
        """The members of the set, each NAME@HOST:PORT."""
        return set(self.call("SMEMBERS", self.prefix + "nodes"))

    def add_node(self, member: str) -> None:
        self.call("SADD", self.prefix + "nodes", member)

    def lease(self, name: str) -> dict[str, Any] | None:
        text = self.call("GET", self.prefix + "lease:" + name)
        if text is None:
            return None
        lease: dict[str, Any] = json.loads(text)
        return lease

    def lease_ms(self, name: str) -> int:
        """What is left of a lease; -2 without one."""
        return int(self.call("PTTL", self.prefix + "lease:" + name))

    def set_lease(self, name: str, peer: str, seconds: int) -> None:
        lease = json.dumps({"incarnation": "00000000000000aa", "peer": peer})
        self.call("SET", self.prefix + "lease:" + name, lease, "EX", seconds)

    def calls(self) -> dict[str, int]:
        """How often each command was called since the server started; INFO itself left out."""
        counts: dict[str, int] = {}
        for line in self.call("INFO", "commandstats").split("\r\n"):
            if line.startswith("cmdstat_"):
                name, _, figures = line.removeprefix("cmdstat_").partition(":")
                counts[name] = int(figures.split(",")[0].removeprefix("calls="))
        counts.pop("info", None)
        return counts


class Sentinel:
    """A Sentinel process that watches one Redis, which it calls `main`; two of them can have it fail over."""

    MASTER = "main"
    DOWN_AFTER_MS = 500

    def __init__(self, directory: Path, master: Redis) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        file = directory / f"sentinel-{self.port}.conf"
        file.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {directory}\n"
                        f"sentinel monitor {self.MASTER} 127.0.0.1 {master.port} 2\n"
                        f"sentinel down-after-milliseconds {self.MASTER} {self.DOWN_AFTER_MS}\n"
                        f"sentinel failover-timeout {self.MASTER} 6000\n")
        with open(directory / f"sentinel-{self.port}.log", "ab") as log:
            self._process = spawn([REDIS_SERVER, str(file), "--sentinel"], stdout=log, stderr=log)

    def knows(self, replicas: int, sentinels: int) -> bool:
        """Whether it has found so many replicas and other Sentinels."""
        try:
            return (len(self._call("SENTINEL", "replicas", self.MASTER)) == replicas
                    and len(self._call("SENTINEL", "sentinels", self.MASTER)) == sentinels)
        except OSError:
            return False

    def fail_over(self) -> None:
        self._call("SENTINEL", "FAILOVER", self.MASTER)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def _call(self, *words: str) -> Any:
        client = RedisClient(self.port)
        try:
            return client.call(*words)
        finally:
            client.close()
