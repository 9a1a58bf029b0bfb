"""The story of a chat, asked of any node: what was done with it, where, and nothing else."""

from __future__ import annotations

from cluster import LiveTest, fresh
from crosstalk_cli import at
from deadline import eventually
from node import Node
from process import run_tool

Steps = list[tuple[str, ...]]


class Trace(LiveTest):
    def steps(self, node: Node, chat: str) -> Steps:
        """(node, what, other node or outcome) of each step, as `node` tells it."""
        status, body = node.call("GET", f"/v1/chats/{chat}")
        self.assertEqual(status, 200, body)
        times = [step["at"] for step in body["steps"]]
        self.assertEqual(times, sorted(times))
        self.assertEqual(body["id"], chat)
        return [tuple(step[key] for key in ("node", "what", "to", "from", "by", "outcome") if key in step)
                for step in body["steps"]]

    def told(self, chat: str, nodes: list[Node], steps: Steps) -> None:
        """Whichever node is asked; steps of one millisecond on two nodes may stand either way round."""
        for node in nodes:
            self.assertCountEqual(self.steps(node, chat), steps)
            own = [step for step in self.steps(node, chat) if step[0] == steps[0][0]]
            self.assertEqual(own, [step for step in steps if step[0] == steps[0][0]], "on one node in order")

    def test_delivered(self) -> None:
        nodes = self.world.mesh(3)
        alice, bob = self.world.client(nodes[0], fresh("alice")), self.world.client(nodes[2], fresh("bob"), ack=True)
        eventually(lambda: alice.knows(bob.name), what="bob is known")
        chat = fresh("m")
        alice.chat(bob.name, "secret", id=chat)
        bob.send(cmd="ack", seq=bob.expect(cmd="chat")["seq"])
        self.assertEqual(alice.outcome(chat), "delivered")
        self.told(chat, nodes, [("n1", "accepted"), ("n1", "forwarded", "n3"), ("n3", "arrived", "n1"),
                                ("n1", "settled", "delivered")])
        ran = run_tool(*at(nodes[1]), "explain", chat)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        for part in (chat, "n1  accepted", "n1  forwarded to n3", "n3  arrived from n1", "n1  settled: delivered"):
            self.assertIn(part, ran.stdout)
        self.assertNotIn("secret", ran.stdout)

    def test_the_servers_id_does_as_well(self) -> None:
        nodes = self.world.mesh(2)
        alice, bob = self.world.client(nodes[0], fresh("alice")), self.world.client(nodes[1], fresh("bob"))
        eventually(lambda: alice.knows(bob.name), what="bob is known")
        alice.chat(bob.name, {"id": "decoy", "ts": 1})
        chat = bob.expect(cmd="chat")["id"]
        eventually(lambda: len(self.steps(nodes[1], chat)) == 4, what="it is settled")
        self.told(chat, nodes, [("n1", "accepted"), ("n1", "forwarded", "n2"), ("n2", "arrived", "n1"),
                                ("n1", "settled", "written")])

    def test_stored_and_fetched(self) -> None:
        nodes = self.world.mesh(2)
        alice, name, chat = self.world.client(nodes[0], fresh("alice")), fresh("bob"), fresh("m")
        alice.chat(name, "later", id=chat)
        self.assertEqual(alice.outcome(chat), "stored")
        bob = self.world.client(nodes[1], name)
        bob.expect(cmd="chat")
        self.told(chat, nodes, [("n1", "accepted"), ("n1", "storing"), ("n1", "settled", "stored"), ("n2", "fetched")])

    def test_rerouted_after_a_crash(self) -> None:
        nodes = self.world.mesh(3)
        alice, bob = self.world.client(nodes[0], fresh("alice")), self.world.client(nodes[2], fresh("bob"), ack=True)
        eventually(lambda: alice.knows(bob.name), what="bob is known")
        chat = fresh("m")
        alice.chat(bob.name, "in time", id=chat)
        bob.expect(cmd="chat")
        nodes[2].kill()
        self.assertEqual(alice.outcome(chat), "stored")
        self.told(chat, nodes[:2], [("n1", "accepted"), ("n1", "forwarded", "n3"), ("n1", "rerouted", "n3"),
                                    ("n1", "storing"), ("n1", "settled", "stored")])

    def test_refused(self) -> None:
        node = self.world.node("n1")
        alice, chat = self.world.client(node, "alice"), fresh("m")
        alice.chat("nobody", "hello", id=chat)
        self.assertEqual(alice.error("no_such_user")["id"], chat)
        self.told(chat, [node], [("n1", "accepted"), ("n1", "settled", "no_such_user")])

    def test_nobody_remembers(self) -> None:
        nodes = self.world.mesh(2)
        status, body = nodes[0].call("GET", "/v1/chats/never")
        self.assertEqual((status, body["error"]["code"]), (404, "not_found"))
        status, body = nodes[0].call("GET", "/v1/chats/" + "x" * 129)
        self.assertEqual((status, body["error"]["code"]), (400, "bad_request"))
        nodes[1].pause()
        status, body = nodes[0].call("GET", "/v1/chats/never")
        self.assertEqual((status, body["error"]["code"]), (503, "unavailable"))
        self.assertIn("n2", body["error"]["message"])
        nodes[1].resume()
