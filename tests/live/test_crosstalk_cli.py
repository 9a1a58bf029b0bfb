"""The crosstalk command: what it does against a real mesh, how it ends, and how a chat looks in a terminal."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import time
from typing import Any

from client import Client
from cluster import LiveTest, fresh
from deadline import PATIENCE, SLOWNESS, eventually
from node import Node
from process import CROSSTALK, die_with_parent, free_port, run_tool
from puppet import Answer, HttpPuppet, Puppet
from screen import Terminal

Ran = subprocess.CompletedProcess[str]


def at(node: Node) -> list[str]:
    """The flags that name a node."""
    return ["-s", node.ready["client"], "--http", node.ready["http"]]


def objects(ran: Ran) -> list[Any]:
    """What --json printed, which is ASCII."""
    assert ran.stdout.isascii(), ran.stdout
    return [json.loads(line) for line in ran.stdout.splitlines()]


class CliTest(LiveTest):
    def ends(self, ran: Ran, status: int, code: str = "") -> Ran:
        self.assertEqual(ran.returncode, status, f"{ran.args}\n{ran.stdout}{ran.stderr}")
        if code:
            self.assertRegex(ran.stderr, rf"^crosstalk: {code}: .+\n\Z")
        return ran

    def running(self, *arguments: str) -> subprocess.Popen[str]:
        """The command in the background, with its lines on a pipe."""
        process = subprocess.Popen([str(CROSSTALK), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, encoding="utf-8", preexec_fn=die_with_parent)
        self.addCleanup(self.reap, process)
        return process

    @staticmethod
    def reap(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait(PATIENCE * SLOWNESS)
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def terminal(self, *arguments: str, **options: Any) -> Terminal:
        terminal = Terminal([str(CROSSTALK), *arguments], **options)
        self.world.at_end(terminal.close)
        return terminal


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


class Endings(CliTest):
    """Each exit status, and what a server says that is not at hand."""

    def puppet(self, answers: dict[str, list[Answer] | None], **options: Any) -> Puppet:
        """Answers each cmd so; a login is fine unless told."""
        known = {"login": [{"cmd": "login", "ok": True, "name": "x", "node": "puppet", "waiting": 0}], **answers}
        puppet = Puppet(lambda request: known.get(request["cmd"], []), **options)
        self.world.at_end(puppet.close)
        return puppet

    def calls(self, answers: dict[str, list[tuple[int, Any]]]) -> HttpPuppet:
        puppet = HttpPuppet(answers)
        self.world.at_end(puppet.close)
        return puppet

    def test_usage(self) -> None:
        for arguments in ([], ["frobnicate"], ["send"], ["ping", "--nonsense"], ["-s", "x", "ping"], ["ping", "-n", "0"],
                          ["completion", "fish"], ["--token-file", "/nonexistent", "check"], ["login", "a", "b"]):
            with self.subTest(arguments=arguments):
                ran = self.ends(run_tool(*arguments), 2)
                self.assertRegex(ran.stderr, r"^crosstalk: .+\n\Z")

    def test_nobody_there(self) -> None:
        nowhere = f"127.0.0.1:{free_port()}"
        for command in (["ping"], ["who"], ["tail", "a"], ["login", "a"], ["send", "--as", "a", "--to", "b", "x"],
                        ["check"], ["whereis", "a"], ["kick", "a"], ["drain"], ["undrain"], ["explain", "a"]):
            with self.subTest(command=command):
                ran = self.ends(run_tool("-s", nowhere, "--http", nowhere, "--json", *command), 3)
                self.assertTrue(ran.stderr.startswith("crosstalk: unreachable: "), ran.stderr)
                self.assertEqual(objects(ran)[0]["error"]["code"], "unreachable")

    def test_somebody_else_there(self) -> None:
        other = self.puppet({}, greeting=b"SSH-2.0-OpenSSH_9.2\r\n")
        for command in (["ping"], ["tail", "a"], ["send", "--as", "a", "--to", "b", "x"]):
            self.ends(run_tool("-s", other.text, *command), 3, "unreachable")
        self.assertEqual(other.asked, [], "nothing was told to it")

    def test_lost_before_the_answer(self) -> None:
        rude = self.puppet({"chat": None, "ping": None})
        self.ends(run_tool("-s", rude.text, "ping"), 3, "unreachable")
        ran = self.ends(run_tool("-s", rude.text, "--json", "send", "--as", "a", "--to", "b", "x"), 3, "unreachable")
        self.assertTrue(objects(ran)[0]["error"]["maybe"], "the chat may have gone out")

    def test_too_late(self) -> None:
        silent = socket.create_server(("127.0.0.1", 0))
        self.world.at_end(silent.close)
        where = "127.0.0.1:%d" % silent.getsockname()[1]
        began = time.monotonic()
        for command in (["ping"], ["who"], ["tail", "a"], ["login", "a"], ["send", "--as", "a", "--to", "b", "x"],
                        ["check"], ["whereis", "a"], ["kick", "a"], ["drain"], ["undrain"], ["explain", "a"]):
            with self.subTest(command=command):
                self.ends(run_tool("-s", where, "--http", where, "--timeout", "0.2", *command), 5, "timeout")
        self.assertGreaterEqual(time.monotonic() - began, 11 * 0.2)

    def test_who_may_not(self) -> None:
        tokens = self.world.file("tokens", "operator\n")
        node = self.world.node("n1", *self.world.settings(http={"token_file": tokens}))
        for command in (["check"], ["whereis", "a"]):
            self.ends(run_tool(*at(node), *command), 4)
        wrong = self.world.file("wrong", "guess\n")
        self.ends(run_tool(*at(node), "--token-file", wrong, "check"), 4)
        self.ends(run_tool(*at(node), "--token-file", tokens, "check"), 0)
        self.ends(run_tool(*at(node), "check", environment={"CROSSTALK_TOKEN": "operator"}), 0)
        stranger = self.puppet({"login": [{"cmd": "error", "code": "auth_failed", "message": "no", "in": "login"}]})
        for command in (["tail", "a"], ["login", "a"], ["send", "--as", "a", "--to", "b", "x"], ["who", "--as", "a"]):
            self.ends(run_tool("-s", stranger.text, *command), 4, "auth_failed")

    def test_whose_token_goes_where(self) -> None:
        puppet = self.puppet({"chat": None})
        file = self.world.file("user", "\nsecret\n")
        send = ("-s", puppet.text, "send", "--as", "a", "--to", "b", "x")
        run_tool(*send, environment={"CROSSTALK_TOKEN": "operator"})
        self.assertNotIn("token", puppet.asked[0], "the operator's is not the user's")
        puppet.asked.clear()
        run_tool(*send, "--token-file", file)
        self.assertEqual(puppet.asked[0]["token"], "secret")
        puppet.asked.clear()
        run_tool(*send, "--token", "other")
        self.assertEqual(puppet.asked[0]["token"], "other")

    def test_goes_where_a_full_server_points_to(self) -> None:
        room = self.puppet({"chat": [{"cmd": "error", "code": "busy", "message": "no", "in": "chat"}]})
        full = self.puppet({"login": [{"cmd": "error", "code": "server_full", "message": "full", "in": "login",
                                       "try": room.text}]})
        self.ends(run_tool("-s", full.text, "send", "--as", "a", "--to", "b", "x"), 1, "busy")
        self.assertEqual([request["cmd"] for request in room.asked], ["login", "chat"])
        alone = self.puppet({"login": [{"cmd": "error", "code": "server_full", "message": "full", "in": "login"}]})
        self.ends(run_tool("-s", alone.text, "tail", "a"), 1, "server_full")
        self.ends(run_tool("-s", f"{alone.text},{room.text}", "send", "--as", "a", "--to", "b", "x"), 1, "busy")

    def test_who_in_pages(self) -> None:
        users = [f"u{number:04}" for number in range(1234)]
        online = list(users)

        def answer(request: Answer) -> list[Answer]:
            if request["cmd"] == "login":
                online[:] = sorted([*users, request["name"]])
                return [{"cmd": "login", "ok": True, "name": request["name"], "node": "puppet", "waiting": 0}]
            following = [user for user in online if user > request.get("after", "")]
            page = following[:min(100, request["limit"])]
            return [{"cmd": "who", "users": page, "count": len(online), "more": page != following, "partial": ["n3"]}]

        puppet = Puppet(answer)
        self.world.at_end(puppet.close)
        ran = self.ends(run_tool("-s", puppet.text, "who"), 0)
        self.assertEqual(ran.stdout.split(), users, "all of them, and not the one who asks")
        self.assertEqual(ran.stderr, "crosstalk: no answer from n3\n")
        ran = self.ends(run_tool("-s", puppet.text, "who", "--limit", "150", "--after", "u0009"), 0)
        self.assertEqual(ran.stdout.split(), users[10:160])
        for limit in (1, 99, 100, 101, 1233):
            ran = self.ends(run_tool("-s", puppet.text, "who", "--limit", str(limit)), 0)
            self.assertEqual(ran.stdout.split(), users[:limit])
        pages = objects(self.ends(run_tool("-s", puppet.text, "--json", "who"), 0))
        self.assertEqual([user for page in pages for user in page["users"]], users)
        self.assertEqual({page["count"] for page in pages}, {1234})
        self.assertEqual([page["more"] for page in pages], [True] * (len(pages) - 1) + [False])
        self.assertEqual(pages[0]["partial"], ["n3"])

    def test_who_where_it_is_not_known(self) -> None:
        for code, status in (("unknown_cmd", 1), ("busy", 1), ("forbidden", 4)):
            puppet = self.puppet({"who": [{"cmd": "error", "code": code, "message": "no", "in": "who"}]})
            self.ends(run_tool("-s", puppet.text, "who"), status, code)
        puppet = self.puppet({"who": [{"cmd": "who", "users": ["ann"], "count": 1}]})
        self.assertEqual(self.ends(run_tool("-s", puppet.text, "who", "--as", "ann", "--limit", "1"), 0).stdout, "ann\n")
        self.assertEqual([request["cmd"] for request in puppet.asked], ["login", "who"])
        self.assertEqual(puppet.asked[0]["name"], "ann")

    def test_kick(self) -> None:
        puppet = self.calls({"DELETE /v1/sessions/bob": [(200, {"kicked": 2})],
                             "DELETE /v1/sessions/a%20b%2F": [(200, {"kicked": 1, "partial": ["n2"]})],
                             "DELETE /v1/sessions/eve": [(404, {"error": {"code": "no_such_user", "message": "nobody"}})]})
        self.assertEqual(self.ends(run_tool("--http", puppet.text, "kick", "bob"), 0).stdout, "2 sessions ended\n")
        ran = self.ends(run_tool("--http", puppet.text, "kick", "a b/"), 0)
        self.assertEqual((ran.stdout, ran.stderr), ("1 session ended\n", "crosstalk: no answer from n2\n"))
        self.assertEqual(objects(self.ends(run_tool("--http", puppet.text, "--json", "kick", "bob"), 0)), [{"kicked": 2}])
        self.ends(run_tool("--http", puppet.text, "kick", "eve"), 1, "no_such_user")

    def test_drain_waits_until_nobody_is_left(self) -> None:
        def cluster(sessions: int, stage: str = "draining") -> tuple[int, Any]:
            return 200, {"node": "n1", "nodes": [{"name": "n1", "stage": stage, "sessions": sessions}]}

        answers = {"POST /v1/drain": [(200, {"draining": True, "sessions": 7})],
                   "DELETE /v1/drain": [(200, {"draining": False, "sessions": 3})],
                   "GET /v1/cluster": [cluster(7), cluster(4), cluster(0)]}
        puppet = self.calls(answers)
        ran = self.ends(run_tool("--http", puppet.text, "drain"), 0)
        self.assertEqual((ran.stdout, ran.stderr), ("drained\n", ""), "no progress where nobody watches")
        self.assertEqual([call for call, _ in puppet.asked], ["POST /v1/drain"] + ["GET /v1/cluster"] * 3)
        self.assertEqual(objects(run_tool("--http", puppet.text, "--json", "drain")), [{"draining": True, "sessions": 0}])
        self.assertEqual(objects(run_tool("--http", puppet.text, "--json", "drain", "--no-wait")),
                         [{"draining": True, "sessions": 7}])
        self.assertEqual(objects(run_tool("--http", puppet.text, "--json", "undrain")), [{"draining": False, "sessions": 3}])
        self.ends(run_tool("--http", puppet.text, "undrain"), 0)
        answers["GET /v1/cluster"] = [cluster(7)]
        self.ends(run_tool("--http", puppet.text, "--timeout", "0.5", "drain"), 5, "timeout")
        answers["GET /v1/cluster"] = [cluster(7), cluster(7, "serving")]
        self.ends(run_tool("--http", puppet.text, "drain"), 1, "undrained")

    def test_drain_shows_how_many_are_left_on_a_terminal(self) -> None:
        looks = [(200, {"node": "n1", "nodes": [{"name": "n1", "stage": "draining", "sessions": left}]}) for left in (7, 1, 0)]
        puppet = self.calls({"POST /v1/drain": [(200, {"draining": True, "sessions": 7})], "GET /v1/cluster": looks})
        terminal = self.terminal("--http", puppet.text, "drain")
        self.assertEqual(terminal.exit_code(), 0)
        self.assertEqual(terminal.look(), ["drained"])
        self.assertIn(b"7 sessions left", terminal.written)
        self.assertIn(b"1 session left", terminal.written)

    def test_explain(self) -> None:
        story = {"id": "m-1", "steps": [
            {"at": 1700049600042, "node": "n1", "what": "accepted", "sender": "ann", "recipient": "bob"},
            {"at": 1700049600044, "node": "n1", "what": "settled", "outcome": "delivered"}]}
        puppet = self.calls({"GET /v1/chats/m-1": [(200, story)]})
        ran = self.ends(run_tool("--http", puppet.text, "explain", "m-1"), 0)
        self.assertEqual(ran.stdout, "m-1 from ann to bob\n"
                                     "  2023-11-15 12:00:00.042  n1  accepted\n"
                                     "                    +2 ms  n1  settled: delivered\n")
        self.assertEqual(objects(run_tool("--http", puppet.text, "--json", "explain", "m-1")), [story])
        self.ends(run_tool("--http", puppet.text, "explain", "other"), 1, "not_found")

    def test_check_says_what_is_wrong(self) -> None:
        nodes = [self.world.member(name, start=False) for name in ("n1", "n2")]
        self.world.start(nodes)
        eventually(lambda: run_tool(*at(nodes[0]), "check").returncode == 0, what="the mesh is whole")
        nodes[1].kill()
        ran = eventually(lambda: next((ran for ran in [run_tool(*at(nodes[0]), "check")] if ran.returncode == 1), None),
                         what="a node is missed")
        self.assertRegex(ran.stdout, r"^not ready: .*n2.*: n1 of main: . of 2 nodes? alive, . of 2 links up")
        self.assertRegex(ran.stderr, r"^crosstalk: not_ready: .*n2")

    def test_completion_has_all(self) -> None:
        for shell in ("bash", "zsh"):
            script = self.ends(run_tool("completion", shell), 0).stdout
            for word in ("whereis", "--token-file", "--raw", "undrain"):
                self.assertIn(word, script)
        subprocess.run(["bash", "-n"], input=run_tool("completion", "bash").stdout, encoding="utf-8", check=True)


class InATerminal(CliTest):
    """What a person sees."""

    shared = True
    nodes: list[Node]

    @classmethod
    def furnish(cls) -> None:
        cls.nodes = cls.world.mesh(2)

    def log_in(self, node: Node, **options: Any) -> tuple[Terminal, str]:
        name = fresh("ann")
        terminal = self.terminal(*at(node), "login", name, **options)
        terminal.see("logged in as", node.name)
        terminal.see(name + ">")
        return terminal, name

    def friend(self, node: Node, name: str, **login: Any) -> Client:
        client = self.world.client(node, fresh("bob"), **login)
        eventually(lambda: client.knows(name), what=f"{name} is known")
        return client

    def test_a_message_arrives_while_one_types(self) -> None:
        terminal, name = self.log_in(self.nodes[0])
        bob = self.friend(self.nodes[1], name)
        terminal.type(f"/msg {bob.name} half a sent")
        terminal.see("half a sent")
        bob.chat(name, "hello\x1b[2J\u202e", id="1")
        self.assertEqual(bob.outcome("1"), "delivered")
        line = terminal.see(f"{bob.name}: hello")
        self.assertRegex(line, rf"^\d\d:\d\d {bob.name}: hello\\x1b\[2J\\u202e$")
        terminal.shows([line, f"{name}> /msg {bob.name} half a sent"])
        terminal.type("ence\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "half a sentence")
        terminal.shows([line, f"{name}> /msg {bob.name} half a sentence", f"to {bob.name} (written)>"])
        terminal.type("and a bare line\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "and a bare line")
        self.assertEqual(terminal.screen.unknown, [])

    def test_what_is_typed_may_take_many_rows(self) -> None:
        terminal, name = self.log_in(self.nodes[0], columns=40)
        bob = self.friend(self.nodes[0], name)
        text = f"/msg {bob.name} " + " ".join(f"word{number}" for number in range(20))
        terminal.type(text)
        terminal.see("word19")
        before = terminal.look()
        for number in range(3):
            bob.chat(name, f"message {number}", id=str(number))
            terminal.see(f"message {number}")
        shown = terminal.look()
        self.assertEqual([line for line in shown if "message" not in line], before)
        self.assertEqual(shown[-4:], before[-4:], "at the bottom, below what arrived")
        # With the cursor elsewhere than at the end.
        terminal.type("\x01\x1b[C\x1b[C")
        bob.chat(name, "message 3", id="3")
        terminal.see("message 3")
        terminal.type("\x05!\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], text.split(" ", 2)[2] + "!")

    def test_editing_and_history(self) -> None:
        terminal, name = self.log_in(self.nodes[0])
        bob = self.friend(self.nodes[0], name)
        terminal.type(f"/msg {bob.name} woerld\x1b[D\x1b[D\x1b[D\x7f\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "world")
        terminal.see("written")
        terminal.type("\x1b[A again\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "world again")
        terminal.type("ünïcode 好\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "ünïcode 好")

    def test_what_is_refused_or_stored_has_a_line(self) -> None:
        terminal, _ = self.log_in(self.nodes[0])
        nobody = fresh("nobody")
        terminal.type(f"/msg {nobody} hello?\r")
        terminal.see(f"-- stored for {nobody}")
        terminal.see(f"to {nobody} (stored)>")
        terminal.type("/help\r")
        terminal.see("-- /quit")
        terminal.type("/frobnicate\r")
        terminal.see("-- there is no such command")

    def test_ways_to_leave(self) -> None:
        for keys in ("/quit\r", "\x04", "\x03", "given up\x03\x03"):
            with self.subTest(keys=ascii(keys)):
                terminal, _ = self.log_in(self.nodes[0])
                terminal.type(keys)
                self.assertEqual(terminal.exit_code(), 0)
                self.assertTrue(terminal.cooked(), "the terminal is as it was")

    def test_a_signal_restores_the_terminal(self) -> None:
        terminal, _ = self.log_in(self.nodes[0])
        self.assertFalse(terminal.cooked())
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.exit_code(), 0)
        self.assertTrue(terminal.cooked())

    def test_replaced(self) -> None:
        terminal, name = self.log_in(self.nodes[0])
        self.world.client(self.nodes[1], name)
        self.assertEqual(terminal.exit_code(), 1)
        terminal.see("crosstalk: replaced: you have logged in somewhere else")
        self.assertTrue(terminal.cooked())

    def test_a_new_size_is_heeded(self) -> None:
        terminal, name = self.log_in(self.nodes[0])
        bob = self.friend(self.nodes[0], name)
        terminal.type("half a line")
        terminal.see("half a line")
        terminal.resize(24, 100)
        bob.chat(name, "hello", id="1")
        terminal.see(f"{bob.name}: hello")
        terminal.type("\x15" + f"/msg {bob.name} done\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "done")

    def test_a_lost_node_loses_nothing(self) -> None:
        node = self.world.member("n3")
        name = fresh("ann")
        terminal = self.terminal("-s", f"{node.ready['client']},{self.nodes[1].ready['client']}", "login", name,
                                 columns=120)
        terminal.see("logged in as", "n3")
        bob = self.friend(self.nodes[0], name, ack=True)
        terminal.type(f"/msg {bob.name} one\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "one")
        terminal.see("(1 on the way)>")
        terminal.type("half a line")
        node.kill()
        terminal.see("trying again in")
        terminal.see("-- back on n2")
        terminal.see(f"to {bob.name}", "half a line")
        bob.send(cmd="ack", seq=1)
        terminal.type("\x15two\r")
        two = bob.expect(lambda chat: chat["cmd"] == "chat" and chat["content"] != "one")
        self.assertEqual(two["content"], "two")
        bob.send(cmd="ack", seq=two["seq"])
        terminal.see(f"to {bob.name} (delivered)>")
        again = [chat for chat in bob.before_pong() if chat["cmd"] == "chat"]
        self.assertEqual([chat for chat in again if not chat.get("redelivered")], [], "seen once, or marked")

    def test_no_output_moves_what_is_typed(self) -> None:
        """Every order of the server's and the typist's bytes: the typed line stays whole at the bottom."""
        terminal, name = self.log_in(self.nodes[0])
        bob = self.friend(self.nodes[1], name)
        typed = ""
        for number in range(30):
            bob.chat(name, f"m{number}", id=f"m{number}")
            terminal.type("ab "[number % 3])
            typed += "ab "[number % 3]
        terminal.see("m29")
        terminal.shows([f"{name}> {typed}".rstrip()])
        seen = [match.group(1) for line in terminal.look() if (match := re.search(r": (m\d+)$", line))]
        self.assertEqual(seen, [f"m{number}" for number in range(30)][-len(seen):])
        self.assertGreater(len(seen), 10)
