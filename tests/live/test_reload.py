"""SIGHUP: settings read anew, all of them or none."""

from __future__ import annotations

import signal
from pathlib import Path

from cluster import LiveTest, fresh
from deadline import eventually
from node import Node


def status(node: Node, token: str = "") -> int:
    return node.ask("GET", "/v1/cluster", **({"Authorization": f"Bearer {token}"} if token else {})).status


class Reload(LiveTest):
    def setUp(self) -> None:
        super().setUp()
        self.file = Path(self.world.file("crosstalkd.toml", "limits.sessions = 1\n"))
        self.node = self.world.node("n1", "--config", str(self.file))
        self.reloads = 0

    def reload(self, text: str, *words: str) -> str:
        """The line of the log that says what became of it."""
        self.file.write_text(text)
        before = len(self.node.log_lines(*words))
        self.node.signal(signal.SIGHUP)
        eventually(lambda: len(self.node.log_lines(*words)) > before, what=f"the log says {words}")
        return self.node.log_lines(*words)[-1]

    def full(self) -> bool:
        client = self.world.client(self.node)
        client.try_send(b'{"cmd":"login","name":"%s"}\n' % fresh("user").encode())
        return client.next().get("code") == "server_full"

    def test_what_can_change_does_and_what_can_not_is_named(self) -> None:
        first = self.world.client(self.node, "first")
        self.assertTrue(self.full())
        line = self.reload('limits.sessions = 2\nlog.level = "debug"\nmesh.hold_ms = 5000\nnode.cluster = "other"\n',
                           "settings reloaded")
        self.assertIn('changed="limits.sessions log.level"', line)
        self.assertIn('settings="node.cluster mesh.hold_ms"', self.node.log_lines("need a restart")[-1])
        self.assertFalse(self.full())
        self.reload("limits.chats_per_s = 1\nlimits.chats_burst = 1\n", "settings reloaded")
        for id in ("1", "2"):
            first.chat("first", "x", id=id)
        self.assertEqual((first.outcome("1"), first.outcome("2")), ("written", "rate_limited"))

    def test_a_mistake_changes_nothing(self) -> None:
        first = self.world.client(self.node, "first")
        for text, wrong in (("limits.sessions = 7\nlimits.line_bytes = 5\n", ":2:21: limits.line_bytes: expected"),
                            ("limits.sessions = 7\nlimits.sesions = 7\n", "unknown key"),
                            ("limits.sessions = ", "crosstalkd.toml:1:")):
            self.assertIn(wrong, self.reload(text, "not reloaded"))
        self.file.unlink()
        self.node.signal(signal.SIGHUP)
        eventually(lambda: self.node.log_lines("not reloaded", "expected a readable file"))
        self.assertTrue(self.full())
        self.assertEqual(first.before_pong(), [])

    def test_tokens_are_changed(self) -> None:
        tokens = Path(self.world.file("tokens", "first-token\n"))
        text = f'http.token_file = "{tokens}"\n'
        self.assertEqual(status(self.node), 200)
        self.assertIn("http.token_file", self.reload(text, "settings reloaded"))
        self.assertEqual((status(self.node), status(self.node, "first-token")), (401, 200))
        tokens.write_text("second-token\n")
        self.assertIn("http.token_file", self.reload(text, "settings reloaded"))
        self.assertEqual((status(self.node, "first-token"), status(self.node, "second-token")), (401, 200))
        self.reload("", "settings reloaded")
        self.assertEqual(status(self.node), 200)
