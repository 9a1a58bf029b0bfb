"""The judge of histories judged: each breach in a small history of its own, and what is none beside it."""

from __future__ import annotations

from typing import Any

from cluster import LiveTest
from history import History, Verdict, from_journal


class Told:
    """A history told step by step, a tenth of a second each: alice writes to bob."""

    def __init__(self, *, acks: bool = False) -> None:
        self.history = History(stuck_s=1.0)
        self.now = 100.0
        self.acks = acks
        self.seq = 0
        self.up("alice#1")
        self.up("bob#1", acks=acks)

    def up(self, tag: str, *, acks: bool = False) -> Told:
        self.seq = 0 if tag.startswith("bob") else self.seq
        self.acks = acks if tag.startswith("bob") else self.acks
        self.history.login(tag, tag.split("#")[0], acks=acks, at=self.tick())
        self.history.logged_in(tag, at=self.tick())
        return self

    def down(self, tag: str, how: str = "reset") -> Told:
        self.history.ended(tag, how, at=self.tick())
        return self

    def sends(self, *ids: str, tag: str = "alice#1", retry: bool = False) -> Told:
        for id in ids:
            self.history.sent(tag, "bob", id, f"content {id}", retry=retry, at=self.tick())
        return self

    def told(self, what: str, *ids: str, tag: str = "alice#1", maybe: bool = False) -> Told:
        for id in ids:
            self.history.outcome(tag, id, what, maybe=maybe, at=self.tick())
        return self

    def sees(self, *ids: str, tag: str = "bob#1", **marks: Any) -> Told:
        for id in ids:
            message = {"cmd": "chat", "send": "alice", "recv": "bob", "id": id, "content": f"content {id}", "ts": 1}
            if self.acks:
                self.seq += 1
                message["seq"] = self.seq
            self.history.seen(tag, {**message, **marks}, at=self.tick())
        return self

    def later(self, seconds: float) -> Told:
        self.now += seconds
        return self

    def tick(self) -> float:
        self.now += 0.1
        return self.now

    def judged(self) -> Verdict:
        return self.history.judge()


class Judge(LiveTest):
    shared = True

    def finds(self, told: Told, **breaches: int) -> Verdict:
        verdict = told.judged()
        self.assertEqual(verdict.breaches, breaches, verdict.first)
        self.assertEqual(set(verdict.first), set(breaches), "each has its story")
        return verdict

    def test_nothing_wrong(self) -> None:
        self.finds(Told().sends("1", "2").sees("1", "2").told("written", "1", "2"))
        self.finds(Told(acks=True).sends("1", "2").sees("1", "2").told("delivered", "1", "2"))
        self.finds(Told().sends("1", "2").told("stored", "1", "2").sees("1", "2", stored=True))
        self.finds(Told().sends("1").told("busy", "1").sends("1", retry=True).sees("1").told("written", "1"))
        self.finds(Told().sends("1").told("no_such_user", "1"))

    def test_lost(self) -> None:
        for what in ("written", "stored"):
            self.finds(Told().sends("1").told(what, "1"), lost=1, false_acks=1)
        self.finds(Told(acks=True).sends("1").told("delivered", "1"), lost=1, false_acks=1)
        verdict = self.finds(Told().sends("1", "2").sees("2").told("written", "1", "2"), lost=1, false_acks=1)
        self.assertIn("alice#1 sends 1 to bob", verdict.first["lost"])
        self.assertIn("alice#1 is told written for 1", verdict.first["lost"])

    def test_lost_with_a_connection_that_broke(self) -> None:
        verdict = self.finds(Told().sends("1").told("written", "1").down("bob#1"))
        self.assertEqual(sum(verdict.excused.values()), 1)
        self.finds(Told().sends("1").told("written", "1").down("bob#1", "logout"), lost=1, false_acks=1)
        self.finds(Told().down("bob#1").up("bob#2").sends("1").told("written", "1"), lost=1, false_acks=1)
        self.finds(Told(acks=True).sends("1").told("delivered", "1").down("bob#1"), lost=1, false_acks=1)
        self.finds(Told().sends("1").told("stored", "1").down("bob#1"), lost=1, false_acks=1)

    def test_lost_with_redis(self) -> None:
        told = Told().sends("1").told("stored", "1")
        told.history.amnesia(at=told.tick())
        self.assertEqual(sum(self.finds(told).excused.values()), 1)
        told.sends("2").told("stored", "2")
        self.finds(told, lost=1, false_acks=1)

    def test_doubled(self) -> None:
        self.finds(Told().sends("1").sees("1", "1").told("written", "1"), doubled=1)
        self.finds(Told().sends("1").sees("1").sees("1", stored=True).told("written", "1"), doubled=1)
        verdict = self.finds(Told().sends("1").sees("1").sees("1", redelivered=True).told("written", "1"))
        self.assertEqual(verdict.repeats, 1)

    def test_doubled_in_sessions_that_are_read_at_once(self) -> None:
        both = Told().up("bob#2").sends("1").told("written", "1")
        both.sees("1", tag="bob#2", redelivered=True).sees("1", tag="bob#1")
        self.finds(both)
        self.finds(both.sees("1", tag="bob#1"), doubled=1)
        self.finds(Told().sends("1").told("written", "1").sees("1", redelivered=True).down("bob#1").up("bob#2")
                   .sees("1", tag="bob#2"), doubled=1)

    def test_reordered(self) -> None:
        self.finds(Told().sends("1", "2", "3").sees("2", "3", "1").told("written", "1", "2", "3"), reordered=1)
        self.finds(Told().sends("1", "2", "3").sees("3", "2", "1").told("written", "1", "2", "3"), reordered=2)
        again = Told(acks=True).sends("1", "2", "3").sees("1", "2").sees("1", "2", redelivered=True).sees("3")
        self.finds(again.told("delivered", "1", "2", "3"))

    def test_overtaken_while_redis_was_away(self) -> None:
        told = Told().sends("1").told("stored", "1")
        told.history.redis_away(0.5, at=told.tick())
        told.sends("2").sees("2").told("written", "2").sees("1", stored=True)
        self.assertEqual(sum(self.finds(told).excused.values()), 1)
        told = Told().sends("1").told("stored", "1").sends("2").sees("2").told("written", "2").sees("1", stored=True)
        self.finds(told, reordered=1)

    def test_sent_again_after_a_refusal_it_may_be_later(self) -> None:
        told = Told().sends("1", "2").told("busy", "1").sees("2").told("written", "2")
        self.finds(told.sends("1", retry=True).sees("1").told("written", "1"))

    def test_order_of_what_was_sent_again_after_a_reconnect(self) -> None:
        told = Told(acks=True).sends("1", "2").down("alice#1").up("alice#2")
        told.sends("1", "2", tag="alice#2", retry=True).sends("3", tag="alice#2")
        self.finds(told.sees("1", "2", "3").told("delivered", "1", "2", "3", tag="alice#2"))
        told = Told(acks=True).sends("1", "2").down("alice#1").up("alice#2")
        told.sends("1", "2", tag="alice#2", retry=True).sends("3", tag="alice#2")
        self.finds(told.sees("1", "3", "2").told("delivered", "1", "2", "3", tag="alice#2"), reordered=1)

    def test_what_another_session_sent_again_may_be_sooner(self) -> None:
        told = Told(acks=True).sends("1", "2").told("stored", "1").down("alice#1").up("alice#2")
        told.sends("2", tag="alice#2", retry=True).sees("2").told("delivered", "2", tag="alice#2")
        self.finds(told.sees("1", stored=True))

    def test_what_a_broken_connection_had_comes_late(self) -> None:
        told = Told().sends("1").down("alice#1").down("bob#1").up("alice#2").up("bob#2")
        told.sends("2", tag="alice#2").sends("1", tag="alice#2", retry=True)
        self.finds(told.sees("2", "1", tag="bob#2").told("written", "1", "2", tag="alice#2"))

    def test_different_sessions_have_no_order(self) -> None:
        told = Told().sends("1").up("alice#2").sends("2", tag="alice#2").sees("2", "1")
        self.finds(told.told("written", "1").told("written", "2", tag="alice#2"))

    def test_phantom(self) -> None:
        self.finds(Told().sees("1"), phantom=1)
        self.finds(Told().sends("1").sees("1").sees("1", content="other", redelivered=True).told("written", "1"),
                   phantom=1)
        self.finds(Told().sends("1").sees("1").told("written", "1").sees("1", send="eve"), phantom=1)

    def test_false_acks(self) -> None:
        self.finds(Told(acks=True).sends("1").told("delivered", "1").sees("1"), false_acks=1)
        self.finds(Told().sends("1").sees("1").told("delivered", "1"), false_acks=1)
        self.finds(Told().down("bob#1").sends("1").told("written", "1").up("bob#2").sees("1", tag="bob#2"),
                   false_acks=1)

    def test_false_errors(self) -> None:
        self.finds(Told().sends("1").told("unavailable", "1").sees("1"), false_errors=1)
        self.finds(Told().sends("1").told("unavailable", "1", maybe=True).sees("1"))

    def test_outcomes(self) -> None:
        self.finds(Told().sends("1").sees("1").told("written", "1", "1"), outcomes=1)
        self.finds(Told().sends("1").sees("1").told("written", "1").told("busy", "1"), outcomes=1)
        self.finds(Told().told("written", "1"), outcomes=1)
        self.finds(Told().sends("1").sends("1", retry=True).sees("1").told("written", "1", "1"))

    def test_unanswered(self) -> None:
        self.finds(Told().sends("1").sees("1"), unanswered=1)
        self.finds(Told().sends("1").sees("1").down("alice#1"))

    def test_stuck(self) -> None:
        self.finds(Told().sends("1").told("stored", "1").later(1.5).sees("1", stored=True), stuck=1)
        self.finds(Told().down("bob#1").sends("1").told("stored", "1").later(99).up("bob#2").sees("1", tag="bob#2"))

    def test_numbering(self) -> None:
        self.finds(Told(acks=True).sends("1").sees("1", seq=2).told("delivered", "1"), numbering=1)
        self.finds(Told().sends("1").sees("1", seq=1).told("written", "1"), numbering=1)

    def test_a_journal(self) -> None:
        lines = ['{"event":"login","tag":"a#1","name":"a","at":1}', '{"event":"logged_in","tag":"a#1","at":1.1}',
                 '{"event":"sent","tag":"a#1","recipient":"a","id":"1","content":"x","at":2}',
                 '{"event":"outcome","tag":"a#1","id":"1","what":"written","at":3}']
        self.assertEqual(from_journal(lines).judge().breaches, {"lost": 1, "false_acks": 1})
