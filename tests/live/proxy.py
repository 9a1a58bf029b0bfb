"""A TCP relay that can be told to fail, put in front of a node's peer port.

The node advertises the proxy's address, so its peers dial the proxy. One
thread owns every socket; the test's calls are carried out by it, so that what
a call reports (how many connections it cut, say) is exact.
"""

from __future__ import annotations

import queue
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from deadline import PATIENCE
from process import Address, free_port

CHUNK = 1 << 18
# What lies on a slow line at most, and in what pieces.
SLOW_BYTES_MAX = 1 << 18
SLOW_PIECE = 1400
RECORD_BYTES = 1 << 14


class Mode(Enum):
    """What happens to a connection that comes in."""

    FORWARD = "forward"
    SLAM = "accepted and closed at once"
    SWALLOW = "accepted, read, never answered"
    REFUSE = "refused by the kernel"


@dataclass(frozen=True)
class Shape:
    """A slow line: each byte comes so much later, and so many pass in a second."""

    delay_s: float = 0.0
    bytes_per_s: float = float("inf")


class Pipe:
    """One direction of a connection: what was read here and could not be written there yet."""

    def __init__(self, source: socket.socket, sink: socket.socket, to_node: bool) -> None:
        self.source = source
        self.sink = sink
        self.to_node = to_node
        self.pending = b""
        self.later: deque[tuple[float, bytes]] = deque()  # on a slow line: when it may go on, and what
        self.later_bytes = 0
        self.free_at = 0.0  # when the line has carried what is on it
        self.passed = 0  # bytes so far
        self.ended = False
        self.shut = False
        self.recorded = b""


class Carried:
    """A connection that came in, and the one to the node that it is carried on with."""

    def __init__(self, number: int, dialer: socket.socket, node: socket.socket | None) -> None:
        self.number = number
        self.dialer = dialer
        self.node = node
        self.opened = time.monotonic()
        self.closed: float | None = None
        self.pipes: list[Pipe] = []
        if node is not None:
            self.pipes = [Pipe(dialer, node, True), Pipe(node, dialer, False)]

    def recorded(self, to_node: bool) -> bytes:
        """The first RECORD_BYTES of one direction."""
        return b"".join(pipe.recorded for pipe in self.pipes if pipe.to_node == to_node)


class FaultProxy:
    """Relays connections to `target`, or without one stands for a peer that is none."""

    def __init__(self, target: Address | None = None, mode: Mode = Mode.FORWARD, host: str = "127.0.0.1") -> None:
        self.target = target
        self.mode = mode
        self.port = free_port()
        self.address: Address = (host, self.port)
        self.text = f"{host}:{self.port}"
        self.connections: list[Carried] = []  # all there ever were, in order
        # Bytes of a connection on their way: (connection, to the node?, offset, bytes) → bytes to pass on.
        self.mangle: Callable[[Carried, bool, int, bytes], bytes] | None = None
        self._shape: Shape | None = None
        self._slow = False  # whether anything may lie on a slow line
        self._shaped_by = b""
        self._stalled: set[bool] = set()  # directions (to the node?) in which nothing is passed on
        self._selector = selectors.DefaultSelector()
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[Any]]] = queue.SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._run_calls)
        self._running = True
        self._listener = self._listen()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    # What a test tells it; each of these is done when it returns.

    def cut(self, reset: bool = True) -> int:
        """Cuts all connections there are, by RST or by FIN; how many there were."""
        cut: int = self._do(lambda: self._cut_all(reset))
        return cut

    def stall(self, to_node: bool = True, from_node: bool = True) -> None:
        """Passes nothing on in these directions, and closes nothing."""
        self._do(lambda: self._stall({way for way, on in ((True, to_node), (False, from_node)) if on}))

    def resume(self) -> None:
        self._do(lambda: self._stall(set()))

    def shape(self, shape: Shape | None, dialler: str = "") -> None:
        """Makes the line slow, both ways (of this dialler's connections, where one is named); None: as fast as ever."""
        self._do(lambda: self._set_shape(shape, dialler.encode()))

    def behave(self, mode: Mode) -> None:
        """Changes what happens to connections from now on; those there are live on."""
        self._do(lambda: self._behave(mode))

    def live(self) -> int:
        """Connections that are carried right now."""
        live: int = self._do(lambda: sum(carried.closed is None for carried in self.connections))
        return live

    def dials(self) -> int:
        return len(self.connections)

    def first_words(self) -> bytes:
        """What the first one that dialled has said to the node so far."""
        return self.connections[0].recorded(to_node=True) if self.connections else b""

    def close(self) -> None:
        if self._running:
            self._do(self._finish)
            self._thread.join(PATIENCE)

    # All below runs in the proxy's own thread.

    def _do(self, call: Callable[[], Any]) -> Any:
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._calls.put((call, done))
        self._wake.send(b"!")
        value, error = done.get(timeout=PATIENCE)
        if error is not None:
            raise error
        return value

    def _run_calls(self, _events: int) -> None:
        self._woken.recv(4096)
        while not self._calls.empty():
            call, done = self._calls.get()
            try:
                done.put((call(), None))
            except Exception as error:  # belongs to the test that called, not to this thread
                done.put((None, error))

    def _loop(self) -> None:
        while self._running:
            for key, events in self._selector.select(self._ripen()):
                key.data(events)
        for end in (self._wake, self._woken):
            end.close()
        self._selector.close()

    def _listen(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self.address)
        if self.mode is not Mode.REFUSE:  # bound and not listening: refused, and nobody else gets the port
            listener.listen(256)
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, self._accept)
        return listener

    def _accept(self, _events: int) -> None:
        try:
            dialer, _ = self._listener.accept()
        except OSError:
            return
        node: socket.socket | None = None
        if self.mode is Mode.FORWARD and self.target is not None:
            try:
                node = socket.create_connection(self.target, timeout=2)
            except OSError:
                node = None
        carried = Carried(len(self.connections), dialer, node)
        self.connections.append(carried)
        if self.mode is Mode.SLAM or (self.mode is Mode.FORWARD and node is None):
            self._end(carried, reset=False)
            return
        for side in (dialer, node):
            if side is not None:
                side.setblocking(False)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch(carried)

    def _watch(self, carried: Carried) -> None:
        """Registers exactly the interest that the state of both directions asks for."""
        wanted: dict[socket.socket, int] = {}
        for pipe in carried.pipes:
            if pipe.pending:
                wanted[pipe.sink] = wanted.get(pipe.sink, 0) | selectors.EVENT_WRITE
            elif pipe.later_bytes < SLOW_BYTES_MAX and not pipe.ended and pipe.to_node not in self._stalled:
                wanted[pipe.source] = wanted.get(pipe.source, 0) | selectors.EVENT_READ
        if carried.node is None:
            wanted[carried.dialer] = selectors.EVENT_READ
        registered = self._selector.get_map()
        for side in filter(None, (carried.dialer, carried.node)):
            events = wanted.get(side, 0)
            if side in registered and registered[side].events == events:
                continue
            if side in registered:
                self._selector.unregister(side)
            if events:
                self._selector.register(side, events, lambda ready, s=side: self._ready(carried, s, ready))

    def _unwatch(self, watched: socket.socket) -> None:
        if watched in self._selector.get_map():
            self._selector.unregister(watched)

    def _ready(self, carried: Carried, side: socket.socket, events: int) -> None:
        if carried.closed is not None:  # by an earlier event of the same round
            return
        try:
            if carried.node is None:
                if not side.recv(CHUNK):
                    self._end(carried, reset=False)
                return
            for pipe in carried.pipes:
                if events & selectors.EVENT_READ and pipe.source is side:
                    self._take(carried, pipe)
                if events & selectors.EVENT_WRITE and pipe.sink is side:
                    self._give(pipe)
        except BlockingIOError:
            pass
        except OSError:
            self._end(carried, reset=True)
            return
        self._finish_or_watch(carried)

    def _finish_or_watch(self, carried: Carried) -> None:
        if all(pipe.ended and not pipe.pending and not pipe.later for pipe in carried.pipes):
            self._end(carried, reset=False)
        else:
            self._watch(carried)

    def _take(self, carried: Carried, pipe: Pipe) -> None:
        data = pipe.source.recv(CHUNK)
        if not data:
            pipe.ended = True
            self._give(pipe)
            return
        if self.mangle is not None:
            data = self.mangle(carried, pipe.to_node, pipe.passed, data)
        if len(pipe.recorded) < RECORD_BYTES:
            pipe.recorded += data[:RECORD_BYTES - len(pipe.recorded)]
        pipe.passed += len(data)
        shape = self._shape if self._shaped_by in carried.recorded(to_node=True) else None
        if shape is None and not pipe.later:
            pipe.pending = data
            self._give(pipe)
            return
        now = time.monotonic()
        shape = shape or Shape()
        for at in range(0, len(data), SLOW_PIECE):
            piece = data[at:at + SLOW_PIECE]
            pipe.free_at = max(now, pipe.free_at) + len(piece) / shape.bytes_per_s
            pipe.later.append((pipe.free_at + shape.delay_s, piece))
            pipe.later_bytes += len(piece)

    def _ripen(self) -> float | None:
        """Passes on what has been on a slow line for long enough; how long the next is to wait."""
        if not self._slow:
            return None
        now, next_at = time.monotonic(), float("inf")
        for carried in self.connections:
            if carried.closed is not None:
                continue
            for pipe in carried.pipes:
                if not pipe.later:
                    continue
                if pipe.later[0][0] > now:
                    next_at = min(next_at, pipe.later[0][0])
                    continue
                ripe = b""
                while pipe.later and pipe.later[0][0] <= now:
                    ripe += pipe.later.popleft()[1]
                pipe.later_bytes -= len(ripe)
                next_at = now
                pipe.pending += ripe
                try:
                    self._give(pipe)
                except OSError:
                    self._end(carried, reset=True)
                    break
            else:
                self._finish_or_watch(carried)
        if next_at == float("inf"):
            self._slow = self._shape is not None
            return None
        return max(0.0, next_at - now)

    def _set_shape(self, shape: Shape | None, dialler: bytes) -> None:
        self._shape, self._shaped_by = shape, dialler
        self._slow = True

    def _give(self, pipe: Pipe) -> None:
        try:
            while pipe.pending:
                pipe.pending = pipe.pending[pipe.sink.send(pipe.pending):]
        except BlockingIOError:
            return
        if pipe.ended and not pipe.later and not pipe.shut:
            pipe.shut = True
            pipe.sink.shutdown(socket.SHUT_WR)

    def _end(self, carried: Carried, reset: bool) -> None:
        if carried.closed is not None:
            return
        carried.closed = time.monotonic()
        for side in filter(None, (carried.dialer, carried.node)):
            self._unwatch(side)
            if reset:  # SO_LINGER with no time: close sends RST
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            side.close()

    def _cut_all(self, reset: bool) -> int:
        alive = [carried for carried in self.connections if carried.closed is None]
        for carried in alive:
            self._end(carried, reset)
        return len(alive)

    def _stall(self, ways: set[bool]) -> None:
        self._stalled = ways
        for carried in self.connections:
            if carried.closed is None:
                self._watch(carried)

    def _behave(self, mode: Mode) -> None:
        self._unwatch(self._listener)
        self._listener.close()
        self.mode = mode
        self._listener = self._listen()

    def _finish(self) -> None:
        self._cut_all(reset=False)
        self._unwatch(self._listener)
        self._listener.close()
        self._running = False
