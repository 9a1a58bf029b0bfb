"""`stored`, as PROTOCOL.md section 3 promises it: kept, drained in order at the next login, gone when it is read."""

from __future__ import annotations

from cluster import LiveTest, fresh
from deadline import eventually, pause, throughout
from test_delivery import LOGINS, Delivery, contents, mailbox


class Stored(Delivery):
    def test_stored(self) -> None:
        name = self.offline()
        alice = self.user()
        self.store(alice, name, 20)
        self.assertEqual(mailbox(self.world, name), 20)
        bob = self.world.client(self.nodes[2])
        self.assertEqual(bob.login(name)["waiting"], 20)
        came = [bob.next() for _ in range(20)]
        self.assertEqual(contents(came), list(range(20)))
        self.assertEqual({(m["send"], m["recv"], m["stored"], m.get("redelivered")) for m in came},
                         {(alice.name, name, True, None)})
        self.gone(name)
        self.assertEqual(alice.before_pong(), [], "it has had its outcome")
        bob.send(cmd="logout")
        self.assertEqual(bob.until_closed(), [])
        self.assertEqual(self.world.client(self.nodes[1]).login(name)["waiting"], 0)

    def test_stored_at_every_node_for_every_node(self) -> None:
        for here in range(3):
            for there in range(3):
                name = self.offline()
                sender = self.user(here)
                self.store(sender, name, 3)
                bob = self.back(name, there)
                self.assertEqual(contents([bob.next() for _ in range(3)]), [0, 1, 2])
                self.gone(name)

    def test_stored_leaves_the_mailbox_once_confirmed(self) -> None:
        name = self.offline()
        alice = self.user()
        self.store(alice, name, 10)
        bob = self.back(name, 1, ack=True)
        self.assertEqual([bob.expect(cmd="chat")["seq"] for _ in range(10)], list(range(1, 11)))
        throughout(0.5, lambda: self.assertEqual(mailbox(self.world, name), 10, "nothing is confirmed yet"))
        bob.send(cmd="ack", seq=4)
        eventually(lambda: mailbox(self.world, name) == 6, 5, "what is confirmed has left")
        bob.reset()
        again = self.back(name, 0, ack=True)
        came = [again.expect(cmd="chat") for _ in range(6)]
        self.assertEqual([(m["content"], m.get("redelivered"), m["stored"]) for m in came],
                         [(n, True, True) for n in range(4, 10)])
        again.send(cmd="ack", seq=6)
        self.gone(name)

    def test_stored_once_under_one_id(self) -> None:
        name = self.offline()
        alice, carol = self.user(), self.user(1)
        for _ in range(3):
            alice.chat(name, "once", id="same", retry=True)
            self.assertEqual(alice.outcome("same"), "stored")
        carol.chat(name, "carol's own", id="same")
        self.assertEqual(carol.outcome("same"), "stored")
        bob = self.back(name)
        self.assertEqual(contents([bob.next(), bob.next()]), ["once", "carol's own"])
        self.assertEqual(bob.before_pong(), [])

    def test_stored_comes_before_what_is_newer(self) -> None:
        """Live chats wait behind the mailbox, whether it is confirmed or written."""
        for login in LOGINS:
            with self.subTest(login=login):
                fleet = self.world.fleet()
                name = self.offline()
                alice = fleet.user(fresh("alice"), self.nodes[0].client)
                stream = fleet.stream(alice, name, 900, window=64)
                fleet.settled()
                self.assertEqual(stream.told, {"stored": 900})
                stream.total = 2000
                fleet.look(lambda: stream.next > 920, what="more is on its way")
                fleet.user(name, self.nodes[2].client, acks="ack" in login)
                verdict = fleet.verdict().check()
                self.assertEqual(verdict.seen, 2000)
                self.gone(name)
                fleet.close()

    def test_stored_without_an_id(self) -> None:
        name = self.offline()
        alice = self.user()
        for n in range(3):
            alice.chat(name, n)
        self.assertEqual(alice.before_pong(), [])
        eventually(lambda: mailbox(self.world, name) == 3, 5, "they are stored")
        bob = self.back(name)
        self.assertEqual(contents([bob.next() for _ in range(3)]), [0, 1, 2])

    def test_stored_whatever_the_name_and_the_content(self) -> None:
        alice = self.user()
        for name in ("李雷" + fresh(), "a{b}:c*?[x]" + fresh(), "\"'\\" + fresh(), "😀" * 8 + fresh()):
            for content in ("", "}", {"deep": [1, {"x": None}]}, "\\\"", "\u2028\u00e9😀", 1.5, None, [[]], "x" * 60_000):
                with self.subTest(name=name, content=str(content)[:20]):
                    alice.chat(name, content, id=(id := fresh("m")))
                    self.assertEqual(alice.outcome(id), "stored")
            bob = self.back(name, ack=True)
            came = [bob.expect(cmd="chat") for _ in range(9)]
            self.assertEqual(contents(came)[1:4], ["}", {"deep": [1, {"x": None}]}, "\\\""])
            bob.send(cmd="ack", seq=9)
            self.gone(name)

    def test_stored_for_a_slow_reader(self) -> None:
        """A mailbox of large chats is drained at the pace of its reader, who is not cut for it."""
        for login in LOGINS:
            with self.subTest(login=login):
                name = self.offline()
                alice = self.user()
                for n in range(40):
                    alice.chat(name, f"{n} " + "x" * 60_000, id=(id := fresh("m")))
                    self.assertEqual(alice.outcome(id), "stored")
                bob = self.world.client(self.nodes[1], receive_buffer=8192)
                bob.send(cmd="login", name=name, **login)
                self.assertEqual(bob.expect(cmd="login")["waiting"], 40)
                for n in range(40):
                    pause(0.08)
                    chat = bob.expect(cmd="chat")
                    self.assertEqual(int(chat["content"].split()[0]), n)
                    if login:
                        bob.send(cmd="ack", seq=chat["seq"])
                self.gone(name)

    def test_stored_for_someone_at_a_telnet(self) -> None:
        name = self.offline()
        alice = self.user()
        alice.chat(name, "are you there?", id="1")
        self.assertEqual(alice.outcome("1"), "stored")
        human = self.world.human(self.nodes[1])
        human.type(f"/login {name}")
        human.see("are you there?")
        self.gone(name)


class Old(LiveTest):
    def test_stored_for_mailbox_ttl(self) -> None:
        node = self.world.mesh(1, *self.world.settings(mailbox={"ttl_s": 1}))[0]
        alice = self.world.client(node, "alice")
        alice.chat("bob", "too old", id="1")
        self.assertEqual(alice.outcome("1"), "stored")
        eventually(lambda: mailbox(self.world, "bob") == -1, 10, "it is gone after its time")
        bob = self.world.client(node)
        self.assertEqual(bob.login("bob")["waiting"], 0)
        self.assertEqual(bob.before_pong(), [])
