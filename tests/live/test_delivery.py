"""PROTOCOL.md section 3, line by line: each promise has a test of its name, and further ones for its cases.

`stored` is in test_mailbox.py; what takes a fault to show (cuts, deaths, a dead
Redis) is in test_promises.py.
"""

from __future__ import annotations

from typing import Any

from client import Client, Message
from cluster import Cluster, LiveTest, fresh
from deadline import eventually, throughout
from node import Node

ACK_WINDOW = 256
LOGINS: tuple[dict[str, Any], ...] = ({}, {"ack": True})  # a plain session, and one that confirms


def contents(messages: list[Message]) -> list[Any]:
    return [message["content"] for message in messages]


def mailbox(world: Cluster, name: str) -> int:
    """How many entries wait in Redis for this user; -1 if there is no such stream."""
    key = f"{world.redis.prefix}mail:{name}"
    return int(world.redis.call("XLEN", key)) if world.redis.call("EXISTS", key) else -1


class Delivery(LiveTest):
    """Three nodes and as many people as a test wants."""

    shared = True
    nodes: list[Node]

    @classmethod
    def furnish(cls) -> None:
        cls.nodes = cls.world.mesh(3, *cls.world.settings(mailbox={"max": 5000}))

    def user(self, node: int = 0, stem: str = "user", **login: Any) -> Client:
        return self.world.client(self.nodes[node], fresh(stem), **login)

    def pair(self, here: int = 0, there: int = 1, **login: Any) -> tuple[Client, Client]:
        """One who writes, and one who is known to their node; the login options are the latter's."""
        alice, bob = self.user(here, "alice"), self.user(there, "bob", **login)
        eventually(lambda: alice.knows(bob.name), 10, f"{bob.name} is known")
        return alice, bob

    def offline(self, stem: str = "absent") -> str:
        return fresh(stem)

    def back(self, name: str, node: int = 2, **login: Any) -> Client:
        return self.world.client(self.nodes[node], name, **login)

    def send(self, sender: Client, recv: str, count: int, **fields: Any) -> list[str]:
        """Chats 0 … count-1 with ids, and those ids."""
        stem = fresh("m")
        for n in range(count):
            sender.chat(recv, n, id=f"{stem}-{n}", **fields)
        return [f"{stem}-{n}" for n in range(count)]

    def store(self, sender: Client, name: str, count: int) -> list[str]:
        ids = self.send(sender, name, count)
        self.assertEqual([sender.outcome(id) for id in ids], ["stored"] * count)
        return ids

    def gone(self, name: str) -> None:
        eventually(lambda: mailbox(self.world, name) == -1, 5, f"the mailbox of {name} is gone")


class Outcomes(Delivery):
    def test_one_outcome(self) -> None:
        alice, plain = self.pair()
        acking = self.user(2, ack=True)
        eventually(lambda: alice.knows(acking.name), 10)
        expected = {}
        for n in range(20):
            for recv, outcome in ((plain.name, "written"), (acking.name, "delivered"), (alice.name, "written"),
                                  (self.offline(), "stored")):
                id = fresh("m")
                expected[id] = outcome
                alice.chat(recv, n, id=id)
        for seq in range(1, 21):
            self.assertEqual(acking.expect(cmd="chat")["seq"], seq)
        acking.send(cmd="ack", seq=20)
        self.assertEqual({id: alice.outcome(id) for id in expected}, expected)
        rest = [message for message in alice.before_pong() if message["cmd"] != "chat"]
        self.assertEqual(rest, [])

    def test_one_outcome_and_silence_without_an_id(self) -> None:
        alice, bob = self.pair(ack=True)
        for recv in (bob.name, alice.name, self.offline()):
            alice.chat(recv, "no id")
        bob.send(cmd="ack", seq=bob.expect(cmd="chat")["seq"])
        self.assertEqual(bob.before_pong(), [])
        self.assertEqual([message["cmd"] for message in alice.before_pong()], ["chat"])

    def test_one_outcome_for_each_sending_of_an_id(self) -> None:
        alice, bob = self.pair(ack=True)
        for _ in range(3):
            alice.chat(bob.name, "once", id="same", retry=True)
        self.assertEqual(alice.before_pong(), [], "none of them has an outcome yet")
        self.assertEqual(bob.expect(cmd="chat")["content"], "once")
        bob.send(cmd="ack", seq=1)
        self.assertEqual([alice.outcome("same") for _ in range(3)], ["delivered"] * 3)
        self.assertEqual(alice.before_pong() + bob.before_pong(), [])

    def test_delivered(self) -> None:
        for there in (0, 1):
            with self.subTest(there=there):
                alice, bob = self.pair(0, there, ack=True)
                (id,) = self.send(alice, bob.name, 1)
                chat = bob.expect(cmd="chat")
                self.assertEqual((chat["seq"], chat.get("stored"), chat.get("redelivered")), (1, None, None))
                throughout(0.5, lambda: self.assertEqual(alice.before_pong(), [], "its client has not confirmed it"))
                bob.send(cmd="ack", seq=1)
                self.assertEqual(alice.expect(cmd="ack"), {"cmd": "ack", "id": id, "status": "delivered"})

    def test_delivered_is_cumulative(self) -> None:
        alice, bob = self.pair(ack=True)
        ids = self.send(alice, bob.name, 6)
        self.assertEqual([bob.expect(cmd="chat")["seq"] for _ in ids], [1, 2, 3, 4, 5, 6])
        steps: tuple[tuple[int, list[str]], ...] = ((3, ids[:3]), (3, []), (1, []), (0, []), (6, ids[3:]))
        for seq, confirmed in steps:
            bob.send(cmd="ack", seq=seq)
            bob.before_pong()
            for id in confirmed:
                self.assertEqual(alice.expect(cmd="ack")["id"], id)
            self.assertEqual(alice.before_pong(), [])

    def test_delivered_needs_an_honest_ack(self) -> None:
        alice, bob = self.pair(ack=True)
        self.send(alice, bob.name, 1)
        bob.expect(cmd="chat")
        rows: tuple[dict[str, Any], ...] = (
            {}, {"seq": "1"}, {"seq": -1}, {"seq": 1.5}, {"seq": None}, {"seq": 2})
        for fields in rows:
            with self.subTest(fields=fields):
                bob.send(cmd="ack", **fields)
                self.assertEqual(bob.error("bad_request")["in"], "ack")
        self.assertEqual(alice.before_pong(), [])
        bob.send(cmd="ack", seq=1)
        alice.expect(cmd="ack", status="delivered")

    def test_delivered_has_a_window(self) -> None:
        alice, bob = self.pair(ack=True)
        count = 2 * ACK_WINDOW + 50
        ids = self.send(alice, bob.name, count)
        seen = 0
        while seen < count:
            came = [bob.expect(cmd="chat") for _ in range(min(ACK_WINDOW, count - seen))]
            self.assertEqual(bob.before_pong(), [], "no more until these are confirmed")
            self.assertEqual([chat["seq"] for chat in came], [seen + 1 + k for k in range(len(came))])
            self.assertEqual(contents(came), list(range(seen, seen + len(came))))
            seen += len(came)
            bob.send(cmd="ack", seq=seen)
        self.assertEqual([alice.outcome(id) for id in ids], ["delivered"] * count)

    def test_delivered_later_where_the_session_ended_first(self) -> None:
        alice, bob = self.pair(ack=True)
        ids = self.send(alice, bob.name, 5)
        self.assertEqual(len([bob.expect(cmd="chat") for _ in ids]), 5)
        bob.send(cmd="ack", seq=2)
        self.assertEqual([alice.outcome(id) for id in ids[:2]], ["delivered"] * 2)
        bob.close()
        self.assertEqual([alice.outcome(id) for id in ids[2:]], ["stored"] * 3)
        again = self.back(bob.name, 2, ack=True)
        came = [again.expect(cmd="chat") for _ in range(3)]
        self.assertEqual(contents(came), [2, 3, 4])
        self.assertEqual([(m.get("redelivered"), m.get("stored"), m["seq"]) for m in came],
                         [(True, True, n) for n in (1, 2, 3)])
        again.send(cmd="ack", seq=3)
        self.gone(bob.name)
        self.assertEqual(alice.before_pong() + again.before_pong(), [])

    def test_written(self) -> None:
        for there in (0, 1):
            with self.subTest(there=there):
                alice, bob = self.pair(0, there)
                (id,) = self.send(alice, bob.name, 1)
                self.assertEqual(alice.expect(cmd="ack"), {"cmd": "ack", "id": id, "status": "written"})
                chat = bob.expect(cmd="chat")
                self.assertLessEqual({"seq", "stored", "redelivered"} & set(chat), set())
        name = fresh("human")
        human = self.world.human(self.nodes[2], name)
        alice = self.user()
        eventually(lambda: alice.knows(name), 10)
        alice.chat(name, "at your telnet", id="1")
        self.assertEqual(alice.outcome("1"), "written")
        human.see("at your telnet")

    def test_written_is_only_what_the_kernel_took(self) -> None:
        """The rest of a queue goes to the mailbox when the connection dies, and nothing of it is lost or doubled."""
        for there in (0, 1):
            with self.subTest(there=there):
                alice, bob = self.pair(0, there, receive_buffer=4096)
                ids, stem = [], fresh("m")
                for n in range(40):
                    ids.append(f"{stem}-{n}")
                    alice.chat(bob.name, f"{n} " + "x" * 20_000, id=ids[-1])
                outcomes = [alice.outcome(ids[0])]
                bob.reset()
                outcomes += [alice.outcome(id) for id in ids[1:]]
                written = outcomes.count("written")
                self.assertEqual(outcomes, ["written"] * written + ["stored"] * (40 - written))
                self.assertLess(written, 40)
                again = self.back(bob.name, 2)
                came = [again.expect(cmd="chat") for _ in range(40 - written)]
                self.assertEqual([int(chat["content"].split()[0]) for chat in came], list(range(written, 40)))
                self.assertEqual(again.before_pong(), [])


class NotAGuess(LiveTest):
    def test_an_ack_is_never_a_guess(self) -> None:
        """Mailbox off, mailbox full, Redis away: each is said, and what was refused is never seen."""
        off = self.world.member("n1", *self.world.settings(mailbox={"max": 0}))
        alice = self.world.client(off, "alice")
        alice.chat("bob", "hello?", id="1")
        self.assertEqual(alice.outcome("1"), "no_such_user")
        self.assertEqual(mailbox(self.world, "bob"), -1)
        off.stop()

        small = self.world.member("n2", *self.world.settings(mailbox={"max": 5}))
        alice = self.world.client(small, "alice")
        for n in range(8):
            alice.chat("bob", n, id=f"m-{n}")
        self.assertEqual([alice.outcome(f"m-{n}") for n in range(8)], ["stored"] * 5 + ["mailbox_full"] * 3)
        bob = self.world.client(small, "bob")
        self.assertEqual(contents([bob.next() for _ in range(5)]), list(range(5)))
        self.assertEqual(bob.before_pong(), [])
        bob.close()
        eventually(lambda: not alice.knows("bob"))
        alice.chat("bob", 8, id="m-8")
        self.assertEqual(alice.outcome("m-8"), "stored", "there is room again")

        senders = [self.world.client(small, f"sender{k}") for k in range(3)]
        for n in range(10):
            for sender in senders:
                sender.chat("dave", n, id=f"d-{n}")
        outcomes = [sender.outcome(f"d-{n}") for n in range(10) for sender in senders]
        self.assertEqual((outcomes.count("stored"), outcomes.count("mailbox_full")), (5, 25))
        dave = self.world.client(small, "dave")
        self.assertEqual(len(dave.before_pong()), 5)

        self.world.redis.shutdown()
        eventually(lambda: self.refused(alice), 5, "Redis is known to be away")
        self.assertEqual(alice.before_pong(), [])

    def refused(self, alice: Client) -> bool:
        alice.chat("carol", "hello?", id=(id := fresh("m")))
        return alice.outcome(id, 2) == "unavailable"


class SilentClients(LiveTest):
    def test_a_silent_client(self) -> None:
        """Nothing confirmed for delivery.ack_timeout_ms ends the session; what it had goes on, in order."""
        flags = self.world.settings(delivery={"ack_timeout_ms": 1000})
        nodes = self.world.mesh(2, *flags)
        alice = self.world.client(nodes[0], "alice")
        bob = self.world.client(nodes[1], "bob", ack=True)
        eventually(lambda: alice.knows("bob"), 10)
        for n in range(10):
            alice.chat("bob", n, id=f"m-{n}")
        self.assertEqual(contents([bob.expect(cmd="chat") for _ in range(10)]), list(range(10)))
        bob.send(cmd="ack", seq=4)
        kicked = bob.expect(cmd="kicked", within=10)
        self.assertEqual((kicked["reason"], kicked["retry"]), ("slow_consumer", True))
        self.assertEqual([alice.outcome(f"m-{n}") for n in range(10)], ["delivered"] * 4 + ["stored"] * 6)
        bob.rest()
        again = self.world.client(nodes[0], "bob", ack=True)
        came = [again.expect(cmd="chat") for _ in range(6)]
        self.assertEqual([(m["content"], m.get("redelivered")) for m in came], [(n, True) for n in range(4, 10)])
        again.send(cmd="ack", seq=6)
        eventually(lambda: mailbox(self.world, "bob") == -1, 5)

    def test_a_silent_client_is_one_that_owes_something(self) -> None:
        node = self.world.mesh(1, *self.world.settings(delivery={"ack_timeout_ms": 1000}))[0]
        bob = self.world.client(node, "bob", ack=True)
        alice = self.world.client(node, "alice")
        alice.chat("bob", "hi", id="1")
        bob.send(cmd="ack", seq=bob.expect(cmd="chat")["seq"])
        self.assertEqual(alice.outcome("1"), "delivered")
        throughout(2.5, lambda: self.assertEqual(bob.before_pong(), []))

    def test_a_silent_client_with_too_much_waiting(self) -> None:
        """sessions.queue_bytes ends it; written is what the kernel took, the rest is stored in order."""
        nodes = self.world.mesh(2, *self.world.settings(sessions={"queue_bytes": 131072}))
        for acks in (False, True):
            with self.subTest(acks=acks), self.world.undisturbed(*nodes):
                fleet = self.world.fleet()
                alice = fleet.user(fresh("alice"), nodes[0].client)
                deaf = fleet.user(fresh("deaf"), [nodes[1].client, nodes[0].client], acks=acks, receive_buffer=4096)
                fleet.all_online()
                fleet.do(lambda: fleet.deafen(deaf))
                stream = fleet.stream(alice, deaf, 400, pad=" " + "x" * 10_000)
                fleet.settled()
                self.assertEqual(stream.told["written"] == 0, acks)
                self.assertGreater(stream.told["stored"], 300)
                self.assertEqual(stream.told["written"] + stream.told["stored"], 400)
                fleet.do(lambda: fleet.deafen(deaf, False))
                verdict = fleet.verdict().check()
                self.assertEqual(verdict.seen, 400)
                self.assertEqual(deaf.logins, 2, "once it reads it is left in peace")
                eventually(lambda: mailbox(self.world, deaf.name) == -1, 5)
                fleet.close()
