"""cluster-peek: what it says of a real mesh and of recorded ones, and its screen on a terminal."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

from cluster import LiveTest
from deadline import eventually
from node import Node
from process import PEEK, free_port, run
from puppet import HttpPuppet
from screen import Terminal

LOOK = "GET /v1/cluster"


def peek(*flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(PEEK, *flags, environment={"LC_ALL": "C", "TERM": "vt100", **environment})


def recorded(size: int) -> dict[str, Any]:
    """A mesh in which all is well, as n1 tells it."""
    names = [f"n{n}" for n in range(1, size + 1)]
    nodes = [{"name": name, "state": "alive", "listed": True, "incarnation": "00000000000000ab", "peer": f"10.0.0.{n}:9601",
              "http": f"10.0.0.{n}:9701", "version": "0.1.0", "uptime_s": 60, "sessions": 10, "users": 9, "chats_per_s": 1.5}
             for n, name in enumerate(names, 1)]
    links = [{"from": one, "to": other, "state": "up", "accepted": True, "rtt_us": 210, "waiting_bytes": 0, "reconnects": 0}
             for one in names for other in names if one != other]
    return {"node": "n1", "cluster": "main", "whole": True, "nodes": nodes, "links": links,
            "redis": {"state": "up", "latency_us": 300}, "events": [{"at": 1_700_000_000_000, "node": "n1", "what": "node_joined", "peer": "n2"}]}


class PeekTest(LiveTest):
    def record(self, told: dict[str, Any], port: int = 0) -> HttpPuppet:
        """A node that answers so, until it is closed; nobody else is given its port then."""
        recording = HttpPuppet({LOOK: [(200, told)]}, port or free_port())
        self.addCleanup(recording.close)
        return recording

    def said(self, status: int, *flags: str, **environment: str) -> str:
        """Its standard output, with nothing on standard error."""
        ended = peek(*flags, **environment)
        self.assertEqual((ended.returncode, ended.stderr), (status, ""), ended.stdout)
        return ended.stdout

    def complains(self, *flags: str, **environment: str) -> str:
        """The one line on standard error of one that ends with 2."""
        ended = peek(*flags, **environment)
        self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended.stderr)
        self.assertRegex(ended.stderr, r"\Acluster-peek: .*\n\Z")
        return ended.stderr


class Mesh(PeekTest):
    def test_a_mesh_of_three_is_seen_from_any_node_and_from_redis(self) -> None:
        nodes = self.world.mesh(3)
        for place in [("--http", str(node.ready["http"])) for node in nodes] + [("--redis", self.world.redis.url)]:
            with self.subTest(place=place):
                told = json.loads(self.said(0, *place, "--json"))
                self.assertEqual([node["name"] for node in told["nodes"]], ["n1", "n2", "n3"])
                shown = self.said(0, *place, "--once")
                self.assertIn("main  3 of 3 nodes", shown)
                for name in ("n1", "n2", "n3"):
                    self.assertRegex(shown, rf"\n +\d {name}\*? +alive")

    def test_check_names_a_node_that_is_missing(self) -> None:
        nodes = self.world.static(["n1", "n2", "n3"])  # never taken out
        self.world.start(nodes)
        nodes[2].kill()
        for node in nodes[:2]:
            place = ("--http", str(node.ready["http"]))
            eventually(lambda place=place: peek(*place, "--check").stdout.startswith("n3 not reached"), 20, "n3 is missed")
            self.assertEqual(peek(*place, "--check").returncode, 1)

    def test_check_says_0_while_the_mesh_is_whole(self) -> None:
        nodes = self.world.mesh(3)
        places = [("--http", str(node.ready["http"])) for node in nodes[:2]] + [("--redis", self.world.redis.url)]
        for place in places:
            eventually(lambda place=place: peek(*place, "--check").returncode == 0, 10, f"all is well from {place}")
            self.assertEqual(self.said(0, *place, "--check"), "all 6 links of 3 nodes are up\n")
        nodes[2].kill()
        eventually(lambda: peek(*places[0], "--check").returncode == 1, 10, "n3 is missed")
        # Found dead and taken out, it is missed no more.
        for place in places:
            eventually(lambda place=place: peek(*place, "--check").returncode == 0, 40, f"all is well again from {place}")
            self.assertEqual(self.said(0, *place, "--check"), "all 2 links of 2 nodes are up\n")

    def test_when_the_one_asked_is_gone_another_one_is_asked(self) -> None:
        nodes = self.world.mesh(2)
        place = ("--redis", self.world.redis.url)
        self.assertEqual(json.loads(self.said(0, *place, "--json"))["node"], "n1")
        nodes[0].kill()
        self.assertEqual(json.loads(self.said(0, *place, "--json"))["node"], "n2")
        self.assertRegex(self.said(0, *place, "--once"), "\nn1 at .*: Connection refused\n")

    def test_a_token_is_needed_where_there_are_tokens(self) -> None:
        tokens = self.world.file("tokens", "first\nsecond\n")
        node: Node = self.world.node("n1", *self.world.settings(http={"token_file": tokens}))
        place = ("--http", str(node.ready["http"]))
        self.assertIn("auth_failed", self.complains(*place, "--once"))
        self.assertIn("auth_failed", self.complains(*place, "--once", CROSSTALK_TOKEN="third"))
        self.said(0, *place, "--once", CROSSTALK_TOKEN="second")
        self.said(0, *place, "--once", "--token-file", tokens, CROSSTALK_TOKEN="third")


class Recordings(PeekTest):
    def test_check(self) -> None:
        told = recorded(3)
        recording = self.record(told)
        place = recording.text
        self.assertEqual(self.said(0, "--http", place, "--check"), "all 6 links of 3 nodes are up\n")
        told["links"][0].update(accepted=False, why="gone\n\x1b[2J")
        self.assertEqual(self.said(1, "--http", place, "--check"),
                         "n1 -> n2 one way: n1 says up, n2 has not accepted it: gone\\x0a\\x1b[2J\n")
        recording.answers[LOOK] = [(200, {"nodes": 7})]
        self.assertEqual(self.said(2, "--http", place, "--check"),
                         f"could not look: {place}: the answer is no picture of a cluster\n")

    def test_nobody_there(self) -> None:
        place = f"127.0.0.1:{free_port()}"
        self.assertEqual(self.said(2, "--http", place, "--check"), f"could not look: {place}: Connection refused\n")
        for form in ("--once", "--json"):
            self.assertEqual(self.complains("--http", place, form), f"cluster-peek: {place}: Connection refused\n")
        self.assertIn(f"Redis at {place}: Connection refused", self.complains("--redis", f"redis://{place}", "--once"))

    def test_a_member_of_whom_nobody_tells(self) -> None:
        place = self.record(recorded(2)).text
        redis = self.world.redis
        redis.call("SADD", "crosstalk:{main}:nodes", "n1@10.0.0.1:9601", "n2@10.0.0.2:9601", "n9@10.0.0.9:9601")
        redis.call("SET", "crosstalk:{main}:lease:n2", json.dumps({"incarnation": "1", "peer": "x:1", "http": place}))
        self.assertEqual(self.said(1, "--redis", redis.url, "--check"), "n9 not reached\n")
        told = json.loads(self.said(0, "--redis", redis.url, "--json"))
        self.assertEqual(told["nodes"][2], {"name": "n9", "state": "suspect", "peer": "10.0.0.9:9601", "listed": True})
        self.assertFalse(told["whole"])
        self.assertIn("unreached", self.said(0, "--redis", redis.url, "--once"))
        self.assertIn("no node in the set of cluster \"blue\"", self.complains("--redis", redis.url, "--cluster", "blue", "--once"))
        redis.call("SADD", "crosstalk:{blue}:nodes", "n1@10.0.0.1:9601")
        self.assertIn("no lease of the 1 node", self.complains("--redis", redis.url, "--cluster", "blue", "--once"))
        redis.call("SET", "crosstalk:{blue}:lease:n1", json.dumps({"http": place}))
        self.assertIn("a node of cluster \"main\" answers there", self.complains("--redis", redis.url, "--cluster", "blue", "--once"))

    def test_flags(self) -> None:
        self.assertRegex(self.said(0, "--version"), r"\Acluster-peek \d+\.\d+\.\d+\n\Z")
        self.assertIn("Exit status", self.said(0, "--help"))
        self.assertIn("--frob", self.complains("--frob"))
        self.assertIn("no/such/file", self.complains("--once", "--token-file", "/no/such/file"))

    def test_a_token_is_sent(self) -> None:
        recording = self.record(recorded(1))
        self.said(0, "--http", recording.text, "--once", CROSSTALK_TOKEN="secret")
        self.assertEqual(recording.asked, [(LOOK, "Bearer secret")])


class OnATerminal(PeekTest):
    def open(self, place: str, where: str = "--http", **environment: str) -> Terminal:
        terminal = Terminal([str(PEEK), where, place], columns=80, environment={"TERM": "vt100", "LC_ALL": "C", **environment})
        self.addCleanup(terminal.close)
        return terminal

    def ended(self, terminal: Terminal, status: int = 0) -> None:
        """With this exit status, and the terminal as it was before."""
        self.assertEqual(terminal.exit_code(), status)
        self.assertTrue(terminal.cooked())

    def test_it_starts_is_resized_and_ends(self) -> None:
        for size in (3, 12, 100):
            with self.subTest(size=size):
                told = recorded(size)
                terminal = self.open(self.record(told).text)
                rows = terminal.has(f"main  {size} of {size} nodes", ">- Links ", "-- Nothing is wrong", "Tab pane")
                self.assertTrue(rows[-1].startswith("Tab pane"), rows)
                terminal.type("\t\t\t")
                terminal.has(f">- Nodes {size}, by name", "1 n1*", "n1 alive, incarnation 00000000000000ab")
                terminal.type("s/n2\r")
                terminal.has("by state", "with \"n2\"", "n2     alive")
                terminal.cleared(60, 200)
                rows = terminal.until(lambda rows: len(rows) == 60 and rows[-1].startswith("Tab pane"), "keys in the last row")
                self.assertTrue(any("Nodes" in row and "Links" in row for row in rows), rows)
                terminal.cleared(24, 80)
                terminal.until(lambda rows: len(rows) == 24 and rows[-1].startswith("Tab pane"), "keys in the last row")
                told["links"][0].update(state="down", accepted=False, why="silent for 5 s")
                terminal.type("\x1b")
                terminal.has("NOT WHOLE", "! n1 -> n2 down: silent for 5 s")
                terminal.type("?")
                terminal.has("Any key goes back.")
                terminal.type(" q")
                self.ended(terminal)

    def test_a_node_that_dies_is_told_and_tried_again(self) -> None:
        recording = self.record(recorded(3))
        terminal = self.open(recording.text)
        terminal.has("3 of 3 nodes")
        recording.close()
        terminal.has("3 of 3 nodes", f"{recording.text}: Connection refused; trying on")
        self.record(recorded(4), recording.address[1])
        terminal.has("4 of 4 nodes")
        terminal.type("q")
        self.ended(terminal)

    def test_with_the_set_another_one_is_asked(self) -> None:
        redis = self.world.redis
        recordings = []
        for name in ("n1", "n2"):
            recordings.append(self.record({**recorded(3), "node": name}))
            redis.call("SADD", "crosstalk:{main}:nodes", f"{name}@10.0.0.1:9601")
            redis.call("SET", f"crosstalk:{{main}}:lease:{name}", json.dumps({"http": recordings[-1].text}))
        terminal = self.open(redis.url, where="--redis")
        terminal.has("3 of 3 nodes", "says n1 at")
        recordings[0].close()
        terminal.has("says n2 at", "n1 at ", ": Connection refused")
        redis.kill()
        terminal.has("says n2 at", "Redis at ")
        terminal.type("q")
        self.ended(terminal)

    def test_it_starts_where_nobody_answers(self) -> None:
        place = f"127.0.0.1:{free_port()}"
        terminal = self.open(place)
        terminal.has(f"{place} does not answer", "Connection refused; trying on")
        terminal.type("q")
        self.ended(terminal)

    def test_it_leaves_the_terminal_as_it_was(self) -> None:
        place = self.record(recorded(3)).text
        for what, end in (("Ctrl-C", lambda terminal: terminal.type("\x03")),
                          ("SIGTERM", lambda terminal: terminal.process.terminate())):
            with self.subTest(what):
                terminal = self.open(place)
                terminal.has("3 of 3 nodes")
                end(terminal)
                self.ended(terminal)

    def test_colours_and_characters_are_the_terminals(self) -> None:
        place = self.record(recorded(3)).text
        colour = re.compile(rb"\x1b\[[0-9;]*3[1-6][0-9;]*m")
        for environment, colours in (({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)):
            with self.subTest(environment=environment):
                terminal = self.open(place, LC_ALL="C.UTF-8", TERM="xterm-256color", **environment)
                # Only what is written is looked at: this is more than a VT100.
                terminal.until(lambda _: b"Links 6 up" in terminal.written, "the links")
                terminal.type("q")
                self.ended(terminal)
                self.assertEqual(bool(colour.search(terminal.written)), colours)
                self.assertIn("\u2500".encode(), terminal.written)
                # Back from the alternate screen.
                self.assertIn(b"\x1b[?1049l", terminal.written)

    def test_where_there_is_nothing_to_draw_on(self) -> None:
        place = self.record(recorded(1)).text
        self.assertIn("--once prints one look", self.complains("--http", place))
        for kind in ("dumb", "", "no-such-terminal"):
            with self.subTest(kind=kind):
                terminal = self.open(place, TERM=kind)
                terminal.has("--once prints one look")
                self.ended(terminal, 2)
