"""A share of each turn for everybody: who floods, and a crowd that wants in, do not keep others waiting.

No clock: the node is stopped until all have spoken, and in which order a recipient gets what they said tells in which
order the node has heard them.
"""

from __future__ import annotations

from client import Client
from cluster import LiveTest, fresh, reached
from deadline import Deadline, eventually
from node import Node

# Of one client, in a turn.
LINES = 64
# Of newcomers, in a turn.
GUESTS = 32


def chats(recipient: str, contents: list[str]) -> bytes:
    return b"".join(b'{"cmd":"chat","recv":"%s","content":"%s"}\n' % (recipient.encode(), content.encode())
                    for content in contents)


class Fairness(LiveTest):
    shared = True
    nodes: list[Node]

    @classmethod
    def furnish(cls) -> None:
        cls.nodes = cls.world.mesh(2)

    def heard(self, recipient: Client, count: int) -> list[str]:
        return [recipient.expect(cmd="chat")["content"] for _ in range(count)]

    def test_a_chat_overtakes_a_flood(self) -> None:
        flood = [f"flood {number}" for number in range(700)]  # in less than 64 KiB
        for node in self.nodes:
            with self.subTest(recipient=node.name):
                flooder, alice = (self.world.client(self.nodes[0], fresh()) for _ in range(2))
                bob = self.world.client(node, fresh("bob"))
                for sender in (flooder, alice):
                    reached(sender, bob, Deadline(10))
                self.nodes[0].pause()
                flooder.send_bytes(chats(bob.name, flood))
                alice.send_bytes(chats(bob.name, ["from alice"]))
                self.nodes[0].resume()
                came = self.heard(bob, len(flood) + 1)
                self.assertLessEqual(came.index("from alice"), 2 * LINES)
                came.remove("from alice")
                self.assertEqual(came, flood)

    def test_who_floods_with_mistakes_and_reads_is_not_cut(self) -> None:
        """The answers are more than a queue holds; they are given as they are read."""
        flooder = self.world.client(self.nodes[0], fresh())
        count = 30_000
        flooder.send_bytes(b"{}\n" * count)
        for _ in range(count):
            self.assertEqual(flooder.next()["code"], "bad_request")
        self.assertEqual(flooder.before_pong(), [])

    def test_a_chat_overtakes_a_crowd_that_logs_in(self) -> None:
        [node] = self.world.static(["alone"])  # with no mailboxes, which each login would wait for
        self.world.start([node])
        alice, bob = (self.world.client(node, fresh(name)) for name in ("alice", "bob"))
        crowd = [self.world.client(node) for _ in range(300)]
        names = [fresh("guest") for _ in crowd]
        node.pause()
        for guest, name in zip(crowd, names):
            guest.send_bytes(b'{"cmd":"login","name":"%s"}\n' % name.encode() + chats(bob.name, [name]))
        alice.send_bytes(chats(bob.name, ["from alice"]))
        node.resume()
        came = self.heard(bob, len(crowd) + 1)
        self.assertLessEqual(came.index("from alice"), 2 * GUESTS)
        self.assertEqual(sorted(came), sorted([*names, "from alice"]))
        eventually(lambda: bob.knows(*names), what="all are in")
