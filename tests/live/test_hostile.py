"""Whatever comes in on the client port: an error line or a close as documented, everyone else undisturbed."""

from __future__ import annotations

import json
import random

from client import DO, IAC, SB, Client, Closed
from cluster import LiveTest, fresh, reached
from deadline import Deadline, eventually
from node import Node

LINE_BYTES = 64 * 1024


def chat_of(content: bytes) -> bytes:
    """A chat to nobody around raw bytes of content."""
    return b'{"cmd":"chat","recv":"nobody","content":' + content + b"}"


NOT_JSON = (
    b"{", b"{}}", b"{} {}", b'{"cmd":"ping"', b'{"cmd":"ping"}]', b'{"cmd":"ping"} x', b'{"cmd":"ping"}{"cmd":"ping"}',
    b'{"cmd":"ping",}', b'{,"cmd":"ping"}', b'{"cmd" "ping"}', b'{"cmd":}', b"{cmd:1}", b"{'cmd':'ping'}",
    b'{"cmd":ping}', b'{"cmd":"ping" "id":"x"}', b'{"cmd":"ping","id":"x}', b'{"cmd":"pi\tng"}',
    b'{"cmd":"ping","id":"a\x01"}', b'{"cmd":"ping"/* */}', b'{"cmd":"ping"}//', b'{"cmd":"ping",5:6}',
    b'{"cmd":"ping","a":1,,"b":2}', b'{"a":{"cmd":"ping"}', b'{"cmd":"ping"\x0c}', b'{"cmd":"ping"\xc2\xa0}',
    b'{"cmd":"ping"}\xe2\x80\xa8',
)
# In fields that nobody looks at as much as in those that matter: a parser that skips must still check.
BAD_VALUES = (
    b"01", b"-", b"+1", b"1.", b".5", b"1e", b"1e+", b"-01", b"0x10", b"1_000", b"NaN", b"Infinity", b"-Infinity",
    b"tru", b"True", b"nul", b"undefined", b"", b"1 2", b'"a" "b"', b"'a'",
    b"[1,]", b"[,1]", b"[1 2]", b"[1}", b"{]", b"[", b"[[1]", b'{"a":1,}', b'{"a"}', b"{1:2}", b'{"a":1 "b":2}',
    rb'"\x41"', rb'"\u12"', rb'"\u12G4"', rb'"\"', b'"a\x0bb"', b'"\x1f"',
)
BAD_UTF8 = (
    b"\x80", b"\xbf", b"\xc0\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xc2", b"\xc2A", b"\xe0\x80\xaf", b"\xe0\x9f\xbf",
    b"\xe2\x82", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf0\x80\x80\xaf",
    b"\xf0\x8f\xbf\xbf", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe",
    b"\xff\xff",  # telnet's IAC IAC is one 0xff
)
BAD_ESCAPES = (
    rb"\u0000", rb"a\u0000b", rb"\ud800", rb"\udbffx", rb"\udc00", rb"\udfff", rb"\ud800A", rb"\ud83d\n",
    rb"\ude00\ud83d", rb"\ud83d\ud83d\ude00", rb"\uD800\u0041",
)
DUPLICATES = (
    b'{"cmd":"ping","cmd":"ping"}', b'{"cmd":"ping","id":"a","id":"a"}', b'{"cmd":"ping","x":1,"x":2}',
    b'{"cmd":"ping","x":{"a":1,"b":2,"a":3}}', b'{"cmd":"ping","x":[0,{"y":[{"k":1,"k":1}]}]}',
    b'{"cmd":"ping","":1,"":2}', rb'{"cmd":"ping","\u0063md":"ping"}', b'{"cmd":"ping","x":{"\\u00e9":1,"\xc3\xa9":2}}',
    chat_of(b'{"a":{"b":{"c":{"d":1,"d":1}}}}'), chat_of(b'[{"k":1},{"k":1,"j":2,"k":3}]'),
)
# Each is well formed, though it looks like one of the above.
FINE = (
    b'{"cmd":"ping","x":[{"k":1},{"k":1}]}', b'{"cmd":"ping","x":{"x":{"x":1}},"id":"1"}',
    rb'{"cmd":"ping","x":"\ud83d\ude00"}', rb'{"cmd":"ping","x":"\\u0000"}', rb'{"\u0063md":"ping"}',
    b'{"cmd":"ping","x":"\xf0\x9f\x98\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\xef\xbf\xbf\xe2\x80\xa8"}',
    b'{"cmd":"ping","x":-0.0e-0}', b'{"cmd":"ping","x":1e999}', b'{ \t"cmd" : "ping" } \t',
    b'{"cmd":"ping","X":1,"x":2}', b'{"cmd":"ping","x":"\x7f"}',
)


class Hostile(LiveTest):
    """Two nodes, and two users on them who talk all through the class."""

    shared = True
    nodes: list[Node]

    @classmethod
    def furnish(cls) -> None:
        cls.nodes = cls.world.mesh(2)
        cls.enterClassContext(cls.world.undisturbed(*cls.nodes))

    def refused(self, client: Client, line: bytes, code: str = "bad_json") -> None:
        """The line gets this one error, and the session is as good as before."""
        client.send_bytes(line + b"\n")
        answers = client.before_pong()
        self.assertEqual([(answer["cmd"], answer.get("code")) for answer in answers], [("error", code)], line[:200])
        self.assertTrue(answers[0]["message"])


class BadJson(Hostile):
    def test_every_kind(self) -> None:
        client = self.world.client(self.nodes[0], fresh())
        rows = [*NOT_JSON, *DUPLICATES]
        for bad in BAD_VALUES:
            rows += [chat_of(bad), b'{"cmd":"ping","x":%s}' % bad, b'{"cmd":"ping","x":[{"y":%s}]}' % bad]
        for bad in BAD_UTF8:
            rows += [chat_of(b'"%s"' % bad), b'{"cmd":"ping","x%s":1}' % bad, b'{"cmd":"ping","id":"%s."}' % bad,
                     b'{"cmd":"ping"%s}' % bad]
        for bad in BAD_ESCAPES:
            rows += [chat_of(b'"%s"' % bad), b'{"cmd":"ping","x":{"%s":1}}' % bad, b'{"cmd":"ping","id":"%s"}' % bad]
        for row in rows:
            with self.subTest(row=row):
                self.refused(client, row)

    def test_nul_bytes(self) -> None:
        client = self.world.client(self.nodes[0], fresh())
        for row in (b'{"cmd":"ping"\x00}', b'{"cmd":"ping","id":"a\x00b"}', b'{"cmd":"ping"}\x00',
                    b'{\x00"cmd":"ping"}', chat_of(b'"\x00"')):
            with self.subTest(row=row):
                self.refused(client, row)

    def test_a_line_that_is_no_object(self) -> None:
        client = self.world.client(self.nodes[0], fresh())
        for row in (b"[]", b"5", b'"cmd"', b"null", b"hello", b"/help", b'\xef\xbb\xbf{"cmd":"ping"}',
                    b"x" * LINE_BYTES):
            with self.subTest(row=row[:20]):
                self.refused(client, row)

    def test_what_is_fine(self) -> None:
        client = self.world.client(self.nodes[0], fresh())
        for row in FINE:
            with self.subTest(row=row):
                client.send_bytes(row + b"\n")
                self.assertEqual([answer["cmd"] for answer in client.before_pong()], ["pong"])

    def test_depth(self) -> None:
        client = self.world.client(self.nodes[0], fresh("me"))
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            middle = b"" if opening == b"[" else b"1"
            for levels, fine in ((1, True), (31, True), (32, False), (33, False), (1000, False), (10_000, False)):
                with self.subTest(opening=opening, levels=levels + 1):  # the outer object being 1
                    content = opening * levels + middle + closing * levels
                    line = b'{"cmd":"chat","recv":"%s","content":%s}' % (client.name.encode(), content)
                    if len(line) > LINE_BYTES:
                        continue
                    if fine:
                        client.send_bytes(line + b"\n")
                        self.assertEqual([chat["content"] for chat in client.before_pong()], [json.loads(content)])
                    else:
                        self.refused(client, line)
        self.refused(client, b'{"cmd":"ping","x":' + b"[" * 32 + b"]" * 32 + b"}")
        self.refused(client, b"{" * 10_000)
        self.refused(client, b'{"a":' * 10_000)
        self.refused(client, b'{"cmd":"ping","x":' + b"[" * 60_000)

    def test_wide_objects_take_no_longer_than_others(self) -> None:
        """Keys are compared for doubles; thousands of them, long alike prefixes and all, must not stop the loop."""
        client = self.world.client(self.nodes[0], fresh())
        for keys in ([b'"%d":0' % n for n in range(6000)], [b'"%s%03d":0' % (b"k" * 300, n) for n in range(200)]):
            client.send_bytes(b'{"cmd":"ping",' + b",".join(keys) + b"}\n")
            self.assertEqual([answer["cmd"] for answer in client.before_pong()], ["pong"])
            self.refused(client, b'{"cmd":"ping",' + b",".join([*keys, keys[0]]) + b"}")
        for _ in range(100):
            client.send_bytes(b'{"cmd":"ping",' + b",".join(b'"%d":0' % n for n in range(6000)) + b"}\n")
        self.assertEqual(len(client.before_pong()), 100)

    def test_the_third_in_a_row_closes_who_is_not_logged_in(self) -> None:
        client = self.world.client(self.nodes[0])
        for _ in range(3):  # a line that is understood begins the count anew
            client.send_bytes(b"{bad\n{bad\n")
            self.assertEqual([error["code"] for error in client.before_pong()], ["bad_json"] * 2)
        client.send_bytes(b"{bad\n" * 3)
        self.assertEqual([error["code"] for error in client.until_closed()], ["bad_json"] * 3)

    def test_a_logged_in_session_survives_them(self) -> None:
        client = self.world.client(self.nodes[0], fresh())
        client.send_bytes(b"{bad\n" * 100)
        self.assertEqual([answer["code"] for answer in client.before_pong()], ["bad_json"] * 100)

    def test_random_bytes(self) -> None:
        chance = random.Random(7)
        for _ in range(30):
            client = self.world.client(self.nodes[0])
            client.try_send(chance.randbytes(20_000))
            client.try_send(b"\n" + b"{" + chance.randbytes(20_000))
            client.close()

    def test_damaged_requests(self) -> None:
        """Every single-byte damage of a good line gets one answer, and never the recipient a chat not understood."""
        client = self.world.client(self.nodes[0], fresh())
        good = b'{"cmd":"ping","x":[1,{"y":"\\u00e9\xc3\xa9"}]}'
        chance = random.Random(11)
        for at in range(1, len(good)):  # the first byte decides of the kind of session
            for byte in {0, 0x1f, 0x22, 0x5c, 0x7b, 0x7d, 0x80, 0xc0, chance.randrange(0x20, 0xf0)}:
                line = good[:at] + bytes([byte]) + good[at + 1:]
                client.send_bytes(line + b"\n")
                answers = client.before_pong()
                self.assertEqual(len(answers), 1, line)
                try:
                    fine = not duplicate_or_nul(line)
                except ValueError:
                    fine = False
                self.assertEqual(answers[0].get("code") != "bad_json", fine, (line, answers))


class TooLarge(Hostile):
    def line(self, size: int) -> bytes:
        head, tail = b'{"cmd":"ping","id":"big","x":"', b'"}'
        return head + b"a" * (size - len(head) - len(tail)) + tail

    def test_the_longest_line(self) -> None:
        for name in ("", fresh()):
            for end in (b"\n", b"\r\n"):
                with self.subTest(name=name, end=end):
                    client = self.world.client(self.nodes[0], name)
                    client.send_bytes(self.line(LINE_BYTES) + end)
                    self.assertEqual(client.next(), {"cmd": "pong", "id": "big"})

    def test_the_longest_chat_arrives_on_another_node(self) -> None:
        sender, recipient = self.world.client(self.nodes[0], fresh()), self.world.client(self.nodes[1], fresh())
        reached(sender, recipient, Deadline(10))
        head = b'{"cmd":"chat","recv":"%s","content":"' % recipient.name.encode()
        content = b"a" * (LINE_BYTES - len(head) - 2)
        sender.send_bytes(head + content + b'"}\n')
        self.assertEqual(recipient.next()["content"], content.decode())

    def test_one_byte_more(self) -> None:
        client = self.world.client(self.nodes[0], fresh())
        for size in (LINE_BYTES + 1, LINE_BYTES + 1, 2 * LINE_BYTES):
            self.refused(client, self.line(size), "too_large")
        stranger = self.world.client(self.nodes[0])
        stranger.send_bytes(self.line(LINE_BYTES + 1) + b"\n")
        self.assertEqual([error["code"] for error in stranger.until_closed()], ["too_large"])

    def test_over_twice_the_limit_closes(self) -> None:
        client = self.world.client(self.nodes[0], fresh())
        client.try_send(self.line(2 * LINE_BYTES + 1) + b"\n")
        # Bytes unread at the close make it a reset, which may overtake the error line.
        self.assertLessEqual({error.get("code") for error in client.until_closed()}, {"too_large"})

    def test_ten_megabytes_without_an_end(self) -> None:
        for name in ("", fresh()):
            for byte in (b"a", b"[", b"\xff", b" ", b"\\"):
                with self.subTest(name=name, byte=byte):
                    client = self.world.client(self.nodes[0], name)
                    client.try_send(b'{"cmd":"ping","x":"' + byte * 10_000_000)
                    self.assertLessEqual({error.get("code") for error in client.until_closed()}, {"too_large"})

    def test_ten_megabytes_of_telnet_negotiation(self) -> None:
        for negotiation in (bytes([IAC, SB, 31]) + b"x" * 10_000_000, bytes([IAC, DO, 1]) * 3_000_000):
            client = self.world.client(self.nodes[0], fresh())
            client.try_send(negotiation)
            client.close()

    def test_ten_megabytes_from_a_human(self) -> None:
        human = self.world.human(self.nodes[0], fresh())
        human.try_send(b"/msg x " + b"y" * 10_000_000)
        human.rest()


class Commands(Hostile):
    def test_forward_and_other_unknown_commands(self) -> None:
        victim = self.world.client(self.nodes[1], fresh("victim"))
        for client in (self.world.client(self.nodes[0]), self.world.client(self.nodes[0], fresh())):
            self.refused(client, b'{"cmd":"forward","send":"boss","recv":"%s","content":"x"}' % victim.name.encode(),
                         "unknown_cmd")
            self.refused(client, b'{"cmd":""}', "unknown_cmd")
            self.refused(client, b'{"cmd":"LOGIN","name":"x"}', "unknown_cmd")
            self.refused(client, b'{"cmd":"' + b"x" * 60_000 + b'"}', "unknown_cmd")
            for cmd in ("hello", "kicked", "error", "pong", "proof", "welcome", "snapshot"):
                self.refused(client, b'{"cmd":"%s"}' % cmd.encode(), "unknown_cmd")
        self.assertEqual(victim.before_pong(), [])

    def test_a_pipelining_crowd_that_hangs_up(self) -> None:
        for _ in range(20):
            client = self.world.client(self.nodes[0])
            client.try_send(b'{"cmd":"login","name":"%s"}\n' % fresh().encode() + b'{"cmd":"ping"}\n' * 2000)
            client.close()

    def test_many_idle_connections(self) -> None:
        crowd = [self.world.client(self.nodes[0]) for _ in range(300)]
        self.assertTrue(crowd[150].login(fresh())["ok"])
        for one in crowd:
            one.close()

    def test_one_name_fought_over(self) -> None:
        """Fifty logins of one name on both nodes at once: one session is left, and it is reached."""
        name = fresh("popular")
        crowd = [self.world.client(self.nodes[n % 2]) for n in range(50)]
        for one in crowd:
            one.send(cmd="login", name=name)
        bob = self.world.client(self.nodes[0], fresh("bob"))

        def survivors() -> list[Client]:
            left = []
            for one in crowd:
                try:
                    one.before_pong()
                    left.append(one)
                except (Closed, OSError):
                    pass
            return left

        eventually(lambda: len(survivors()) == 1, what="one session is left")
        last = survivors()[0]
        last.name = name
        reached(bob, last, Deadline(10))


def duplicate_or_nul(line: bytes) -> bool:
    """What Python's parser lets pass and the contract does not; ValueError for what neither takes."""
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in items]
        if len(set(keys)) != len(keys) or any("\0" in key for key in keys):
            raise ValueError("a key given twice")
        return dict(items)

    def no_constant(name: str) -> None:
        raise ValueError(name)

    value = json.loads(line.decode(), object_pairs_hook=pairs, parse_constant=no_constant)
    text = json.dumps(value, ensure_ascii=False)
    text.encode()  # a lone surrogate is a UnicodeEncodeError, a ValueError too
    return "\\u0000" in text or "\0" in text
