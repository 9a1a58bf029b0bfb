#!/usr/bin/env python3
"""A load of numbered chats over a mesh, each checked: one process, one epoll.

    load.py --chats N [--pairs 64] [--window 512] [--gated] HOST:PORT HOST:PORT …

Pair k is a sender on one node and a recipient on another one. The sender keeps
up to `window` chats under way, so that many are pipelined and no queue bound
of the server's is reached. Every chat bears its number within the pair; the
recipient must read 0, 1, 2 … Every hundredth has an id, whose ack is awaited.

With --gated it sends no more chats than the last number on its standard input
says, so that it is not over before what shall happen meanwhile.

Prints the number received so far from time to time, and at the end one JSON
object; `wrong` says what was lost, doubled, out of order or refused. Exits 1
if nothing moved for a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import sys
import time
from dataclasses import dataclass, field

from client import Client
from deadline import SLOWNESS, eventually
from process import Address, address_of

STUCK_S = 60.0 * SLOWNESS
DIGITS = 7
MARK = b'"content":"'
WRONG_MAX = 20


@dataclass
class End:
    """One connection, after the login."""

    socket: socket.socket
    rest: bytes = b""
    pending: bytes = b""


@dataclass
class Pair:
    sender: End
    recipient: End
    prefix: bytes  # of a chat's line, up to the fields that differ
    total: int
    sent: int = 0
    received: int = 0
    unconfirmed: set[int] = field(default_factory=set)


class Load:
    def __init__(self, nodes: list[Address], chats: int, pairs: int, window: int, gated: bool) -> None:
        self.window = window
        self.gate = 0 if gated else chats  # so many may be sent
        self.received = 0
        self.with_id = 0
        self.confirmed = 0
        self.stored = 0
        self.wrong: list[str] = []
        self.pairs: list[Pair] = []
        self._broken = False
        self._epoll = select.epoll()
        if gated:
            os.set_blocking(sys.stdin.fileno(), False)
            self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        self._by_fd: dict[int, tuple[Pair, End]] = {}
        for k in range(pairs):
            total = chats // pairs + (k < chats % pairs)
            here = k % len(nodes)
            there = (here + 1 + k // len(nodes) % (len(nodes) - 1)) % len(nodes)
            self._add(k, nodes[here], nodes[there], total)

    def _add(self, k: int, here: Address, there: Address, total: int) -> None:
        sender, recipient = Client(here, f"storm-s{k}"), Client(there, f"storm-r{k}")
        eventually(lambda: sender.knows(f"storm-r{k}"), what=f"storm-r{k} is known to its sender")
        ends = [End(socket.socket(fileno=client.detach())) for client in (sender, recipient)]
        pair = Pair(ends[0], ends[1], b'{"cmd":"chat","recv":"storm-r%d",' % k, total)
        self.pairs.append(pair)
        for end in ends:
            end.socket.setblocking(False)
            self._epoll.register(end.socket, select.EPOLLIN)
            self._by_fd[end.socket.fileno()] = (pair, end)

    def run(self) -> None:
        chats = sum(pair.total for pair in self.pairs)
        step, told = max(1, chats // 400), 0
        moved = time.monotonic()
        for pair in self.pairs:
            self._fill(pair)
        while self.received < chats or self.confirmed < self.with_id:
            if self._broken or len(self.wrong) >= WRONG_MAX:
                return
            events = self._epoll.poll(1.0)
            for fd, event in events:
                if fd == sys.stdin.fileno():
                    self._open_gate()
                    continue
                pair, end = self._by_fd[fd]
                if event & ~select.EPOLLOUT:
                    self._read(pair, end)
                if event & select.EPOLLOUT:
                    self._write(end)
            if events:
                moved = time.monotonic()
            elif time.monotonic() - moved > STUCK_S:
                self._accuse(f"nothing moved for {STUCK_S:g} s")
                for k, pair in enumerate(self.pairs):
                    if pair.received < pair.total or pair.unconfirmed:
                        self._accuse(f"pair {k}: {pair.received} of {pair.sent} sent came, "
                                     f"{len(pair.unconfirmed)} not confirmed")
                return
            if self.received - told >= step:
                told = self.received
                print(told, flush=True)

    def _open_gate(self) -> None:
        lines = os.read(sys.stdin.fileno(), 4096).split()
        if lines:
            self.gate = int(lines[-1])
        else:
            self._epoll.unregister(sys.stdin.fileno())
        for pair in self.pairs:
            self._fill(pair)

    def _fill(self, pair: Pair) -> None:
        """Tops the window up, half a window at a time."""
        share = -(-self.gate // len(self.pairs))
        until = min(pair.total, pair.received + self.window, share)
        if until <= pair.sent:
            return
        lines = []
        for n in range(pair.sent, until):
            if n % 100 == 0:
                lines.append(b'%s"id":"%d",%s%07d, and some words"}\n' % (pair.prefix, n, MARK, n))
                pair.unconfirmed.add(n)
                self.with_id += 1
            else:
                lines.append(b'%s%s%07d, and some words"}\n' % (pair.prefix, MARK, n))
        pair.sent = until
        pair.sender.pending += b"".join(lines)
        self._write(pair.sender)

    def _write(self, end: End) -> None:
        try:
            end.pending = end.pending[end.socket.send(end.pending):]
        except BlockingIOError:
            pass
        except OSError:
            end.pending = b""  # its reading side tells why
        self._epoll.modify(end.socket, select.EPOLLIN | (select.EPOLLOUT if end.pending else 0))

    def _read(self, pair: Pair, end: End) -> None:
        try:
            data = end.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            data = b""
            self._accuse(f"pair {self.pairs.index(pair)}: {error}")
        if not data:
            self._accuse(f"pair {self.pairs.index(pair)}: closed by the server after {pair.received} of {pair.sent}, "
                         f"last: {end.rest[-200:]!r}")
            self._broken = True
            return
        *lines, end.rest = (end.rest + data).split(b"\n")
        if end is pair.recipient:
            self._count(pair, lines)
            if pair.sent - pair.received <= self.window // 2:
                self._fill(pair)
        else:
            for line in lines:
                self._confirm(pair, json.loads(line))

    def _count(self, pair: Pair, lines: list[bytes]) -> None:
        expected = pair.received
        for line in lines:
            at = line.find(MARK) + len(MARK)
            number = line[at:at + DIGITS]
            if not number.isdigit() or int(number) != expected:
                self._accuse(f"pair {self.pairs.index(pair)}: {expected} was due, and this came: {line[:200]!r}")
                if not number.isdigit():
                    continue
                expected = int(number)
            expected += 1
        self.received += expected - pair.received
        pair.received = expected

    def _confirm(self, pair: Pair, message: dict[str, object]) -> None:
        number = int(str(message.get("id", -1)))
        # A link that was cut too often is left alone for a while, and chats go by mailbox.
        if message.get("status") in ("written", "stored") and number in pair.unconfirmed:
            pair.unconfirmed.discard(number)
            self.confirmed += 1
            self.stored += message["status"] == "stored"
        else:
            self._accuse(f"pair {self.pairs.index(pair)}: the sender was told {message}")

    def _accuse(self, what: str) -> None:
        if len(self.wrong) < WRONG_MAX:
            self.wrong.append(what)

    def nothing_more(self) -> None:
        """After a last line of its own each connection must have nothing but that line's answer."""
        for k, pair in enumerate(self.pairs):
            for end in (pair.sender, pair.recipient):
                end.socket.setblocking(True)
                end.socket.settimeout(STUCK_S)
                end.socket.sendall(b'{"cmd":"ping","id":"end"}\n')
                answer = end.rest
                while not answer.endswith(b"\n"):
                    data = end.socket.recv(1 << 16)
                    if not data:
                        break
                    answer += data
                if json.loads(answer.split(b"\n")[0]) != {"cmd": "pong", "id": "end"}:
                    self._accuse(f"pair {k}: more came than was sent: {answer[:200]!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Numbered chats over a mesh, each checked.")
    parser.add_argument("nodes", nargs="+", metavar="HOST:PORT", help="client addresses, two or more")
    parser.add_argument("--chats", type=int, required=True)
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--gated", action="store_true", help="sends as many as the numbers on standard input allow")
    options = parser.parse_args()
    load = Load([address_of(node) for node in options.nodes], options.chats, options.pairs, options.window,
                options.gated)
    began = time.monotonic()
    load.run()
    seconds = time.monotonic() - began
    if not load.wrong:
        load.nothing_more()
    print(json.dumps({"received": load.received, "with_id": load.with_id, "confirmed": load.confirmed, "stored": load.stored,
                      "seconds": round(seconds, 2), "chats_per_s": round(load.received / seconds),
                      "wrong": load.wrong}))
    return 1 if load.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
