"""People are moved off a node, for good or for a while; and who is not let in."""

from __future__ import annotations

import itertools
import time
from typing import Any

from client import Client, Closed
from cluster import LiveTest, fresh
from deadline import eventually
from node import Node


def turned_away(client: Client) -> dict[str, Any]:
    """The only thing that it is told before the server hangs up."""
    client.try_send(b'{"cmd":"login","name":"late"}\n')
    told = client.until_closed()
    assert len(told) == 1, told
    return told[0]


class Drains(LiveTest):
    def test_a_drain_and_its_end(self) -> None:
        nodes = self.world.mesh(2)
        self.assertEqual(nodes[0].call("DELETE", "/v1/drain"), (200, {"draining": False, "sessions": 0}))
        alice, guest = self.world.client(nodes[0], "alice"), self.world.client(nodes[0])
        bob = self.world.client(nodes[1], "bob")
        eventually(lambda: bob.knows("alice"))
        status, answer = nodes[0].call("POST", "/v1/drain")
        self.assertEqual((status, answer["draining"]), (200, True))
        kicked = alice.until_closed()[-1]
        self.assertEqual((kicked["cmd"], kicked["reason"], kicked["retry"]), ("kicked", "drain", True))
        self.assertTrue(0 <= kicked["retry_after_ms"] <= 2000, kicked)
        self.assertEqual(guest.until_closed()[-1]["code"], "shutting_down")
        self.assertEqual(turned_away(self.world.client(nodes[0]))["code"], "shutting_down")
        self.assertEqual(nodes[0].call("POST", "/v1/drain"), (200, {"draining": True, "sessions": 0}))
        self.assertEqual(nodes[0].ask("GET", "/readyz").status, 503)
        # It goes on all the same: chats to those who were here are stored, and its links stay.
        bob.chat("alice", "later", id="1")
        self.assertEqual(bob.outcome("1"), "stored")
        self.assertEqual(nodes[1].ask("GET", "/readyz").status, 200)
        self.assertEqual(nodes[0].call("DELETE", "/v1/drain"), (200, {"draining": False, "sessions": 0}))
        self.assertEqual(nodes[0].ask("GET", "/readyz").status, 200)
        alice = self.world.client(nodes[0], "alice")
        self.assertEqual(alice.expect(cmd="chat")["content"], "later")

    def test_it_is_taken_back_half_way(self) -> None:
        node = self.world.node("n1")
        clients = [self.world.client(node, fresh("user")) for _ in range(100)]
        node.call("POST", "/v1/drain")
        clients[0].until_closed()
        answer = node.ask("DELETE", "/v1/drain").json
        self.assertEqual(answer["draining"], False)
        self.assertGreater(answer["sessions"], 0)
        stayed = 0
        for client in clients[1:]:
            try:
                client.before_pong()
                stayed += 1
            except (Closed, ConnectionError):
                pass
        self.assertEqual(stayed, answer["sessions"])

    def test_not_all_at_once(self) -> None:
        node = self.world.node("n1")
        clients = [self.world.client(node, fresh("user")) for _ in range(200)]
        began = time.monotonic()
        node.terminate()
        clients[0].expect(cmd="kicked")
        spread = []
        for client in clients[1:]:
            spread.append(client.expect(cmd="kicked")["retry_after_ms"])
        self.assertGreater(time.monotonic() - began, 0.7, "20 a tenth of a second")
        self.assertGreater(max(spread) - min(spread), 1000, "and they come back spread over 2 s")
        self.assertEqual(turned_away(self.world.client(node))["code"], "shutting_down")
        self.assertEqual(node.ask("DELETE", "/v1/drain").status, 409)
        for client in clients:
            client.close()
        node.ended_well()

    def test_nothing_is_lost_while_nodes_are_drained_and_restarted(self) -> None:
        nodes = self.world.mesh(3)
        fleet = self.world.fleet()
        where = [lambda node=node: node.client for node in nodes]
        people = [fleet.user(fresh("user"), where[k % 3:] + where[:k % 3], acks=k % 2 == 0) for k in range(12)]
        fleet.all_online()
        for sender, recipient in itertools.permutations(people[:6], 2):
            fleet.stream(sender, recipient, rate=8)
        for k in range(6, 12):
            fleet.stream(people[k], people[(k + 7) % 12], rate=20)
        for node in nodes:
            seen = fleet.seen
            fleet.look(lambda: fleet.seen > seen + 100, what="chats go on")
            if node is not nodes[1]:
                node.call("POST", "/v1/drain")
                eventually(lambda: node.ask("POST", "/v1/drain").json["sessions"] == 0, what="all are moved off")
            node.keep_ports()
            node.stop()
            node.start()
            fleet.all_online()
        verdict = fleet.verdict().check()
        self.assertEqual(verdict.seen, verdict.messages)


class Limits(LiveTest):
    def test_no_more_sessions_than_the_limit(self) -> None:
        node = self.world.node("n1", *self.world.settings(limits={"sessions": 3}))
        clients = [self.world.client(node, fresh("user")) for _ in range(3)]
        for _ in range(5):
            told = turned_away(self.world.client(node))
            self.assertEqual((told["cmd"], told["code"]), ("error", "server_full"))
        self.assertTrue(all(client.before_pong() == [] for client in clients))
        clients[1].close()
        # Its place is free when its end was noticed.
        eventually(lambda: self.comes_in(node), what="another one is let in")

    def test_no_more_from_one_address_than_the_limit(self) -> None:
        node = self.world.node("n1", *self.world.settings(limits={"sessions_per_ip": 2}))
        first, second = (self.world.client(node, fresh("user")) for _ in range(2))
        self.assertEqual(turned_away(self.world.client(node))["code"], "server_full")
        self.assertEqual((first.before_pong(), second.before_pong()), ([], []))
        first.close()
        eventually(lambda: self.comes_in(node), what="another one is let in")

    def test_whoever_finds_no_room_goes_where_there_is(self) -> None:
        """500 sessions on a node limited to 500; what the next is told leads to a node that takes it."""
        limited = self.world.settings(limits={"sessions": 500})
        nodes = [self.world.member(name, *(limited if name == "n1" else []), start=False) for name in ("n1", "n2", "n3")]
        self.world.start(nodes)
        eventually(lambda: nodes[0].told("/v1/cluster")["nodes"][0]["sessions"] == 0, what="the probes went")
        busier = [self.world.client(nodes[1], fresh("busy")) for _ in range(20)]
        for _ in range(500):
            self.world.client(nodes[0], fresh("user"))

        def told() -> bool:
            answer = turned_away(self.world.client(nodes[0]))
            self.assertEqual(answer["code"], "server_full")
            return answer.get("try") == nodes[2].ready["client"]

        eventually(told, what="n3 has the least to do")
        late = self.world.client(nodes[2], "late")
        eventually(lambda: busier[0].knows("late"))
        # One that is drained points there as well, and nobody points to it.
        nodes[2].call("POST", "/v1/drain")
        late.until_closed()
        eventually(lambda: turned_away(self.world.client(nodes[2])).get("try") == nodes[1].ready["client"])
        eventually(lambda: turned_away(self.world.client(nodes[0])).get("try") == nodes[1].ready["client"])
        person = self.world.human(nodes[0])
        person.see("server_full", nodes[1].ready["client"])

    def comes_in(self, node: Node) -> bool:
        client = self.world.client(node)
        try:
            return client.login(fresh("user")).get("ok") is True
        except (Closed, ConnectionError):
            return False
