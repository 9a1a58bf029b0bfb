"""Redis fails over: the nodes follow the Sentinels, and nobody who is online notices."""

from __future__ import annotations

from cluster import LiveTest
from deadline import eventually
from node import Node
from process import free_port
from redisd import Redis, Sentinel

LINKED_WITHIN = 3.0
# A second until it is noticed, two at most until the next try, one for the next lease.
FOLLOWED_WITHIN = 5.0
CHOSEN_WITHIN = 20.0


class Failover(LiveTest):
    def setUp(self) -> None:
        super().setUp()
        self.one = self.redis()
        self.other = self.redis(replica_of=self.one)
        eventually(lambda: self.one.call("WAIT", 1, 100) == 1, what="the replica follows")
        self.sentinels = [Sentinel(self.world.directory, self.one) for _ in range(3)]
        for sentinel in self.sentinels:
            self.addCleanup(sentinel.kill)
        eventually(lambda: all(sentinel.knows(replicas=1, sentinels=2) for sentinel in self.sentinels),
                   what="the Sentinels know each other")

    def redis(self, replica_of: Redis | None = None) -> Redis:
        redis = Redis(self.world.directory, replica_of=replica_of)
        redis.start()
        self.addCleanup(redis.close)
        return redis

    def member(self, name: str) -> Node:
        """A node that is told of the Sentinels, and first of one that is not there."""
        addresses = [f"127.0.0.1:{free_port()}"] + [sentinel.address for sentinel in self.sentinels]
        return self.world.node(name, *self.world.secret(), *self.world.settings(
            redis={"sentinels": addresses, "master": Sentinel.MASTER}), start=False)

    def mesh(self) -> list[Node]:
        nodes = [self.member(f"n{number}") for number in (1, 2, 3)]
        self.world.start(nodes)
        self.assertEqual(self.one.nodes(), {node.member for node in nodes})
        return nodes

    def follow(self, nodes: list[Node]) -> None:
        """Once the other is the master the nodes are in its set, and one that starts is linked with them."""
        eventually(lambda: self.other.role() == "master", CHOSEN_WITHIN, "the other is the master")
        # What was copied is no sign; a lease that is renewed is.
        self.other.call("FLUSHALL")
        eventually(lambda: self.other.nodes() == {node.member for node in nodes}, 2 * FOLLOWED_WITHIN,
                   "the nodes are in the other's set")
        nodes.append(self.member("n4"))
        nodes[-1].start()
        self.world.whole(nodes, LINKED_WITHIN)

    def test_a_failover_that_was_asked_for(self) -> None:
        nodes = self.mesh()
        with self.world.undisturbed(*nodes):
            self.sentinels[0].fail_over()
            self.follow(nodes)
        eventually(lambda: self.one.role() == "slave", what="the old master is a replica")
        self.assertEqual(self.other.nodes(), {node.member for node in nodes})

    def test_a_master_that_is_killed(self) -> None:
        nodes = self.mesh()
        with self.world.undisturbed(*nodes):
            self.one.kill()
            self.follow(nodes)
        for node in nodes[:3]:
            down = node.log_lines("redis down")
            self.assertLessEqual(len(down), 6, "a failure that repeats is told at doublings")
            self.assertTrue(node.log_lines("redis up", str(self.other.port)))

    def test_a_sentinel_that_is_gone_changes_nothing(self) -> None:
        nodes = self.mesh()
        with self.world.undisturbed(*nodes):
            self.sentinels[0].kill()
            nodes.append(self.member("n4"))
            nodes[-1].start()
            self.world.whole(nodes, LINKED_WITHIN)
            self.sentinels[1].fail_over()
            eventually(lambda: self.other.role() == "master", CHOSEN_WITHIN, "the other is the master")
        for node in nodes:
            self.assertTrue(eventually(lambda node=node: node.log_lines("redis up", str(self.other.port)),
                                       2 * FOLLOWED_WITHIN, "it has found the other"))
