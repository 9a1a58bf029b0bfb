"""Who is not let into the mesh: strangers, wrong secrets, forged hellos, other clusters; and how little they cost."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from client import Wire
from cluster import LiveTest, fresh, reached
from deadline import Deadline, eventually, throughout
from node import Node
from process import free_port
from proxy import Carried

HALF_OPEN_WITHIN = 15.0


class PeerPort(LiveTest):
    def strangers(self, node: Node, words: list[bytes]) -> None:
        """Each says its words and is hung up on."""
        for text in words:
            with self.subTest(text=text[:40]):
                stranger = Wire(node.peer)
                stranger.try_send(text)
                stranger.rest(HALF_OPEN_WITHIN)
                stranger.close()

    def log_is_bounded(self, node: Node, before: int, times: int) -> None:
        """What repeats is logged at doublings, not each time."""
        grown = len(node.log().splitlines()) - before
        self.assertLessEqual(grown, 3 * (math.ceil(math.log2(times)) + 2), node.log()[-3000:])


class Strangers(PeerPort):
    def test_garbage_is_hung_up_on(self) -> None:
        nodes = self.world.mesh(2)
        with self.world.undisturbed(*nodes):
            chance = random.Random(3)
            self.strangers(nodes[0], [
                b"hello\r\n" * 10, b'{"cmd":"login","name":"eve"}\n', b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                b"\0" * 1000, b"\xff" * 1000, b"\xff\xff\xff\x7f", b"\x01", bytes(4), chance.randbytes(100_000),
                *(chance.randbytes(chance.randrange(1, 400)) for _ in range(10))])
            self.strangers(nodes[0], [b""])

    def test_half_open_connections_are_ended(self) -> None:
        nodes = self.world.mesh(2)
        with self.world.undisturbed(*nodes):
            crowd = [Wire(nodes[0].peer) for _ in range(200)]
            self.world.whole(nodes)
            newcomer = self.world.member("n3")
            self.world.whole([*nodes, newcomer], 3)
            for one in crowd:
                one.rest(HALF_OPEN_WITHIN)
                one.close()

    def test_what_repeats_is_logged_at_doublings(self) -> None:
        node = self.world.mesh(1)[0]
        before = len(node.log().splitlines())
        for _ in range(200):
            stranger = Wire(node.peer)
            stranger.try_send(b"\xff" * 64)
            stranger.rest(HALF_OPEN_WITHIN)
            stranger.close()
        self.log_is_bounded(node, before, 200)

    def test_the_peers_own_words_on_the_client_port(self) -> None:
        node, proxy = self.world.behind_proxy("n1")
        other = self.world.member("n2")
        self.world.whole([node, other])
        words = eventually(proxy.first_words)
        alice = self.world.client(other, fresh())
        for address in (node.client, other.client):
            eve = self.world.client(address)
            eve.try_send(words + b"\n")
            eve.hang_up()
            for answer in eve.rest():
                self.assertNotIn(b'"ok":true', answer)
        self.assertEqual(alice.before_pong(), [])
        self.world.whole([node, other])


class Forgeries(PeerPort):
    def test_a_replayed_hello_is_refused(self) -> None:
        node, proxy = self.world.behind_proxy("n1")
        other = self.world.member("n2")
        self.world.whole([node, other])
        with self.world.undisturbed(node, other):
            words = eventually(proxy.first_words)
            before = len(node.log().splitlines())
            for _ in range(32):
                replay = Wire(proxy.target or proxy.address)
                replay.try_send(words)
                replay.rest(HALF_OPEN_WITHIN)
                replay.close()
        self.log_is_bounded(node, before, 32)

    def test_a_flipped_bit_in_the_hello_is_refused(self) -> None:
        """A different bit of the first bytes at every dial, until all goes through untouched."""
        for to_node in (True, False):
            with self.subTest(to_node=to_node):
                names = fresh("n"), fresh("n")
                node, proxy = self.world.behind_proxy(names[0])
                proxy.mangle = flip_first_bytes(to_node)
                other = self.world.member(names[1])
                alice, bob = self.world.client(other, fresh("alice")), self.world.client(node, fresh("bob"))
                eventually(lambda: proxy.dials() >= 6, what="several dials were refused")
                # What the other one has to say, it says on the connection that it dialled itself.
                self.assertEqual(bob.presence(alice.name), {alice.name: False})
                proxy.mangle = None
                reached(alice, bob, Deadline(30))
                node.stop()
                other.stop()

    def test_another_secret_exchanges_nothing(self) -> None:
        ports = {name: free_port() for name in ("n1", "n2")}
        proxies = {name: self.world.proxy(("127.0.0.1", port)) for name, port in ports.items()}
        peers = ",".join(f"{name}@{proxy.text}" for name, proxy in proxies.items())
        nodes = [self.world.node(name, "--peers", peers, "--peer-advertise", proxies[name].text,
                                 *self.world.secret(f"what {name} alone has, long enough"),
                                 peer_listen=f"127.0.0.1:{port}")
                 for name, port in ports.items()]
        alice, bob = self.world.client(nodes[0], "alice"), self.world.client(nodes[1], "bob")
        strangers = {"alice": False, "bob": True}
        eventually(lambda: all(proxy.dials() >= 8 for proxy in proxies.values()), 60, "both dialled many times")
        self.assertEqual(bob.presence("alice", "bob"), strangers)
        alice.chat("bob", "psst", id="1")
        self.assertEqual(alice.outcome("1"), "no_such_user")
        self.assertEqual(bob.before_pong(), [])
        times = sum(proxy.dials() for proxy in proxies.values())
        for node in nodes:
            said = node.log_lines("secret")
            self.assertTrue(said, "it is said why")
            self.assertLess(len(said), times / 2, "and not each time")

    def test_one_stranger_in_the_set_does_not_disturb_the_others(self) -> None:
        nodes = self.world.mesh(2)
        with self.world.undisturbed(*nodes):
            stranger = self.world.node("n3", "--redis", self.world.redis.url,
                                       *self.world.secret("quite another one"))
            eventually(lambda: nodes[0].log_lines("n3", "secret"), what="n1 says why n3 is not let in")
            eve, alice = self.world.client(stranger, "eve"), self.world.client(nodes[0], fresh())
            throughout(3, lambda: self.assertEqual(alice.presence("eve"), {"eve": False}))
            eve.chat(alice.name, "x", id="1")
            self.assertEqual(eve.outcome("1"), "stored", "who has the Redis has its mailboxes")
            self.assertEqual(alice.before_pong(), [])


class Mismatches(PeerPort):
    def test_another_cluster_is_named_on_both_sides(self) -> None:
        ports = {name: free_port() for name in ("n1", "n2")}
        peers = ",".join(f"{name}@127.0.0.1:{port}" for name, port in ports.items())
        nodes = [self.world.node(name, "--peers", peers, "--cluster", cluster, *self.world.secret(),
                                 peer_listen=f"127.0.0.1:{ports[name]}")
                 for name, cluster in (("n1", "blue-cluster"), ("n2", "red-cluster"))]
        eventually(lambda: all(node.log_lines("blue-cluster", "red-cluster") for node in nodes),
                   what="both names are logged by both")
        alice, bob = self.world.client(nodes[0], "alice"), self.world.client(nodes[1], "bob")
        throughout(3, lambda: self.assertEqual(alice.presence("bob"), {"bob": False}))
        self.assertEqual(bob.before_pong(), [])

    def test_a_name_taken_in_a_static_mesh_is_said(self) -> None:
        ports = [free_port() for _ in range(3)]
        first, second, impostor = (f"127.0.0.1:{port}" for port in ports)
        nodes = [self.world.node("n1", "--peers", f"n2@{second}", *self.world.secret(), peer_listen=first, start=False),
                 self.world.node("n2", "--peers", f"n1@{first}", *self.world.secret(), peer_listen=second, start=False)]
        self.world.start(nodes)
        with self.world.undisturbed(*nodes):
            self.world.node("n1", "--peers", f"n2@{second}", *self.world.secret(), peer_listen=impostor)
            eventually(lambda: nodes[1].log_lines("n1", impostor) or nodes[1].log_lines("n1", "name"),
                       what="n2 says that the name is taken")


def flip_first_bytes(to_node: bool) -> Callable[[Carried, bool, int, bytes], bytes]:
    """Flips one bit in the first 48 bytes of every connection, another one each time."""
    def mangle(carried: Carried, way: bool, offset: int, data: bytes) -> bytes:
        at = carried.number * 7 % 48
        if way != to_node or not offset <= at < offset + len(data):
            return data
        flipped = bytearray(data)
        flipped[at - offset] ^= 1 << carried.number % 8
        return bytes(flipped)

    return mangle
