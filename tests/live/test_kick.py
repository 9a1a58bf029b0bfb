"""What an administrator does to sessions: DELETE /v1/sessions/NAME, asked of any node."""

from __future__ import annotations

from typing import Any

from cluster import LiveTest, fresh
from deadline import eventually
from node import Node


def kick(node: Node, name: str) -> tuple[int, Any]:
    return node.call("DELETE", f"/v1/sessions/{name}")


class Kicks(LiveTest):
    def test_a_user_is_kicked_wherever_they_are(self) -> None:
        nodes = self.world.mesh(3)
        watcher = self.world.client(nodes[1], fresh("watcher"))
        for at in (0, 2):
            gone = self.world.client(nodes[at], fresh("小明"))
            eventually(lambda: watcher.knows(gone.name))
            self.assertEqual(kick(nodes[0], "".join(f"%{byte:02x}" for byte in gone.name.encode())), (200, {"kicked": 1}))
            self.assertEqual(gone.until_closed(), [{"cmd": "kicked", "reason": "admin", "retry": False}])
            eventually(lambda: not watcher.knows(gone.name), what="it is known everywhere")
        name = fresh("ann")
        person = self.world.human(nodes[2], name)
        self.assertEqual(kick(nodes[1], name), (200, {"kicked": 1}))
        person.see("kicked admin: ")
        self.assertEqual(watcher.before_pong(), [])

    def test_nobody_of_that_name(self) -> None:
        nodes = self.world.mesh(2)
        status, body = kick(nodes[0], fresh("nobody"))
        self.assertEqual((status, body["error"]["code"]), (404, "no_such_user"))
        status, body = kick(nodes[0], "a%20b")
        self.assertEqual((status, body["error"]["code"]), (400, "bad_name"))

    def test_a_node_that_does_not_answer(self) -> None:
        nodes = self.world.mesh(3)
        here, there = self.world.client(nodes[0], fresh("here")), self.world.client(nodes[2], fresh("there"))
        nodes[2].pause()
        try:
            self.assertEqual(kick(nodes[0], here.name), (200, {"kicked": 1, "partial": ["n3"]}))
            status, body = kick(nodes[0], there.name)
            self.assertEqual((status, body["error"]["code"]), (503, "unavailable"))
            self.assertIn("n3", body["error"]["message"])
        finally:
            nodes[2].resume()
