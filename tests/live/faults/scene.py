"""What a row of the fault table is played on: a mesh, people who talk all the while, and the figures that it finds."""

from __future__ import annotations

import datetime
import random
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import clock
import netns
from cluster import Cluster, fresh
from deadline import SLOWNESS, eventually, throughout
from fleet import Fleet
from history import Message, Verdict
from node import Node
from process import Address
from proxy import FaultProxy
from roamer import How, Roamer, Stream

LATE_S = 0.25  # what takes longer from hand to hand was held up


@dataclass(frozen=True)
class Row:
    """`play` has the fault happen; afterwards everything is let come to its end, and judged."""

    key: str
    title: str
    play: Callable[[Scene], None]
    needs: tuple[Callable[[], str], ...]  # each says what is missing here, or nothing
    telling: bool  # its short form runs in `make check`


ROWS: dict[str, Row] = {}


def row(title: str, *, needs: Iterable[Callable[[], str]] = (), telling: bool = False) \
        -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Enters the function into the table, under its name."""
    def enter(play: Callable[[Scene], None]) -> Callable[[Scene], None]:
        ROWS[play.__name__] = Row(play.__name__, title, play, tuple(needs), telling)
        return play
    return enter


NETWORK = netns.missing
WALL_CLOCK = clock.missing


class Scene:
    """One row being played. `short` is for `make check`."""

    def __init__(self, *, short: bool, seed: int) -> None:
        self.short = short
        self.chance = random.Random(seed)
        self.network: netns.Network | None = None
        self.hosts: list[netns.Host] = []
        self.world = Cluster()
        self.nodes: list[Node] = []
        self.proxies: list[FaultProxy] = []
        self.figures: list[tuple[str, str]] = []
        self._fleet: Fleet | None = None
        self._down: set[Node] = set()

    def seconds(self, long: float, short: float) -> float:
        return short if self.short else long

    def count(self, many: int, few: int) -> int:
        return few if self.short else many

    # The mesh.

    def mesh(self, count: int = 3, **settings: dict[str, Any]) -> list[Node]:
        self.nodes = self.world.mesh(count, *self.flags(settings))
        return self.nodes

    def proxied(self, count: int = 3, **settings: dict[str, Any]) -> list[Node]:
        """Nodes that reach each other through fault proxies only."""
        pairs = [self.world.behind_proxy(f"n{number}", *self.flags(settings), start=False)
                 for number in range(1, count + 1)]
        self.nodes, self.proxies = [node for node, _ in pairs], [proxy for _, proxy in pairs]
        self.world.start(self.nodes)
        return self.nodes

    def hosted(self, count: int = 3, **settings: dict[str, Any]) -> list[Node]:
        """Nodes on hosts of their own; clients and Redis are at the hub between them. To be made before all else."""
        assert self._fleet is None and self.network is None
        self.network = netns.Network()
        redis = self.world.proxy(("127.0.0.1", self.world.redis.port), host=netns.HUB)
        flags = ["--redis", f"redis://{redis.text}", *self.world.secret(), *self.flags(settings)]
        for number in range(1, count + 1):
            host = self.network.host()
            self.hosts.append(host)
            self.nodes.append(self.world.node(f"n{number}", *flags, start=False, listen=f"{host.address}:0",
                                              peer_listen=f"{host.address}:0", wrap=host.enter))
        self.world.start(self.nodes)
        return self.nodes

    def flags(self, settings: dict[str, dict[str, Any]]) -> list[str]:
        return self.world.settings(**settings) if settings else []

    def kill(self, node: Node) -> float:
        mark = self.fault(f"kill -9 {node.name}")
        self._down.add(node)
        node.kill()
        return mark

    def restart(self, node: Node) -> None:
        node.launch().wait_ready()
        self._down.discard(node)
        self.fault(f"{node.name} is back")

    # The people.

    @property
    def fleet(self) -> Fleet:
        if self._fleet is None:
            self._fleet = self.world.fleet(stuck_s=1.0)
        return self._fleet

    def user(self, node: int, name: str = "", **options: Any) -> Roamer:
        """Begins at this node, and may go to the others."""
        return self.fleet.user(name or fresh("user"), self.wheres(node), **options)

    def wheres(self, node: int) -> list[Callable[[], Address]]:
        return [partial(client_of, node) for node in self.nodes[node:] + self.nodes[:node]]

    def people(self, count: int = 12, **options: Any) -> list[Roamer]:
        """Spread over the nodes; of the people of each node every other one confirms what it reads, some late."""
        turn = [k // len(self.nodes) for k in range(count)]
        people = [self.user(k % len(self.nodes), f"user{k}", acks=turn[k] % 2 == 0,
                            lag_s=0.3 if turn[k] % 4 == 0 else 0.0, **options) for k in range(count)]
        self.fleet.all_online()
        return people

    def talk(self, people: list[Roamer], rate: float = 20, **options: Any) -> list[Stream]:
        """Each writes to three others, of whom no two are at the same node."""
        n = len(people)
        streams = [self.fleet.stream(people[k], people[(k + step) % n], rate=rate, **options)
                   for k in range(n) for step in (1, 5, 6) if step % n]
        self.flows(5)
        return streams

    def flows(self, each: int = 3, within: float = 30) -> None:
        """Something is seen, so that the fault does not meet an idle mesh."""
        seen = self.fleet.seen
        eventually(lambda: self.fleet.seen > seen + each * len(self.fleet.roamers), within, "chats go on")

    def watch(self, seconds: float, also: Callable[[], object] = lambda: None) -> None:
        """Time goes by, and nobody dies of it who was not killed."""
        def look() -> None:
            self.all_live()
            also()
        throughout(seconds, look)

    def all_live(self) -> None:
        for node in self.nodes:
            assert node in self._down or node.alive(), f"{node.name} has died:\n{node.log()[-2000:]}"

    def hop(self, roamer: Roamer) -> None:
        """Anywhere, in any manner; who does not confirm leaves in good order, as what was written to them may be lost.

        Called in the fleet's thread."""
        how = self.chance.choice((None, How.CLOSE, How.RESET, How.LOGOUT)) if roamer.acks else How.LOGOUT
        roamer.hop(self.chance.randrange(len(self.nodes)), how)

    # What is found.

    def fault(self, what: str) -> float:
        """Something is done now; when that was."""
        self.fleet.note(what)
        return time.monotonic()

    def figure(self, name: str, value: float | str, unit: str = "s") -> None:
        if isinstance(value, float):
            value = f"{value * 1000:.0f} ms" if unit == "s" and abs(value) < 1 else f"{value:.1f} {unit}"
        self.figures.append((name, str(value)))

    def logged(self, nodes: Iterable[Node], since: float, *words: str) -> float | None:
        """How long after `since` (monotonic) the first of these nodes logged a line with these words."""
        offset = time.time() - time.monotonic()
        found = []
        for node in nodes:
            for line in node.log_lines(*words):
                stamp = line.split()[0].removeprefix("ts=").replace("Z", "+00:00")
                at = datetime.datetime.fromisoformat(stamp).timestamp() - offset
                if at >= since - 0.01:
                    found.append(at - since)
        return min(found, default=None)

    def held_up(self, since: float, *recipients: Roamer) -> tuple[float, float]:
        """The longest way from hand to hand of what was sent from then on, and when what was late had come."""
        def look() -> tuple[float, float]:
            names = {roamer.name for roamer in recipients}
            late = [message for message in self.fleet.history.messages.values()
                    if message.sightings and message.first_sent >= since - 1 and (not names or message.key[1] in names)]
            worst = max((message.sightings[0].at - message.first_sent for message in late), default=0.0)
            last = max((message.sightings[0].at for message in late
                        if message.sightings[0].at - message.first_sent > LATE_S), default=since)
            return worst, last - since

        found: tuple[float, float] = self.fleet.do(look)
        return found

    def waits(self, since: float) -> None:
        """The figures that any fault has."""
        worst, last = self.held_up(since)
        self.figure("slowest chat", worst)
        self.figure("all prompt again after", last)

    def p99(self, begin: float, end: float) -> float:
        delays: list[float] = self.fleet.do(lambda: self.fleet.history.delays(begin, end))
        return quantile(delays, 0.99)

    def seen_messages(self, wanted: Callable[[Message], bool]) -> list[Message]:
        found: list[Message] = self.fleet.do(
            lambda: [message for message in self.fleet.history.messages.values() if wanted(message)])
        return found

    def mailboxes(self) -> list[str]:
        """Those in Redis that have something."""
        keys: list[str] = self.world.redis.call("KEYS", "*:mail:*")
        return [key for key in keys if self.world.redis.call("TYPE", key) == "stream"
                and self.world.redis.call("XLEN", key) > 0]

    def verdict(self) -> Verdict:
        self.all_live()
        verdict = self.fleet.verdict(45 * SLOWNESS)
        self.all_live()
        return verdict

    def close(self) -> None:
        """As Cluster.close, which has the nodes end in good order."""
        try:
            for node in self._down:
                if not node.alive() and node in self.world.nodes:
                    self.world.nodes.remove(node)
            self.world.close()
        finally:
            self.world.remove()
            if self.network is not None:
                self.network.close()


def client_of(node: Node) -> Address:
    return node.client


def quantile(values: list[float], part: float) -> float:
    return values[min(len(values) - 1, int(len(values) * part))] if values else float("nan")


def median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")
