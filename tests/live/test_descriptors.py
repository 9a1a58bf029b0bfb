"""File descriptors run out: clients wait, and nothing else does."""

from __future__ import annotations

import os
import resource
import select
import socket

from cluster import LiveTest, fresh, reached
from deadline import Deadline, eventually, throughout
from node import Node

LIMIT = 80
LINKED_WITHIN = 3.0
LEASE_S = 10.0


def limited(soft: int, hard: int) -> list[str]:
    return ["prlimit", f"--nofile={soft}:{hard}"]


class Descriptors(LiveTest):
    def test_the_soft_limit_is_raised_to_the_hard_one(self) -> None:
        node = self.world.node("n1", wrap=limited(100, 4000))
        assert node.process is not None
        self.assertEqual(resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE), (4000, 4000))

    def test_clients_wait_and_the_mesh_lives_on(self) -> None:
        nodes = [self.world.member("n1", start=False), self.world.member("n2", wrap=limited(LIMIT, LIMIT), start=False)]
        self.world.start(nodes)
        tight = nodes[1]
        resident = self.world.client(tight, fresh("resident"))
        with self.world.undisturbed(*nodes):
            crowd = self.crowd(tight, 2 * LIMIT)
            eventually(lambda: self.told(tight), what="it is told that clients wait")
            inside = self.served(crowd)
            self.assertGreater(len(inside), 20)
            self.assertLess(len(inside), LIMIT - 10)

            # Another node comes, and Redis comes back.
            newcomer = self.world.member("n3")
            eventually(lambda: tight.log_lines("link up", "peer=n3"), LINKED_WITHIN, "the newcomer is linked")
            guest = self.world.client(newcomer, fresh("guest"))
            reached(guest, resident, Deadline(LINKED_WITHIN))
            reached(resident, guest, Deadline(LINKED_WITHIN))
            self.world.redis.call("CLIENT", "KILL", "TYPE", "pubsub")
            self.world.redis.call("CLIENT", "KILL", "TYPE", "normal")
            self.world.redis.call("FLUSHALL")
            self.world.whole_set([*nodes, newcomer], LEASE_S)

            # One goes, one comes: for those who wait it goes on being short.
            for one in inside[:5]:
                one.close()
            eventually(lambda: len(self.served(crowd)) >= len(inside), what="others are let in for them")
            throughout(2, lambda: self.assertEqual(self.told(tight), 1))
            # Redis's four connections may have moved to what is kept back.
            self.assertIn(len(self.served(crowd)) - len(inside), range(5))
            self.assertEqual(self.told_over(tight), 0)

            for one in self.served(crowd):
                one.close()
            while waiting := [one for one in crowd if one.fileno() >= 0]:
                for one in eventually(lambda: self.served(waiting), what="those who waited are served"):
                    one.close()
            eventually(lambda: self.told_over(tight), what="it is told that nobody waits any more")
        self.assertEqual((self.told(tight), self.told_over(tight)), (1, 1))
        self.world.whole([*nodes, newcomer])

    def test_room_is_left_for_a_node_that_starts_without_redis(self) -> None:
        """The clients were there first."""
        redis = self.world.redis
        redis.shutdown()
        tight = self.world.member("n1", wrap=limited(LIMIT, LIMIT))
        crowd = self.crowd(tight, LIMIT)
        eventually(lambda: self.told(tight), what="it is told that clients wait")
        redis.start()
        other = self.world.member("n2")
        self.world.whole_set([tight, other], LEASE_S)
        for node in (tight, other):
            eventually(lambda node=node: node.log_lines("link up"), LINKED_WITHIN, "they are linked")
        for one in crowd:
            one.close()
        self.world.whole([tight, other])
        assert tight.process is not None
        self.assertLess(len(os.listdir(f"/proc/{tight.process.pid}/fd")), LIMIT)

    def crowd(self, node: Node, count: int) -> list[socket.socket]:
        """So many who connect; who is not let in waits in the kernel's queue."""
        crowd = [socket.create_connection(node.client) for _ in range(count)]
        for one in crowd:
            self.addCleanup(one.close)
        return crowd

    def served(self, crowd: list[socket.socket]) -> list[socket.socket]:
        """Those the server has greeted."""
        return select.select([one for one in crowd if one.fileno() >= 0], [], [], 0)[0]

    def told(self, node: Node) -> int:
        return len(node.log_lines("level=warn", "no more clients are accepted"))

    def told_over(self, node: Node) -> int:
        return len(node.log_lines("clients are accepted again"))
