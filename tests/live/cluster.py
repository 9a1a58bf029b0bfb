"""The world of one test: a directory, a Redis, nodes, clients, proxies; and the end of all of it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from client import Client, Human
from deadline import PATIENCE, SLOWNESS, Deadline, Late, eventually, pause
from fleet import Fleet
from history import History
from node import Node
from process import Address, free_port
from proxy import FaultProxy, Mode
from redisd import Redis

SECRET = "correct horse battery staple"

_serial = itertools.count(1)


def fresh(stem: str = "user") -> str:
    """A name nobody else in this process has."""
    return f"{stem}{next(_serial)}"


class Cluster:
    """Everything a test starts. Nothing of it is left after `close`, which also asserts that each node ended well."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="crosstalk-live-"))
        self.nodes: list[Node] = []
        self._redis: Redis | None = None
        self._closers: list[Callable[[], None]] = []
        self.logs_shown = False

    # Parts.

    @property
    def redis(self) -> Redis:
        """The private Redis, started when first asked for."""
        if self._redis is None:
            self._redis = Redis(self.directory)
            self._redis.start()
        return self._redis

    def file(self, name: str, text: str, mode: int = 0o600) -> str:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return str(path)

    def secret(self, text: str = SECRET) -> list[str]:
        """The flag for a good secret file."""
        return ["--secret-file", self.file(f"key-{abs(hash(text))}", text + "\n")]

    def settings(self, **sections: dict[str, Any]) -> list[str]:
        """The flag for a configuration file with these: settings(mailbox={"max": 10})."""
        text = "".join(f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
                       for section, keys in sections.items())
        return ["--config", self.file(f"crosstalkd-{len(text)}-{abs(hash(text))}.toml", text)]

    def node(self, name: str, *flags: str, start: bool = True, **where: Any) -> Node:
        """A node with exactly these flags besides its name and ports."""
        namesakes = sum(node.name == name for node in self.nodes)
        node = Node(name, self.directory, flags, label=f"{name}-{namesakes + 1}" if namesakes else name, **where)
        self.nodes.append(node)
        return node.start() if start else node

    def member(self, name: str, *flags: str, start: bool = True, **where: Any) -> Node:
        """A node of the mesh that this Redis brings together."""
        return self.node(name, "--redis", self.redis.url, *self.secret(), *flags, start=start, **where)

    def mesh(self, count: int, *flags: str) -> list[Node]:
        """n1 … nN, started at once, found each other."""
        nodes = [self.member(f"n{number}", *flags, start=False) for number in range(1, count + 1)]
        self.start(nodes)
        return nodes

    def start(self, nodes: Iterable[Node]) -> None:
        """Starts them side by side and waits until they are linked."""
        nodes = list(nodes)
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait_ready()
        self.whole(nodes)

    def static(self, names: Iterable[str]) -> list[Node]:
        """Nodes that know each other from --peers alone, not yet started; each list has the node's own entry."""
        ports = {name: free_port() for name in names}
        peers = ",".join(f"{name}@127.0.0.1:{port}" for name, port in ports.items())
        return [self.node(name, "--peers", peers, *self.secret(), start=False, peer_listen=f"127.0.0.1:{port}")
                for name, port in ports.items()]

    def behind_proxy(self, name: str, *flags: str, start: bool = True, **where: Any) -> tuple[Node, FaultProxy]:
        """A node of the mesh whose peers reach it through a fault proxy only."""
        port = free_port()
        proxy = self.proxy(("127.0.0.1", port))
        node = self.member(name, "--peer-advertise", proxy.text, *flags, peer_listen=f"127.0.0.1:{port}", start=start,
                           **where)
        return node, proxy

    def proxy(self, target: Address | None = None, mode: Mode = Mode.FORWARD, host: str = "127.0.0.1") -> FaultProxy:
        proxy = FaultProxy(target, mode, host)
        self._closers.append(proxy.close)
        return proxy

    def client(self, where: Node | Address, name: str = "", **options: Any) -> Client:
        address = where.client if isinstance(where, Node) else where
        client = Client(address, name, **options)
        self._closers.append(client.close)
        return client

    def at_end(self, close: Callable[[], None]) -> None:
        """Something else that is to be ended with the rest."""
        self._closers.append(close)

    def human(self, where: Node, name: str = "") -> Human:
        human = Human(where.client, name)
        self._closers.append(human.close)
        return human

    def fleet(self, stuck_s: float = 5.0) -> Fleet:
        """Players of many users, all of whose chats are judged together."""
        fleet = Fleet(History(stuck_s * SLOWNESS))
        self._closers.append(fleet.close)
        return fleet

    # What is asserted of a mesh.

    @contextlib.contextmanager
    def undisturbed(self, *nodes: Node) -> Iterator[Pulse]:
        """Two people on the first and the last of these nodes chat all the while; nothing of it is lost or late."""
        pulse = Pulse(self.client(nodes[0], fresh("pulse")), self.client(nodes[-1], fresh("pulse")))
        try:
            yield pulse
            eventually(pulse.seen_enough, what="a few beats were seen")
        finally:
            pulse.abandon()
        pulse.verdict()

    def whole(self, nodes: Iterable[Node], within: float = PATIENCE) -> None:
        """Each of the nodes' users can write to each other one, within the time."""
        deadline = Deadline(within)
        probes = [self.client(node, fresh("probe")) for node in nodes]
        for sender, recipient in itertools.permutations(probes, 2):
            reached(sender, recipient, deadline)
        for probe in probes:
            probe.close()

    def whole_set(self, nodes: Iterable[Node], within: float) -> None:
        """The Redis set has these nodes and no other member, within the time."""
        wanted = {node.member for node in nodes}
        eventually(lambda: self.redis.nodes() == wanted, within, f"the set is {wanted}")

    def out_of_the_set(self, member: str, within: float) -> None:
        eventually(lambda: member not in self.redis.nodes(), within, f"{member} is out of the set")

    def close(self) -> None:
        """Ends everything, whatever fails on the way, and then tells the first failure."""
        failures: list[BaseException] = []

        def attempt(step: Callable[[], None]) -> None:
            try:
                step()
            except Exception as failure:
                failures.append(failure)

        for closer in reversed(self._closers):
            attempt(closer)
        for node in self.nodes:
            attempt(node.terminate)
        for node in self.nodes:
            attempt(node.ended_well)
        if self._redis is not None:
            attempt(self._redis.close)
        if failures:
            raise failures[0]

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


def reached(sender: Client, recipient: Client, deadline: Deadline) -> None:
    """A chat arrives at once, as soon as the sender's node knows where the recipient is."""
    while True:
        if sender.knows(recipient.name):
            id = fresh("try-")
            sender.chat(recipient.name, id, id=id)
            outcome = sender.outcome(id)
            if outcome in ("written", "delivered", "stored"):
                recipient.expect(cmd="chat", content=id)
            if outcome in ("written", "delivered"):
                return
        else:
            outcome = "not known"
        if deadline.passed():
            raise Late(f"not within {deadline.within:g} s: {sender.name} reaches {recipient.name} (last: {outcome})")
        pause(0.02)


class Pulse:
    """Two users writing to each other in a steady rhythm, in a thread: the ones who must not be disturbed.

    Each beat is one chat each way, confirmed and received before the next.
    """

    BEAT_S = 0.05
    WITHIN_S = 10.0

    def __init__(self, one: Client, other: Client) -> None:
        self.beats = 0
        self._pairs = ((one, other), (other, one))
        self._failure: BaseException | None = None
        self._stopping = threading.Event()
        for sender, recipient in self._pairs:
            reached(sender, recipient, Deadline(PATIENCE))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def verdict(self) -> None:
        """Raises what disturbed it."""
        if self._failure is not None:
            raise AssertionError(f"disturbed after {self.beats} beats: {self._failure}") from self._failure

    def seen_enough(self) -> bool:
        """Whether there was a rhythm at all, or its end."""
        return self.beats >= 3 or self._failure is not None

    def abandon(self) -> None:
        """Ends it; what disturbed it is kept for `verdict`."""
        self._stopping.set()
        self._thread.join(2 * PATIENCE)

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self.BEAT_S):
                for sender, recipient in self._pairs:
                                sender.chat(recipient.name, self.beats, id=f"beat-{self.beats}")
                for sender, recipient in self._pairs:
                    outcome = sender.outcome(f"beat-{self.beats}", self.WITHIN_S)
                    assert outcome == "written", outcome
                    chat = recipient.expect(cmd="chat", within=self.WITHIN_S)
                    assert chat["content"] == self.beats, f"{self.beats} was due, and this came: {chat}"
                self.beats += 1
        except Exception as failure:
            self._failure = failure


class LiveTest(unittest.TestCase):
    """A test with a world of its own; with `shared` the class has one world for all its tests."""

    shared = False  # then `furnish` starts what all tests of the class use
    alone = False  # the runner lets nothing run beside it
    maxDiff = None
    world: Cluster

    @classmethod
    def furnish(cls) -> None:
        """Starts what the tests of a `shared` class have in common."""

    @classmethod
    def setUpClass(cls) -> None:
        if cls.shared:
            cls.world = Cluster()
            cls.addClassCleanup(_end, cls.world)
            try:
                cls.furnish()
            except Exception:
                show_logs(cls.world)
                raise

    def setUp(self) -> None:
        if not self.shared:
            self.world = Cluster()
            self.addCleanup(_end, self.world)

    def assertClosed(self, client: Client) -> None:
        """The server has hung up, or does so now; what it sent before is no matter."""
        client.rest()


def _end(world: Cluster) -> None:
    """Keeps the directory until the logs were shown, which is the runner's doing when a test fails."""
    try:
        world.close()
    except Exception:
        show_logs(world)
        raise
    finally:
        world.remove()


def show_logs(world: Cluster) -> None:
    """The end of every log of a world, once, for the reader of a failure."""
    if world.logs_shown:
        return
    world.logs_shown = True
    lines = int(os.environ.get("CROSSTALK_LOG_LINES", "60"))
    for path in (node.log_path for node in world.nodes):
        text = path.read_text(encoding="utf-8", errors="replace").splitlines()
        print(f"--- {path.name} (last {min(lines, len(text))} of {len(text)} lines)")
        print("\n".join(text[len(text) - min(lines, len(text)):]))
