"""What a supervisor is told, and the sockets that it hands in."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path

from cluster import LiveTest
from deadline import PATIENCE, eventually
from process import free_port

HANDED = (sys.executable, str(Path(__file__).with_name("handed.py")))


class Told:
    """The socket on which a supervisor is told (sd_notify(3))."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(PATIENCE)

    def close(self) -> None:
        self._socket.close()

    def until(self, wanted: str) -> dict[str, str]:
        """The first message with that line."""
        while True:
            lines = self._socket.recv(4096).decode().splitlines()
            if any(re.fullmatch(wanted, line) for line in lines):
                return dict(line.split("=", 1) for line in lines)


class Supervised(LiveTest):
    def test_it_says_how_it_goes(self) -> None:
        told = Told(self.world.directory / "notify")
        self.world.at_end(told.close)
        node = self.world.node("n1", environment={"NOTIFY_SOCKET": told.path, "WATCHDOG_USEC": "400000"})
        said = told.until("READY=1")
        self.assertEqual(said["STATUS"], "0 of 0 other nodes linked, 0 users here, Redis none")
        self.world.client(node, "alice")
        told.until("STATUS=0 of 0 other nodes linked, 1 users here, Redis none")
        told.until("WATCHDOG=1")
        told.until("WATCHDOG=1")
        node.terminate()
        told.until("STOPPING=1")
        node.ended_well()

    def test_it_serves_the_sockets_that_were_handed_in(self) -> None:
        client, http = free_port(), free_port()
        node = self.world.node("n1", wrap=(*HANDED, f"client=127.0.0.1:{client}", f"http=127.0.0.1:{http}", "--"))
        self.assertEqual(node.ready["client"], f"127.0.0.1:{client}", "not the address of the settings")
        self.assertEqual(node.ready["http"], f"127.0.0.1:{http}")
        bob = self.world.client(node, "bob")
        self.world.client(node, "alice").chat("bob", "hello", id="1")
        self.assertEqual(bob.expect(cmd="chat")["content"], "hello")
        self.assertNotIn("has no use", node.log())

    def test_one_of_another_name_is_closed_and_said(self) -> None:
        port = free_port()
        node = self.world.node("n1", wrap=(*HANDED, f"gopher=127.0.0.1:{port}", "--"))
        self.assertRegex(node.log(), "a socket was handed in that has no use.*gopher")

        def refused() -> bool:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                return True
            return False

        node.stop()
        eventually(refused, what="nobody listens there")

    def test_peers_stay_on_loopback_without_a_secret(self) -> None:
        node = self.world.node("n1", wrap=(*HANDED, f"peer=0.0.0.0:{free_port()}", "--"), start=False).launch()
        self.assertEqual(node.exit_code(), 1)
        self.assertRegex(node.log(), "not on loopback: that needs mesh.secret_file")
