"""Clients: a JSON session and a person at a telnet, both with a deadline on every wait."""

from __future__ import annotations

import json
import select
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from deadline import PATIENCE, Deadline, Late
from process import Address

Message = dict[str, Any]

IAC, SB, SE = 255, 250, 240
WILL, WONT, DO, DONT = 251, 252, 253, 254


class Closed(AssertionError):
    """The server closed the connection while a line was waited for."""


class Wire:
    """A connection that is read line by line. The server's end is noticed, a reset counts as an end."""

    def __init__(self, address: Address, *, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            # Both before connect: they bound the window that is offered, and with the size of a segment
            # what the server's kernel takes (on loopback it would be megabytes).
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._partial = b""
        self._lines: deque[bytes] = deque()
        self.ended = False

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def try_send(self, data: bytes) -> None:
        """Sends to a server that may well hang up before it has read all."""
        try:
            self._socket.sendall(data)
        except OSError:
            pass

    def line(self, within: float = PATIENCE) -> bytes:
        """The next line without its end; Closed at the end of the stream, Late at the deadline."""
        deadline = Deadline(within)
        while not self._lines:
            if self.ended:
                raise Closed(f"closed by the server; after the last line: {self._partial[:200]!r}")
            if not self._read(deadline.left()) and deadline.passed():
                raise Late(f"no line within {deadline.within:g} s; partial: {self._partial[:200]!r}")
        return self._lines.popleft()

    def rest(self, within: float = PATIENCE) -> list[bytes]:
        """All lines up to the server's close, which must come within the deadline; then hangs up in turn."""
        deadline = Deadline(within)
        while not self.ended:
            if not self._read(deadline.left()) and deadline.passed():
                raise Late(f"not closed within {deadline.within:g} s")
        self._socket.close()
        lines = list(self._lines)
        self._lines.clear()
        return lines

    def hang_up(self) -> None:
        """Says that no more will come, and goes on reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    def reset(self) -> None:
        """Closes by RST: what was on its way here is gone."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def detach(self) -> int:
        """Gives the connection's descriptor to the caller, who reads on; nothing may wait unread here."""
        assert not self._lines and not self._partial
        return self._socket.detach()

    def _received(self, data: bytes) -> bytes:
        """What of the bytes is text; a telnet takes its negotiation out here."""
        return data

    def _read(self, timeout_s: float) -> bool:
        """Takes in what has come, waiting for it if need be; False if nothing came."""
        waiting = select.poll()  # not select(), which knows no descriptor above 1023
        waiting.register(self._socket, select.POLLIN)
        if not waiting.poll(timeout_s * 1000):
            return False
        try:
            data = self._socket.recv(1 << 18)
        except ConnectionError:
            data = b""
        if not data:
            self.ended = True
            return True
        *whole, self._partial = (self._partial + self._received(data)).split(b"\n")
        self._lines.extend(line.removesuffix(b"\r") for line in whole)
        return True


class Client(Wire):
    """A JSON session. `expect` takes what it wants out of what came and leaves the rest for later."""

    def __init__(self, address: Address, name: str = "", *, receive_buffer: int | None = None, **login: Any) -> None:
        super().__init__(address, receive_buffer=receive_buffer)
        self._waiting: list[Message] = []
        self._pings = 0
        self.name = name
        self.hello = self.next()
        assert self.hello["cmd"] == "hello", self.hello
        if name:
            answer = self.login(name, **login)
            assert answer.get("ok") is True, answer

    def send(self, **request: Any) -> None:
        self.send_bytes(json.dumps(request, ensure_ascii=False).encode() + b"\n")

    def next(self, within: float = PATIENCE) -> Message:
        """The next message, whatever it is."""
        return self._waiting.pop(0) if self._waiting else self._arrived(within)

    def expect(self, wanted: Callable[[Message], bool] | None = None, /, *, within: float = PATIENCE,
               **fields: Any) -> Message:
        """The first message that has these fields (or that `wanted` takes)."""
        def fits(message: Message) -> bool:
            return (wanted is None or wanted(message)) and all(
                name in message and message[name] == value for name, value in fields.items())

        for at, message in enumerate(self._waiting):
            if fits(message):
                return self._waiting.pop(at)
        deadline = Deadline(within)
        while True:
            try:
                message = self._arrived(deadline.left() or 0.001)
            except (Late, Closed) as why:
                wish = fields or "what was wanted"
                raise type(why)(f"{why}; waited for {wish}; unclaimed: {self._waiting[-5:]}") from None
            if fits(message):
                return message
            self._waiting.append(message)

    def login(self, name: str, **fields: Any) -> Message:
        """Sends a login, returns the answer of whichever kind."""
        self.name = name
        self.send(cmd="login", name=name, **fields)
        return self.expect(lambda message: message["cmd"] == "login" or message.get("in") == "login")

    def chat(self, recv: str, content: Any, **fields: Any) -> None:
        self.send(cmd="chat", recv=recv, content=content, **fields)

    def outcome(self, id: str, within: float = PATIENCE) -> str:
        """What became of a chat with an id: its ack's status, or its error's code."""
        message = self.expect(lambda m: m.get("id") == id and m["cmd"] in ("ack", "error"), within=within)
        return str(message["status"] if message["cmd"] == "ack" else message["code"])

    def error(self, code: str, **fields: Any) -> Message:
        return self.expect(cmd="error", code=code, **fields)

    def before_pong(self) -> list[Message]:
        """Pings, and returns what came before the answer: with it one says that something did *not* come."""
        self._pings += 1
        mark = f"ping-{self._pings}"
        self.send(cmd="ping", id=mark)
        came = self._waiting
        self._waiting = []
        while True:
            message = self._arrived(PATIENCE)
            if message == {"cmd": "pong", "id": mark}:
                return came
            came.append(message)

    def presence(self, *users: str) -> dict[str, bool]:
        self.send(cmd="presence", users=list(users))
        online: dict[str, bool] = self.expect(cmd="presence")["users"]
        return online

    def knows(self, *users: str) -> bool:
        """Whether all of them are online as far as this client's node knows."""
        return all(self.presence(*users).values())

    def until_closed(self, within: float = PATIENCE) -> list[Message]:
        """What was not yet taken, up to the server's close."""
        came, self._waiting = self._waiting, []
        return came + [json.loads(line) for line in self.rest(within)]

    def _arrived(self, within: float) -> Message:
        line = self.line(within)
        try:
            message: Message = json.loads(line)
            return message
        except ValueError:
            raise AssertionError(f"not JSON from the server: {line[:200]!r}") from None


class Human(Wire):
    """Someone at a telnet: types lines, reads lines; negotiation is taken out of the text and kept."""

    def __init__(self, address: Address, name: str = "") -> None:
        self._telnet = b""
        self.negotiated: list[bytes] = []
        super().__init__(address)
        self.hello = self.line()
        if name:
            self.type(f"/login {name}")
            self.see(name)

    def type(self, text: str, end: str = "\r\n") -> None:
        self.send_bytes((text + end).encode())

    def see(self, *parts: str, within: float = PATIENCE) -> str:
        """Reads lines until one has all the parts, and returns it."""
        deadline = Deadline(within)
        skipped: list[str] = []
        while True:
            try:
                line = self.line(deadline.left() or 0.001).decode()
            except (Late, Closed) as why:
                raise type(why)(f"{why}; looked for {parts}; seen: {skipped[-5:]}") from None
            if all(part in line for part in parts):
                return line
            skipped.append(line)

    def _received(self, data: bytes) -> bytes:
        data = self._telnet + data
        text = bytearray()
        at = 0
        while (found := data.find(IAC, at)) >= 0:
            text += data[at:found]
            size = _command_size(data, found)
            if size is None:
                self._telnet = data[found:]
                return bytes(text)
            command = data[found:found + size]
            if command == bytes([IAC, IAC]):
                text.append(IAC)
            else:
                self.negotiated.append(command)
            at = found + size
        self._telnet = b""
        return bytes(text + data[at:])


def _command_size(data: bytes, at: int) -> int | None:
    """How long the telnet command at `at` is (RFC 854), None while it is not whole."""
    if len(data) < at + 2:
        return None
    if data[at + 1] in (WILL, WONT, DO, DONT):
        return 3 if len(data) >= at + 3 else None
    if data[at + 1] == SB:
        end = data.find(bytes([IAC, SE]), at + 2)
        return None if end < 0 else end + 2 - at
    return 2
