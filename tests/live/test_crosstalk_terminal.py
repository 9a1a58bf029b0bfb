"""crosstalk login in a terminal: what a person sees."""

from __future__ import annotations

import re
import signal
from typing import Any

from client import Client
from cluster import fresh
from crosstalk_cli import CliTest, at
from deadline import eventually
from node import Node
from screen import Terminal


class InATerminal(CliTest):
    """What a person sees."""

    shared = True
    nodes: list[Node]

    @classmethod
    def furnish(cls) -> None:
        cls.nodes = cls.world.mesh(2)

    def log_in(self, node: Node, **options: Any) -> tuple[Terminal, str]:
        name = fresh("ann")
        terminal = self.terminal(*at(node), "login", name, **options)
        terminal.see("logged in as", node.name)
        terminal.see(name + ">")
        return terminal, name

    def friend(self, node: Node, name: str, **login: Any) -> Client:
        client = self.world.client(node, fresh("bob"), **login)
        eventually(lambda: client.knows(name), what=f"{name} is known")
        return client

    def test_a_message_arrives_while_one_types(self) -> None:
        terminal, name = self.log_in(self.nodes[0])
        bob = self.friend(self.nodes[1], name)
        terminal.type(f"/msg {bob.name} half a sent")
        terminal.see("half a sent")
        bob.chat(name, "hello\x1b[2J\u202e", id="1")
        self.assertEqual(bob.outcome("1"), "delivered")
        line = terminal.see(f"{bob.name}: hello")
        self.assertRegex(line, rf"^\d\d:\d\d {bob.name}: hello\\x1b\[2J\\u202e$")
        terminal.shows([line, f"{name}> /msg {bob.name} half a sent"])
        terminal.type("ence\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "half a sentence")
        terminal.shows([line, f"{name}> /msg {bob.name} half a sentence", f"to {bob.name} (written)>"])
        terminal.type("and a bare line\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "and a bare line")
        self.assertEqual(terminal.screen.unknown, [])

    def test_what_is_typed_may_take_many_rows(self) -> None:
        terminal, name = self.log_in(self.nodes[0], columns=40)
        bob = self.friend(self.nodes[0], name)
        text = f"/msg {bob.name} " + " ".join(f"word{number}" for number in range(20))
        terminal.type(text)
        terminal.see("word19")
        before = terminal.look()
        for number in range(3):
            bob.chat(name, f"message {number}", id=str(number))
            terminal.see(f"message {number}")
        shown = terminal.look()
        self.assertEqual([line for line in shown if "message" not in line], before)
        self.assertEqual(shown[-4:], before[-4:], "at the bottom, below what arrived")
        # With the cursor elsewhere than at the end.
        terminal.type("\x01\x1b[C\x1b[C")
        bob.chat(name, "message 3", id="3")
        terminal.see("message 3")
        terminal.type("\x05!\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], text.split(" ", 2)[2] + "!")

    def test_editing_and_history(self) -> None:
        terminal, name = self.log_in(self.nodes[0])
        bob = self.friend(self.nodes[0], name)
        terminal.type(f"/msg {bob.name} woerld\x1b[D\x1b[D\x1b[D\x7f\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "world")
        terminal.see("written")
        terminal.type("\x1b[A again\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "world again")
        terminal.type("ünïcode 好\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "ünïcode 好")

    def test_what_is_refused_or_stored_has_a_line(self) -> None:
        terminal, _ = self.log_in(self.nodes[0])
        nobody = fresh("nobody")
        terminal.type(f"/msg {nobody} hello?\r")
        terminal.see(f"-- stored for {nobody}")
        terminal.see(f"to {nobody} (stored)>")
        terminal.type("/help\r")
        terminal.see("-- /quit")
        terminal.type("/frobnicate\r")
        terminal.see("-- there is no such command")

    def test_ways_to_leave(self) -> None:
        for keys in ("/quit\r", "\x04", "\x03", "given up\x03\x03"):
            with self.subTest(keys=ascii(keys)):
                terminal, _ = self.log_in(self.nodes[0])
                terminal.type(keys)
                self.assertEqual(terminal.exit_code(), 0)
                self.assertTrue(terminal.cooked(), "the terminal is as it was")

    def test_a_signal_restores_the_terminal(self) -> None:
        terminal, _ = self.log_in(self.nodes[0])
        self.assertFalse(terminal.cooked())
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.exit_code(), 0)
        self.assertTrue(terminal.cooked())

    def test_replaced(self) -> None:
        terminal, name = self.log_in(self.nodes[0])
        self.world.client(self.nodes[1], name)
        self.assertEqual(terminal.exit_code(), 1)
        terminal.see("crosstalk: replaced: you have logged in somewhere else")
        self.assertTrue(terminal.cooked())

    def test_a_new_size_is_heeded(self) -> None:
        terminal, name = self.log_in(self.nodes[0])
        bob = self.friend(self.nodes[0], name)
        terminal.type("half a line")
        terminal.see("half a line")
        terminal.resize(24, 100)
        bob.chat(name, "hello", id="1")
        terminal.see(f"{bob.name}: hello")
        terminal.type("\x15" + f"/msg {bob.name} done\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "done")

    def test_a_lost_node_loses_nothing(self) -> None:
        node = self.world.member("n3")
        name = fresh("ann")
        terminal = self.terminal("-s", f"{node.ready['client']},{self.nodes[1].ready['client']}", "login", name,
                                 columns=120)
        terminal.see("logged in as", "n3")
        bob = self.friend(self.nodes[0], name, ack=True)
        terminal.type(f"/msg {bob.name} one\r")
        self.assertEqual(bob.expect(cmd="chat")["content"], "one")
        terminal.see("(1 on the way)>")
        terminal.type("half a line")
        node.kill()
        terminal.see("trying again in")
        terminal.see("-- back on n2")
        terminal.see(f"to {bob.name}", "half a line")
        bob.send(cmd="ack", seq=1)
        terminal.type("\x15two\r")
        two = bob.expect(lambda chat: chat["cmd"] == "chat" and chat["content"] != "one")
        self.assertEqual(two["content"], "two")
        bob.send(cmd="ack", seq=two["seq"])
        terminal.see(f"to {bob.name} (delivered)>")
        again = [chat for chat in bob.before_pong() if chat["cmd"] == "chat"]
        self.assertEqual([chat for chat in again if not chat.get("redelivered")], [], "seen once, or marked")

    def test_no_output_moves_what_is_typed(self) -> None:
        """Every order of the server's and the typist's bytes: the typed line stays whole at the bottom."""
        terminal, name = self.log_in(self.nodes[0])
        bob = self.friend(self.nodes[1], name)
        typed = ""
        for number in range(30):
            bob.chat(name, f"m{number}", id=f"m{number}")
            terminal.type("ab "[number % 3])
            typed += "ab "[number % 3]
        terminal.see("m29")
        terminal.shows([f"{name}> {typed}".rstrip()])
        seen = [match.group(1) for line in terminal.look() if (match := re.search(r": (m\d+)$", line))]
        self.assertEqual(seen, [f"m{number}" for number in range(30)][-len(seen):])
        self.assertGreater(len(seen), 10)
