"""Who is online: asked of any node, answered for all."""

from __future__ import annotations

import time

from client import Client
from cluster import LiveTest, fresh
from deadline import SLOWNESS, eventually


def pages(client: Client, limit: int) -> list[str]:
    """All who are online, page by page."""
    found: list[str] = []
    while True:
        client.send(cmd="who", limit=limit, **({"after": found[-1]} if found else {}))
        answer = client.expect(cmd="who")
        assert len(answer["users"]) <= limit and "partial" not in answer, answer
        found += answer["users"]
        if not answer["more"]:
            return found


class Who(LiveTest):
    def test_who_is_online_on_all_nodes(self) -> None:
        nodes = self.world.mesh(3)
        names = sorted((fresh("who") for _ in range(25)), key=str.encode)
        clients = [self.world.client(nodes[n % 3], name) for n, name in enumerate(names)]

        def all_of_them() -> bool:
            clients[1].send(cmd="who")
            answer = clients[1].expect(cmd="who")
            self.assertNotIn("partial", answer)
            return answer == {"cmd": "who", "users": names, "count": 25, "more": False}

        eventually(all_of_them, what="the probes' sessions are gone and all others are named")
        for limit in (1, 7, 25, 1000):
            self.assertEqual(pages(clients[2], limit), names)
        clients[0].send(cmd="who", limit=10, after=names[4])
        self.assertEqual(clients[0].expect(cmd="who"),
                         {"cmd": "who", "users": names[5:15], "count": 25, "more": True})
        human = self.world.human(nodes[0], "Zoe")
        human.type("/who")
        human.see("26 online: Zoe ", " ".join(names))

    def test_a_node_that_does_not_answer_is_named(self) -> None:
        nodes = self.world.mesh(3)
        here, there = self.world.client(nodes[0], fresh("who")), self.world.client(nodes[2], fresh("who"))
        eventually(lambda: here.knows(there.name))
        self.world.client(nodes[1], fresh("who"))
        eventually(lambda: self.answer(here)["count"] == 3)
        nodes[1].pause()
        try:
            began = time.monotonic()
            here.send(cmd="who")
            answer = here.expect(cmd="who")
            took = time.monotonic() - began
            self.assertEqual(answer["users"], sorted([here.name, there.name]))
            self.assertEqual((answer["partial"], answer["count"]), (["n2"], 3), "its users are counted, not named")
            self.assertLess(took, 0.5 * SLOWNESS)
            here.send(cmd="who")
            here.send(cmd="who")
            here.error("busy", **{"in": "who"})
            here.expect(cmd="who")
        finally:
            nodes[1].resume()
        eventually(lambda: "partial" not in self.answer(here))

    def test_alone(self) -> None:
        client = self.world.client(self.world.node("n1"), "al")
        self.assertEqual(self.answer(client), {"cmd": "who", "users": ["al"], "count": 1, "more": False})
        for request in ({"limit": 0}, {"limit": 1001}, {"limit": 1.5}, {"limit": "7"}, {"after": 7},
                        {"after": "x" * 65}, {"room": "lobby"}):
            client.send(cmd="who", **request)
            client.error("bad_request", **{"in": "who"})
        client.send(cmd="who")
        client.hang_up()
        self.assertEqual(client.until_closed()[-1]["cmd"], "who")

    @staticmethod
    def answer(client: Client) -> dict[str, object]:
        client.send(cmd="who")
        return client.expect(cmd="who")
