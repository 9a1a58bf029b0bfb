"""Rows of the fault table: Redis away, emptied, slow, cut off, replaced. Who is online must not notice."""

from __future__ import annotations

import time

from deadline import eventually
from faults.scene import Scene, median, quantile, row
from redisd import Redis, Sentinel
from roamer import Stream


def offline(scene: Scene, rate: float = 20) -> Stream:
    """Someone writes to people who are not there, and takes every answer as it is."""
    sender = scene.user(0, "letters")
    scene.fleet.all_online()
    return scene.fleet.stream(sender, "absent", rate=rate, again=frozenset())


def at_every_node(scene: Scene, since: float) -> None:
    """Every node has its mailboxes again."""
    eventually(lambda: all(scene.logged([node], since, "mailboxes up") is not None for node in scene.nodes), 20,
               "every node has its mailboxes again")


def redis_row(scene: Scene, what: str, begin, end, *, amnesia: bool, seconds: float) -> None:  # type: ignore[no-untyped-def]
    """People talk, one writes to someone offline; the fault is there for so long; then it is over."""
    nodes = scene.mesh(3, mailbox={"max": 100_000})
    people = scene.people()
    scene.talk(people)
    letters = offline(scene)
    scene.watch(2)
    calm = time.monotonic() - 2
    mark = scene.fault(what)
    begin()
    if amnesia:
        scene.fleet.do(scene.fleet.history.amnesia)
    if seconds:
        scene.watch(seconds)
    back = scene.fault("over")
    end()
    stored = letters.told["stored"]
    eventually(lambda: letters.told["stored"] > stored + 5, 20, "it can store again")
    scene.figure("stores again after", time.monotonic() - back)
    if scene.logged(nodes, mark, "mailboxes down") is not None:
        at_every_node(scene, mark)
    scene.watch(1)
    scene.figure("online p99 before", online_p99(scene, calm, mark))
    scene.figure("meanwhile", online_p99(scene, mark, max(back, mark + 1)))
    answers = scene.fleet.do(lambda: scene.fleet.history.answers(mark, back, "unavailable"))
    if answers:
        # The first ones find out; those after them are answered at once.
        scene.figure("unavailable: median", median(answers))
        scene.figure("slowest", answers[-1])
    assert not any(node.log_lines("node given up") for node in nodes)
    assert not any(node.log_lines("link down") for node in nodes)
    waits = scene.fleet.do(lambda: scene.fleet.history.delays(mark, time.monotonic()))
    scene.figure("slowest chat", waits[-1])
    scene.user(1, "absent", acks=True)
    scene.fleet.all_online()


def online_p99(scene: Scene, begin: float, end: float) -> float:
    return quantile(sorted(m.sightings[0].at - m.first_sent for m in scene.seen_messages(
        lambda m: bool(m.sightings) and m.key[1] != "absent" and begin <= m.first_sent < end)), 0.99)


@row("Redis shut down, back empty after 5 s", telling=True)
def redis_shutdown(scene: Scene) -> None:
    redis_row(scene, "Redis shuts down", scene.world.redis.shutdown, scene.world.redis.start, amnesia=True,
              seconds=scene.seconds(5, 2))


@row("Redis killed and restarted at once")
def redis_restart(scene: Scene) -> None:
    redis_row(scene, "Redis is killed", scene.world.redis.kill, scene.world.redis.start, amnesia=True, seconds=0)


@row("Redis FLUSHALL")
def redis_flushall(scene: Scene) -> None:
    redis_row(scene, "FLUSHALL", lambda: scene.world.redis.call("FLUSHALL"), lambda: None, amnesia=True, seconds=1)


@row("Redis says nothing for 5 s (DEBUG SLEEP 5)")
def redis_sleeps(scene: Scene) -> None:
    redis_row(scene, "Redis sleeps", scene.world.redis.freeze, scene.world.redis.thaw, amnesia=False, seconds=5)


@row("Redis CLIENT KILL of all connections, every 200 ms for 5 s")
def redis_client_kill(scene: Scene) -> None:
    def kill_for_a_while() -> None:
        end = time.monotonic() + scene.seconds(5, 2)
        while time.monotonic() < end:
            for kind in ("normal", "pubsub"):
                scene.world.redis.call("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
            scene.watch(0.2)

    redis_row(scene, "CLIENT KILL", kill_for_a_while, lambda: None, amnesia=False, seconds=0)


@row("Redis killed, its replica takes over (Sentinel)")
def redis_failover(scene: Scene) -> None:
    world = scene.world
    replica = Redis(world.directory, replica_of=world.redis)
    replica.start()
    world.at_end(replica.close)
    sentinels = [Sentinel(world.directory, world.redis) for _ in range(3)]
    for sentinel in sentinels:
        world.at_end(sentinel.kill)
    eventually(lambda: all(sentinel.knows(1, 2) for sentinel in sentinels), 30, "the Sentinels know each other")
    flags = [*world.secret(), *scene.flags({
        "redis": {"sentinels": [sentinel.address for sentinel in sentinels], "master": Sentinel.MASTER},
        "mailbox": {"max": 100_000}})]
    nodes = scene.nodes = [world.node(f"n{number}", *flags, start=False) for number in (1, 2, 3)]
    world.start(nodes)
    scene.talk(scene.people())
    letters = offline(scene)
    calm = time.monotonic()
    scene.watch(2)
    mark = scene.fault("the master is killed")
    world.redis.kill()
    # What it had not told its replica yet.
    scene.fleet.do(lambda: scene.fleet.history.amnesia(of_s=1.0))
    eventually(lambda: replica.role() == "master", 30, "the replica is promoted")
    scene.figure("promoted after", time.monotonic() - mark)
    stored = letters.told["stored"]
    eventually(lambda: letters.told["stored"] > stored, 30, "it can store again")
    scene.figure("stores again after", time.monotonic() - mark)
    scene.figure("online p99 before", online_p99(scene, calm, mark))
    scene.figure("meanwhile", online_p99(scene, mark, time.monotonic()))
    scene.watch(1)
    assert not any(node.log_lines("node given up") for node in nodes)
    assert not any(node.log_lines("link down") for node in nodes)
    scene.user(1, "absent", acks=True)
    scene.fleet.all_online()


@row("Redis killed under load")
def redis_killed_under_load(scene: Scene) -> None:
    scene.mesh(3, mailbox={"max": 100_000})
    people = scene.people(24)
    for k, roamer in enumerate(people):
        scene.fleet.stream(roamer, people[(k + 1) % len(people)], rate=250)
    letters = offline(scene, rate=200)
    scene.flows(100)
    calm = time.monotonic()
    scene.watch(scene.seconds(4, 1))
    mark = scene.fault("Redis is killed")
    scene.world.redis.kill()
    scene.fleet.do(scene.fleet.history.amnesia)
    scene.watch(scene.seconds(4, 1.5))
    end = time.monotonic()
    before, meanwhile = online_p99(scene, calm, mark), online_p99(scene, mark, end)
    chats = sum(calm <= m.first_sent < mark for m in scene.seen_messages(lambda m: bool(m.sightings)))
    scene.figure("load", f"{chats / (mark - calm):.0f} chats/s")
    scene.figure("online p99 before", before)
    scene.figure("after", meanwhile)
    answers = scene.fleet.do(lambda: scene.fleet.history.answers(mark, end, "unavailable"))
    assert letters.told["unavailable"] > 0
    scene.figure("unavailable: median", median(answers))
    scene.figure("p99", quantile(answers, 0.99))
    scene.figure("slowest", answers[-1])
    back = scene.fault("it is back")
    scene.world.redis.start()
    stored = letters.told["stored"]
    eventually(lambda: letters.told["stored"] > stored, 20, "it can store again")
    scene.figure("stores again after", time.monotonic() - back)
    at_every_node(scene, back)
    scene.user(1, "absent", acks=True)
    scene.fleet.all_online()


@row("logins at other nodes in the moment in which one node has Redis again")
def login_while_redis_comes_back(scene: Scene) -> None:
    scene.mesh()
    senders = [scene.user(k, f"sender{k}") for k in range(3)]
    scene.fleet.all_online()
    for turn in range(scene.count(8, 2)):
        absent = f"absent{turn}"
        letters = [scene.fleet.stream(sender, absent, rate=100, again=frozenset()) for sender in senders]
        eventually(lambda: all(stream.told["stored"] > 5 for stream in letters), what="letters are stored")
        scene.fault("Redis is killed")
        scene.world.redis.kill()
        scene.fleet.do(scene.fleet.history.amnesia)
        scene.watch(1.5)
        scene.fault("it is back")
        scene.world.redis.start()
        before = [stream.told["stored"] for stream in letters]
        eventually(lambda: any(stream.told["stored"] > so_far for stream, so_far in zip(letters, before)), 20,
                   "one of the nodes can store again")
        node = next((k for k, stream in enumerate(letters) if stream.told["stored"] == before[k]), 0)
        scene.user(node, absent, acks=True)
        scene.fleet.all_online()
        scene.watch(0.3)
        scene.fleet.stop_sending()
        scene.fleet.settled()
