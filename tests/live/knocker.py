"""One who connects again and again, and notes each time that nobody answered."""

from __future__ import annotations

import socket
import threading
import time

from deadline import PATIENCE
from process import Address


class Knocker(threading.Thread):
    """Waits for the server's hello each time."""

    def __init__(self, address: Address) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.failures: list[str] = []
        self.greeted = 0
        self.longest = 0.0
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                with socket.create_connection(self.address, PATIENCE) as connection:
                    connection.settimeout(PATIENCE)
                    if b'"hello"' not in connection.recv(4096):
                        self.failures.append("no hello")
            except OSError as error:
                self.failures.append(repr(error))
            self.greeted += 1
            self.longest = max(self.longest, time.monotonic() - began)
            self._over.wait(0.005)

    def finish(self) -> None:
        self._over.set()
        self.join()
