"""Links that are cut, stalled, refused; and that what was on them comes through once and in order."""

from __future__ import annotations

from client import Client
from cluster import LiveTest, fresh, reached
from deadline import Deadline, eventually, throughout
from node import Node
from proxy import FaultProxy, Mode


class Proxied(LiveTest):
    nodes: list[Node]
    proxies: list[FaultProxy]
    alice: Client
    bob: Client

    def setUp(self) -> None:
        super().setUp()
        pairs = [self.world.behind_proxy(name, start=False) for name in ("n1", "n2")]
        self.nodes = [node for node, _ in pairs]
        self.proxies = [proxy for _, proxy in pairs]
        self.world.start(self.nodes)
        self.alice = self.world.client(self.nodes[0], fresh("alice"))
        self.bob = self.world.client(self.nodes[1], fresh("bob"))
        reached(self.alice, self.bob, Deadline(10))
        reached(self.bob, self.alice, Deadline(10))

    def talk(self, sender: Client, recipient: Client, count: int) -> str:
        """Chats 0 … count-1 with ids, all at once; what the ids begin with."""
        stem = fresh("m")
        for n in range(count):
            sender.chat(recipient.name, n, id=f"{stem}-{n}")
        return stem

    def assert_all_came(self, sender: Client, recipient: Client, count: int, stem: str) -> None:
        """Every one came once, in order, and had the one outcome `written`."""
        self.assertEqual([recipient.next()["content"] for _ in range(count)], list(range(count)))
        outcomes = [sender.expect(cmd="ack") for _ in range(count)]
        self.assertEqual({ack["status"] for ack in outcomes}, {"written"})
        self.assertEqual(sorted(ack["id"] for ack in outcomes), sorted(f"{stem}-{n}" for n in range(count)))
        self.assertEqual(recipient.before_pong() + sender.before_pong(), [])


class Cuts(Proxied):
    def test_cut_by_reset(self) -> None:
        self.cut(reset=True)

    def test_cut_by_close(self) -> None:
        self.cut(reset=False)

    def test_a_long_run_of_cuts(self) -> None:
        with self.world.undisturbed(*self.nodes):
            for round_number in range(10):
                for proxy in self.proxies:
                    eventually(proxy.live, what="the link is dialled again")
                    proxy.cut(reset=round_number % 2 == 0)

    def test_users_stay_known_over_a_cut(self) -> None:
        for proxy in self.proxies:
            proxy.cut()
        known = {self.bob.name: True}
        throughout(3, lambda: self.assertEqual(self.alice.presence(self.bob.name), known))

    def test_who_came_and_went_during_a_refusal_is_known_after_it(self) -> None:
        for proxy in self.proxies:
            proxy.behave(Mode.REFUSE)
            proxy.cut()
        carol = self.world.client(self.nodes[1], fresh("carol"))
        self.bob.close()
        for proxy in self.proxies:
            proxy.behave(Mode.FORWARD)
        eventually(lambda: self.alice.presence(carol.name, self.bob.name)
                   == {carol.name: True, self.bob.name: False}, 15, "the truth of n2 is known on n1")
        reached(self.alice, carol, Deadline(10))

    def cut(self, reset: bool) -> None:
        """Chats are under way in both directions at each cut."""
        count = 3000
        self.talk(self.alice, self.bob, count)
        self.talk(self.bob, self.alice, count)
        for _ in range(3):
            for proxy in self.proxies:
                eventually(proxy.live, what="the link is dialled again")
                proxy.cut(reset)
        for client in (self.alice, self.bob):
            came = [client.next() for _ in range(2 * count)]
            chats = [message["content"] for message in came if message["cmd"] == "chat"]
            self.assertEqual(chats, list(range(count)))
            acks = sorted(int(message["id"].rpartition("-")[2]) for message in came if message["cmd"] == "ack")
            self.assertEqual(acks, list(range(count)))
        self.assertEqual(self.alice.before_pong() + self.bob.before_pong(), [])


class Stalls(Proxied):
    def test_a_short_stall_each_way(self) -> None:
        for to_node, from_node in ((True, False), (False, True), (True, True)):
            with self.subTest(to_node=to_node, from_node=from_node):
                self.proxies[1].stall(to_node, from_node)
                stem = self.talk(self.alice, self.bob, 100)
                throughout(1, lambda: self.assertLessEqual(
                    {message["cmd"] for message in self.alice.before_pong()}, set(), "no outcome is guessed"))
                self.proxies[1].resume()
                self.assert_all_came(self.alice, self.bob, 100, stem)

    def test_a_long_stall(self) -> None:
        """The link is given up (no pong for 5 s) and made anew; each chat still has exactly one outcome."""
        count = 200
        dials = [proxy.dials() for proxy in self.proxies]
        for proxy in self.proxies:
            proxy.stall()
        stem = self.talk(self.alice, self.bob, count)
        eventually(lambda: all(proxy.dials() > before for proxy, before in zip(self.proxies, dials)), 15,
                   "the stalled links are dialled anew")
        for proxy in self.proxies:
            proxy.resume()
        outcomes = {n: self.alice.outcome(f"{stem}-{n}", 45) for n in range(count)}
        came = [self.bob.expect(cmd="chat")["content"] for n in range(count) if outcomes[n] in ("written", "stored")]
        self.assertEqual(came, [n for n in range(count) if outcomes[n] in ("written", "stored")])
        self.assertLessEqual(set(outcomes.values()), {"written", "stored", "busy"})
        self.assertEqual(self.bob.before_pong() + self.alice.before_pong(), [])
        self.world.whole(self.nodes)

    def test_a_third_node_is_not_held_up(self) -> None:
        third = self.world.member("n3")
        self.world.whole([self.nodes[0], third])
        self.proxies[1].stall()
        with self.world.undisturbed(self.nodes[0], third):
            self.talk(self.alice, self.bob, 1000)
            throughout(4, lambda: self.assertTrue(third.alive()))
        self.proxies[1].resume()

    def test_a_node_stops_in_time_while_its_links_are_stalled(self) -> None:
        for proxy in self.proxies:
            proxy.stall()
        self.talk(self.alice, self.bob, 100)
        self.nodes[0].stop()
        for proxy in self.proxies:
            proxy.resume()


class SlowReaders(LiveTest):
    def test_one_who_never_reads_is_cut_and_each_chat_has_one_outcome(self) -> None:
        nodes = self.world.mesh(2)
        talker = self.world.client(nodes[0], fresh("talker"))
        deaf = self.world.client(nodes[1], fresh("deaf"), receive_buffer=4096)
        eventually(lambda: talker.knows(deaf.name), 10)
        with self.world.undisturbed(*nodes):
            content, count = "x" * 10_000, 400
            for n in range(count):
                talker.chat(deaf.name, content, id=f"m-{n}")
            outcomes = [talker.outcome(f"m-{n}") for n in range(count)]
            self.assertLessEqual(set(outcomes), {"written", "stored", "busy"})
            self.assertIn("stored", outcomes)
            self.assertEqual(talker.before_pong(), [])
            eventually(lambda: not talker.knows(deaf.name), what="the silent session is ended")
