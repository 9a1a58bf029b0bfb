"""A user who comes, goes, moves between nodes, and sends numbered chats until each has its outcome.

A Roamer behaves as a good client does. It numbers its chats, keeps a window of
them without an outcome, and when its connection is gone it logs in again, at
the next of its nodes, and sends what has no outcome once more, in order, under
the same ids and with "retry":true. With acks it confirms what it has read,
cumulatively, once for each batch. A Fleet plays it, and has all its sockets.
"""

from __future__ import annotations

import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from process import Address

if TYPE_CHECKING:
    from fleet import Fleet

Message = dict[str, Any]
Where = Address | Callable[[], Address]  # a node's client address, now or when it is dialled

CHUNK = 1 << 17
# What may succeed when it is tried again; all else is final.
AGAIN = frozenset({"busy", "unavailable", "rate_limited", "shutting_down"})


class How(Enum):
    """In which manner a user leaves a connection."""

    LOGOUT = "logout"  # asks to go, and reads up to the server's close
    CLOSE = "closed"  # FIN
    RESET = "reset"  # RST: what was on its way is gone
    SILENT = "silent"  # not at all: the connection stays open and nobody reads it


@dataclass
class Stream:
    """Numbered chats from one user to another one."""

    recipient: str
    stem: str  # ids are STEM-NUMBER
    total: int | None = None
    rate: float | None = None  # a second; else as fast as the window lets
    window: int = 32
    ids: bool = True
    pad: str = ""
    again: frozenset[str] = AGAIN  # error codes after which a chat is sent again
    next: int = 0
    began: float = 0.0
    stopped: bool = False
    open: dict[str, int] = field(default_factory=dict)  # ids without an outcome, in the order of sending
    told: Counter[str] = field(default_factory=Counter)

    def content(self, number: int) -> str:
        return f"{self.stem}:{number}{self.pad}"

    def done(self) -> bool:
        return not self.open and (self.stopped or (self.total is not None and self.next >= self.total))


class Line:
    """One connection of a roamer: a session from its login to its end."""

    def __init__(self, roamer: Roamer, number: int, where: Address) -> None:
        self.roamer = roamer
        self.where = where
        self.tag = f"{roamer.label}#{number}"
        self.socket = roamer.socket()
        self.state = "dialling"  # greeting, asking, on, leaving, closed
        self.partial = b""
        self.pending = b""
        self.seq = 0
        self.confirmed = 0
        self.pong_due: float | None = None
        self.pongs = 0
        self.events = 0


class Roamer:
    """One user. All of it runs in the fleet's thread."""

    def __init__(self, fleet: Fleet, name: str, nodes: Sequence[Where], *, acks: bool = False,
                 lag_s: float = 0.0, receive_buffer: int | None = None, ping_s: float | None = None,
                 label: str = "", socket: Callable[[], socket.socket] = socket.socket) -> None:
        """`lag_s`: confirms so much later. `ping_s`: takes a connection for lost that has not answered a ping for so long. `label` tells namesakes
        apart. `socket` makes its sockets, in another network say."""
        self.fleet = fleet
        self.name = name
        self.label = label or name
        self.nodes = list(nodes)
        self.at = 0  # which of the nodes is next
        self.acks = acks
        self.lag_s = lag_s
        self.receive_buffer = receive_buffer
        self.ping_s = ping_s
        self.socket = socket
        self.come_back = True  # by itself, when it is not asked not to
        self.line: Line | None = None
        self.coming: Line | None = None  # while it moves without leaving first
        self.streams: list[Stream] = []
        self.reads = True
        self.confirms = True
        self.logins = 0
        self.kicked: Counter[str] = Counter()
        self.waiting: list[int] = []  # what the login answers said
        self.returning = False
        self.moving = False

    @property
    def online(self) -> bool:
        return self.line is not None and self.line.state == "on"

    def idle(self) -> bool:
        return all(stream.done() for stream in self.streams)

    # What it does; called in the fleet's thread.

    def come(self, node: int | None = None) -> None:
        """Logs in, at this of its nodes or the next."""
        if node is not None:
            self.at = node
        self.come_back = True
        if self.line is None and self.coming is None:
            self._dial()

    def go(self, how: How = How.CLOSE) -> None:
        """Leaves and stays away."""
        self.come_back = False
        for line in (self.coming, self.line):
            if line is not None:
                self.leave(line, how)

    def hop(self, node: int, how: How | None = None) -> None:
        """Moves: leaves and comes, or (without `how`) logs in there while the old session is still up."""
        self.at = node
        self.come_back = True
        if how is not None and self.line is not None:
            self.moving = True
            self.leave(self.line, how)  # and comes when it has left
        elif self.coming is None:
            self._dial()

    def be_wary(self, ping_s: float) -> None:
        """From now on it goes elsewhere when a ping is not answered for so long."""
        self.ping_s = ping_s
        if self.line is not None:
            self._ping(self.line)

    def leave(self, line: Line, how: How) -> None:
        if how is How.LOGOUT and line.state == "on":
            line.state = "leaving"
            self.fleet.write(line, b'{"cmd":"logout"}\n')
            return
        self.fleet.drop(line, how)

    def _dial(self) -> None:
        self.returning = self.moving = False
        where = self.nodes[self.at % len(self.nodes)]
        try:
            address = where() if callable(where) else where
        except Exception:  # a node that is just starting has no address yet
            self.later()
            return
        self.logins += 1
        self.coming = Line(self, self.logins, address)
        self.fleet.dial(self.coming, self.receive_buffer)

    def later(self) -> None:
        """Tries the next of its nodes in a moment."""
        self.at += 1
        if not self.returning:
            self.returning = True
            self.fleet.after(random.uniform(0.02, 0.1), self._return)

    def _return(self) -> None:
        if self.returning and self.come_back and self.line is None and self.coming is None:
            self._dial()
        self.returning = False

    # What it is told.

    def on_lines(self, line: Line, lines: list[bytes]) -> None:
        history = self.fleet.history
        for text in lines:
            if line.state == "closed":
                return
            message = json.loads(text)
            cmd = message["cmd"]
            if cmd == "chat":
                history.seen(line.tag, message)
                line.seq = message.get("seq", line.seq)
                self.fleet.seen += 1
                if self.fleet.on_seen is not None:
                    self.fleet.on_seen(self, message)
            elif cmd == "ack":
                self.settle(line, message["id"], message["status"], False)
            elif cmd == "error" and message.get("in") == "chat" and "id" in message:
                self.settle(line, message["id"], message["code"], message.get("maybe") is True)
            elif cmd == "pong":
                line.pong_due = None
                line.pongs += 1
            elif cmd == "hello":
                self._ask(line, message["node"])
            elif cmd == "login":
                self._admitted(line, message)
            elif cmd == "kicked":
                self.kicked[message["reason"]] += 1
                if not message.get("retry") and self.coming in (None, line):
                    self.come_back = False
            elif cmd == "error":
                self.fleet.errors[message["code"]] += 1
                if message.get("in") == "login":
                    self.fleet.drop(line, How.CLOSE)
                    return
        if self.acks and self.confirms and line.seq > line.confirmed:
            if self.lag_s == 0:
                self._confirm(line, line.seq)
            else:
                seq = line.seq
                self.fleet.after(self.lag_s, lambda: self._confirm(line, seq))
        if line.state == "on":
            self.pump()

    def _confirm(self, line: Line, seq: int) -> None:
        if line.state in ("on", "leaving") and seq > line.confirmed:
            line.confirmed = seq
            self.fleet.write(line, b'{"cmd":"ack","seq":%d}\n' % seq)

    def _ask(self, line: Line, node: str) -> None:
        if self.line is not None:
            # From here on the old session is nobody's: what of it was not read comes again, marked, or is lost.
            self.fleet.drop(self.line, How.CLOSE)
        line.state = "asking"
        line.tag += f"@{node}"
        self.fleet.history.login(line.tag, self.name, acks=self.acks)
        ask: Message = {"cmd": "login", "name": self.name}
        if self.acks:
            ask["ack"] = True
        self.fleet.write(line, json.dumps(ask).encode() + b"\n")

    def _admitted(self, line: Line, message: Message) -> None:
        if self.coming is line:
            self.coming = None
        self.line = line
        line.state = "on"
        self.waiting.append(message.get("waiting", 0))
        self.fleet.history.logged_in(line.tag)
        for stream in self.streams:
            for id, number in list(stream.open.items()):
                self._send(stream, number, id, retry=True)
        if self.ping_s is not None:
            self.fleet.after(self.ping_s / 2, lambda: self._ping(line))

    def _ping(self, line: Line) -> None:
        if self.line is not line or line.state != "on" or self.ping_s is None:
            return
        if line.pong_due is not None and time.monotonic() > line.pong_due:
            self.fleet.drop(line, How.RESET)
            return
        if line.pong_due is None:
            line.pong_due = time.monotonic() + self.ping_s
            self.fleet.write(line, b'{"cmd":"ping"}\n')
        self.fleet.after(self.ping_s / 2, lambda: self._ping(line))

    def on_gone(self, line: Line) -> None:
        """This connection is over, whoever ended it."""
        if self.coming is line:
            self.coming = None
        elif self.line is line:
            self.line = None
        if self.line is None and self.coming is None and self.come_back:
            if self.moving:
                self._dial()
            else:
                self.later()

    # Sending.

    def pump(self) -> None:
        """Sends what the windows and rates allow."""
        if not self.online:
            return
        assert self.line is not None
        now = time.monotonic()
        for stream in self.streams:
            if stream.stopped:
                continue
            due = stream.total if stream.total is not None else 1 << 60
            if stream.rate is not None:
                due = min(due, int((now - stream.began) * stream.rate) + 1)
            # What lay too long is not made up for in a burst.
            while stream.next < due and len(stream.open) < stream.window and len(self.line.pending) < CHUNK:
                number = stream.next
                stream.next += 1
                self._send(stream, number, f"{stream.stem}-{number}", retry=False)
            if stream.rate is not None and len(stream.open) >= stream.window:
                stream.began = max(stream.began, now - stream.next / stream.rate)

    def _send(self, stream: Stream, number: int, id: str, *, retry: bool) -> None:
        assert self.line is not None
        content = stream.content(number)
        chat: Message = {"cmd": "chat", "recv": stream.recipient, "content": content}
        if stream.ids:
            chat["id"] = id
            stream.open[id] = number
        if retry:
            chat["retry"] = True
        self.fleet.history.sent(self.line.tag, stream.recipient, id if stream.ids else None, content, retry=retry)
        self.fleet.sent += 1
        self.fleet.write(self.line, json.dumps(chat).encode() + b"\n")

    def settle(self, line: Line, id: str, what: str, maybe: bool) -> None:
        self.fleet.history.outcome(line.tag, id, what, maybe=maybe)
        for stream in self.streams:
            if id not in stream.open:
                continue
            stream.told[what] += 1
            number = stream.open.pop(id)
            if what in stream.again and not stream.stopped:
                # It keeps its place in the window, and is sent again in a moment.
                stream.open[id] = number
                self.fleet.after(random.uniform(0.05, 0.2), partial(self._once_more, stream, number, id, line))
            return

    def _once_more(self, stream: Stream, number: int, id: str, line: Line) -> None:
        if self.line is line and line.state == "on":  # else the next login sends it
            self._send(stream, number, id, retry=True)
