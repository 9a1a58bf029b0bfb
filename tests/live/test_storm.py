"""Half a million chats while every link is cut twenty times: all arrive, in order, none twice."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

from cluster import LiveTest
from deadline import PATIENCE, eventually
from process import spawn
from proxy import FaultProxy

CHATS = int(os.environ.get("CROSSTALK_STORM_CHATS", "500000"))
CUTS = 20


def both_dialled(proxy: FaultProxy) -> bool:
    return proxy.live() == 2


class Storm(LiveTest):
    alone = True

    def test_half_a_million_chats_while_every_link_is_cut_twenty_times(self) -> None:
        pairs = [self.world.behind_proxy(f"n{number}", start=False) for number in (1, 2, 3)]
        nodes, proxies = [node for node, _ in pairs], [proxy for _, proxy in pairs]
        self.world.start(nodes)
        addresses = [node.ready["client"] for node in nodes]
        load = spawn([sys.executable, str(Path(__file__).with_name("load.py")), "--gated", "--chats", str(CHATS),
                      *addresses], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert load.stdout is not None and load.stdin is not None
        # The cuts are spread over the chats, so that there is traffic on every link at each of them, and between two.
        part = CHATS // (CUTS + 1)
        cuts = 0
        load.stdin.write(b"%d\n" % (2 * part))
        last = ""
        for line in load.stdout:
            last = line.decode()
            if last[0].isdigit() and cuts < CUTS and int(last) > part * cuts:
                while not self.all_cut(proxies, reset=cuts % 2 == 0):
                    pass
                cuts += 1
                load.stdin.write(b"%d\n" % (CHATS if cuts == CUTS else part * (cuts + 2)))
        self.assertEqual(load.wait(PATIENCE), 0, last)
        result = json.loads(last)
        print(result)
        self.assertEqual(result["wrong"], [])
        self.assertEqual((result["received"], result["confirmed"]), (CHATS, result["with_id"]))
        self.assertEqual(cuts, CUTS)
        self.world.whole(nodes)

    def all_cut(self, proxies: list[FaultProxy], *, reset: bool) -> bool:
        """Only a round that met both peers' connections at every proxy counts."""
        for proxy in proxies:
            eventually(functools.partial(both_dialled, proxy), what="both peers dialled again")
        return [proxy.cut(reset) for proxy in proxies] == [2, 2, 2]
