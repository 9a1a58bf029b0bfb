"""Rows of the fault table: what an operator does on purpose, and what an operator is told."""

from __future__ import annotations

import signal
import time

import netns
from deadline import eventually
from faults.scene import NETWORK, Scene, row
from knocker import Knocker
from node import Node
from process import PEEK, run, run_tool


def rolling(scene: Scene, renew: str) -> None:
    nodes = scene.mesh()
    people = scene.people()
    scene.talk(people, rate=15)  # of each pair: 540 a second
    mark = scene.fault("it begins")
    for node in nodes:
        scene.fault(f"{node.name}: {renew}")
        began = time.monotonic()
        if renew == "SIGUSR2":
            upgrade(scene, node)
        else:
            restart(scene, node)
        scene.fleet.all_online(60)
        eventually(lambda: all(other.log_lines("link up", f"peer={node.name}") for other in nodes if other is not node), 30)
        scene.figure(f"{node.name} took", time.monotonic() - began)
        scene.flows(10)
    scene.waits(mark)


def upgrade(scene: Scene, node: Node) -> None:
    served = len(node.log_lines("msg=serving"))
    knocker = Knocker(node.client)
    eventually(lambda: knocker.greeted > 3, 10, "it is let in")
    node.signal(signal.SIGUSR2)
    eventually(lambda: len(node.log_lines("msg=serving")) > served, 30, "the new one serves")
    scene.flows()
    knocker.finish()
    assert not knocker.failures, knocker.failures[:3]
    scene.figure("nobody refused, longest wait to be let in", knocker.longest)


def restart(scene: Scene, node: Node) -> None:
    node.keep_ports()
    drained = run_tool("--http", node.ready["http"], "drain")
    assert drained.returncode == 0, drained.stderr
    node.stop()
    node.start()


@row("rolling restart of all nodes, each with crosstalk drain and SIGTERM")
def rolling_restart(scene: Scene) -> None:
    rolling(scene, "drain and SIGTERM")


@row("rolling upgrade of all nodes by SIGUSR2")
def rolling_upgrade(scene: Scene) -> None:
    rolling(scene, "SIGUSR2")


def peek(host: netns.Host, node: Node) -> tuple[int, str]:
    """cluster-peek --check beside that node."""
    ran = run(*host.enter, PEEK, "--http", node.ready["http"], "--check", within=20)
    return ran.returncode, ran.stdout.strip()


def ready(host: netns.Host, node: Node) -> tuple[int, str]:
    with host.inside():
        answer = node.ask("GET", "/readyz")
        return answer.status, answer.body.decode()


@row("a link cut one way, as cluster-peek --check and /readyz tell it", needs=[NETWORK])
def told_of_a_cut(scene: Scene) -> None:
    nodes = scene.hosted()
    hosts = scene.hosts
    people = scene.people()
    scene.talk(people)
    eventually(lambda: all(peek(host, node)[0] == 0 for host, node in zip(hosts, nodes)), 30, "all is well")
    assert all(ready(host, node)[0] == 200 for host, node in zip(hosts, nodes))
    mark = scene.fault("n2 hears nothing of n1")
    hosts[1].lose(hosts[0])

    def named(host: netns.Host, node: Node) -> bool:
        status, line = peek(host, node)
        return status == 1 and "n1 -> n2" in line

    for host, node in zip(hosts, nodes):
        eventually(lambda: named(host, node), 20, "the direction is named")
    within = time.monotonic() - mark
    scene.figure("named at every node after", within)
    for host, node in zip(hosts[:2], nodes[:2]):
        eventually(lambda: ready(host, node)[0] == 503, 20, "its ends are not ready")
    scene.figure("503 at both ends after", time.monotonic() - mark)
    scene.figure("/readyz of n1", ready(hosts[0], nodes[0])[1].strip(), "")
    detour = scene.fault("healed")
    hosts[1].heal()
    eventually(lambda: all(peek(host, node)[0] == 0 for host, node in zip(hosts, nodes)) and
               all(ready(host, node)[0] == 200 for host, node in zip(hosts, nodes)), 30, "all is well again")
    scene.figure("well again after", time.monotonic() - detour)
    assert within < 6.0, within
    scene.flows()
