"""HTTP: what a node answers, and what it bears."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from typing import Any

import prometheus
from cluster import LiveTest
from deadline import PATIENCE, SLOWNESS, eventually
from node import Node


def connect(node: Node) -> socket.socket:
    return socket.create_connection(node.http, PATIENCE * SLOWNESS)


def rest(connection: socket.socket) -> bytes:
    """All that is still said, until the other side has said its end."""
    said = b""
    while piece := connection.recv(65536):
        said += piece
    return said


def said(node: Node, request: bytes) -> bytes:
    """Everything that comes for these bytes, until the server closes."""
    with connect(node) as connection:
        connection.sendall(request)
        return rest(connection)


class Http(LiveTest):
    shared = True
    node: Node

    @classmethod
    def furnish(cls) -> None:
        cls.node = cls.world.node("n1")

    def test_it_lives(self) -> None:
        status, headers, body = self.node.ask("GET", "/livez")
        self.assertEqual((status, body), (200, b"alive\n"))
        self.assertEqual(headers["Content-Length"], "6")
        self.assertIn("GMT", headers["Date"])
        self.assertEqual(self.node.ask("HEAD", "/livez")[::2], (200, b""))

    def test_refusals_are_json(self) -> None:
        for method, path, status, code in (("GET", "/nowhere", 404, "not_found"),
                                           ("GET", "/livez/", 404, "not_found"),
                                           ("POST", "/livez", 405, "bad_method")):
            with self.subTest(method=method, path=path):
                found, headers, body = self.node.ask(method, path)
                self.assertEqual(found, status)
                self.assertEqual(headers["Content-Type"], "application/json")
                self.assertEqual(json.loads(body)["error"]["code"], code)
                self.assertEqual(headers.get("Allow"), "GET, HEAD" if status == 405 else None)

    def test_one_connection_serves_many(self) -> None:
        connection = http.client.HTTPConnection(*self.node.http, timeout=PATIENCE * SLOWNESS)
        for _ in range(50):
            connection.request("GET", "/livez")
            self.assertEqual(connection.getresponse().read(), b"alive\n")
        connection.close()

    def test_many_requests_at_once_are_answered_in_order(self) -> None:
        paths = ["/livez", "/nowhere"] * 500
        asked = b"".join(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode() for path in paths)
        answered = said(self.node, asked + b"GET /livez HTTP/1.0\r\n\r\n")
        found = re.findall(rb"HTTP/1\.1 (\d+)", answered)
        self.assertEqual(found, [b"200", b"404"] * 500 + [b"200"])

    def test_what_is_broken_is_refused_and_hung_up_on(self) -> None:
        host = b"Host: localhost\r\n"
        for what, request, status in (
                ("no HTTP", b"hello\r\n\r\n", b"501"),
                ("a chat client", b'{"cmd":"login","name":"eve"}\n', b"400"),
                ("no host", b"GET /livez HTTP/1.1\r\n\r\n", b"400"),
                ("a folded header", b"GET /livez HTTP/1.1\r\n" + host + b"A: b\r\n c\r\n\r\n", b"400"),
                ("a length and chunks", b"GET /livez HTTP/1.1\r\n" + host +
                 b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\n" + host + b"\r\n", b"400"),
                ("a long header", b"GET /livez HTTP/1.1\r\n" + host + b"A: " + b"x" * 9000, b"431"),
                ("a long path", b"GET /" + b"x" * 9000, b"431"),
                ("a large body", b"GET /livez HTTP/1.1\r\n" + host + b"Content-Length: 65537\r\n\r\n" + b"x" * 65537, b"413")):
            with self.subTest(what):
                answered = said(self.node, request)
                self.assertEqual(answered.split()[1], status, answered)
                self.assertEqual(answered.count(b"HTTP/1.1 "), 1)
                self.assertIn(b"Connection: close\r\n", answered)

    def test_half_a_request_is_not_waited_for(self) -> None:
        with connect(self.node) as slow, connect(self.node) as silent:
            slow.sendall(b"GET /livez HTTP/1.1\r\nHost: ")
            self.assertIn(b" 408 ", rest(slow))
            self.assertEqual(rest(silent), b"")

    def test_chats_go_on_beside_a_crowd(self) -> None:
        crowd = [connect(self.node) for _ in range(200)]
        for one in crowd:
            one.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        alice = self.world.client(self.node, "alice")
        alice.chat("alice", "hi", id="1")
        self.assertEqual(alice.outcome("1", PATIENCE), "written")
        for one in crowd:
            one.close()


class Addresses(LiveTest):
    def test_where_http_is_answered_is_told(self) -> None:
        node = self.world.member("n1")
        lease = eventually(lambda: self.world.redis.lease("n1"), what="the lease")
        self.assertEqual(lease["http"], node.ready["http"])
        self.assertTrue(node.log_lines("serving", f"http={node.ready['http']}"))

    def test_one_that_listens_everywhere_leases_what_others_dial(self) -> None:
        node = self.world.member("n1", http_listen="0.0.0.0:0")
        lease = eventually(lambda: self.world.redis.lease("n1"), what="the lease")
        self.assertEqual(lease["http"], f"127.0.0.1:{node.http[1]}")


class Readiness(LiveTest):
    def test_one_node_alone_is_ready(self) -> None:
        self.assertEqual(self.world.node("n1").unready(), "")

    def test_it_is_ready_while_all_links_are_there(self) -> None:
        nodes = self.world.mesh(3)
        for node in nodes:
            eventually(lambda node=node: node.unready() == "", 10, f"{node.name} is ready")
        nodes[2].kill()
        for node in nodes[:2]:
            why = eventually(node.unready, 10, f"{node.name} misses n3")
            self.assertIn("n3", why)
            self.assertNotIn("n1", why)
            self.assertNotIn("n2", why)
        # Found dead and taken out, it is missed no more.
        for node in nodes[:2]:
            eventually(lambda node=node: node.unready() == "", 30, f"{node.name} is ready without n3")

    def test_redis_away_makes_no_node_unready(self) -> None:
        nodes = self.world.mesh(2)
        eventually(lambda: nodes[0].unready() == "", 10, "n1 is ready")
        self.world.redis.kill()
        eventually(lambda: nodes[0].log_lines("redis down"), what="it is noticed")
        self.assertEqual(nodes[0].unready(), "")

    def test_a_link_that_is_missing_one_way_is_named(self) -> None:
        n2, proxy = self.world.behind_proxy("n2")
        n1 = self.world.member("n1")
        eventually(lambda: n1.unready() == "" and n2.unready() == "", 10, "both are ready")
        proxy.close()  # n1's dials to n2 fail, n2's to n1 do not
        why = eventually(n1.unready, 10, "n1 misses n2")
        self.assertTrue(why.startswith("link to n2: "), why)
        self.assertNotIn("from", why)
        eventually(lambda: n2.unready() == "link from n1: down", 10, "n2 says so too")

    def test_a_node_that_drains_is_not_ready(self) -> None:
        node = self.world.node("n1")
        deaf = self.world.client(node, "deaf", receive_buffer=4096)
        talker = self.world.client(node, "talker")
        for n in range(29):
            talker.chat(deaf.name, "x" * 30_000, id=f"m-{n}")
        talker.before_pong()
        node.terminate()
        eventually(lambda: node.unready() == "draining: this node sends its users elsewhere", 5, "it says so")
        deaf.close()
        talker.close()
        node.ended_well()


class Metrics(LiveTest):
    def test_what_happens_is_counted(self) -> None:
        nodes = self.world.mesh(2)
        eventually(lambda: nodes[0].unready() == "", 10, "n1 is ready")
        alice, bob = self.world.client(nodes[0], "alice"), self.world.client(nodes[1], "bob")
        eventually(lambda: alice.knows("bob"), 10, "bob is known")
        before = self.read(nodes[0])
        for n in range(5):
            alice.chat("bob", n, id=f"there-{n}")
            self.assertEqual(alice.outcome(f"there-{n}", PATIENCE), "written")
        alice.chat("nobody", "later", id="stored")
        self.assertEqual(alice.outcome("stored", PATIENCE), "stored")
        after = self.read(nodes[0])

        def more(name: str, labels: str = "") -> float:
            return after[name][labels] - before[name][labels]

        self.assertEqual(more("crosstalk_chats_accepted_total"), 6)
        self.assertEqual(more("crosstalk_chats_forwarded_total"), 5)
        self.assertEqual(more("crosstalk_chats_settled_total", 'outcome="written"'), 5)
        self.assertEqual(more("crosstalk_chats_settled_total", 'outcome="stored"'), 1)
        self.assertEqual(after["crosstalk_ready"], {"": 1})
        self.assertEqual(after["crosstalk_links"]['state="up"'], 1)
        self.assertEqual(after["crosstalk_link_up"], {'peer="n2"': 1})
        self.assertEqual(after["crosstalk_redis_up"], {"": 1})
        self.assertEqual(after["crosstalk_mailboxes_up"], {"": 1})
        self.assertIn("crosstalk_redis_latency_seconds", after)
        self.assertEqual(self.read(nodes[1])["crosstalk_sessions"], {"": 1})
        page = nodes[0].ask("GET", "/metrics").body.decode()
        for name in ("alice", "bob", "nobody"):
            self.assertNotIn(name, page)

    def read(self, node: Node) -> prometheus.Samples:
        status, headers, body = node.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return prometheus.read(body.decode())


class Cluster(LiveTest):
    def test_a_node_tells_what_it_knows(self) -> None:
        nodes = self.world.mesh(3)
        for node in nodes:
            eventually(lambda node=node: node.unready() == "", 10, f"{node.name} is ready")
        self.world.client(nodes[0], "alice")

        def whole() -> Any:
            seen = nodes[0].told("/v1/cluster")
            return seen if seen["whole"] and all("version" in node for node in seen["nodes"]) else None

        seen = eventually(whole, 10, "all have told")
        self.assertEqual((seen["node"], seen["cluster"]), ("n1", "main"))
        self.assertEqual([node["name"] for node in seen["nodes"]], ["n1", "n2", "n3"])
        for sight, node in zip(seen["nodes"], nodes):
            self.assertEqual((sight["state"], sight["peer"]), ("alive", node.ready["peer"]))
            self.assertRegex(sight["incarnation"], "^[0-9a-f]{16}$")
        self.assertEqual((seen["nodes"][0]["http"], seen["nodes"][0]["sessions"]), (nodes[0].ready["http"], 1))
        self.assertEqual([(link["from"], link["to"], link["state"]) for link in seen["links"]],
                         [(one, other, "up") for one in ("n1", "n2", "n3") for other in ("n1", "n2", "n3") if one != other])
        self.assertEqual(seen["redis"]["state"], "up")
        nodes[2].kill()

        def cut() -> bool:
            seen = nodes[0].told("/v1/cluster")
            links = {(link["from"], link["to"]): link for link in seen["links"]}
            down = [link for ends, link in links.items() if "n3" in ends and link["state"] != "up"]
            return len(down) == 4 and not seen["whole"] and bool(links["n1", "n3"]["why"])

        eventually(cut, 10, "n3's links are told to be down, and why")

    def test_where_somebody_is(self) -> None:
        nodes = self.world.mesh(2)
        before = round(time.time() * 1000)
        self.world.client(nodes[1], "b\u00f6b/1")
        path = "/v1/users/b%C3%B6b%2F1"
        for node in nodes:
            user = eventually(lambda node=node: (user := node.told(path))["online"] and user, 10, "the user is known")
            self.assertEqual((user["name"], [at["node"] for at in user["sessions"]]), ("b\u00f6b/1", ["n2"]))
            self.assertLess(abs(user["sessions"][0]["since"] - before), 60_000)
            self.assertEqual(node.told("/v1/users/nobody"), {"name": "nobody", "online": False, "sessions": []})
        self.world.client(nodes[0], "b\u00f6b/1")
        for node in nodes:
            eventually(lambda node=node: [at["node"] for at in node.told(path)["sessions"]] == ["n1"], 10, "moved")
        for name in ("a%20b", "a%00b", "%FF", "x" * 65):
            status, body = nodes[0].call("GET", f"/v1/users/{name}")
            self.assertEqual((status, body["error"]["code"]), (400, "bad_name"), name)


class Access(LiveTest):
    def test_without_tokens_this_host_alone_may_ask(self) -> None:
        node = self.world.node("n1")
        own = node.ready["http"]
        for wanted, headers in ((200, {}), (200, {"Host": f"localhost:{node.http[1]}"}), (200, {"Origin": f"http://{own}"}),
                                (403, {"Host": "chat.example.net"}), (403, {"Origin": "http://chat.example.net"}),
                                (403, {"Origin": "null"}), (403, {"X_Forwarded_For": "127.0.0.1"}),
                                (403, {"Forwarded": "for=127.0.0.1"})):
            with self.subTest(headers=headers):
                self.assertEqual(node.ask("GET", "/v1/cluster", **headers).status, wanted)
                self.assertEqual(node.ask("GET", "/livez", **headers).status, 200)

    def test_with_tokens_whoever_bears_one_may(self) -> None:
        tokens = self.world.file("tokens", "first\nsecond\n")
        node = self.world.node("n1", *self.world.settings(http={"token_file": tokens}))
        for wanted, headers in ((401, {}), (401, {"Authorization": "Bearer third"}), (401, {"Authorization": "Basic first"}),
                                (200, {"Authorization": "Bearer first"}), (200, {"Authorization": "Bearer second"}),
                                (200, {"Authorization": "Bearer second", "Host": "chat.example.net"})):
            with self.subTest(headers=headers):
                for path in ("/v1/cluster", "/v1/users/alice"):
                    self.assertEqual(node.ask("GET", path, **headers).status, wanted)
                self.assertEqual(node.ask("GET", "/v1/nothing", **headers).status, 404 if wanted == 200 else wanted)
                self.assertEqual(node.ask("GET", "/readyz", **headers).status, 200)
        self.assertEqual(node.ask("GET", "/v1/cluster").headers["WWW-Authenticate"], 'Bearer realm="crosstalk"')
        for word in ("first", "second", "third"):
            self.assertNotIn(word, node.log())
