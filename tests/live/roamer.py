"""Users who come, go, move between nodes and send numbered chats until each has its outcome.

A Fleet is one thread with one epoll that plays any number of them; the test's
thread tells it what they shall do (each call is carried out when it returns),
and makes the faults. Everything that is sent, told and seen goes to one
History, which judges it at the end.

A Roamer behaves as a good client does. It numbers its chats, keeps a window of
them without an outcome, and when its connection is gone it logs in again, at
the next of its nodes, and sends what has no outcome once more, in order, under
the same ids and with "retry":true. With acks it confirms what it has read,
cumulatively, once for each batch.
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import itertools
import json
import queue
import random
import select
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from deadline import PATIENCE, Deadline, Late, eventually, pause
from history import History, Verdict
from process import Address

Message = dict[str, Any]
Where = Address | Callable[[], Address]  # a node's client address, now or when it is dialled

CHUNK = 1 << 17
TICK_S = 0.01
DIAL_WITHIN_S = 2.0
LOGIN_WITHIN_S = 8.0
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
            number = stream.open.get(id)
            if number is None:
                continue
            stream.told[what] += 1
            del stream.open[id]
            if what in stream.again and not stream.stopped:
                # It keeps its place in the window, and is sent again in a moment.
                stream.open[id] = number
                self.fleet.after(random.uniform(0.05, 0.2), lambda: self._once_more(stream, number, id, line))
            return

    def _once_more(self, stream: Stream, number: int, id: str, line: Line) -> None:
        if self.line is line and line.state == "on":  # else the next login sends it
            self._send(stream, number, id, retry=True)


class Fleet:
    """The thread that plays them all."""

    def __init__(self, history: History | None = None) -> None:
        self.history = history or History()
        self.roamers: dict[str, Roamer] = {}
        self.sent = 0
        self.seen = 0
        self.errors: Counter[str] = Counter()  # that belong to no chat
        self.on_seen: Callable[[Roamer, Message], None] | None = None
        self._epoll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = itertools.count()
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[Any]]] = queue.SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._epoll.register(self._woken, select.EPOLLIN)
        self._dirty: set[Line] = set()
        self._silent: list[socket.socket] = []  # left open for good
        self._running = True
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    # For the test's thread.

    def do(self, call: Callable[[], Any]) -> Any:
        """Has it done in the fleet's thread, and returns what it returns."""
        if threading.current_thread() is self._thread:
            return call()
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._calls.put((call, done))
        self._wake.send(b"!")
        while True:
            try:
                value, error = done.get(timeout=1)
            except queue.Empty:
                if self._thread.is_alive():
                    continue
                raise AssertionError(f"the fleet's thread is gone: {self._broken!r}") from self._broken
            if error is not None:
                raise error
            return value

    def user(self, name: str, nodes: Sequence[Where] | Where, *, come: bool = True, **options: Any) -> Roamer:
        """A user of these nodes, at the first of them."""
        listed = [nodes] if callable(nodes) or isinstance(nodes, tuple) else list(nodes)
        roamer = Roamer(self, name, listed, **options)  # type: ignore[arg-type]

        def add() -> None:
            self.roamers[roamer.label] = roamer
            if come:
                roamer.come()

        self.do(add)
        return roamer

    def stream(self, sender: Roamer, recipient: Roamer | str, total: int | None = None, **options: Any) -> Stream:
        """Begins a numbered stream; it goes on while its sender is online."""
        name = recipient if isinstance(recipient, str) else recipient.name
        stream = Stream(name, f"{sender.name}>{name}.{len(sender.streams)}", total, **options)

        def add() -> None:
            stream.began = time.monotonic()
            sender.streams.append(stream)
            sender.pump()

        self.do(add)
        return stream

    def note(self, what: str) -> None:
        self.do(lambda: self.history.note(what))

    def look(self, condition: Callable[[], Any], within: float = PATIENCE, what: str = "the condition") -> Any:
        """Waits for what is asked in the fleet's thread."""
        return eventually(lambda: self.do(condition), within, what)

    def all_online(self, within: float = PATIENCE, *roamers: Roamer) -> None:
        wanted = roamers or tuple(self.roamers.values())
        self.look(lambda: all(roamer.online for roamer in wanted), within, f"all {len(wanted)} users are online")

    def stop_sending(self) -> None:
        """No more is begun; what is open is still seen to its outcome."""
        def stop() -> None:
            for roamer in self.roamers.values():
                for stream in roamer.streams:
                    if stream.total is None:
                        stream.total = stream.next
        self.do(stop)

    def settled(self, within: float = PATIENCE) -> None:
        """All that was to be sent is sent, and has its outcome."""
        def left() -> str:
            return ", ".join(f"{stream.stem} {stream.next} sent, {len(stream.open)} open"
                             for roamer in self.roamers.values() for stream in roamer.streams if not stream.done())

        deadline = Deadline(within)
        while missing := self.do(left):
            if deadline.passed():
                raise Late(f"not within {deadline.within:g} s: every chat has its outcome; {missing[:500]}")
            pause(0.05)

    def drained(self, within: float = PATIENCE) -> None:
        """All that was acked is seen; what never will be is left to the judgment."""
        deadline = Deadline(within)
        while self.do(lambda: any(not self.history._excuse(message) for message in self._unseen())):
            if deadline.passed():
                return
            pause(0.2)

    def barrier(self, within: float = 5.0) -> None:
        """Whoever is online has read what its node had for it."""
        def ask() -> list[tuple[Line, int]]:
            lines = [roamer.line for roamer in self.roamers.values() if roamer.line is not None and roamer.online
                     and roamer.reads]
            for line in lines:
                self.write(line, b'{"cmd":"ping"}\n')
            return [(line, line.pongs) for line in lines]

        asked = self.do(ask)
        self.look(lambda: all(line.pongs > before or line.state == "closed" for line, before in asked), within,
                  "everybody's ping is answered")

    def verdict(self, within: float = PATIENCE) -> Verdict:
        """Lets everything come to its end and judges it."""
        self.stop_sending()
        with contextlib.suppress(Late):  # the judgment tells it better, as `unanswered`
            self.settled(within)
        self.drained(within / 2)
        with contextlib.suppress(Late):
            self.barrier()
        verdict: Verdict = self.do(self.history.judge)
        return verdict

    def close(self) -> None:
        if self._running:
            self.do(self._finish)
            self._thread.join(PATIENCE)

    # All below runs in the fleet's thread.

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._serial), call))

    def dial(self, line: Line, receive_buffer: int | None) -> None:
        if receive_buffer is not None:
            line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.socket.setblocking(False)
        self._lines[line.socket.fileno()] = line
        self._watch(line, select.EPOLLOUT)
        if line.socket.connect_ex(line.where) not in (0, errno.EINPROGRESS):
            self.drop(line, How.CLOSE)
            return
        self.after(DIAL_WITHIN_S, lambda: self._given_up(line, "dialling"))
        self.after(LOGIN_WITHIN_S, lambda: self._given_up(line, "dialling", "greeting", "asking"))

    def _given_up(self, line: Line, *states: str) -> None:
        if line.state in states:
            self.drop(line, How.RESET)

    def write(self, line: Line, data: bytes) -> None:
        """Goes out at the end of this turn."""
        line.pending += data
        self._dirty.add(line)

    def drop(self, line: Line, how: How, told: str = "") -> None:
        if line.state == "closed":
            return
        logged_in = line.state in ("asking", "on", "leaving")
        line.state = "closed"
        self._watch(line, 0)
        self._lines.pop(line.socket.fileno(), None)
        self._dirty.discard(line)
        if how is How.SILENT:
            self._silent.append(line.socket)
        else:
            if how is How.RESET:
                line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.socket.close()
        if logged_in:
            self.history.ended(line.tag, told or how.value)
        line.roamer.on_gone(line)

    def deafen(self, roamer: Roamer, deaf: bool = True) -> None:
        """It reads nothing any more (or again)."""
        roamer.reads = not deaf
        if roamer.line is not None:
            self._interest(roamer.line)

    def _watch(self, line: Line, events: int) -> None:
        if events == line.events:
            return
        if not line.events:
            self._epoll.register(line.socket, events)
        elif not events:
            self._epoll.unregister(line.socket)
        else:
            self._epoll.modify(line.socket, events)
        line.events = events

    def _interest(self, line: Line) -> None:
        reads = select.EPOLLIN if line.roamer.reads else 0
        self._watch(line, reads | (select.EPOLLOUT if line.pending else 0))

    def _loop(self) -> None:
        try:
            ticked = 0.0
            while self._running:
                timeout = TICK_S
                if self._timers:
                    timeout = max(0.0, min(timeout, self._timers[0][0] - time.monotonic()))
                for fd, events in self._epoll.poll(timeout):
                    if fd == self._woken.fileno():
                        self._run_calls()
                    elif fd in self._lines:
                        self._ready(self._lines[fd], events)
                now = time.monotonic()
                while self._timers and self._timers[0][0] <= now:
                    heapq.heappop(self._timers)[2]()
                if now - ticked >= TICK_S:
                    ticked = now
                    for roamer in self.roamers.values():
                        if roamer.streams:
                            roamer.pump()
                for line in list(self._dirty):
                    self._flush(line)
        except BaseException as error:
            self._broken = error
            raise
        finally:
            for end in (self._wake, self._woken):
                end.close()
            self._epoll.close()

    def _run_calls(self) -> None:
        self._woken.recv(4096)
        while not self._calls.empty():
            call, done = self._calls.get()
            try:
                done.put((call(), None))
            except Exception as error:  # belongs to the test that called
                done.put((None, error))

    def _ready(self, line: Line, events: int) -> None:
        if line.state == "dialling":
            if line.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or events & (select.EPOLLERR | select.EPOLLHUP):
                self.drop(line, How.CLOSE)
                return
            line.state = "greeting"
            self._interest(line)
            return
        if events & select.EPOLLOUT:
            self._flush(line)
        if events & ~select.EPOLLOUT and line.state != "closed":
            self._read(line)

    def _read(self, line: Line) -> None:
        try:
            data = line.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.drop(line, How.RESET, "reset by the server")
            return
        if not data:
            self.drop(line, How.CLOSE, "logout" if line.state == "leaving" else "closed by the server")
            return
        *lines, line.partial = (line.partial + data).split(b"\n")
        if lines:
            line.roamer.on_lines(line, lines)

    def _flush(self, line: Line) -> None:
        self._dirty.discard(line)
        if line.state in ("dialling", "closed"):
            return
        if line.pending:
            try:
                line.pending = line.pending[line.socket.send(line.pending):]
            except BlockingIOError:
                pass
            except OSError:
                line.pending = b""  # its reading side tells why
        self._interest(line)

    def _unseen(self) -> Iterator[Any]:
        return iter(self.history.unseen())

    def _finish(self) -> None:
        for roamer in self.roamers.values():
            roamer.come_back = False
        for line in list(self._lines.values()):
            self.drop(line, How.CLOSE)
        for silent in self._silent:
            silent.close()
        self._running = False
