"""Servers that say what a test wants, for what no real one can be made to do."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

from process import Address

Answer = dict[str, Any]
HELLO: Answer = {"cmd": "hello", "server": "crosstalkd/0.0.0", "node": "puppet", "proto": 1}


class Puppet:
    """A chat server: greets, and answers each line by the test's function; None: hangs up."""

    def __init__(self, answer: Callable[[Answer], list[Answer] | None], *, greeting: bytes | None = None) -> None:
        self._answer = answer
        self._greeting = json.dumps(HELLO).encode() + b"\n" if greeting is None else greeting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.asked: list[Answer] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def text(self) -> str:
        return "127.0.0.1:%d" % self._listener.getsockname()[1]

    def close(self) -> None:
        # A thread in accept would hold the socket open.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.sendall(self._greeting)
            for line in connection.makefile("rb"):
                request = json.loads(line)
                self.asked.append(request)
                answers = self._answer(request)
                if answers is None:
                    return
                connection.sendall(b"".join(json.dumps(answer).encode() + b"\n" for answer in answers))


class HttpPuppet:
    """An HTTP server: each "METHOD /path" has its answers, one after the other, the last for ever."""

    def __init__(self, answers: dict[str, list[tuple[int, Any]]], port: int = 0) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []  # the call, and its Authorization
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                call = f"{self.command} {self.path}"
                asked.append((call, self.headers.get("Authorization", "")))
                known = answers.get(call, [(404, {"error": {"code": "not_found", "message": "there is nothing here"}})])
                status, body = known.pop(0) if len(known) > 1 else known[0]
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> Address:
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    @property
    def text(self) -> str:
        return "%s:%d" % self.address

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
