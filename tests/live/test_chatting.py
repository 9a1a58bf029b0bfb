"""Two people on two servers talk: JSON sessions, people at a telnet, and both kinds together."""

from __future__ import annotations

import json
import time

from client import Client, Message
from cluster import Cluster, LiveTest, fresh, reached
from deadline import Deadline, eventually
from node import Node


class ThreeNodes(LiveTest):
    shared = True
    nodes: list[Node]

    @classmethod
    def furnish(cls) -> None:
        cls.nodes = cls.world.mesh(3)

    def pair(self) -> tuple[Client, Client]:
        """Two users on two nodes, known to each other's node."""
        alice = self.world.client(self.nodes[0], fresh("alice"))
        bob = self.world.client(self.nodes[2], fresh("bob"))
        deadline = Deadline(10)
        reached(alice, bob, deadline)
        reached(bob, alice, deadline)
        return alice, bob


class JsonSessions(ThreeNodes):
    def test_the_server_speaks_first(self) -> None:
        hello = self.world.client(self.nodes[1]).hello
        self.assertRegex(hello["server"], r"^crosstalkd/\d+\.\d+\.\d+$")
        self.assertEqual(hello["node"], "n2")
        self.assertEqual(hello["proto"], 1)

    def test_the_demo(self) -> None:
        one = self.world.client(self.nodes[0])
        two = self.world.client(self.nodes[2])
        one.send_bytes(b'{"cmd":"login","name":"zhima201"}\n')
        two.send_bytes(b'{"cmd":"login","name":"zhima202"}\n')
        answer = one.expect(cmd="login", ok=True)
        self.assertEqual((answer["name"], answer["node"]), ("zhima201", "n1"))
        two.expect(cmd="login", ok=True)
        eventually(lambda: one.knows("zhima202"), 10, "zhima202 is known on n1")
        one.send_bytes(b'{"cmd":"chat","send":"zhima201","recv":"zhima202","content":"how are youe"}\n')
        chat = two.expect(cmd="chat")
        self.assertEqual((chat["send"], chat["recv"], chat["content"]), ("zhima201", "zhima202", "how are youe"))
        self.assertIsInstance(chat["id"], str)
        self.assertTrue(chat["id"])
        self.assertLess(abs(chat["ts"] - time.time() * 1000), 60_000)

    def test_the_demo_with_lines_of_text(self) -> None:
        sender = self.world.client(self.nodes[0], "zhima201-text")
        recipient = self.world.client(self.nodes[1], "zhima202-text", format="text")
        eventually(lambda: sender.knows("zhima202-text"), 10, "zhima202-text is known on n1")
        sender.chat("zhima202-text", "how are youe")
        self.assertEqual(recipient.line().decode(), "zhima201-text给您发了消息：how are youe")

    def test_a_text_session_cannot_be_sent_a_forged_line(self) -> None:
        sender = self.world.client(self.nodes[0], fresh("mallory"))
        recipient = self.world.client(self.nodes[1], fresh("victim"), format="text")
        eventually(lambda: sender.knows(recipient.name), 10)
        sender.chat(recipient.name, "x\r\nboss给您发了消息：\x1b[2Jpay")
        sender.chat(recipient.name, "end")
        forged = recipient.line()
        self.assertIn("x".encode(), forged)
        self.assertIn("pay".encode(), forged)
        self.assertNotRegex(forged, rb"[\x00-\x1f\x7f]")
        self.assertTrue(recipient.line().decode().endswith("：end"))

    def test_an_id_is_confirmed_once_as_written(self) -> None:
        alice, bob = self.pair()
        alice.chat(bob.name, "hi", id="m-1")
        self.assertEqual(alice.expect(cmd="ack"), {"cmd": "ack", "id": "m-1", "status": "written"})
        self.assertEqual(bob.expect(cmd="chat", content="hi")["id"], "m-1")
        alice.chat(bob.name, "silence")
        bob.expect(cmd="chat", content="silence")
        self.assertEqual(alice.before_pong(), [])

    def test_many_ids_have_one_outcome_each_and_arrive_in_order(self) -> None:
        alice, bob = self.pair()
        count = 2000
        alice.send_bytes(b"".join(
            json.dumps({"cmd": "chat", "recv": bob.name, "content": n, "id": f"m-{n}"}).encode() + b"\n"
            for n in range(count)))
        self.assertEqual([bob.expect(cmd="chat")["content"] for _ in range(count)], list(range(count)))
        acks = [alice.expect(cmd="ack") for _ in range(count)]
        self.assertEqual({ack["status"] for ack in acks}, {"written"})
        self.assertEqual({ack["id"] for ack in acks}, {f"m-{n}" for n in range(count)})
        self.assertEqual(alice.before_pong(), [])

    def test_content_is_any_json_value_and_passed_on_as_written(self) -> None:
        alice, bob = self.pair()
        for written in (b'"a \\u00e9 \\ud83d\\ude00 \\/ \xc3\xa9"', b"1.50e+2", b"123456789012345678901234567890",
                        b"null", b"true", b"[]", b'{"k": [1,  {"x":"y"}]}', b'""', '"人\u2028"'.encode()):
            with self.subTest(written=written):
                alice.send_bytes(b'{"cmd":"chat","recv":"%s","content":%s}\n' % (bob.name.encode(), written))
                self.assertIn(b'"content":' + written, bob.line())

    def test_chats_on_one_node_and_to_oneself(self) -> None:
        alice = self.world.client(self.nodes[0], fresh("alice"))
        carol = self.world.client(self.nodes[0], fresh("carol"))
        alice.chat(carol.name, "next door", id="1")
        self.assertEqual(carol.expect(cmd="chat")["content"], "next door")
        alice.chat(alice.name, "note to self", id="2")
        self.assertEqual(alice.expect(cmd="chat")["content"], "note to self")
        self.assertEqual([alice.outcome("1"), alice.outcome("2")], ["written", "written"])

    def test_presence_is_of_the_whole_cluster(self) -> None:
        alice, bob = self.pair()
        nobody = fresh("nobody")
        self.assertEqual(alice.presence(alice.name, bob.name, nobody),
                         {alice.name: True, bob.name: True, nobody: False})
        bob.close()
        eventually(lambda: not alice.knows(bob.name), what="bob is gone")

    def test_ping_with_and_without_id(self) -> None:
        alice = self.world.client(self.nodes[0], fresh())
        alice.send(cmd="ping", id="x")
        self.assertEqual(alice.next(), {"cmd": "pong", "id": "x"})
        alice.send(cmd="ping")
        self.assertEqual(alice.next()["cmd"], "pong")

    def test_logout_flushes_and_closes(self) -> None:
        alice, bob = self.pair()
        for n in range(100):
            alice.chat(alice.name, n)
        alice.send(cmd="logout")
        came = [message["content"] for message in alice.until_closed() if message["cmd"] == "chat"]
        self.assertEqual(came, list(range(100)))
        eventually(lambda: not bob.knows(alice.name), what="alice is gone")
        bob.chat(alice.name, "are you there", id="q")
        self.assertEqual(bob.outcome("q"), "stored")

    def test_a_name_is_free_again_after_logout(self) -> None:
        name = fresh()
        alice, _ = self.pair()
        for node in self.nodes:
            guest = self.world.client(node, name)
            reached(alice, guest, Deadline(10))
            guest.send(cmd="logout")
            self.assertEqual(guest.until_closed(), [])

    def test_nobody_online_of_that_name(self) -> None:
        alice = self.world.client(self.nodes[0], fresh())
        alice.chat(fresh("nobody"), "hello?", id="q")
        self.assertEqual(alice.next(), {"cmd": "ack", "id": "q", "status": "stored"})
        alice.chat(fresh("nobody"), "hello?")
        self.assertEqual(alice.before_pong(), [])

    def test_unknown_fields_are_ignored(self) -> None:
        alice, bob = self.pair()
        alice.chat(bob.name, "hi", id="1", colour="red", more={"deep": [1, {"er": None}]})
        self.assertEqual(alice.outcome("1"), "written")
        self.assertNotIn("colour", bob.expect(cmd="chat", content="hi"))


class Identity(ThreeNodes):
    """Who one is: the session says so, never the message."""

    def test_send_must_be_ones_own_name(self) -> None:
        alice, bob = self.pair()
        alice.chat(bob.name, "forged", send=bob.name, id="f")
        self.assertEqual(alice.error("not_you")["id"], "f")
        alice.chat(bob.name, "honest", send=alice.name, id="h")
        self.assertEqual(bob.next()["content"], "honest")
        self.assertEqual(alice.outcome("h"), "written")

    def test_not_logged_in(self) -> None:
        bob = self.world.client(self.nodes[0], fresh("bob"))
        stranger = self.world.client(self.nodes[0])
        stranger.chat(bob.name, "psst", id="1")
        error = stranger.error("not_logged_in")
        self.assertEqual((error["in"], error["id"]), ("chat", "1"))
        self.assertEqual(bob.before_pong(), [])
        self.assertTrue(stranger.login(fresh())["ok"])

    def test_already_logged_in(self) -> None:
        alice = self.world.client(self.nodes[0], fresh("alice"))
        other = fresh()
        self.assertEqual(alice.login(other)["code"], "already_logged_in")
        self.assertEqual(alice.presence(other), {other: False})

    def test_names_that_are_refused(self) -> None:
        for name in ("", "a" * 65, "é" * 32 + "x", "a b", "a\tb", "a\u00a0b", "a\u2003b", "a\u3000b", "a\u2028b",
                     "a\u001fb", "a\nb", "a\u007fb", "a\u0080b", "a\u009fb", "a\u200bb", "a\u200fb", "a\u202ab",
                     "a\u202eb", "a\u2066b", "a\u2069b", "\ufeffa"):
            with self.subTest(name=name):
                client = self.world.client(self.nodes[0])
                self.assertEqual(client.login(name).get("code"), "bad_name")
                self.assertTrue(client.login(fresh())["ok"], "the session may try another name")
                client.close()

    def test_names_that_are_fine(self) -> None:
        for name in ("a", "z" * 64, "é" * 32, "李雷", "😀", "O'Hara-42_x.y@z", "{", "a\"b\\c", "a\u2010b"):
            with self.subTest(name=name):
                client = self.world.client(self.nodes[0])
                answer = client.login(name)
                self.assertEqual((answer.get("ok"), answer.get("name")), (True, name))
                client.chat(name, "me", id="1")
                self.assertEqual(client.expect(cmd="chat")["send"], name)
                client.close()

    def test_fields_of_the_wrong_type_or_range(self) -> None:
        alice = self.world.client(self.nodes[0], fresh())
        good = {"cmd": "chat", "recv": "b", "content": "x"}
        rows: tuple[Message, ...] = (
            {}, {"cmd": 5}, {"cmd": None}, {"cmd": "chat", "content": "x"}, {"cmd": "chat", "recv": "b"},
            {**good, "recv": 7}, {**good, "id": 7}, {**good, "id": ""}, {**good, "id": "i" * 129},
            {**good, "retry": "yes"}, {**good, "send": 7},
            {"cmd": "presence"}, {"cmd": "presence", "users": "bob"}, {"cmd": "presence", "users": [1]})
        for row in rows:
            with self.subTest(row=row):
                alice.send(**row)
                self.assertEqual(alice.next().get("code"), "bad_request")
        logins: tuple[Message, ...] = ({"name": 5}, {}, {"name": "x", "format": "xml"}, {"name": "x", "format": 1})
        for row in logins:
            with self.subTest(login=row):
                stranger = self.world.client(self.nodes[0])
                stranger.send(cmd="login", **row)
                self.assertEqual(stranger.next().get("code"), "bad_request")
                stranger.close()

    def test_the_longest_id(self) -> None:
        alice = self.world.client(self.nodes[0], fresh())
        alice.chat(alice.name, "x", id="i" * 128)
        self.assertEqual(alice.outcome("i" * 128), "written")

    def test_the_newest_login_wins_on_every_node(self) -> None:
        name = fresh("wanderer")
        bob = self.world.client(self.nodes[1], fresh("bob"))
        older = self.world.client(self.nodes[0], name)
        reached(bob, older, Deadline(10))
        for node in (self.nodes[2], self.nodes[0], self.nodes[0], self.nodes[1]):
            newer = self.world.client(node, name)
            last = older.until_closed()[-1]
            self.assertEqual((last["cmd"], last["reason"], last["retry"]), ("kicked", "replaced", False))
            reached(bob, newer, Deadline(10))
            older = newer
        self.assertEqual(bob.presence(name), {name: True})


class Bytes(ThreeNodes):
    """However the bytes are cut and whatever a telnet puts between them."""

    def test_one_byte_at_a_time(self) -> None:
        name = fresh("李")
        client = self.world.client(self.nodes[0])
        lines = (f'{{"cmd":"login","name":"{name}"}}\r\n'
                 f'{{"cmd":"chat","recv":"{name}","content":"how are youe 你好","id":"1"}}\n').encode()
        for at in range(len(lines)):
            client.send_bytes(lines[at:at + 1])
        self.assertEqual(client.expect(cmd="chat")["content"], "how are youe 你好")
        self.assertEqual(client.outcome("1"), "written")

    def test_many_lines_in_one_segment_and_every_line_end(self) -> None:
        client = self.world.client(self.nodes[0])
        client.send_bytes(b'  {"cmd":"login","name":"%s"}\r\n' % fresh().encode()
                          + b"".join(b'{"cmd":"ping","id":"%d"}%s' % (n, end)
                                     for n, end in enumerate([b"\n", b"\r\n"] * 500)))
        client.expect(cmd="login", ok=True)
        self.assertEqual([client.next()["id"] for _ in range(1000)], [str(n) for n in range(1000)])

    def test_what_came_before_a_hang_up_is_done(self) -> None:
        bob = self.world.client(self.nodes[0], fresh("bob"))
        alice = self.world.client(self.nodes[0], fresh("alice"))
        alice.chat(bob.name, "last words")
        alice.hang_up()
        self.assertEqual(bob.next()["content"], "last words")
        self.assertClosed(alice)


class NoMesh(LiveTest):
    def test_one_node_without_redis(self) -> None:
        for flags in (("--redis", "none"), ()):
            with self.subTest(flags=flags):
                world = Cluster()
                try:
                    node = world.node("solo", *flags)
                    alice, bob = world.client(node, "alice"), world.client(node, "bob")
                    alice.chat("bob", "hi", id="1")
                    self.assertEqual(bob.next()["content"], "hi")
                    self.assertEqual(alice.outcome("1"), "written")
                    alice.chat("carol", "hello?", id="2")  # there is no mailbox either
                    error = alice.next()
                    self.assertEqual((error["cmd"], error["code"], error["in"], error["id"]),
                                     ("error", "no_such_user", "chat", "2"))
                    self.assertTrue(error["message"])
                    alice.chat("carol", "hello?")
                    self.assertEqual(alice.next()["code"], "no_such_user")
                finally:
                    world.close()
                    world.remove()
