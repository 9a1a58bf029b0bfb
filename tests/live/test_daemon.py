"""The process itself: flags, configuration, exit codes, signals, the ready file."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket

from client import Client, Closed
from cluster import LiveTest, fresh
from deadline import eventually
from process import REPO, run_daemon
from proxy import Mode

FLAGS = ("--config", "--node", "--cluster", "--listen", "--peer-listen", "--peer-advertise", "--http-listen", "--redis",
         "--peers", "--secret-file", "--ready-file", "--log-level", "--check-config", "--version", "--help")
ANY_PORT = ("--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")


class CommandLine(LiveTest):
    def test_version_and_help(self) -> None:
        version = run_daemon("--version")
        self.assertEqual(version.returncode, 0)
        self.assertRegex(version.stdout, r"\Acrosstalkd \d+\.\d+\.\d+\n\Z")
        text = run_daemon("--help")
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        for flag in FLAGS:
            self.assertIn(flag, text.stdout)

    def test_mistakes_on_the_command_line_exit_2(self) -> None:
        short = self.world.file("short", "fifteen bytes..\n")
        shared = self.world.file("shared", "long enough to be a secret\n", mode=0o640)
        rows: tuple[tuple[tuple[str, ...], str], ...] = (
            (("--frobnicate",), "--frobnicate"),
            (("--node",), "--node"),
            (("--node", "n 1"), "n 1"),
            (("--node", ""), "node"),
            (("--node", "n" * 65), "n" * 65),
            (("--listen", "nonsense"), "nonsense"),
            (("--listen", "127.0.0.1:65536"), "65536"),
            (("--peer-listen", "127.0.0.1"), "127.0.0.1"),
            (("--http-listen", "9701"), "9701"),
            (("--log-level", "loud"), "loud"),
            (("--redis", "http://127.0.0.1:1"), "http://127.0.0.1:1"),
            (("--peers", "n2"), "n2"),
            (("--peers", "n2@127.0.0.1:0"), "--peers"),
            (("--secret-file", "/nonexistent/secret"), "/nonexistent/secret"),
            (("--secret-file", short), short),
            (("--secret-file", shared), shared),
            (("--config", "/nonexistent/crosstalkd.toml"), "/nonexistent/crosstalkd.toml"),
            (("--peer-listen", "0.0.0.0:0", *self.world.secret()), "--peer-advertise"),
            (("--peer-listen", "[::]:0", *self.world.secret()), "--peer-advertise"),
            (("--peer-listen", "0.0.0.0:0", "--peer-advertise", "0.0.0.0:9601", *self.world.secret()), "0.0.0.0"),
            (("--peer-advertise", "[::]:9601", *self.world.secret()), "::"),
            (("--peer-listen", "0.0.0.0:0", "--peer-advertise", "127.0.0.1:9601"), "secret"),
        )
        for flags, named in rows:
            with self.subTest(flags=flags):
                base = [] if "--peer-listen" in flags else list(ANY_PORT)
                ended = run_daemon(*base, *flags)
                self.assertEqual(ended.returncode, 2, ended.stderr)
                self.assertIn(named, ended.stderr)

    def test_a_good_secret_file(self) -> None:
        for text in ("sixteen bytes...", "sixteen bytes...\n"):
            with self.subTest(text=text):
                ended = run_daemon("--secret-file", self.world.file("secret", text), "--check-config")
                self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def test_an_address_in_use_is_named(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            for which in ("--listen", "--peer-listen", "--http-listen"):
                flags = (*ANY_PORT, which, address)
                with self.subTest(flags=flags):
                    ready = self.world.directory / "ready"
                    ended = run_daemon(*flags, "--redis", "none", "--ready-file", str(ready))
                    self.assertEqual(ended.returncode, 1)
                    self.assertIn(address, ended.stderr)
                    self.assertFalse(ready.exists())


class ConfigurationFile(LiveTest):
    def check(self, text: str, *flags: str) -> tuple[int, str, str]:
        path = self.world.file("test.toml", text)
        ended = run_daemon("--config", path, "--check-config", *flags)
        return ended.returncode, ended.stderr, path

    def test_what_is_shipped_is_good(self) -> None:
        ended = run_daemon("--config", str(REPO / "conf" / "crosstalkd.toml"), "--check-config")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def test_check_config_starts_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            text = f'[listen]\nclient = "127.0.0.1:{taken.getsockname()[1]}"\n'
            self.assertEqual(self.check(text)[:2], (0, ""))

    def test_a_mistake_is_one_sentence_with_its_place(self) -> None:
        for text, place in (
                ('[node]\nname = "n1"\ncolour = "red"\n', r":3:1\b"),
                ('[nod]\nname = "n1"\n', r":1:\d+\b"),
                ('[node]\nname = 5\n', r":2:\d+\b"),
                ('[node]\n\n  name = "n 1"\n', r":3:\d+\b"),
                ('[listen]\nclient = "nonsense"\n', r":2:\d+\b"),
                ('[node]\nname = "n1"\nname = "n2"\n', r":3:\d+\b"),
                ('[node\nname = "n1"\n', r":1:\d+\b"),
                ('[log]\nlevel = "loud"\n', r":2:\d+\b"),
                ('[mesh]\nhold_ms = -1\n', r":2:\d+\b")):
            with self.subTest(text=text):
                code, said, path = self.check(text)
                self.assertEqual(code, 2, said)
                self.assertRegex(said, re.escape(path) + place)
                self.assertEqual(said.count("\n"), 1, said)

    def test_flags_win_over_the_file(self) -> None:
        path = self.world.file("test.toml", '[node]\nname = "from-file"\n[listen]\nclient = "127.0.0.1:0"\n')
        node = self.world.node("from-flag", "--config", path)
        self.assertEqual(self.world.client(node).hello["node"], "from-flag")

    def test_what_the_file_says_is_done(self) -> None:
        secret = self.world.secret()[1]
        nodes = []
        for name in ("n1", "n2"):
            path = self.world.file(f"{name}.toml", f'[redis]\nurl = "{self.world.redis.url}"\n'
                                                   f'[mesh]\nsecret_file = "{secret}"\n[node]\ncluster = "blue"\n')
            nodes.append(self.world.node(name, "--config", path, start=False))
        self.world.start(nodes)
        self.assertEqual(set(self.world.redis.call("SMEMBERS", "crosstalk:{blue}:nodes")),
                         {node.member for node in nodes})


class ReadyFile(LiveTest):
    def test_it_tells_the_ports_and_goes_at_the_exit(self) -> None:
        node = self.world.node("n1", start=False).launch()
        # By rename: whenever it is there it is whole.
        eventually(node.ready_path.exists, what="the ready file")
        node.ready = json.loads(node.ready_path.read_text())
        assert node.process is not None
        self.assertEqual(node.ready["pid"], node.process.pid)
        self.assertRegex(node.ready["client"], r"^127\.0\.0\.1:\d+$")
        self.assertRegex(node.ready["peer"], r"^127\.0\.0\.1:\d+$")
        self.assertRegex(node.ready["http"], r"^127\.0\.0\.1:\d+$")
        self.assertNotIn(0, (node.client[1], node.peer[1], node.http[1]))
        self.assertEqual([path.name for path in node.ready_path.parent.glob("*ready*")], ["n1.ready"])
        Client(node.client, "alice").close()
        node.stop()
        self.assertFalse(node.ready_path.exists())

    def test_the_peer_address_is_the_advertised_one(self) -> None:
        node = self.world.node("n1", "--peer-advertise", "127.0.0.1:9", *self.world.secret(),
                               peer_listen="0.0.0.0:0")
        self.assertEqual(node.ready["peer"], "127.0.0.1:9")

    def test_it_that_cannot_be_written_is_said(self) -> None:
        ended = run_daemon(*ANY_PORT, "--ready-file", "/nonexistent/ready")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("/nonexistent/ready", ended.stderr)


class Signals(LiveTest):
    def test_sigterm_and_sigint_drain(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name):
                node = self.world.node(fresh("n"))
                alice, stranger = self.world.client(node, "alice"), self.world.client(node)
                human = self.world.human(node, "ann")
                node.signal(number)
                kicked = alice.until_closed()[-1]
                self.assertEqual((kicked["cmd"], kicked["reason"], kicked["retry"]), ("kicked", "drain", True))
                self.assertIsInstance(kicked["retry_after_ms"], int)
                self.assertGreaterEqual(kicked["retry_after_ms"], 0)
                stranger.rest()
                self.assertTrue([line for line in human.rest() if line])
                node.ended_well()

    def test_what_was_on_its_way_is_delivered_before_the_end(self) -> None:
        node = self.world.node("n1")
        alice, bob = self.world.client(node, "alice"), self.world.client(node, "bob")
        count = 2000
        alice.send_bytes(b"".join(b'{"cmd":"chat","recv":"bob","content":%d}\n' % n for n in range(count)))
        alice.before_pong()  # all of it was read
        node.signal(signal.SIGTERM)
        came = bob.until_closed()
        self.assertEqual([chat["content"] for chat in came if chat["cmd"] == "chat"], list(range(count)))
        self.assertEqual(came[-1]["cmd"], "kicked")
        node.ended_well()

    def test_a_client_that_reads_nothing_does_not_hold_the_end_up(self) -> None:
        node = self.world.node("n1")
        self.deafen(node.name)
        node.stop()

    def test_a_second_signal_ends_at_once(self) -> None:
        node = self.world.node("n1")
        self.deafen(node.name)
        # Both are there before the drain can be over, on however slow a machine.
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
            node.signal(number)
        self.assertEqual(node.exit_code(5), 1)

    def test_sigterm_during_the_start_and_with_redis_away(self) -> None:
        proxy = self.world.proxy(mode=Mode.SWALLOW)
        node = self.world.node("n1", "--redis", f"redis://{proxy.text}", *self.world.secret(), start=False).launch()
        eventually(proxy.dials, what="Redis is dialled")
        node.stop()

    def test_sigusr1_writes_the_state_to_the_log(self) -> None:
        nodes = self.world.mesh(3)
        self.world.client(nodes[0], "alice")
        before = len(nodes[0].log())
        nodes[0].signal(signal.SIGUSR1)

        def state_told() -> bool:
            told = nodes[0].log()[before:]
            return "n2" in told and "n3" in told

        eventually(state_told, what="its links are in the log")
        self.world.whole(nodes)

    def test_the_log_is_logfmt_and_keeps_secrets(self) -> None:
        nodes = self.world.mesh(2)
        alice = self.world.client(nodes[0], "alice", token="hunter2-token")
        bob = self.world.client(nodes[1], "bob")
        eventually(lambda: alice.knows("bob"), 10)
        alice.chat("bob", "the-content-of-a-chat")
        bob.expect(cmd="chat")
        alice.close()
        bob.close()
        for node in nodes:
            node.stop()
            for line in node.log().splitlines():
                self.assertRegex(line, r'^(?:[\w.]+=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)(?: |$))+$')
            for private in ("hunter2-token", "the-content-of-a-chat", "correct horse"):
                self.assertNotIn(private, node.log())

    def deafen(self, name: str) -> None:
        """Someone for whom more is queued than the kernel takes, and who never reads."""
        node = next(node for node in self.world.nodes if node.name == name)
        self.world.client(node, "deaf", receive_buffer=4096)
        talker = self.world.client(node, "talker")
        for n in range(29):  # under sessions.queue_bytes, 1 MiB
            talker.chat("deaf", "x" * 30_000, id=f"m-{n}")
        talker.before_pong()


class Limits(LiveTest):
    def test_descriptors_run_out_and_come_back(self) -> None:
        """With no descriptor left for another client those there are served on, and the next gets in later."""
        node = self.world.node("n1")
        alice = self.world.client(node, "alice")
        assert node.process is not None
        taken = len(os.listdir(f"/proc/{node.process.pid}/fd"))
        resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (taken + 4, taken + 4))
        crowd = [socket.create_connection(node.client) for _ in range(20)]
        for _ in range(50):
            self.assertEqual(alice.before_pong(), [])
        for one in crowd:
            one.close()

        def let_in() -> bool:
            try:
                return Client(node.client, "bob").name == "bob"
            except (Closed, OSError):
                return False

        eventually(let_in, what="another client is served again")
