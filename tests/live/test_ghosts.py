"""Members of the Redis set behind which there is no node: dialled sparingly, given up in time, taken out."""

from __future__ import annotations

import socket
from pathlib import Path

from cluster import LiveTest, fresh
from deadline import SLOWNESS, eventually, throughout
from process import free_port
from proxy import FaultProxy, Mode

LINKED_WITHIN = 3.0
OUT_WITHIN = 15.0
DIALS_MAX = 15
DIALS_WINDOW_S = 10.0


class Ghosts(LiveTest):
    """Members of the set behind which there is no node."""

    def test_one_that_accepts_and_closes_is_dialled_at_most_15_times_in_10_s(self) -> None:
        self.dials_are_bounded(Mode.SLAM)

    def test_one_that_swallows_is_given_up_after_2_s(self) -> None:
        ghost = self.dials_are_bounded(Mode.SWALLOW)
        ended = [dial.closed - dial.opened for dial in ghost.connections if dial.closed is not None]
        self.assertGreaterEqual(len(ended), 2)
        for seconds in ended:
            self.assertGreater(seconds, 1.0, "a slow peer is given its time")
            self.assertLess(seconds, 2.0 + 2.0 * SLOWNESS)

    def test_one_whose_machine_swallows_the_dial_is_given_up_after_2_s(self) -> None:
        self.world.mesh(1)
        with socket.create_server(("127.0.0.1", 0), backlog=0) as ghost:
            port = ghost.getsockname()[1]
            # With the backlog full the kernel drops what comes after, like a firewall.
            fillers = [socket.socket() for _ in range(3)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            ours = {filler.getsockname()[1] for filler in fillers}
            self.world.redis.set_lease("ghost", f"127.0.0.1:{port}", 60)
            self.world.redis.add_node(f"ghost@127.0.0.1:{port}")
            first = eventually(lambda: dialling(port) - ours, 5, "the ghost is dialled")
            eventually(lambda: not dialling(port) & first, 4, "the dial is given up")
            eventually(lambda: dialling(port) - ours - first, 15, "it is dialled again, by a new connection")
            for filler in fillers:
                filler.close()

    def test_one_without_lease_that_answers_no_dial_is_taken_out_within_15_s(self) -> None:
        nodes = self.world.mesh(2)
        ghosts = [self.world.proxy(mode=mode) for mode in (Mode.REFUSE, Mode.SLAM, Mode.SWALLOW)]
        with self.world.undisturbed(*nodes):
            for number, ghost in enumerate(ghosts):
                self.world.redis.add_node(f"ghost{number}@{ghost.text}")
            self.world.whole_set(nodes, OUT_WITHIN)

    def test_members_that_make_no_sense_hurt_nobody(self) -> None:
        nodes = self.world.mesh(2)
        for member in ("", "n9", "@127.0.0.1:1", "n9@", "n9@127.0.0.1", "n9@127.0.0.1:0", "n9@127.0.0.1:99999",
                       "n9@0.0.0.0:9601", "n 9@127.0.0.1:1", "n9@no.such.host.invalid:1", "x" * 5000,
                       "n9@" + "h" * 300 + ":1", "n9\n@127.0.0.1:1"):
            self.world.redis.add_node(member)
        with self.world.undisturbed(*nodes):
            newcomer = self.world.member("n3")
            self.world.whole([*nodes, newcomer], LINKED_WITHIN)

    def test_an_old_address_beside_the_new_one_is_taken_out(self) -> None:
        nodes = self.world.mesh(3)
        old = f"n2@127.0.0.1:{free_port()}"
        with self.world.undisturbed(*nodes[:2]):
            self.world.redis.add_node(old)
            self.world.out_of_the_set(old, OUT_WITHIN)
            self.world.whole_set(nodes, 1)

    def test_a_live_link_counts_for_more_than_a_lease(self) -> None:
        nodes = self.world.mesh(3)

        def no_lease() -> None:
            self.world.redis.call("DEL", self.world.redis.prefix + "lease:n2")
            self.assertIn(nodes[1].member, self.world.redis.nodes())

        with self.world.undisturbed(*nodes[:2]):
            throughout(OUT_WITHIN, no_lease)

    def dials_are_bounded(self, mode: Mode) -> FaultProxy:
        node = self.world.mesh(1)[0]
        ghost = self.world.proxy(mode=mode)
        self.world.redis.set_lease("ghost", ghost.text, 60)  # with a lease it stays in the set
        self.world.redis.add_node(f"ghost@{ghost.text}")
        eventually(ghost.dials, LINKED_WITHIN, "the ghost is dialled")
        alice = self.world.client(node, fresh())
        throughout(DIALS_WINDOW_S * 1.5, lambda: self.assertEqual(alice.before_pong(), []))
        times = [dial.opened for dial in ghost.connections]
        self.assertGreaterEqual(len(times), 2, "it is tried again")
        busiest = max(sum(begin <= at < begin + DIALS_WINDOW_S for at in times) for begin in times)
        self.assertLessEqual(busiest, DIALS_MAX)
        return ghost


def dialling(port: int) -> set[int]:
    """Local ports of connections to this port whose SYN was not answered yet (state 02 in /proc/net/tcp)."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, state = line.split()[1:4]
        if state == "02" and int(remote.split(":")[1], 16) == port:
            found.add(int(local.split(":")[1], 16))
    return found
