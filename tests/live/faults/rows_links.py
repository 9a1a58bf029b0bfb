"""Rows of the fault table: links that are cut, one way or both, lossy, slow, stalled, or gone without a word."""

from __future__ import annotations

import time
from functools import partial

from deadline import eventually
from faults.scene import NETWORK, Scene, quantile, row
from proxy import Mode, Shape
from roamer import How, Roamer


@row("two-way cut between two nodes, 10 s", needs=[NETWORK])
def cut_both_ways(scene: Scene) -> None:
    cut(scene, both=True)


@row("one-way cut, 10 s", needs=[NETWORK])
def cut_one_way(scene: Scene) -> None:
    cut(scene, both=False)


def cut(scene: Scene, both: bool) -> None:
    nodes = scene.hosted()
    people = scene.people()
    scene.talk(people)
    mark = scene.fault("n2 hears nothing of n1" + (", nor n1 of n2" if both else ""))
    one, two, _ = scene.hosts
    two.lose(one)
    if both:
        one.lose(two)
    eventually(lambda: scene.logged(nodes[:2], mark, "link down") is not None, 30, "it is noticed")
    scene.figure("noticed after", scene.logged(nodes[:2], mark, "link down") or 0.0)
    rerouted = eventually(lambda: stored_between(scene, people[0::3], people[1::3], mark), 30, "chats go by mailbox")
    scene.figure("first by mailbox after", min(rerouted) - mark)
    scene.watch(scene.seconds(10, 2))
    detour = scene.fault("both hear each other again")
    one.heal()
    two.heal()
    delays = scene.fleet.do(lambda: scene.fleet.history.delays(max(rerouted), detour))
    scene.figure("meanwhile p99", quantile(delays, 0.99))
    eventually(lambda: up_again(scene, detour), 30, "the link is up again")
    scene.figure("linked again after", time.monotonic() - detour)
    assert not any(node.log_lines("node given up") for node in nodes), "who lives is not given up"
    scene.flows(20)
    scene.waits(mark)


def stored_between(scene: Scene, senders: list[Roamer], recipients: list[Roamer], since: float) -> list[float]:
    """When chats from the ones to the others were said to be stored."""
    names = {roamer.name for roamer in senders}, {roamer.name for roamer in recipients}
    return [sending.told for message in scene.seen_messages(
        lambda m: (m.key[0] in names[0] and m.key[1] in names[1]) or (m.key[1] in names[0] and m.key[0] in names[1]))
        for sending in message.sendings if sending.outcome == "stored" and sending.told > since]


def up_again(scene: Scene, since: float) -> bool:
    return scene.logged(scene.nodes[:2], since, "link up") is not None


@row("5 % of all packets between two nodes lost, 10 s", needs=[NETWORK])
def lossy(scene: Scene) -> None:
    scene.hosted()
    people = scene.people()
    scene.talk(people)
    calm = time.monotonic()
    scene.watch(2)
    mark = scene.fault("5 % loss between n1 and n2")
    one, two, _ = scene.hosts
    one.lose(two, 5)
    two.lose(one, 5)
    scene.watch(scene.seconds(10, 3))
    end = scene.fault("no loss any more")
    one.heal()
    two.heal()
    scene.figure("p99 before", scene.p99(calm, mark))
    scene.figure("p99 meanwhile", scene.p99(mark, end))
    scene.waits(mark)


@row("200 ms and 1 Mbit/s on one link, 10 s, more sent than it carries")
def slow_link(scene: Scene) -> None:
    scene.proxied()
    people = scene.people()
    scene.talk(people)
    flooder = scene.user(0, "flooder")
    scene.fleet.all_online()
    slow = scene.fleet.stream(flooder, people[1], window=400, pad="x" * 2000)
    calm = time.monotonic()
    scene.watch(1)
    mark = scene.fault("n1 → n2 is slow")
    scene.proxies[1].shape(Shape(0.2, 125_000), "n1")
    scene.watch(scene.seconds(10, 3))
    end = scene.fault("and fast again")
    scene.proxies[1].shape(None)
    scene.figure("p99 of all others before", others(scene, slow.stem, calm, mark))
    scene.figure("meanwhile to other nodes", others(scene, slow.stem, mark, end, people[2].name, people[5].name))
    scene.figure("on it", scene.p99(mark, end))
    scene.waits(mark)


def others(scene: Scene, stem: str, begin: float, end: float, *names: str) -> float:
    return quantile(sorted(m.sightings[0].at - m.first_sent for m in scene.seen_messages(
        lambda m: bool(m.sightings) and begin <= m.first_sent < end and not m.key[2].startswith(stem)
        and (not names or m.key[1] in names))), 0.99)


@row("a peer that stops reading, 3 s and 12 s")
def stalled_peer(scene: Scene) -> None:
    nodes = scene.proxied()
    people = scene.people()
    scene.talk(people)
    begin = time.monotonic()
    for seconds in (3.0, scene.seconds(12, 8)):
        mark = scene.fault(f"n2 reads nothing of its peers for {seconds:g} s")
        scene.proxies[1].stall(to_node=True, from_node=False)
        scene.watch(seconds)
        scene.fault("it reads again")
        scene.proxies[1].resume()
        scene.figure(f"between the others ({seconds:g} s)",
                     others(scene, "-", mark, time.monotonic(), people[0].name, people[2].name, people[3].name))
        scene.flows(10)
    assert not any(node.log_lines("node given up") for node in nodes)
    scene.waits(begin)


@row("links cut and stalled at random under load, 40 s", telling=True)
def cut_and_stalled_at_random(scene: Scene) -> None:
    scene.proxied()
    people = scene.people(18)
    scene.talk(people, rate=15)
    mark = time.monotonic()
    end = mark + scene.seconds(40, 8)
    cuts = stalls = 0
    while time.monotonic() < end:
        proxy = scene.chance.choice(scene.proxies)
        kind = scene.chance.random()
        if kind < 0.6:
            cuts += proxy.cut(reset=scene.chance.random() < 0.5)
            scene.watch(scene.chance.uniform(0.01, 0.5))
        elif kind < 0.8:
            stalls += 1
            proxy.stall(scene.chance.random() < 0.7, scene.chance.random() < 0.7)
            scene.watch(scene.chance.choice((0.1, 0.5, 1.5, 3.0)))
            proxy.resume()
        else:
            proxy.behave(Mode.REFUSE)
            cuts += proxy.cut()
            scene.watch(scene.chance.choice((0.05, 0.5, 2.5, 4.0)))
            proxy.behave(Mode.FORWARD)
    scene.fleet.note("no more faults")
    scene.flows(10)
    scene.figure("connections cut", str(cuts))
    scene.figure("stalls", str(stalls))
    scene.waits(mark)
    verdict = scene.verdict()
    assert verdict.repeats == 0 or verdict.counts["doubled"] == 0


@row("a peer that is gone without a word (its cable pulled, then killed)", needs=[NETWORK], telling=True)
def half_open_peer(scene: Scene) -> None:
    nodes = scene.hosted()
    people = scene.people()
    scene.talk(people)
    gone = people[1::3]
    scene.fleet.each(gone, lambda roamer: roamer.be_wary(2.0))
    scene.fleet.do(scene.fleet.history.slow)
    mark = scene.fault("the cable of n2 is pulled")
    scene.hosts[1].unplug()
    scene.kill(nodes[1])
    eventually(lambda: scene.logged((nodes[0], nodes[2]), mark, "link down") is not None, 30)
    scene.figure("link down after", scene.logged((nodes[0], nodes[2]), mark, "link down") or 0.0)
    eventually(lambda: all(roamer.line is None or roamer.line.where != nodes[1].client for roamer in gone), 30)
    scene.fleet.all_online()
    eventually(lambda: scene.logged((nodes[0], nodes[2]), mark, "node given up") is not None, 30)
    scene.figure("given up after", scene.logged((nodes[0], nodes[2]), mark, "node given up") or 0.0)
    scene.flows(10)
    scene.fleet.do(scene.fleet.history.prompt)
    scene.hosts[1].plug()
    scene.restart(nodes[1])
    scene.flows(10)
    scene.waits(mark)


@row("clients that are gone without a word (their cable pulled)", needs=[NETWORK])
def half_open_client(scene: Scene) -> None:
    scene.hosted(3, delivery={"ack_timeout_ms": 5000})
    assert scene.network is not None
    outside = scene.network.host()
    people = scene.people(9)
    away = [scene.user(k % 3, f"away{k}", acks=k % 2 == 0, socket=outside.socket) for k in range(6)]
    scene.fleet.all_online()
    scene.talk(people)
    for k, roamer in enumerate(away):
        scene.fleet.stream(people[k], roamer, rate=10)
    scene.flows()
    observer = scene.world.client(scene.nodes[0], "observer")
    mark = scene.fault("the cable of the clients is pulled")
    outside.unplug()
    for kind, roamers in (("acks", away[0::2]), ("plain", away[1::2])):
        eventually(lambda: not any(observer.presence(*(roamer.name for roamer in roamers)).values()), 90,
                   f"those who are gone ({kind}) are offline")
        scene.figure(f"offline ({kind}) after", time.monotonic() - mark)
    scene.fault("they come back")
    outside.plug()
    scene.fleet.each(away, lambda roamer: roamer.hop(roamer.at + 1, How.RESET))
    scene.fleet.all_online()
    scene.flows()


@row("all of it at random, 40 s: kills, pauses, cuts, stalls, a Redis that hangs, people who hop")
def all_at_random(scene: Scene) -> None:
    nodes = scene.proxied()
    people = scene.people(18)
    scene.talk(people, rate=15)
    scene.fleet.each(people[::2], lambda roamer: roamer.be_wary(3.0))
    # With a Redis that hangs and nodes that are paused, a mailbox may well have to wait.
    scene.fleet.do(scene.fleet.history.slow)
    chance = scene.chance
    mark = time.monotonic()
    end = mark + scene.seconds(40, 10)
    while time.monotonic() < end:
        proxy, node = chance.choice(scene.proxies), chance.choice(nodes)
        what = chance.choices(("cut", "stall", "refuse", "kill", "pause", "redis", "hop"), (4, 2, 1, 1, 1, 1, 6))[0]
        for_s = chance.choice((0.05, 0.3, 1.0, 2.5, 4.0))
        scene.fault(f"{what} {node.name if what in ('kill', 'pause') else ''} {for_s:g} s")
        if what == "cut":
            proxy.cut(reset=chance.random() < 0.5)
        elif what == "stall":
            proxy.stall(chance.random() < 0.7, chance.random() < 0.7)
            scene.watch(for_s)
            proxy.resume()
        elif what == "refuse":
            proxy.behave(Mode.REFUSE)
            proxy.cut()
            scene.watch(for_s)
            proxy.behave(Mode.FORWARD)
        elif what == "kill":
            scene.kill(node)
            scene.watch(for_s)
            scene.restart(node)
        elif what == "pause":
            node.pause()
            scene.watch(2 * for_s)
            node.resume()
        elif what == "redis":
            # Until it is asked again, a moment after it is back.
            scene.fleet.do(partial(scene.fleet.history.redis_away, for_s + 2.0))
            scene.world.redis.freeze()
            scene.watch(for_s)
            scene.world.redis.thaw()
        else:
            scene.fleet.each(chance.sample(people, 4), scene.hop)
        scene.watch(chance.uniform(0.05, 0.4))
    healed = scene.fault("no more faults")
    scene.fleet.all_online()
    scene.world.whole(nodes)
    scene.figure("whole again after", time.monotonic() - healed)
    scene.fleet.do(scene.fleet.history.prompt)
    scene.flows(10)
    scene.waits(mark)
