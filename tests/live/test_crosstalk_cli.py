"""The crosstalk command: what it does against a real mesh."""

from __future__ import annotations

import json
from typing import Any

from client import Client
from cluster import fresh
from crosstalk_cli import CliTest, Ran, at, objects
from deadline import PATIENCE, eventually
from node import Node
from process import run_tool


class Mesh(CliTest):
    """What a mesh of three does for it."""

    shared = True
    nodes: list[Node]

    @classmethod
    def furnish(cls) -> None:
        cls.nodes = cls.world.mesh(3)

    def online(self, node: Node, **login: Any) -> Client:
        """Somebody whom the first node knows."""
        client = self.world.client(node, fresh("bob"), **login)
        asker = self.world.client(self.nodes[0], fresh("asker"))
        eventually(lambda: asker.knows(client.name), what=f"{client.name} is known")
        asker.close()
        return client

    def send(self, to: str, *words: str, sender: str = "", stdin: str = "") -> Ran:
        return run_tool(*at(self.nodes[0]), "send", "--as", sender or fresh("ann"), "--to", to, *words, stdin=stdin)

    def test_send_prints_the_outcome(self) -> None:
        bob = self.online(self.nodes[1])
        self.assertEqual(self.ends(self.send(bob.name, "how", "are", "you"), 0).stdout, f"written to {bob.name}\n")
        self.assertEqual(bob.expect(cmd="chat")["content"], "how are you")
        nobody = fresh("nobody")
        stored = self.ends(self.send(nobody, "--json", "x"), 0)
        self.assertEqual(objects(stored), [{"id": objects(stored)[0]["id"], "status": "stored"}])

    def test_send_takes_standard_input_and_json(self) -> None:
        bob = self.online(self.nodes[1])
        self.ends(self.send(bob.name, "-", stdin="two\nlines \"quoted\"\n"), 0)
        self.assertEqual(bob.expect(cmd="chat")["content"], 'two\nlines "quoted"')
        self.ends(self.send(bob.name, "--raw", '{"big": 12345678901234567890}'), 0)
        self.assertIn('12345678901234567890', json.dumps(bob.expect(cmd="chat")["content"]))
        self.ends(self.send(bob.name, "--raw", "not json"), 2, "bad_json")
        self.ends(self.send(bob.name, "--raw", '1,"recv":"eve"'), 2, "bad_json")

    def test_what_waits_for_the_sender_stays(self) -> None:
        ann = fresh("ann")
        self.ends(self.send(ann, "for later"), 0)
        self.ends(self.send(fresh("nobody"), "x", sender=ann), 0)
        returned = self.world.client(self.nodes[1], ann)
        self.assertEqual(returned.expect(cmd="chat")["content"], "for later")

    def test_send_says_what_was_refused(self) -> None:
        self.ends(self.send("a\u202eb", "x"), 1, "bad_name")
        ran = self.ends(self.send(fresh("bob"), "x" * 70000), 1, "too_large")
        self.assertEqual(ran.stdout, "")
        alone = self.world.node("alone")
        ran = self.ends(run_tool(*at(alone), "--json", "send", "--as", "a", "--to", "b", "x"), 1, "no_such_user")
        self.assertEqual(set(objects(ran)[0]["error"]), {"code", "message"})
        self.assertEqual(objects(ran)[0]["error"]["code"], "no_such_user")

    def test_tail_prints_and_confirms(self) -> None:
        name, sender = fresh("tail"), self.online(self.nodes[0])
        sender.chat(name, "waited", id="1")
        self.assertEqual(sender.outcome("1"), "stored")
        tail = self.running(*at(self.nodes[2]), "tail", name)
        assert tail.stdout is not None
        self.assertRegex(tail.stdout.readline(), rf"^20..-..-.. ..:..:.. {sender.name} \(while you were away\): waited\n$")
        eventually(lambda: sender.knows(name))
        sender.chat(name, "a\x1b[2Jb\n\u202e", id="2")
        self.assertEqual(sender.outcome("2"), "delivered")
        self.assertTrue(tail.stdout.readline().endswith(f"{sender.name}: a\\x1b[2Jb\\x0a\\u202e\n"))

    def test_tail_in_json(self) -> None:
        name, sender = fresh("tail"), self.online(self.nodes[0])
        tail = self.running(*at(self.nodes[2]), "--json", "tail", name)
        assert tail.stdout is not None
        eventually(lambda: sender.knows(name))
        sender.chat(name, {"é": [1, None]}, id="x")
        line = tail.stdout.readline()
        self.assertTrue(line.isascii())
        chat = json.loads(line)
        self.assertEqual((chat["cmd"], chat["send"], chat["content"], chat["id"]),
                         ("chat", sender.name, {"é": [1, None]}, "x"))
        self.assertEqual(sender.outcome("x"), "delivered")

    def test_what_tail_could_not_print_is_not_confirmed(self) -> None:
        name, sender = fresh("tail"), self.online(self.nodes[0])
        tail = self.running(*at(self.nodes[2]), "tail", name)
        eventually(lambda: sender.knows(name))
        assert tail.stdout is not None
        tail.stdout.close()
        sender.chat(name, "lost?", id="1")
        self.assertEqual(sender.outcome("1"), "stored")
        self.assertEqual(tail.wait(PATIENCE), 1)
        self.assertEqual(self.world.client(self.nodes[0], name).expect(cmd="chat")["content"], "lost?")

    def test_tail_comes_back(self) -> None:
        node = self.world.member("n4")
        name, sender = fresh("tail"), self.online(self.nodes[0])
        tail = self.running("-s", f"{node.ready['client']},{self.nodes[1].ready['client']}", "tail", name)
        eventually(lambda: sender.knows(name))
        node.kill()
        sender.chat(name, "still there?", id="1")
        assert tail.stdout is not None and tail.stderr is not None
        self.assertIn("still there?", tail.stdout.readline())
        self.assertIn(sender.outcome("1"), ("delivered", "stored"))
        self.assertIn("logged in", tail.stderr.readline())
        self.assertIn("trying again in", tail.stderr.readline())

    def test_tail_ends_where_it_is_replaced(self) -> None:
        name = fresh("tail")
        tail = self.running(*at(self.nodes[2]), "tail", name)
        asker = self.online(self.nodes[0])
        eventually(lambda: asker.knows(name))
        self.world.client(self.nodes[0], name)
        self.assertEqual(tail.wait(PATIENCE), 1)
        assert tail.stderr is not None
        self.assertIn("crosstalk: replaced: you have logged in somewhere else", tail.stderr.read())

    def test_ping(self) -> None:
        ran = self.ends(run_tool(*at(self.nodes[1]), "ping", "-n", "3"), 0)
        self.assertRegex(ran.stdout, r"^(n2: \d: [\d.]+ ms\n){3}least [\d.]+ ms, median [\d.]+ ms, most [\d.]+ ms\n$")
        answer = objects(self.ends(run_tool(*at(self.nodes[1]), "--json", "ping"), 0))[0]
        self.assertEqual((answer["node"], answer["sent"], len(answer["rtt_us"])), ("n2", 5, 5))

    def test_whereis(self) -> None:
        bob = self.online(self.nodes[1])
        found = self.ends(run_tool(*at(self.nodes[1]), "whereis", bob.name), 0)
        self.assertRegex(found.stdout, r"^n2( since 20..-..-.. ..:..:..\....)?\n$")
        answer = objects(self.ends(run_tool(*at(self.nodes[0]), "whereis", "--json", bob.name), 0))[0]
        self.assertEqual((answer["name"], answer["online"]), (bob.name, True))
        self.assertEqual([session["node"] for session in answer["sessions"]], ["n2"])
        nobody = fresh("nobody")
        self.ends(run_tool(*at(self.nodes[0]), "whereis", nobody), 1, "no_such_user")
        ran = self.ends(run_tool(*at(self.nodes[0]), "--json", "whereis", nobody), 1, "no_such_user")
        self.assertEqual(objects(ran), [{"name": nobody, "online": False, "sessions": []}])
        self.ends(run_tool(*at(self.nodes[0]), "whereis", "a b/../c"), 1, "bad_name")

    def test_check_of_a_whole_mesh(self) -> None:
        ran = eventually(lambda: next((ran for ran in [run_tool(*at(self.nodes[0]), "check")] if ran.returncode == 0), None))
        self.assertRegex(ran.stdout, r"^ready: n1 of main: \d of \d nodes alive, \d+ of \d+ links up.*, redis up\n$")
        answer = objects(self.ends(run_tool(*at(self.nodes[0]), "check", "--json"), 0))[0]
        self.assertEqual(set(answer), {"ready", "whole", "node", "cluster", "nodes", "links", "bad", "redis"})
        self.assertEqual((answer["ready"], answer["whole"], answer["bad"]), (True, True, []))

    def test_a_chat_without_a_terminal(self) -> None:
        ann, bob = fresh("ann"), self.online(self.nodes[1], ack=True)
        talk = self.running(*at(self.nodes[0]), "login", ann)
        assert talk.stdin is not None and talk.stdout is not None
        talk.stdin.write(f"/msg {bob.name} one\ntwo\n/nonsense\nthree")
        talk.stdin.close()
        for seq, text in enumerate(("one", "two", "three"), 1):
            self.assertEqual(bob.expect(cmd="chat")["content"], text)
            bob.send(cmd="ack", seq=seq)
        self.assertEqual(talk.wait(PATIENCE), 0, "all had its outcome")
        self.assertEqual(sorted(talk.stdout.read().splitlines()),
                         ["-- delivered to " + bob.name] * 3 + ["-- there is no such command; /help names those there are"])

    def test_a_chat_in_json(self) -> None:
        ann, bob = fresh("ann"), self.online(self.nodes[1])
        talk = self.running(*at(self.nodes[0]), "--json", "login", ann)
        assert talk.stdin is not None and talk.stdout is not None
        eventually(lambda: bob.knows(ann))
        bob.chat(ann, "hi", id="1")
        self.assertEqual(json.loads(talk.stdout.readline())["content"], "hi")
        self.assertEqual(bob.outcome("1"), "delivered")
        out, _ = talk.communicate(f"/msg {bob.name} hi\n", PATIENCE)
        ack = json.loads(out)
        self.assertEqual((ack["cmd"], ack["status"]), ("ack", "written"))
        self.assertEqual(talk.returncode, 0)
