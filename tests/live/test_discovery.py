"""How nodes find and lose each other: joining, leaving, killed, paused; from Redis, or from --peers alone.

The deadlines here are the contract's own: linked within 3 s, whole within 5 s
after a restart, out of the set within 15 s.
"""

from __future__ import annotations

from cluster import LiveTest, fresh, reached
from deadline import Deadline, eventually, throughout
from process import free_port, run_daemon
from redisd import RedisClient

LINKED_WITHIN = 3.0
WHOLE_WITHIN = 5.0
OUT_WITHIN = 15.0


class Joining(LiveTest):
    def test_the_set_and_the_leases(self) -> None:
        nodes = self.world.mesh(3)
        self.assertEqual(self.world.redis.nodes(), {f"{node.name}@{node.ready['peer']}" for node in nodes})
        incarnations = set()
        for node in nodes:
            lease = self.world.redis.lease(node.name)
            assert lease is not None
            self.assertEqual(lease["peer"], node.ready["peer"])
            self.assertIsInstance(lease["incarnation"], str)
            incarnations.add(lease["incarnation"])
        self.assertEqual(len(incarnations), 3)

        def renewed() -> None:  # every 3 s of 10; some of the rest is left to a busy machine
            for node in nodes:
                self.assertGreater(self.world.redis.lease_ms(node.name), 2_000)
                self.assertLessEqual(self.world.redis.lease_ms(node.name), 10_000)

        throughout(8, renewed)

    def test_a_fourth_node_is_linked_with_all_within_3_s(self) -> None:
        nodes = self.world.mesh(3)
        with self.world.undisturbed(*nodes):
            nodes.append(self.world.member("n4"))
            self.world.whole(nodes, LINKED_WITHIN)
        self.assertIn(nodes[3].member, self.world.redis.nodes())

    def test_who_was_there_before_is_known_to_the_newcomer(self) -> None:
        nodes = self.world.mesh(2)
        users = [self.world.client(node, fresh()) for node in nodes for _ in range(50)]
        newcomer = self.world.member("n3")
        guest = self.world.client(newcomer, fresh("guest"))
        names = [user.name for user in users]
        eventually(lambda: guest.knows(*names), 10, "all users are known on n3")
        guest.chat(names[0], "hello", id="1")
        users[0].expect(cmd="chat", content="hello")

    def test_joins_and_leaves_are_told_on_the_channel(self) -> None:
        self.world.mesh(1)
        listener = RedisClient(self.world.redis.port, timeout_s=OUT_WITHIN)
        channel = self.world.redis.prefix + "changed"
        listener.call("SUBSCRIBE", channel)
        newcomer = self.world.member("n2")
        self.assertEqual(listener.reply()[:2], ["message", channel])
        self.world.whole(self.world.nodes, LINKED_WITHIN)
        before = self.told(listener)
        newcomer.stop()
        eventually(lambda: self.told(listener), 5, f"the leave is told (after {before} more of the join)")
        listener.close()

    def test_clusters_share_a_redis_and_nothing_else(self) -> None:
        blue = self.world.member("n1", "--cluster", "blue")
        red = self.world.member("n1", "--cluster", "red")
        name = fresh()
        in_blue, in_red = self.world.client(blue, name), self.world.client(red, name)
        for cluster, node in (("blue", blue), ("red", red)):
            self.assertEqual(self.world.redis.call("SMEMBERS", f"crosstalk:{{{cluster}}}:nodes"), [node.member])
        self.assertEqual(in_blue.before_pong() + in_red.before_pong(), [])

    @staticmethod
    def told(listener: RedisClient) -> int:
        """How many messages wait on a subscribed connection."""
        listener.send("PING")
        count = 0
        while listener.reply()[0] == "message":
            count += 1
        return count


class Leaving(LiveTest):
    def test_a_stopped_node_leaves_at_once(self) -> None:
        nodes = self.world.mesh(3)
        alice = self.world.client(nodes[0], fresh("alice"))
        carol = self.world.client(nodes[2], fresh("carol"))
        reached(alice, carol, Deadline(10))
        with self.world.undisturbed(*nodes[:2]):
            nodes[2].stop()
            self.assertNotIn(nodes[2].member, self.world.redis.nodes())
            self.assertIsNone(self.world.redis.lease("n3"))
            eventually(lambda: not alice.knows(carol.name), 5, "its users are gone")
            alice.chat(carol.name, "?", id="q")
            self.assertEqual(alice.outcome("q"), "stored")

    def test_a_killed_node_is_taken_out_within_15_s(self) -> None:
        nodes = self.world.mesh(3)
        alice = self.world.client(nodes[0], fresh("alice"))
        carol = self.world.client(nodes[2], fresh("carol"))
        reached(alice, carol, Deadline(10))
        with self.world.undisturbed(*nodes[:2]):
            nodes[2].kill()
            alice.chat(carol.name, "are you there", id="q")
            self.world.out_of_the_set(nodes[2].member, OUT_WITHIN)
            self.assertIsNone(self.world.redis.lease("n3"))
            eventually(lambda: not alice.knows(carol.name), 5, "its users are gone")
            self.assertEqual(alice.outcome("q"), "stored")
            alice.chat(carol.name, "and now", id="r")
            self.assertEqual(alice.outcome("r"), "stored")
        self.world.whole_set(nodes[:2], 1)

    def test_a_killed_node_restarted_on_its_ports_is_whole_within_5_s(self) -> None:
        self.restart_whole(keep_ports=True)

    def test_a_killed_node_restarted_on_new_ports_is_whole_within_5_s(self) -> None:
        self.restart_whole(keep_ports=False)

    def test_a_node_restarted_again_and_again(self) -> None:
        nodes = self.world.mesh(3)
        with self.world.undisturbed(*nodes[:2]):
            for graceful in (False, True, False, False):
                nodes[2].keep_ports()
                nodes[2].stop() if graceful else nodes[2].kill()
                nodes[2].start()
                self.world.whole(nodes, WHOLE_WITHIN)

    def test_all_nodes_killed_and_started_anew(self) -> None:
        nodes = self.world.mesh(3)
        for node in nodes:
            node.kill()
        self.world.start(nodes)
        self.world.whole_set(nodes, OUT_WITHIN)

    def restart_whole(self, keep_ports: bool) -> None:
        nodes = self.world.mesh(3)
        old_member, old_lease = nodes[2].member, self.world.redis.lease("n3")
        carol = self.world.client(nodes[2], fresh("carol"))
        alice = self.world.client(nodes[0], fresh("alice"))
        reached(alice, carol, Deadline(10))
        with self.world.undisturbed(*nodes[:2]):
            if keep_ports:
                nodes[2].keep_ports()
            nodes[2].kill()
            nodes[2].start()
            self.world.whole(nodes, WHOLE_WITHIN)
            eventually(lambda: not alice.knows(carol.name), 5, "users of its former life are gone")
            if not keep_ports:
                self.world.out_of_the_set(old_member, OUT_WITHIN)
            self.world.whole_set(nodes, 1)
        lease = self.world.redis.lease("n3")
        assert old_lease is not None and lease is not None
        self.assertNotEqual(lease["incarnation"], old_lease["incarnation"])


class Pauses(LiveTest):
    def test_paused_until_taken_out_it_joins_anew(self) -> None:
        nodes = self.world.mesh(3)
        before = self.world.redis.lease("n3")
        with self.world.undisturbed(*nodes[:2]):
            nodes[2].pause()
            self.world.out_of_the_set(nodes[2].member, OUT_WITHIN)
            nodes[2].resume()
            self.world.whole_set(nodes, OUT_WITHIN)
            self.world.whole(nodes, OUT_WITHIN)
        lease = self.world.redis.lease("n3")
        assert before is not None and lease is not None
        self.assertNotEqual(lease["incarnation"], before["incarnation"])

    def test_paused_for_10_s_it_comes_back_whole(self) -> None:
        nodes = self.world.mesh(3)
        with self.world.undisturbed(*nodes[:2]):
            nodes[2].pause()
            others = {node.member for node in nodes[:2]}
            throughout(10, lambda: self.assertLessEqual(others, self.world.redis.nodes()))
            nodes[2].resume()
            self.world.whole(nodes, OUT_WITHIN)
            self.world.whole_set(nodes, OUT_WITHIN)

    def test_a_short_pause_loses_nothing(self) -> None:
        nodes = self.world.mesh(2)
        alice, bob = self.world.client(nodes[0], fresh()), self.world.client(nodes[1], fresh())
        reached(alice, bob, Deadline(10))
        nodes[1].pause()
        for n in range(100):
            alice.chat(bob.name, n, id=f"p-{n}")
        throughout(1, lambda: self.assertEqual(alice.before_pong(), [], "no outcome is guessed"))
        nodes[1].resume()
        self.assertEqual([bob.next()["content"] for _ in range(100)], list(range(100)))
        self.assertEqual({alice.outcome(f"p-{n}") for n in range(100)}, {"written"})


class Static(LiveTest):
    def test_a_mesh_from_peers_alone(self) -> None:
        nodes = self.world.static(("n1", "n2", "n3"))
        self.world.start(nodes)
        with self.world.undisturbed(*nodes[:2]):
            nodes[2].kill()
            nodes[2].start()
            self.world.whole(nodes, 15)

    def test_without_a_secret_on_loopback(self) -> None:
        ports = {name: free_port() for name in ("n1", "n2")}
        peers = ",".join(f"{name}@127.0.0.1:{port}" for name, port in ports.items())
        self.world.start([self.world.node(name, "--peers", peers, start=False, peer_listen=f"127.0.0.1:{port}")
                          for name, port in ports.items()])

    def test_a_dead_nodes_users_are_given_up(self) -> None:
        nodes = self.world.static(("n1", "n2"))
        self.world.start(nodes)
        alice, bob = self.world.client(nodes[0], fresh()), self.world.client(nodes[1], fresh())
        reached(alice, bob, Deadline(10))
        nodes[1].kill()
        # Without Redis a peer is dead when its link has been down for 15 s.
        eventually(lambda: not alice.knows(bob.name), 25, "bob is gone")
        alice.chat(bob.name, "?", id="1")
        self.assertEqual(alice.outcome("1"), "no_such_user")


class Names(LiveTest):
    """One name, one node."""

    def test_a_second_node_of_a_name_is_refused(self) -> None:
        nodes = self.world.mesh(2)
        lease = self.world.redis.lease("n2")
        with self.world.undisturbed(*nodes):
            ended = run_daemon("--node", "n2", "--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0",
                               "--http-listen", "127.0.0.1:0", "--redis", self.world.redis.url, *self.world.secret(), within=30)
            self.assertEqual(ended.returncode, 1, ended.stderr)
            self.assertIn("n2", ended.stderr)
            self.world.whole_set(nodes, 5)
            after = self.world.redis.lease("n2")
            assert lease is not None and after is not None
            self.assertEqual(after["incarnation"], lease["incarnation"])

    def test_a_node_that_meets_itself_says_so_and_lives(self) -> None:
        port = free_port()
        node = self.world.node("n1", "--peers", f"n2@127.0.0.1:{port}", *self.world.secret(),
                               peer_listen=f"127.0.0.1:{port}")
        eventually(lambda: node.log_lines("itself"), what="it is said in the log")
        alice = self.world.client(node, "alice")
        throughout(5, lambda: self.assertEqual(alice.before_pong(), []))
        self.assertLessEqual(len(node.log_lines("itself")), 10)

    def test_another_name_than_the_one_dialled_is_refused(self) -> None:
        port = free_port()
        self.world.node("n2", *self.world.secret(), peer_listen=f"127.0.0.1:{port}")
        node = self.world.node("n1", "--peers", f"n3@127.0.0.1:{port}", *self.world.secret())
        eventually(lambda: node.log_lines("n3", "n2"), what="both names are in the log")
