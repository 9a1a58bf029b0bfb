"""Rows of the fault table: nodes that die, stop, run out of something, or have another idea of the time."""

from __future__ import annotations

import os
import socket
import time

from clock import WallClock
from deadline import eventually
from faults.scene import WALL_CLOCK, Scene, row
from roamer import Roamer


@row("kill -9 of the owner", telling=True)
def kill_owner(scene: Scene) -> None:
    nodes = scene.mesh()
    people = scene.people()
    scene.talk(people)
    owned = people[1::3]
    # Half of them stay away for a while; what is sent to them goes to their mailboxes.
    scene.fleet.each(owned[::2], lambda roamer: setattr(roamer, "come_back", False))
    mark = scene.kill(nodes[1])
    eventually(lambda: scene.logged((nodes[0], nodes[2]), mark, "node given up") is not None, 30)
    scene.figure("given up after", scene.logged((nodes[0], nodes[2]), mark, "node given up") or 0.0)
    scene.flows(20)
    drain(scene, owned[::2])
    scene.restart(nodes[1])
    scene.flows()
    scene.figure("slowest to one who came back at once", scene.held_up(mark, *owned[1::2])[0])


def drain(scene: Scene, roamers: list[Roamer]) -> None:
    """They log in again; how long it takes until they have what waited for them."""
    before = {roamer.name: roamer.logins for roamer in roamers}
    began = scene.fault("those who were away come back")
    scene.fleet.each(roamers, lambda roamer: roamer.come(2))
    scene.fleet.all_online(30, *roamers)
    assert all(roamer.logins > before[roamer.name] for roamer in roamers)
    waited = sum(roamer.waiting[-1] for roamer in roamers)

    def drained() -> bool:
        names = set(before)
        return not any(message.key[1] in names and not message.sightings and message.first_sent < began
                       and message.acked("stored") for message in scene.fleet.history.messages.values())

    scene.fleet.look(drained, 30, "what waited is seen")
    scene.figure(f"{waited} drained in", time.monotonic() - began)


@row("kill -9 of the sender's node", telling=True)
def kill_senders_node(scene: Scene) -> None:
    nodes = scene.mesh()
    people = scene.people()
    scene.talk(people[0::3] + people[1::3], rate=60)
    mark = scene.kill(nodes[0])
    scene.flows(20)
    scene.fleet.all_online()
    scene.watch(scene.seconds(3, 0))
    scene.restart(nodes[0])
    scene.watch(scene.seconds(2, 0))
    scene.flows()
    scene.waits(mark)


@row("kill -9 of both in turn")
def kill_both_in_turn(scene: Scene) -> None:
    nodes = scene.mesh()
    people = scene.people()
    scene.talk(people)
    mark = scene.kill(nodes[1])
    scene.flows(1)
    scene.kill(nodes[0])
    scene.flows(20, 60)
    scene.watch(scene.seconds(3, 0))
    scene.restart(nodes[1])
    scene.restart(nodes[0])
    scene.watch(scene.seconds(2, 0))
    scene.flows()
    scene.fleet.all_online()
    scene.waits(mark)


@row("a node killed every 5 s for 40 s; clients log in elsewhere and send again")
def kill_every_5_s(scene: Scene) -> None:
    nodes = scene.mesh()
    people = scene.people(18)
    scene.talk(people, rate=15)
    mark = time.monotonic()
    for turn in range(scene.count(8, 2)):
        victim = nodes[turn % 3] if turn < 3 else scene.chance.choice(nodes)
        scene.kill(victim)
        scene.watch(scene.seconds(2.5, 1))
        scene.restart(victim)
        scene.watch(scene.seconds(2.5, 1))
    scene.fleet.all_online()
    scene.waits(mark)


@row("SIGSTOP 30 s of an owner; half of its users go elsewhere after 3 s, half wait")
def stop_owner(scene: Scene) -> None:
    nodes = scene.mesh()
    people = scene.people()
    movers, waiters = people[1::6], people[4::6]
    scene.fleet.each(movers, lambda roamer: roamer.be_wary(3.0))
    scene.talk(people)
    scene.fleet.do(scene.fleet.history.slow)
    mark = scene.fault("SIGSTOP n2")
    nodes[1].pause()
    eventually(lambda: scene.logged((nodes[0], nodes[2]), mark, "link down") is not None, 30)
    scene.figure("link down after", scene.logged((nodes[0], nodes[2]), mark, "link down") or 0.0)
    scene.watch(max(0.0, scene.seconds(30, 14) - (time.monotonic() - mark)))
    back = scene.fault("SIGCONT n2")
    nodes[1].resume()
    scene.flows(20)
    scene.fleet.all_online()
    scene.flows(10)
    scene.fleet.do(scene.fleet.history.prompt)
    scene.figure("slowest to one who moved", scene.held_up(mark, *movers)[0])
    scene.figure("to one who waited", scene.held_up(mark, *waiters)[0])
    scene.figure("all prompt again after SIGCONT", scene.held_up(back)[1])


@row("wall clock jumps +1 h, −1 h, and back", needs=[WALL_CLOCK])
def clock_jumps(scene: Scene) -> None:
    clocks = [WallClock(scene.world.directory, name) for name in ("n1", "n2")]
    scene.nodes = [scene.world.member(f"n{k + 1}", environment=clock.environment, start=False)
                   for k, clock in enumerate(clocks)] + [scene.world.member("n3", start=False)]
    scene.world.start(scene.nodes)
    people = scene.people()
    scene.talk(people)
    mark = time.monotonic()
    for clock, seconds in ((clocks[0], 3600), (clocks[1], -3600), (clocks[0], -3600), (clocks[1], 0), (clocks[0], 0)):
        scene.fault(f"a clock is {seconds:+d} s off")
        clock.jump(seconds)
        # Logins while the clocks differ: the newest wins whatever they say.
        scene.fleet.each(people[::4], lambda roamer: roamer.hop(roamer.at + 1))
        scene.watch(scene.seconds(3, 1))
        scene.fleet.all_online()
    assert not any(node.log_lines("node given up") for node in scene.nodes), "a clock is no reason to give up a node"
    scene.waits(mark)


@row("file descriptors exhausted", telling=True)
def descriptors_exhausted(scene: Scene) -> None:
    nodes = scene.mesh(2)
    small = scene.world.member("n3", wrap=["prlimit", "--nofile=64:64"])
    scene.nodes.append(small)
    scene.world.whole(scene.nodes)
    people = scene.people(9)
    scene.talk(people)
    mark = scene.fault("the descriptors of n3 run out")
    crowd = [socket.create_connection(small.client) for _ in range(100)]  # the last ones are not accepted
    scene.watch(3)
    lines = small.log_lines("file descriptors")
    scene.figure("lines in the log", f"{len(lines)}")
    assert 1 <= len(lines) <= 3, lines
    used = cpu_s(small.process.pid) if small.process else 0.0
    scene.watch(2)
    scene.figure("CPU of n3 meanwhile", 50 * (cpu_s(small.process.pid) - used) if small.process else 0.0, "%")
    for one in crowd:
        one.close()
    mark_free = scene.fault("they are free again")
    client = scene.world.client(small, "latecomer")
    scene.figure("accepts again after", time.monotonic() - mark_free)
    client.close()
    assert not any(node.log_lines("link down") for node in nodes + [small]), "the links live on"
    assert all(roamer.logins == 1 for roamer in people), "the sessions live on"
    scene.waits(mark)


def cpu_s(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
