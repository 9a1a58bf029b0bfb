"""What every node knows of the whole mesh, and whether its links deliver."""

from __future__ import annotations

import json
from typing import Any

from cluster import LiveTest
from deadline import eventually
from node import Node
from process import free_port
from proxy import Carried

Picture = dict[str, Any]

# Frames of the canary (peer/frame.h: 35 and its way back, 36), and a type that counts for nothing.
CANARIES = (b"\x09\x00\x00\x00\x23", b"\x11\x00\x00\x00\x24")
NOTHING = b"\x09"


def links(picture: Picture) -> dict[tuple[str, str], dict[str, Any]]:
    return {(link["from"], link["to"]): link for link in picture["links"]}


def outline(picture: Picture) -> Any:
    """What is the same wherever it is asked for."""
    return (picture["whole"],
            [(node["name"], node["state"], node["listed"], node["incarnation"], node["peer"], node["client"], node["http"],
              node["version"], node["sessions"], node["stage"], node["settings"]) for node in picture["nodes"]],
            [(link["from"], link["to"], link["state"], link.get("accepted")) for link in picture["links"]])


class Knowledge(LiveTest):
    def asked(self, nodes: list[Node]) -> list[Picture]:
        return [node.told("/v1/cluster") for node in nodes]

    def test_any_node_tells_of_all(self) -> None:
        nodes = self.world.mesh(3)
        self.world.client(nodes[2], "alice")

        def same() -> list[Picture] | None:
            pictures = self.asked(nodes)
            known = all({"version", "sessions"} <= node.keys() for picture in pictures for node in picture["nodes"])
            full = known and all([link.get("accepted") for link in picture["links"]] == [True] * 6 for picture in pictures)
            return pictures if full and pictures[0]["nodes"][2]["sessions"] == 1 and \
                len({json.dumps(outline(picture)) for picture in pictures}) == 1 else None

        picture = eventually(same, 10, "all tell the same")[0]
        self.assertTrue(picture["whole"])
        for sight, node in zip(picture["nodes"], nodes):
            self.assertEqual((sight["client"], sight["http"]), (node.ready["client"], node.ready["http"]))
            self.assertEqual((sight["state"], sight["listed"], sight["stage"], sight["redis"]),
                             ("alive", True, "serving", "up"))
            self.assertEqual(sight["settings"]["mesh.hold_ms"], "2000")
            self.assertGreater(sight["memory_bytes"], 1_000_000)
            self.assertLess(sight.get("age_ms", 0), 10_000)
        between = links(picture)["n2", "n3"]
        self.assertEqual((between["state"], between["accepted"]), ("up", True))
        self.assertLess(between["rtt_us"], 1_000_000)
        joined = {(event["what"], event["peer"]) for event in picture["events"]}
        self.assertLessEqual({("node_joined", "n2"), ("link_up", "n3"), ("accepted", "n2")}, joined)
        eventually(lambda: all(link.get("canary") == "ok" for picture in self.asked(nodes) for link in picture["links"]),
                   20, "canaries have come back everywhere")
        nodes[1].kill()
        eventually(lambda: {link["state"] for node in (nodes[0], nodes[2])
                            for ends, link in links(node.told("/v1/cluster")).items() if "n2" in ends} <= {
                                "down", "backoff", "connecting"}, 6, "its links are told to be down")
        eventually(lambda: all(picture["whole"] and len(picture["nodes"]) == 2
                               for picture in self.asked([nodes[0], nodes[2]])), 30, "it is gone for both")

    def between(self) -> tuple[list[Node], Any]:
        """Three nodes; n1's link to n2 leads through the proxy, and nothing else does."""
        ports = {name: free_port() for name in ("n1", "n2", "n3")}
        proxy = self.world.proxy(("127.0.0.1", ports["n2"]))
        nodes = []
        for name, port in ports.items():
            peers = [f"{peer}@127.0.0.1:{at}" for peer, at in ports.items() if (name, peer) != ("n1", "n2")]
            peers += [f"n2@{proxy.text}"] if name == "n1" else []
            nodes.append(self.world.node(name, "--peers", ",".join(peers), *self.world.secret(),
                                         peer_listen=f"127.0.0.1:{port}", start=False))
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait_ready()
        self.well(nodes, 10)
        return nodes, proxy

    def well(self, nodes: list[Node], within: float) -> None:
        eventually(lambda: all(picture["whole"] for picture in self.asked(nodes)), within, "it is whole")
        eventually(lambda: not any(node.unready() for node in nodes), within, "all are ready")

    def test_a_link_that_is_cut_one_way_is_named_by_every_node(self) -> None:
        nodes, proxy = self.between()
        proxy.stall()

        def named(picture: Picture) -> bool:
            if picture["whole"]:
                return False
            all_links = links(picture)
            broken = [ends for ends, link in all_links.items() if link["state"] != "up" or not link.get("accepted")]
            return broken == [("n1", "n2")] and bool(all_links["n1", "n2"].get("why"))

        eventually(lambda: all(named(picture) for picture in self.asked(nodes)), 6, "all name the direction")
        eventually(lambda: nodes[0].unready().startswith("link to n2: "), 4, "n1 is not ready")
        eventually(lambda: nodes[1].unready() == "link from n1: down", 4, "n2 is not ready")
        self.assertEqual(nodes[2].unready(), "")
        proxy.resume()
        self.well(nodes, 15)

    def test_a_link_that_answers_and_delivers_nothing(self) -> None:
        nodes, proxy = self.between()
        eventually(lambda: links(nodes[2].told("/v1/cluster"))["n1", "n2"].get("canary") == "ok", 10, "it delivers")

        def swallow(_carried: Carried, to_node: bool, _passed: int, data: bytes) -> bytes:
            for canary in CANARIES if to_node else ():
                data = data.replace(canary, canary[:-1] + NOTHING)
            return data

        proxy.mangle = swallow
        lost = "canary n1 -> n2 lost"
        for node in nodes[:2]:
            eventually(lambda node=node: node.unready() == lost, 11, f"{node.name} names the direction")

        def named(picture: Picture) -> bool:
            there, back = links(picture)["n1", "n2"], links(picture)["n2", "n1"]
            return not picture["whole"] and there["state"] == "up" and \
                all((link.get("canary"), link.get("canary_why")) == ("lost", lost) for link in (there, back))

        eventually(lambda: all(named(picture) for picture in self.asked(nodes)), 2, "all tell so")
        self.assertTrue(nodes[0].log_lines("no delivery", lost))
        proxy.mangle = None
        self.well(nodes, 15)
