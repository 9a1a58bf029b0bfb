"""How the crosstalk command ends, and what it makes of servers that are not at hand."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import Any

from crosstalk_cli import CliTest, at, objects
from deadline import eventually
from process import free_port, run_tool
from puppet import Answer, HttpPuppet, Puppet


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
