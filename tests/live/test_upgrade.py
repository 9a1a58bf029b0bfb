"""SIGUSR2: the version that is installed by then takes over, under the same pid, and nobody who connects is refused."""

from __future__ import annotations

import signal
from pathlib import Path

from client import Client
from cluster import LiveTest, fresh
from deadline import eventually
from knocker import Knocker
from node import Node


def incarnation(node: Node) -> str:
    return node.log_lines("serving")[-1].partition("incarnation=")[2].split()[0]


class Upgrade(LiveTest):
    def upgraded(self, node: Node, times: int) -> None:
        eventually(lambda: len(node.log_lines("msg=serving")) == times, what="the new one serves")
        node.wait_ready()

    def with_threads(self) -> Node:
        """Its Redis has a name to look up, for which there are threads; they would take signals too."""
        redis = self.world.redis.url.replace("127.0.0.1", "localhost")
        return self.world.node("n1", "--redis", redis, *self.world.secret())

    def test_under_the_same_pid_and_nobody_is_refused(self) -> None:
        n1, n2 = self.world.mesh(2)
        before, first = dict(n1.ready), incarnation(n1)
        alice = self.world.client(n1, fresh("alice"))
        bob = self.world.client(n2, fresh("bob"))
        knocker = Knocker(n1.client)
        eventually(lambda: knocker.greeted > 3, what="it is let in")
        for times in (2, 3):
            n1.signal(signal.SIGUSR2)
            self.upgraded(n1, times)
        knocker.finish()
        self.assertEqual(knocker.failures, [])
        self.assertEqual(n1.ready, before, "the same pid, the same ports")
        self.assertNotEqual(incarnation(n1), first)
        kicked = alice.until_closed()[-1]
        self.assertEqual((kicked["cmd"], kicked["reason"], kicked["retry"]), ("kicked", "drain", True))
        again = self.world.client(n1, fresh("alice"))
        eventually(lambda: again.knows(bob.name), what="it is linked again")
        again.chat(bob.name, "here again", id="1")
        self.assertEqual(bob.expect(cmd="chat")["content"], "here again")
        n1.stop()

    def test_what_was_on_its_way_arrives(self) -> None:
        n1, n2 = self.world.mesh(2)
        alice, bob = self.world.client(n1, fresh("alice")), self.world.client(n2, fresh("bob"), ack=True)
        eventually(lambda: alice.knows(bob.name), what="bob is known")
        for number in range(50):
            alice.chat(bob.name, number, id=f"m-{number}")
        n1.signal(signal.SIGUSR2)
        seen = [bob.expect(cmd="chat") for _ in range(50)]
        bob.send(cmd="ack", seq=seen[-1]["seq"])
        told = [message for message in alice.until_closed() if message["cmd"] == "ack"]
        self.assertEqual([message["content"] for message in seen], list(range(50)))
        self.assertEqual([message["id"] for message in told], [f"m-{number}" for number in range(50)])
        self.upgraded(n1, 2)

    def test_signals_at_any_moment_of_it(self) -> None:
        node = self.with_threads()
        first = dict(node.ready)
        for kind in (signal.SIGUSR1, signal.SIGHUP, signal.SIGUSR2):
            served = len(node.log_lines("msg=serving"))
            node.signal(signal.SIGUSR2)

            def upgraded() -> bool:
                assert node.process is not None and node.process.poll() is None, f"{kind.name} has ended it"
                node.signal(kind)
                return len(node.log_lines("msg=serving")) > served

            eventually(upgraded, what="the new one serves")
        eventually(lambda: node.ready_path.exists(), what="the last of them serves")
        Client(node.client).close()
        self.assertEqual(node.wait_ready().ready["pid"], first["pid"])

    def test_sigterm_meanwhile_stops_it_in_good_order(self) -> None:
        n1, n2 = self.world.mesh(2)
        alice, bob = self.world.client(n1, fresh("alice")), self.world.client(n2, fresh("bob"), ack=True)
        eventually(lambda: alice.knows(bob.name), what="bob is known")
        alice.chat(bob.name, "hi", id="1")
        seq = bob.expect(cmd="chat")["seq"]
        n1.signal(signal.SIGUSR2)
        eventually(lambda: n1.log_lines("stopping", "upgrade"), what="it moves its sessions off")
        n1.signal(signal.SIGTERM)
        eventually(lambda: n1.log_lines("no upgrade", "SIGTERM"), what="it takes notice")
        bob.send(cmd="ack", seq=seq)
        self.assertEqual(alice.outcome("1"), "delivered", "as at any SIGTERM")
        n1.ended_well()
        self.assertEqual(len(n1.log_lines("msg=serving")), 1)

    def test_sigterm_at_any_moment_of_it(self) -> None:
        node = self.with_threads()
        for looks in range(60):
            begun = len(node.log_lines("msg=stopping", "why=upgrade"))
            node.signal(signal.SIGUSR2)
            while len(node.log_lines("msg=stopping", "why=upgrade")) == begun:
                self.assertTrue(node.alive())
            for _ in range(looks):
                node.log()  # a moment later each time
            node.signal(signal.SIGTERM)
            node.ended_well()
            node.start()

    def test_settings_that_do_not_start_leave_all_as_it_is(self) -> None:
        settings = Path(self.world.file("n1.toml", "[log]\nlevel = \"info\"\n"))
        node = self.world.node("n1", "--config", str(settings))
        alice = self.world.client(node, "alice")
        settings.write_text("[log]\nlevel = \"loud\"\n", encoding="utf-8")
        node.signal(signal.SIGUSR2)
        eventually(lambda: node.log_lines("no upgrade"), what="it says why not")
        self.assertIn("loud", node.log(), "and what is wrong")
        alice.send(cmd="ping", id="1")
        self.assertEqual(alice.expect(cmd="pong")["id"], "1")
        settings.write_text("[log]\nlevel = \"info\"\n", encoding="utf-8")
        node.signal(signal.SIGUSR2)
        self.upgraded(node, 2)
        Client(node.client).close()
