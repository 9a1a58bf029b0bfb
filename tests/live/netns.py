"""A private network: hosts that are namespaces of their own, on one bridge, and rules that lose packets between them.

Everything lives in namespaces without names: this process moves into one of its
own, each host is held by a child that dies with it. So nothing is left behind,
however the test ends, and nothing outside is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

from deadline import eventually
from process import spawn

CLONE_NEWNET = 0x40000000
PREFIX = "10.77.0."
HUB = PREFIX + "254"

_libc = ctypes.CDLL(None, use_errno=True)


def missing() -> str:
    """Why there can be no private network here; empty if there can."""
    for tool in ("ip", "nft", "nsenter"):
        if shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
            return f"{tool} is not installed"
    # In a child, so that this process stays where it is.
    probe = subprocess.run(["unshare", "--net", "nft", "add table inet probe { }"], capture_output=True, check=False)
    if probe.returncode != 0:
        return "it takes root: " + probe.stderr.decode(errors="replace").strip().splitlines()[-1]
    return ""


class Host:
    """One machine: an address, and a namespace in which its processes run."""

    def __init__(self, number: int) -> None:
        self.address = f"{PREFIX}{number}"
        self.link = f"host{number}"
        self._holder = spawn(["unshare", "--net", "sleep", "infinity"])
        self.enter = ["nsenter", "--target", str(self._holder.pid), "--net"]
        holder = str(self._holder.pid)
        ours = os.readlink("/proc/thread-self/ns/net")
        eventually(lambda: os.readlink(f"/proc/{holder}/ns/net") != ours, what="the host has its own namespace")
        _run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", holder)
        _run("ip", "link", "set", self.link, "master", "bridge", "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            self.run("ip", "link", "set", device, "up")
        self.run("nft", "add table inet faults")
        self.run("nft", "add chain inet faults input { type filter hook input priority 0; }")

    def run(self, *command: str) -> None:
        _run(*self.enter, *command)

    def lose(self, other: Host | str, percent: int = 100) -> None:
        """What comes from there is lost on its way in (and nothing is said about it), all of it or so many of a hundred."""
        address = other if isinstance(other, str) else other.address
        part = "" if percent == 100 else f"numgen random mod 100 < {percent} "
        self.run("nft", f"add rule inet faults input ip saddr {address} {part}drop")

    def heal(self) -> None:
        self.run("nft", "flush chain inet faults input")

    def unplug(self) -> None:
        """Pulls the cable: not even a FIN gets out."""
        _run("ip", "link", "set", self.link, "down")

    def plug(self) -> None:
        _run("ip", "link", "set", self.link, "up")

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets that this thread makes meanwhile are this host's."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self._holder.pid}/ns/net", os.O_RDONLY)
        try:
            _check(_libc.setns(there, CLONE_NEWNET))
            yield
        finally:
            _check(_libc.setns(home, CLONE_NEWNET))
            os.close(there)
            os.close(home)

    def socket(self) -> socket.socket:
        with self.inside():
            return socket.socket()

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()


class Network:
    """The bridge. Threads started after it are in the same namespace, those before are not: make it first."""

    def __init__(self) -> None:
        _check(_libc.unshare(CLONE_NEWNET))
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "bridge", "type", "bridge")
        _run("ip", "address", "add", f"{HUB}/24", "dev", "bridge")
        _run("ip", "link", "set", "bridge", "up")
        self.hosts: list[Host] = []

    def host(self) -> Host:
        host = Host(len(self.hosts) + 1)
        self.hosts.append(host)
        return host

    def close(self) -> None:
        for host in self.hosts:
            host.close()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"


def _check(result: Any) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
