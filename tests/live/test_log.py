"""The log: nobody reads it, and lines are lost, but not the node; something comes and goes, and it is told seldom."""

from __future__ import annotations

import os
import re
import signal

from cluster import LiveTest, fresh, reached
from deadline import Deadline, eventually


class Log(LiveTest):
    def test_a_pipe_that_nobody_reads_stops_nobody(self) -> None:
        path = self.world.directory / "stderr"
        os.mkfifo(path)
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, pipe)
        node = self.world.node("n1", wrap=["sh", "-c", f'exec "$@" 2>{path}', "sh"])
        alice, bob = self.world.client(node, "alice"), self.world.client(node, "bob")
        for n in range(600):  # a line or more each; a pipe holds 64 KiB
            node.signal(signal.SIGUSR1)
            alice.chat("bob", n, id=str(n))
            self.assertEqual(bob.next()["content"], n)
            self.assertEqual(alice.outcome(str(n)), "written")
        text = b""

        def dropped() -> re.Match[bytes] | None:
            nonlocal text
            try:
                while part := os.read(pipe, 65536):
                    text += part
            except BlockingIOError:
                pass
            return re.search(rb'msg="lines were dropped" lines=(\d+)\n', text)

        count = eventually(dropped, what="it is told how many lines were dropped")
        self.assertGreater(int(count[1]), 100)
        for line in text.splitlines():
            self.assertTrue(line.startswith(b"ts="), line)
        node.stop()
        dropped()
        self.assertIn(b"msg=stopped", text)

    def test_a_link_that_comes_and_goes_is_told_at_doublings(self) -> None:
        one = self.world.member("n1")
        other, proxy = self.world.behind_proxy("n2")
        self.world.whole([one, other])
        user = self.world.client(other, "user")
        cuts = 6
        for _ in range(cuts):
            eventually(proxy.live, what="the link is up")
            dials = proxy.dials()
            reached(self.world.client(one, fresh()), user, Deadline(20))
            proxy.cut()
            eventually(lambda: proxy.dials() > dials, 20, "it is dialled again")
        self.world.whole([one, other], 30)
        down = one.log_lines("msg=\"link down\"", "peer=n2")
        self.assertEqual([line.rsplit("times=", 1)[1] for line in down], ["1", "2", "4"])
        # The first time, and where its going was told.
        self.assertLessEqual(len(one.log_lines("msg=\"link up\"", "peer=n2")), 1 + len(down))
