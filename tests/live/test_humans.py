"""People at a telnet: typed commands, plain lines, nothing in them that another's terminal would obey."""

from __future__ import annotations

import json

from client import DO, IAC, SB, SE, WILL
from cluster import LiveTest, fresh
from deadline import eventually
from node import Node


class Humans(LiveTest):
    shared = True
    nodes: list[Node]

    @classmethod
    def furnish(cls) -> None:
        cls.nodes = cls.world.mesh(3)

    def people(self) -> tuple[str, str]:
        return fresh("ann"), fresh("ben")

    def test_msg_between_people_on_two_nodes(self) -> None:
        ann_name, ben_name = self.people()
        ann, ben = self.world.human(self.nodes[0], ann_name), self.world.human(self.nodes[2], ben_name)
        self.known(ben_name)
        ann.type(f"/msg {ben_name} how are youe")
        ben.see(ann_name, "how are youe")
        ann.type("and a bare line goes the same way")
        ben.see(ann_name, "and a bare line goes the same way")
        self.known(ann_name, self.nodes[2])
        ben.type(f"/msg {ann_name} 很好", end="\n")
        ann.see(ben_name, "很好")

    def test_a_person_and_a_program(self) -> None:
        name = fresh("ann")
        ann = self.world.human(self.nodes[0], name)
        program = self.world.client(self.nodes[1], fresh("program"))
        eventually(lambda: program.knows(name), 10)
        program.chat(name, "beep", id="1")
        ann.see(program.name, "beep")
        self.assertEqual(program.outcome("1"), "written")
        self.known(program.name)
        ann.type(f'/msg {program.name} say "hi" \\ {{x}}')
        self.assertEqual(program.expect(cmd="chat", send=name)["content"], 'say "hi" \\ {x}')

    def test_every_end_of_line(self) -> None:
        name = fresh("ann")
        ann = self.world.human(self.nodes[0], name)
        program = self.world.client(self.nodes[0], fresh("program"))
        for number, end in enumerate(("\r\n", "\r\0", "\n", "\r\n")):
            ann.type(f"/msg {program.name} line {number}", end)
            self.assertEqual(program.expect(cmd="chat")["content"], f"line {number}")

    def test_a_pasted_json_line_is_answered_in_json(self) -> None:
        ann_name, ben_name = self.people()
        ann, ben = self.world.human(self.nodes[0], ann_name), self.world.client(self.nodes[0], ben_name)
        ann.type(json.dumps({"cmd": "chat", "recv": ben_name, "content": "pasted", "id": "p"}))
        self.assertEqual(json.loads(ann.see('"p"')), {"cmd": "ack", "id": "p", "status": "written"})
        self.assertEqual(ben.next()["content"], "pasted")
        ann.type('{"cmd":"nonsense"}')
        self.assertEqual(json.loads(ann.see("unknown_cmd"))["code"], "unknown_cmd")
        ann.type("{broken")
        self.assertEqual(json.loads(ann.see("bad_json"))["code"], "bad_json")
        ann.type(f"/msg {ben_name} still a person")
        self.assertEqual(ben.next()["content"], "still a person")

    def test_logging_in_by_json_and_by_hand(self) -> None:
        name = fresh("ann")
        ann = self.world.human(self.nodes[0])
        ann.type("/help")
        ann.see("/msg")
        ann.type(f'{{"cmd":"login","name":"{name}"}}')
        self.assertTrue(json.loads(ann.see('"login"'))["ok"])
        ann.type(f"/msg {name} me")
        ann.see(name, "me")

    def test_mistakes_are_answered_in_plain_words(self) -> None:
        name, nobody = fresh("ann"), fresh("nobody")
        ann = self.world.human(self.nodes[0])
        for typed in (f"/msg {name} before login", "/login", "/login a\u202eb", "/frobnicate", "a line to nobody"):
            with self.subTest(typed=typed):
                ann.type(typed)
                self.assertFalse(ann.line().startswith(b"{"))
        ann.type("/help")
        ann.see("/login")
        ann.type(f"/login {name}")
        ann.see(name)
        ann.type(f"/msg {nobody} hello?")
        self.assertFalse(ann.see(nobody).startswith("{"))

    def test_quit_closes(self) -> None:
        ann = self.world.human(self.nodes[0], fresh("ann"))
        ann.type("/quit")
        ann.rest()

    def test_the_older_session_is_told_and_closed(self) -> None:
        name = fresh("ann")
        ann = self.world.human(self.nodes[0], name)
        self.world.human(self.nodes[2], name)
        told = [line for line in ann.rest() if line]
        self.assertTrue(told)
        self.assertFalse(told[-1].startswith(b"{"))

    def test_control_and_bidirectional_characters_are_shown_escaped(self) -> None:
        name = fresh("ann")
        ann = self.world.human(self.nodes[0], name)
        program = self.world.client(self.nodes[1], fresh("program"))
        eventually(lambda: program.knows(name), 10)
        program.chat(name, "a\x1b[2Jb")
        self.assertIn("a\\x1b[2Jb", ann.see(program.name))
        for character in "\u0001\u0007\b\t\n\r\u000b\u001b\u007f\u0085\u009b\u200e\u202a\u202e\u2066\u2069":
            with self.subTest(character=ascii(character)):
                program.chat(name, f"before{character}after")
                line = ann.see("before")
                self.assertNotIn(character, line)
                self.assertRegex(line, r"before\\.+after")
        program.chat(name, "plain")
        self.assertTrue(ann.see("plain"), "and nothing of it made a line of its own")

    def known(self, name: str, node: Node | None = None) -> None:
        """Waits until the user is known on a node (the first, if none is named)."""
        asker = self.world.client(node or self.nodes[0], fresh("asker"))
        eventually(lambda: asker.knows(name), 10, f"{name} is known")
        asker.close()

    def test_telnet_negotiation_never_reaches_the_parser(self) -> None:
        negotiation = (bytes([IAC, DO, 1]), bytes([IAC, WILL, 31]), bytes([IAC, DO, 3]), bytes([IAC, 241]),
                       bytes([IAC, SB, 31, 0, 80, 0, 24, IAC, SE]))
        for json_session in (True, False):
            with self.subTest(json=json_session):
                human = self.world.human(self.nodes[0])
                name = fresh("telnet")
                line = f'{{"cmd":"login","name":"{name}"}}' if json_session else f"/login {name}"
                data = line.encode() + b"\r\n"
                pieces = [data[at:at + 5] for at in range(0, len(data), 5)]
                for number, piece in enumerate(pieces):
                    human.send_bytes(negotiation[number % len(negotiation)] + piece)
                human.see(name)
                answered = {command[2] for command in human.negotiated if len(command) == 3}
                self.assertLessEqual(answered, {1, 3, 31}, "only what was asked about is answered")
                human.close()
