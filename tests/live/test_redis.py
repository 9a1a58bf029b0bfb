"""Redis stopped, silent, emptied, late: who is online goes on, and the set heals."""

from __future__ import annotations

import time

from cluster import LiveTest, fresh, reached
from deadline import Deadline, eventually, throughout
from node import Node

LINKED_WITHIN = 3.0
OUT_WITHIN = 15.0
LEASE_S = 10.0
STORED_REACHES_WITHIN = 1.0


class RedisTroubles(LiveTest):
    def test_stopped_and_back_empty(self) -> None:
        nodes = self.world.mesh(3)
        with self.world.undisturbed(*nodes):
            self.world.redis.shutdown()
            self.online_goes_on(nodes)
            self.world.redis.start()
            self.world.whole_set(nodes, OUT_WITHIN)
        nodes.append(self.world.member("n4"))
        self.world.whole(nodes, LINKED_WITHIN)

    def test_silent_and_back(self) -> None:
        nodes = self.world.mesh(3)
        with self.world.undisturbed(*nodes):
            self.world.redis.freeze()
            self.online_goes_on(nodes)
            self.world.redis.thaw()
            self.world.whole_set(nodes, OUT_WITHIN)

    def test_a_node_that_stops_while_redis_is_away_stops_in_time(self) -> None:
        nodes = self.world.mesh(2)
        self.world.redis.freeze()
        nodes[1].stop()
        self.world.redis.thaw()
        self.world.out_of_the_set(nodes[1].member, OUT_WITHIN)

    def test_flushall_heals_within_a_lease(self) -> None:
        nodes = self.world.mesh(3)
        with self.world.undisturbed(*nodes):
            self.world.redis.call("FLUSHALL")
            self.world.whole_set(nodes, LEASE_S)
            eventually(lambda: all(self.world.redis.lease(node.name) for node in nodes), LEASE_S, "leases are back")
        nodes.append(self.world.member("n4"))
        self.world.whole(nodes, LINKED_WITHIN)

    def test_started_before_its_redis(self) -> None:
        redis = self.world.redis
        redis.shutdown()
        nodes = [self.world.member(name, start=False) for name in ("n1", "n2")]
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait_ready()
        alice, bob = self.world.client(nodes[0], "alice"), self.world.client(nodes[0], "bob")
        alice.chat("bob", "hi", id="1")
        self.assertEqual(bob.next()["content"], "hi")
        redis.start()
        self.world.whole_set(nodes, OUT_WITHIN)
        self.world.whole(nodes, LINKED_WITHIN)

    def test_the_first_node_to_have_redis_again_tells_the_others(self) -> None:
        nodes = self.world.mesh(6)
        senders = [self.world.client(node, fresh()) for node in nodes]
        for _ in range(2):
            self.world.redis.kill()
            throughout(5, lambda: self.assertTrue(all(node.alive() for node in nodes)))  # they try less and less often
            self.world.redis.start()
            absent = [fresh("absent") for _ in nodes]
            stored: list[bool] = []

            def first() -> bool:
                id = fresh("letter-")
                for sender in senders:
                    for name in absent:
                        sender.chat(name, id, id=id + name)
                stored[:] = [{sender.outcome(id + name) for name in absent} == {"stored"} for sender in senders]
                return any(stored)

            eventually(first, what="one of them can store again")
            sender = senders[stored.index(True)]
            # All log in before any of them looks for what it is to have.
            recipients = [self.world.client(node, name) for node, name in zip(nodes, absent)]
            for recipient in recipients:
                recipient.expect(cmd="chat", send=sender.name, stored=True, within=STORED_REACHES_WITHIN)

    def test_no_command_goes_to_redis_for_a_chat_between_online_users(self) -> None:
        nodes = self.world.mesh(2)
        alice, bob = self.world.client(nodes[0], fresh()), self.world.client(nodes[1], fresh())
        reached(alice, bob, Deadline(10))
        began, start = time.monotonic(), self.world.redis.calls()
        throughout(7, lambda: self.assertEqual(alice.before_pong(), []))  # renewals and polls alone
        idle = self.world.redis.calls()
        per_second = (sum(idle.values()) - sum(start.values())) / (time.monotonic() - began)
        began = time.monotonic()
        for n in range(1000):
            alice.chat(bob.name, n, id=str(n))
            self.assertEqual(bob.next()["content"], n)
            self.assertEqual(alice.outcome(str(n)), "written")
        busy = self.world.redis.calls()
        grown = sum(busy.values()) - sum(idle.values())
        self.assertLessEqual(set(busy), set(idle), "no other kind of command than for discovery")
        self.assertLessEqual(grown, 2 * per_second * (time.monotonic() - began) + 50, f"{idle} → {busy}")

    def online_goes_on(self, nodes: list[Node]) -> None:
        """Fresh logins are reached from every node, and for longer than a lease nobody is taken for dead."""
        self.world.whole(nodes, 10)
        residents = [self.world.client(node, fresh("resident")) for node in nodes]
        names = [resident.name for resident in residents]

        def all_known() -> bool:
            return all(resident.knows(*names) for resident in residents)

        eventually(all_known, 10, "all residents are known everywhere")
        throughout(LEASE_S + 2, lambda: self.assertTrue(all_known()))
        self.world.whole(nodes, 10)
