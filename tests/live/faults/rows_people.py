"""Rows of the fault table: people who do not read, come all at once, hop, or are in several places."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from deadline import PATIENCE, eventually
from faults.scene import Scene, quantile, row
from node import Node

MB = 1 << 20


def rss(node: Node) -> int:
    """Bytes of memory that the process has right now."""
    assert node.process is not None
    for line in Path(f"/proc/{node.process.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@row("a reader that never reads while 50 MB are sent to it, of which its mailbox takes 30", telling=True)
def deaf_reader(scene: Scene) -> None:
    total = scene.count(5100, 900)
    bound = total * 3 // 5
    nodes = scene.mesh(3, mailbox={"max": bound})
    people = scene.people(6)
    scene.talk(people)
    deaf = scene.user(1, "deaf", receive_buffer=4096)
    senders = [scene.user(k, f"sender{k}") for k in range(3)]
    scene.fleet.all_online()
    scene.flows(10)
    # The like of it to one who reads, so that what any such load takes is there already.
    warm = [scene.fleet.stream(sender, people[1], 250, window=48, pad=" " + "x" * 10_000) for sender in senders]
    eventually(lambda: all(stream.done() for stream in warm), 60, "one who reads has read as much")
    scene.fleet.do(lambda: scene.fleet.deafen(deaf))
    calm = time.monotonic()
    scene.watch(1)
    before = [rss(node) for node in nodes]
    peak = list(before)
    mark = scene.fault("the flood begins")
    floods = [scene.fleet.stream(sender, deaf, total // 3, window=48, pad=" " + "x" * 10_000) for sender in senders]

    def measured() -> bool:
        for k, node in enumerate(nodes):
            peak[k] = max(peak[k], rss(node))
        return all(flood.done() for flood in floods)

    eventually(measured, 120, "every chat of the flood has its outcome")
    end = scene.fault("the flood is over")
    told = sum((flood.told for flood in floods), Counter[str]())
    assert told["written"] + told["stored"] + told["mailbox_full"] == total, told
    assert told["stored"] == bound or told["mailbox_full"] == 0, told
    scene.figure("sent in", end - mark)
    for k, node in enumerate(nodes):
        scene.figure(f"memory of {node.name}", (peak[k] - before[k]) / MB, "MB more")
    scene.figure("p99 of the others before", scene.p99(calm, mark))
    scene.figure("meanwhile", quantile(sorted(
        m.sightings[0].at - m.first_sent for m in scene.seen_messages(
            lambda m: bool(m.sightings) and mark <= m.first_sent < end and m.key[1] != "deaf")), 0.99))
    if not scene.short:
        assert max(after - at for after, at in zip(peak, before)) < 4 * MB, (before, peak)
    deaf.receive_buffer = None
    began = scene.fault("it reads at last")
    scene.fleet.do(lambda: scene.fleet.deafen(deaf, False))

    def has_all() -> bool:
        return all(m.sightings or not m.acked("stored") for m in scene.fleet.history.messages.values()
                   if m.key[1] == "deaf")

    scene.fleet.look(has_all, 60, "it has all that was stored for it")
    scene.figure(f"read {told['stored']} of the mailbox in", time.monotonic() - began)
    scene.figure("mailbox_full", str(told["mailbox_full"]))


@row("10,000 sessions lost and back at once")
def all_back_at_once(scene: Scene) -> None:
    nodes = scene.mesh()
    people = [scene.user(0 if k % 2 else 2, f"user{k}", acks=k % 4 < 2) for k in range(12)]
    scene.fleet.all_online()
    scene.talk(people)
    count = scene.count(10_000, 500)
    crowd = [scene.user(1, f"crowd{k}", come=False) for k in range(count)]
    began = time.monotonic()
    for at in range(0, count, 250):
        part = crowd[at:at + 250]
        scene.fleet.each(part, lambda roamer: roamer.come(0))
        scene.fleet.all_online(PATIENCE, *part)
    scene.figure("first logins", count / (time.monotonic() - began), "/s")
    calm = time.monotonic()
    scene.watch(1)
    mark = scene.kill(nodes[1])
    scene.fleet.look(lambda: not any(roamer.online and roamer.logins == 1 for roamer in crowd), 10, "all are lost")
    scene.fleet.all_online(60, *crowd)
    scene.figure(f"all {count} back after", time.monotonic() - mark)
    observer = scene.world.client(nodes[2], "observer")
    names = [roamer.name for roamer in crowd]
    for at in range(0, count, 1000):
        eventually(lambda: observer.knows(*names[at:at + 1000]), 30, "they are known")
    scene.figure("all known after", time.monotonic() - mark)
    end = time.monotonic()
    scene.watch(1)
    scene.restart(nodes[1])
    scene.figure("p99 of the others before", scene.p99(calm, mark))
    scene.figure("meanwhile", scene.p99(mark, end))
    scene.fleet.stream(people[0], crowd[0], 10)
    scene.fleet.stream(people[0], crowd[-1], 10)
    scene.flows(0)
    scene.waits(mark)


@row("one name logs in on three nodes as fast as it can, 10 s, written to all the while")
def duplicate_logins(scene: Scene) -> None:
    nodes = scene.mesh()
    people = scene.people(6)
    scene.talk(people)
    places = [scene.user(k, "everywhere", label=f"everywhere/{k}", acks=True) for k in range(3)]
    for roamer in people[:3]:
        scene.fleet.stream(roamer, "everywhere", rate=30)
    mark = time.monotonic()
    turns = 0

    def again() -> None:
        nonlocal turns
        for k, roamer in enumerate(places):
            if roamer.line is None and roamer.coming is None:
                turns += 1
                roamer.come(0)

    scene.watch(scene.seconds(10, 3), lambda: scene.fleet.do(again))
    end = scene.fault("one is left")
    # All ask to come in once more, and whoever is told that it is replaced stays away.
    scene.fleet.look(lambda: all(roamer.coming is None for roamer in places), 10)
    scene.fleet.do(lambda: places[1].hop(0))
    scene.fleet.look(lambda: places[1].online and not places[0].online and not places[2].online, 10,
                     "the newest is the one that is left")
    scene.figure("logins", turns / (end - mark), "/s")
    observers = [scene.world.client(node, f"observer{k}") for k, node in enumerate(nodes)]
    eventually(lambda: all(observer.knows("everywhere") for observer in observers), 10)
    scene.waits(end)


@row("a recipient that hops every 200 ms under load", telling=True)
def hopping_under_load(scene: Scene) -> None:
    scene.mesh()
    people = scene.people(6)
    scene.talk(people)
    hoppers = [scene.user(k, f"hopper{k}", acks=k % 2 == 0, lag_s=0.05) for k in range(4)]
    scene.fleet.all_online()
    for k, roamer in enumerate(hoppers):
        for sender in people[:3]:
            scene.fleet.stream(sender, roamer, rate=30)
    mark = time.monotonic()
    end = mark + scene.seconds(20, 4)
    while time.monotonic() < end:
        scene.fleet.each(hoppers, scene.hop)
        scene.watch(0.2)
    scene.fleet.each(hoppers, lambda roamer: roamer.come())
    scene.fleet.all_online()
    scene.figure("logins", str(sum(roamer.logins for roamer in hoppers)))
    scene.waits(mark)


@row("200 hops under a numbered stream: 1 … N in order")
def two_hundred_hops(scene: Scene) -> None:
    scene.mesh(3, mailbox={"max": 100_000})
    sender = scene.user(0, "sender")
    hopper = scene.user(1, "hopper", acks=True, lag_s=0.005)
    scene.fleet.all_online()
    stream = scene.fleet.stream(sender, hopper, rate=400)
    for hop in range(scene.count(200, 30)):
        seen = scene.fleet.seen
        scene.fleet.each([hopper], scene.hop)
        scene.fleet.look(lambda: hopper.online and scene.fleet.seen > seen + 5, 20, f"hop {hop}, then chats")
    verdict = scene.verdict()
    assert verdict.seen == stream.next == verdict.messages, verdict
    scene.figure("chats", str(stream.next))
    scene.figure("marked repeats", str(verdict.repeats))


@row("1,000 stored chats at login, at each node")
def a_day_offline(scene: Scene) -> None:
    nodes = scene.mesh()
    sender = scene.user(0, "sender")
    for k, node in enumerate(nodes):
        stream = scene.fleet.stream(sender, f"absent{k}", 1000)
        scene.fleet.settled()
        assert stream.told == {"stored": 1000}, stream.told
        began = time.monotonic()
        absent = scene.user(k, f"absent{k}", acks=k % 2 == 0)
        seen = scene.fleet.seen
        scene.fleet.look(lambda: scene.fleet.seen >= seen + 1000 or not scene.fleet.history.unseen(), 10, "all is seen")
        scene.figure(f"at {node.name}", time.monotonic() - began)
        assert absent.waiting == [1000], absent.waiting
        eventually(lambda: not scene.mailboxes(), 5, "the stream is gone")
