"""PROTOCOL.md section 3 where it takes a fault or a move to show: order, no loss, one place, a dead Redis.

As in test_delivery.py each promise has a test of its name. Whole loads are
judged by history.py, which knows all of them.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from client import Client
from cluster import LiveTest, fresh, reached
from deadline import Deadline, eventually, pause, throughout
from fleet import Fleet
from node import Node
from process import Address
from proxy import FaultProxy, Mode
from roamer import How, Roamer
from test_delivery import LOGINS, contents, mailbox

AT_ONCE_S = 1.0  # what the contract calls "at once", on a busy machine
REDIS_SILENT_S = 1.0


class Promise(LiveTest):
    nodes: list[Node]
    proxies: list[FaultProxy]

    def mesh(self, count: int = 3) -> list[Node]:
        self.nodes = self.world.mesh(count)
        return self.nodes

    def proxied(self, count: int = 3) -> list[Node]:
        """Nodes that reach each other through fault proxies only."""
        pairs = [self.world.behind_proxy(f"n{number}", start=False) for number in range(1, count + 1)]
        self.nodes, self.proxies = [node for node, _ in pairs], [proxy for _, proxy in pairs]
        self.world.start(self.nodes)
        return self.nodes

    def user(self, fleet: Fleet, node: int, name: str = "", **options: Any) -> Roamer:
        """One who begins at this node and may go to all others."""
        def where(at: int) -> Callable[[], Address]:
            return lambda: self.nodes[at % len(self.nodes)].client

        return fleet.user(name or fresh("user"), [where(node + k) for k in range(len(self.nodes))], **options)

    @contextlib.contextmanager
    def cut_off(self, *proxies: FaultProxy) -> Iterator[None]:
        """Nobody reaches these nodes, nor they anybody (behind proxies all round)."""
        for proxy in proxies:
            proxy.behave(Mode.REFUSE)
            proxy.cut()
        try:
            yield
        finally:
            for proxy in proxies:
                proxy.behave(Mode.FORWARD)


class Order(Promise):
    def test_order(self) -> None:
        self.mesh()
        fleet = self.world.fleet()
        people = [self.user(fleet, k % 3, acks=k % 2 == 0) for k in range(6)]
        fleet.all_online()
        for sender, recipient in itertools.permutations(people, 2):
            fleet.stream(sender, recipient, 300)
        verdict = fleet.verdict().check()
        self.assertEqual((verdict.seen, verdict.repeats), (30 * 300, 0))

    def test_order_while_links_drop(self) -> None:
        self.proxied()
        fleet = self.world.fleet()
        people = [self.user(fleet, k % 3, acks=k % 2 == 0) for k in range(6)]
        fleet.all_online()
        for k in range(6):
            fleet.stream(people[k], people[(k + 1) % 6], rate=100)
        for turn in range(12):
            proxy = self.proxies[turn % 3]
            eventually(lambda: proxy.live() >= 1, what="the link is dialled again")
            proxy.cut(reset=turn % 2 == 0)
            seen = fleet.seen
            eventually(lambda: fleet.seen > seen + 50, what="chats go on")
        verdict = fleet.verdict().check()
        self.assertEqual(verdict.repeats, 0, "a dropped link repeats nothing")
        self.assertEqual(verdict.seen, verdict.messages)

    def test_order_while_the_recipient_moves(self) -> None:
        """1 … N in order, though the recipient hops between the nodes, in every manner."""
        self.mesh()
        fleet = self.world.fleet()
        alice, bob = self.user(fleet, 0), self.user(fleet, 1, acks=True, lag_s=0.005)
        fleet.all_online()
        stream = fleet.stream(alice, bob, rate=300)
        for hop in range(40):
            seen = fleet.seen
            how = (None, How.CLOSE, How.RESET, How.LOGOUT)[hop % 4]
            fleet.do(lambda: bob.hop(random.randrange(3), how))
            fleet.look(lambda: bob.online and fleet.seen > seen + 5, what=f"hop {hop} is done and chats go on")
        verdict = fleet.verdict().check()
        self.assertEqual(verdict.seen, stream.next)
        eventually(lambda: mailbox(self.world, bob.name) == -1, 5)

    def test_order_while_the_mailbox_drains(self) -> None:
        self.mesh()
        fleet = self.world.fleet()
        name = fresh("bob")
        senders = [self.user(fleet, k) for k in range(3)]
        fleet.all_online()
        streams = [fleet.stream(sender, name, 200) for sender in senders]
        fleet.settled()
        for stream in streams:
            self.assertEqual(stream.told, {"stored": 200})
            stream.total = None
            stream.rate = 100
            stream.began = time.monotonic() - 2
        bob = self.user(fleet, 1, name, acks=True)
        for _ in range(6):
            seen = fleet.seen
            fleet.look(lambda: fleet.seen > seen + 60, what="some of it is seen")
            fleet.do(lambda: bob.hop(bob.at + 1, How.RESET))
        fleet.all_online(10, bob)
        fleet.verdict().check()


class NoLoss(Promise):
    def test_no_loss_no_silent_duplicate(self) -> None:
        """The node of half of the people is killed, then another one; they log in elsewhere and send again."""
        self.mesh()
        fleet = self.world.fleet()
        people = [self.user(fleet, k % 3, acks=k % 4 < 2, lag_s=k % 2 * 0.2) for k in range(12)]
        fleet.all_online()
        for k in range(12):
            fleet.stream(people[k], people[(k + 5) % 12], rate=40)
        for turn in range(2):
            sent = fleet.sent
            eventually(lambda: fleet.sent > sent + 500, what="chats are under way")
            fleet.note(f"kill {self.nodes[turn].name}")
            self.nodes[turn].kill()
            self.nodes[turn].launch().wait_ready()
        fleet.all_online()
        verdict = fleet.verdict(45).check()
        print(verdict)

    def test_no_loss_when_what_was_sent_is_sent_again(self) -> None:
        """Sent again under its id it is seen once, while the node that knows it lives."""
        self.mesh()
        for login in LOGINS:
            with self.subTest(login=login):
                alice = self.world.client(self.nodes[0], fresh("alice"))
                bob = self.world.client(self.nodes[1], fresh("bob"), **login)
                eventually(lambda: alice.knows(bob.name), 10)
                first = self.talk(alice, bob, "same", retry=False)
                again = self.world.client(self.nodes[2], alice.name)  # a new session at another node
                eventually(lambda: again.knows(bob.name), 10)
                again.chat(bob.name, "same", id="same", retry=True)
                self.assertEqual(again.outcome("same"), first)
                self.assertEqual(bob.before_pong(), [])

    def test_no_silent_duplicate_where_the_recipient_has_moved(self) -> None:
        self.mesh()
        alice = self.world.client(self.nodes[0], fresh("alice"))
        bob = self.world.client(self.nodes[1], fresh("bob"), ack=True)
        eventually(lambda: alice.knows(bob.name), 10)
        self.assertEqual(self.talk(alice, bob, "same", retry=False), "delivered")
        moved = self.world.client(self.nodes[2], bob.name, ack=True)
        bob.until_closed()
        reached(moved, alice, Deadline(10))
        alice.chat(bob.name, "same", id="same", retry=True)
        marks = []

        def settled() -> list[Any]:
            for chat in [m for m in moved.before_pong() if m["cmd"] == "chat"]:
                marks.append(chat.get("redelivered"))
                moved.send(cmd="ack", seq=chat["seq"])
            return [m.get("status") for m in alice.before_pong() if m.get("id") == "same"]

        self.assertIn(eventually(settled, 10, "it has an outcome")[0], ("delivered", "stored"))
        self.assertEqual(marks, [True] * len(marks))

    def test_no_loss_of_what_a_dead_node_had(self) -> None:
        """Unconfirmed at a node that dies: delivered again by the sender's node, marked."""
        self.mesh(2)
        alice = self.world.client(self.nodes[0], fresh("alice"))
        bob = self.world.client(self.nodes[1], fresh("bob"), ack=True)
        eventually(lambda: alice.knows(bob.name), 10)
        for n in range(10):
            alice.chat(bob.name, n, id=f"m-{n}")
        self.assertEqual(contents([bob.expect(cmd="chat") for _ in range(10)]), list(range(10)))
        bob.send(cmd="ack", seq=3)
        self.assertEqual([alice.outcome(f"m-{n}") for n in range(3)], ["delivered"] * 3)
        self.nodes[1].kill()
        self.world.nodes.remove(self.nodes[1])
        again = self.world.client(self.nodes[0], bob.name, ack=True)
        came = [again.expect(cmd="chat") for _ in range(7)]
        self.assertEqual([(m["content"], m.get("redelivered")) for m in came], [(n, True) for n in range(3, 10)])
        again.send(cmd="ack", seq=7)
        self.assertEqual([alice.outcome(f"m-{n}") for n in range(3, 10)], ["delivered"] * 7)
        self.assertEqual(again.before_pong() + alice.before_pong(), [])

    def talk(self, alice: Client, bob: Client, id: str, retry: bool) -> str:
        alice.chat(bob.name, id, id=id, retry=retry)
        chat = bob.expect(cmd="chat", id=id)
        if "seq" in chat:
            bob.send(cmd="ack", seq=chat["seq"])
        return alice.outcome(id)


class CutOff(Promise):
    def test_a_node_that_lives_but_cant_be_reached(self) -> None:
        """Its users' chats go through their mailboxes, and it is woken to deliver them at once."""
        self.proxied(2)
        alice = self.world.client(self.nodes[0], fresh("alice"))
        for login in LOGINS:
            with self.subTest(login=login):
                bob = self.world.client(self.nodes[1], fresh('b"o,{b}:\\李'), **login)
                reached_by(alice, bob)
                with self.cut_off(*self.proxies):
                    for n in range(20):
                        alice.chat(bob.name, n, id=f"m-{n}")
                    came = [bob.expect(cmd="chat", within=10) for _ in range(20)]
                    if login:
                        bob.send(cmd="ack", seq=came[-1]["seq"])
                    self.assertEqual([(m["content"], m["stored"]) for m in came], [(n, True) for n in range(20)])
                    self.assertEqual([alice.outcome(f"m-{n}") for n in range(20)], ["stored"] * 20)
                    began = time.monotonic()
                    alice.chat(bob.name, "by now at once", id="late")
                    chat = bob.expect(cmd="chat", content="by now at once")
                    if login:
                        bob.send(cmd="ack", seq=chat["seq"])
                    self.assertEqual(alice.outcome("late"), "stored")
                    print(f"through the mailbox in {time.monotonic() - began:.3f} s")
                    eventually(lambda: mailbox(self.world, bob.name) == -1, 5)
                self.world.whole(self.nodes)
                self.assertEqual(bob.before_pong() + alice.before_pong(), [])

    def test_a_node_that_cant_be_reached_had_it_already(self) -> None:
        """What it had when the way back was stalled is not delivered once more, unless marked."""
        self.proxied(2)
        fleet = self.world.fleet(stuck_s=10)
        alice, bob = self.user(fleet, 0), self.user(fleet, 1, acks=True)
        fleet.all_online()
        fleet.stream(alice, bob, rate=50)
        for to_node, from_node in ((False, True), (True, False), (True, True)):
            seen = fleet.seen
            fleet.look(lambda: fleet.seen > seen + 50, what="chats go on")
            fleet.note(f"n2 stalled: to it {to_node}, from it {from_node}")
            for proxy in self.proxies:
                proxy.stall(to_node, from_node)
            stored = len(fleet.do(lambda: fleet.history.answers(0, 1e18, "stored")))
            fleet.look(lambda: len(fleet.history.answers(0, 1e18, "stored")) > stored + 50, 20, "it goes by mailbox")
            for proxy in self.proxies:
                proxy.resume()
            fleet.note("resumed")
        fleet.verdict().check()

    def test_a_node_that_cant_be_reached_and_no_redis(self) -> None:
        """What can go nowhere waits for 30 s, and is then answered `unavailable`; or comes through when the link does."""
        self.proxied(2)
        alice = self.world.client(self.nodes[0], fresh("alice"))
        bob = self.world.client(self.nodes[1], fresh("bob"))
        reached_by(alice, bob)
        self.world.redis.freeze()
        with self.cut_off(*self.proxies):
            alice.chat(bob.name, "in vain", id="1")
            began = time.monotonic()
            self.assertEqual(alice.outcome("1", 45), "unavailable")
            print(f"unavailable after {time.monotonic() - began:.1f} s")
            self.assertGreater(time.monotonic() - began, 10, "it waits")
            alice.chat(bob.name, "in time", id="2")
            self.assertEqual(alice.before_pong(), [])
        self.assertEqual(bob.expect(cmd="chat")["content"], "in time")
        self.assertEqual(alice.outcome("2"), "written")
        self.world.redis.thaw()
        self.assertEqual(bob.before_pong(), [])


class OnePlace(Promise):
    def test_one_user_one_place(self) -> None:
        """One name logs in at three nodes as fast as it can; one session is left, and every node knows which."""
        self.mesh()
        name = fresh("bob")
        stop = threading.Event()
        kicked: list[str] = []

        def hammer(node: Node) -> None:
            while not stop.is_set():
                client = Client(node.client)
                client.send(cmd="login", name=name)  # it may be over before it is answered
                kicked.extend(m["reason"] for m in client.until_closed() if m["cmd"] == "kicked")

        threads = [threading.Thread(target=hammer, args=(node,), daemon=True) for node in self.nodes]
        for thread in threads:
            thread.start()
        eventually(lambda: len(kicked) > 300, what="300 logins were replaced")
        stop.set()
        eventually(lambda: self.world.client(self.nodes[0], name) and
                   sum(thread.is_alive() for thread in threads) == 0, what="the last of them are replaced")
        last = self.world.client(self.nodes[0], name)
        self.assertEqual(set(kicked), {"replaced"})
        for node in self.nodes:
            reached_by(self.world.client(node, fresh("alice")), last)
        self.assertEqual(last.before_pong(), [])

    def test_one_user_one_place_after_a_partition(self) -> None:
        """Both sides have her; after it the older session is told, and what it had not confirmed goes to the newer."""
        self.proxied(2)
        alice = self.world.client(self.nodes[0], fresh("alice"))
        older = self.world.client(self.nodes[0], fresh("bob"), ack=True)
        with self.cut_off(*self.proxies):
            newer = self.world.client(self.nodes[1], older.name, ack=True)
            alice.chat(older.name, "to the older", id="1")
            self.assertEqual(older.expect(cmd="chat")["content"], "to the older")
            self.assertEqual(alice.before_pong() + newer.before_pong(), [])
        kicked = older.until_closed()[-1]
        self.assertEqual((kicked["cmd"], kicked["reason"], kicked["retry"]), ("kicked", "replaced", False))
        chat = newer.expect(cmd="chat")
        self.assertEqual((chat["content"], chat.get("redelivered")), ("to the older", True))
        newer.send(cmd="ack", seq=chat["seq"])
        self.assertIn(alice.outcome("1"), ("delivered", "stored"))
        self.assertEqual(newer.before_pong(), [])
        reached_by(alice, newer, ack=True)


class RedisDown(Promise):
    def test_redis_down(self) -> None:
        """Refused and silent: those online go on, new logins are known, who is offline is answered at once."""
        self.mesh()
        for what, begin, end in (("refused", self.world.redis.shutdown, self.world.redis.start),
                                 ("silent", self.world.redis.freeze, self.world.redis.thaw)):
            with self.subTest(what=what):
                alice = self.world.client(self.nodes[0], fresh("alice"))
                with self.world.undisturbed(*self.nodes):
                    begin()
                    self.unavailable_soon(alice)
                    name = fresh("bob")
                    bob = self.world.client(self.nodes[2])
                    answer = bob.login(name, ack=True)
                    self.assertEqual((answer["ok"], answer["waiting"]), (True, 0))
                    reached_by(alice, bob, ack=True)
                    worst = 0.0
                    for _ in range(50):
                        began = time.monotonic()
                        self.assertEqual(self.ask(alice, fresh("absent")), "unavailable")
                        worst = max(worst, time.monotonic() - began)
                    print(f"{what}: unavailable within {worst * 1000:.0f} ms")
                    self.assertLess(worst, AT_ONCE_S)
                    bob.close()
                    end()
                    absent = fresh("absent")
                    eventually(lambda: self.ask(alice, absent) == "stored", 15, "it can store again")
                    again = self.world.client(self.nodes[1], absent)
                    self.assertEqual(again.expect(cmd="chat")["stored"], True)

    def test_redis_down_while_a_session_with_unconfirmed_ends(self) -> None:
        """What it had can go nowhere now: it waits, and is stored or delivered when there is a way again."""
        self.mesh(2)
        alice = self.world.client(self.nodes[0], fresh("alice"))
        bob = self.world.client(self.nodes[1], fresh("bob"), ack=True)
        eventually(lambda: alice.knows(bob.name), 10)
        for n in range(5):
            alice.chat(bob.name, n, id=f"m-{n}")
        self.assertEqual(len([bob.expect(cmd="chat") for _ in range(5)]), 5)
        self.world.redis.shutdown()
        self.unavailable_soon(alice)
        bob.close()
        outcomes = [alice.outcome(f"m-{n}", 45) for n in range(5)]
        self.assertLessEqual(set(outcomes), {"unavailable"})
        self.assertEqual(alice.before_pong(), [])

    def test_redis_down_while_a_mailbox_drains(self) -> None:
        self.mesh(2)
        fleet = self.world.fleet()
        alice = self.user(fleet, 0)
        name = fresh("bob")
        stream = fleet.stream(alice, name, 600)
        fleet.settled()
        self.assertEqual(stream.told, {"stored": 600})
        bob = self.user(fleet, 1, name, acks=True)
        fleet.look(lambda: fleet.seen > 50, what="the drain is under way")
        self.world.redis.freeze()
        fleet.note("Redis frozen")
        throughout(REDIS_SILENT_S + 1, lambda: self.assertTrue(bob.online))
        self.world.redis.thaw()
        fleet.note("Redis thawed")
        fleet.do(fleet.history.slow)
        fleet.verdict().check()
        eventually(lambda: mailbox(self.world, name) == -1, 10)

    def unavailable_soon(self, alice: Client) -> None:
        eventually(lambda: self.ask(alice, fresh("absent")) == "unavailable", REDIS_SILENT_S + 5, "it is noticed")

    def ask(self, alice: Client, name: str) -> str:
        alice.chat(name, "hello?", id=(id := fresh("q")))
        return alice.outcome(id)


def reached_by(sender: Client, recipient: Client, *, ack: bool = False) -> None:
    """As cluster.reached, for a recipient who may confirm."""
    deadline = Deadline(15)
    eventually(lambda: sender.knows(recipient.name), 15, f"{recipient.name} is known")
    while True:
        sender.chat(recipient.name, "reached?", id=(id := fresh("try-")))
        chat = recipient.expect(cmd="chat", id=id)
        if "seq" in chat:
            recipient.send(cmd="ack", seq=chat["seq"])
        if sender.outcome(id) in ("written", "delivered"):
            return
        assert not deadline.passed(), f"{sender.name} reaches {recipient.name} only by mail"
        pause(0.02)
