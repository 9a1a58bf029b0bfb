"""Plays any number of users: one thread, one epoll, one History that is told all they send, are told and see.

The test's thread tells the fleet what they shall do (each call is carried out
when it returns), and makes the faults.
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import itertools
import queue
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from deadline import PATIENCE, Deadline, Late, eventually, pause
from history import History, Verdict
from roamer import CHUNK, How, Line, Message, Roamer, Stream, Where

TICK_S = 0.01
DIAL_WITHIN_S = 2.0
LOGIN_WITHIN_S = 8.0


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

    def each(self, roamers: Iterable[Roamer], call: Callable[[Roamer], None]) -> None:
        """Has all of them do this, at once."""
        def all_of_them() -> None:
            for roamer in roamers:
                call(roamer)

        self.do(all_of_them)

    def note(self, what: str) -> None:
        self.do(lambda: self.history.note(what))

    def look(self, condition: Callable[[], object], within: float = PATIENCE, what: str = "the condition") -> None:
        """Waits for what is asked in the fleet's thread."""
        eventually(lambda: bool(self.do(condition)), within, what)

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
        if roamer.reads:
            self.history.reads(roamer.name)
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
