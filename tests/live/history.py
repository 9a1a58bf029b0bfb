#!/usr/bin/env python3
"""The judge of what happened to chats: what was sent, what its sender was told, what its recipient saw.

    history.py JOURNAL       judges events that were written down, one JSON object a line

It is told each session's beginning and end, each sending, outcome and sighting,
with their times (of one monotonic clock), and judges them afterwards against
PROTOCOL.md section 3. A message is named by its sender, its recipient and its
id; sending it again under that id is another sending of the same message.

    lost          its sender was told delivered, written or stored, and nobody ever saw it
    doubled       seen again without the mark `redelivered`
    reordered     first seen after one that the same session had sent later to the same recipient
    phantom       seen, though nobody sent it so
    false_acks    delivered before its client had it; written without a live session; acked and lost
    false_errors  said to have failed for good, and seen
    outcomes      a sending with more than one outcome, or an outcome that nobody had asked for
    unanswered    a sending without an outcome, though its session lives on
    stuck         in the mailbox of a user online for longer than `stuck_s`
    numbering     `seq` that is not 1, 2, 3 … in an acknowledging session, or is there in another

Excused, and counted as such: what was `written` to a plain connection that
broke (the contract says so), what was stored in a Redis that lost its data, and
what lay in a Redis that was away while those online went on talking.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

ACKS = ("delivered", "written", "stored")
BREACHES = ("lost", "doubled", "reordered", "phantom", "false_acks", "false_errors", "outcomes", "unanswered",
            "stuck", "numbering")
STORY_LINES = 40
# Ends of a connection after which nothing is left on the way: it was read up to the server's close.
READ_OUT = ("logout", "closed by the server")

Key = tuple[str, str, str]  # sender, recipient, id (or for want of one the content)


@dataclass(slots=True)
class Session:
    """One login of one user. Its tag is its name in stories: alice#2@n1."""

    tag: str
    name: str
    acks: bool
    asked: float  # the login was sent
    up: float | None = None  # and answered
    down: float | None = None
    how: str = ""  # it ended; READ_OUT or otherwise
    seq: int = 0

    def could_read(self, begin: float, end: float) -> bool:
        """Whether it may have been the live session of its user at some time in between."""
        return self.asked <= end and (self.down is None or self.down >= begin)


@dataclass(slots=True)
class Sending:
    session: Session
    at: float
    retry: bool
    outcome: str = ""
    maybe: bool = False
    told: float = 0.0


@dataclass(slots=True)
class Sighting:
    session: Session
    at: float
    order: int  # among all sightings
    stored: bool
    redelivered: bool
    seq: int | None


@dataclass(slots=True)
class Message:
    key: Key
    content: Any
    sendings: list[Sending] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)

    @property
    def first_sent(self) -> float:
        return self.sendings[0].at

    def acked(self, *statuses: str) -> Sending | None:
        """The first sending that was told one of these."""
        return next((sending for sending in self.sendings if sending.outcome in (statuses or ACKS)), None)


class Verdict:
    """Counts, and the first offender of each kind with its story."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        self.messages = 0
        self.seen = 0
        self.repeats = 0  # seen again, and marked
        self.excused: Counter[str] = Counter()
        self.told: Counter[str] = Counter()  # outcomes by status or code

    @property
    def breaches(self) -> dict[str, int]:
        return {kind: self.counts[kind] for kind in BREACHES if self.counts[kind]}

    def accuse(self, kind: str, story: str) -> None:
        self.counts[kind] += 1
        self.first.setdefault(kind, story)

    def check(self, *, but: Iterable[str] = ()) -> Verdict:
        """Raises for any breach, with the first offender of each kind; `but` names those that are judged elsewhere."""
        stories = [f"{kind} ({self.counts[kind]} of {self.messages}), the first:\n{self.first[kind]}"
                   for kind in self.breaches if kind not in but]
        assert not stories, f"{self}\n" + "\n".join(stories)
        return self

    def __str__(self) -> str:
        told = ", ".join(f"{count} {what}" for what, count in self.told.most_common())
        wrong = ", ".join(f"{kind} {count}" for kind, count in self.breaches.items()) or "nothing wrong"
        excused = "".join(f", {count} excused ({why})" for why, count in self.excused.items())
        return f"{self.messages} chats, {self.seen} seen, {self.repeats} marked repeats; {told}; {wrong}{excused}"


class History:
    """All that a test's clients have seen. Not for several threads at once."""

    def __init__(self, stuck_s: float = 1.0) -> None:
        self.stuck_s = stuck_s
        self.began = time.monotonic()
        self.sessions: dict[str, Session] = {}
        self.messages: dict[Key, Message] = {}
        self.notes: list[tuple[float, str]] = []
        self._asked: dict[tuple[str, str], list[Message]] = defaultdict(list)  # by sender's session and id
        self._sightings = 0
        self._strays: list[tuple[str, str]] = []  # breaches found at once: kind, story
        self._amnesia: list[tuple[float, float]] = []
        self._away: list[tuple[float, float]] = []
        self._slow: list[tuple[float, float]] = []
        self._slow_since: float | None = None
        self._users: dict[str, list[Session]] = defaultdict(list)
        self._reads_since: dict[str, float] = {}

    # What happened. `at` is for histories that are told later.

    def login(self, tag: str, name: str, *, acks: bool = False, at: float | None = None) -> None:
        """Its login is on the way."""
        self.sessions[tag] = Session(tag, name, acks, _now(at))
        self._users[name].append(self.sessions[tag])

    def logged_in(self, tag: str, *, at: float | None = None) -> None:
        self.sessions[tag].up = _now(at)

    def ended(self, tag: str, how: str, *, at: float | None = None) -> None:
        """From now on its client reads no more of it."""
        session = self.sessions[tag]
        if session.down is None:
            session.down, session.how = _now(at), how

    def sent(self, tag: str, recipient: str, id: str | None, content: Any, *, retry: bool = False,
             at: float | None = None) -> None:
        session = self.sessions[tag]
        key = (session.name, recipient, _name(id, content))
        message = self.messages.setdefault(key, Message(key, content))
        message.sendings.append(Sending(session, _now(at), retry))
        if id is not None:
            self._asked[tag, id].append(message)
        else:
            message.sendings[-1].outcome = "(none asked for)"

    def outcome(self, tag: str, id: str, what: str, *, maybe: bool = False, at: float | None = None) -> None:
        """An ack's status, or an error's code."""
        session, now = self.sessions[tag], _now(at)
        for message in self._asked.get((tag, id), ()):
            for sending in message.sendings:
                if sending.session is session and not sending.outcome:
                    sending.outcome, sending.maybe, sending.told = what, maybe, now
                    return
        asked = self._asked.get((tag, id))
        story = self._story(asked[0]) if asked else "  nobody had asked"
        self._strays.append(("outcomes", f"  {self._time(now)} {tag} is told {what} for {id}\n{story}"))

    def seen(self, tag: str, message: dict[str, Any], *, at: float | None = None) -> None:
        """A delivery as it came."""
        session, now = self.sessions[tag], _now(at)
        self._sightings += 1
        seq = message.get("seq")
        session.seq += 1
        if (seq != session.seq) if session.acks else (seq is not None):
            self._strays.append(("numbering", f"  {self._time(now)} {tag}, due {session.seq}: {_brief(message)}"))
            session.seq = seq if isinstance(seq, int) else session.seq
        known = self._sent_so(message)
        if known is None or session.name != message.get("recv"):
            self._strays.append(("phantom", f"  {self._time(now)} {tag} sees {_brief(message)}"))
            return
        known.sightings.append(Sighting(session, now, self._sightings, message.get("stored") is True,
                                        message.get("redelivered") is True, seq))

    def note(self, what: str, *, at: float | None = None) -> None:
        """A fault, for the stories."""
        self.notes.append((_now(at), what))

    def amnesia(self, *, of_s: float = float("inf"), at: float | None = None) -> None:
        """Redis has just lost what it held; or of it what came in the last `of_s`."""
        self._amnesia.append((_now(at) - of_s, _now(at)))
        self.note("Redis has lost its data", at=at)

    def redis_away(self, seconds: float, *, at: float | None = None) -> None:
        """From now on, and for so long, it takes nothing and gives nothing."""
        self._away.append((_now(at), _now(at) + seconds))

    def slow(self) -> None:
        """From now until `prompt` nobody is blamed for what lies in a mailbox."""
        self._slow_since = self._slow_since or time.monotonic()

    def prompt(self) -> None:
        if self._slow_since is not None:
            self._slow.append((self._slow_since, time.monotonic()))
            self._slow_since = None

    def reads(self, name: str) -> None:
        """Again, who has read nothing for a while: what was stored meanwhile comes to nobody before."""
        self._reads_since[name] = time.monotonic()

    # What to wait for.

    def unseen(self) -> list[Message]:
        """Acked, and not seen yet."""
        return [message for message in self.messages.values() if not message.sightings and message.acked()]

    def delays(self, begin: float = 0.0, end: float = float("inf")) -> list[float]:
        """From sending to first sight, of what was first sent in between; sorted."""
        return sorted(message.sightings[0].at - message.first_sent for message in self.messages.values()
                      if message.sightings and begin <= message.first_sent < end)

    def answers(self, begin: float = 0.0, end: float = float("inf"), *whats: str) -> list[float]:
        """From sending to its outcome (one of `whats`, if any are named), of what was sent in between; sorted."""
        return sorted(sending.told - sending.at for message in self.messages.values() for sending in message.sendings
                      if sending.told and begin <= sending.at < end and (not whats or sending.outcome in whats))

    # The judgment.

    def judge(self) -> Verdict:
        verdict = Verdict()
        verdict.messages = len(self.messages)
        for kind, story in self._strays:
            verdict.accuse(kind, story)
        for message in self.messages.values():
            self._judge_outcomes(message, verdict)
            if message.sightings:
                verdict.seen += 1
                self._judge_sightings(message, verdict)
            else:
                self._judge_unseen(message, verdict)
        self._judge_order(verdict)
        return verdict

    def _judge_outcomes(self, message: Message, verdict: Verdict) -> None:
        for sending in message.sendings:
            if sending.outcome:
                verdict.told[sending.outcome] += 1
            elif sending.session.down is None:
                verdict.accuse("unanswered", self._story(message))
            if sending.outcome == "delivered":
                if not any(s.session.acks and s.at <= sending.told for s in message.sightings):
                    verdict.accuse("false_acks", self._story(message))
            elif sending.outcome == "written":
                live = any(s.could_read(message.first_sent, sending.told) for s in self._users[message.key[1]])
                if not live:
                    verdict.accuse("false_acks", self._story(message))

    def _judge_sightings(self, message: Message, verdict: Verdict) -> None:
        for at, again in enumerate(message.sightings[1:], 1):
            if again.redelivered:
                verdict.repeats += 1
            elif any(_knew(earlier, again) for earlier in message.sightings[:at]):
                verdict.accuse("doubled", self._story(message))
        if all(s.outcome and s.outcome not in ACKS and not s.maybe and s.told for s in message.sendings):
            verdict.accuse("false_errors", self._story(message))
        stored, first = message.acked("stored"), message.sightings[0]
        if stored and first.session.up is not None:
            since = max(stored.told, first.session.up, self._reads_since.get(message.key[1], 0.0))
            excused = any(begin < first.at and since < end for begin, end in self._slow)
            if first.at - since > self.stuck_s and not excused:
                verdict.accuse("stuck", self._story(message))

    def _judge_unseen(self, message: Message, verdict: Verdict) -> None:
        acked = message.acked()
        if acked is None:
            return
        excuse = self._excuse(message)
        if excuse:
            verdict.excused[excuse] += 1
            return
        verdict.accuse("lost", self._story(message))
        if acked.outcome != "delivered":  # that one is already known to be false
            verdict.accuse("false_acks", self._story(message))

    def _excuse(self, message: Message) -> str:
        """Why nobody may have seen it, though it was acked; empty if there is no reason."""
        acks = {sending.outcome for sending in message.sendings}
        if "written" in acks and self._broke(message, float("inf")):
            return "written to a connection that broke"
        stored = message.acked("stored")
        if stored and any(begin < stored.told and stored.at < end for begin, end in self._amnesia):
            return "stored in a Redis that lost its data"
        return ""

    def _broke(self, message: Message, until: float) -> bool:
        """A plain session of its recipient ended, and was not read out, while the message may have been on its way."""
        return any(not session.acks and session.down is not None and message.first_sent <= session.down <= until
                   and session.how not in READ_OUT for session in self._users[message.key[1]])

    def _judge_order(self, verdict: Verdict) -> None:
        lanes: dict[tuple[str, str], dict[Key, tuple[Message, Sending]]] = defaultdict(dict)
        for message in self.messages.values():
            for sending in message.sendings:
                lanes[sending.session.tag, message.key[1]].setdefault(message.key, (message, sending))
        for lane in lanes.values():
            self._judge_lane(sorted(lane.values(), key=lambda pair: pair[1].at), verdict)

    def _judge_lane(self, lane: list[tuple[Message, Sending]], verdict: Verdict) -> None:
        """One session's messages to one recipient, in the order in which it sent them first."""
        seen = [pair for pair in lane if pair[0].sightings]
        earliest = 1 << 60
        for at in range(len(seen) - 1, -1, -1):
            message, sending = seen[at]
            order = message.sightings[0].order
            if order < earliest:
                earliest = order
                continue
            before = [later for later, _ in seen[at + 1:]
                      if later.sightings[0].order < order and not _went_by_another(later, message)]
            if not before or self._may_be_late(message, sending):
                continue
            if self._overtaken(message):
                verdict.excused["overtaken while it lay in a Redis that was away"] += 1
            else:
                verdict.accuse("reordered", f"{self._story(message)}\n  before it was seen what was sent later:\n"
                                            f"{self._story(before[0])}")

    def _may_be_late(self, message: Message, sending: Sending) -> bool:
        """It was refused in this session and sent again later; or a broken plain connection had it the first time."""
        refused = bool(sending.outcome) and sending.outcome not in ACKS and len(message.sendings) > 1
        return refused or sending.maybe or (len(message.sendings) > 1 and self._broke(message, message.sightings[0].at))

    def _overtaken(self, message: Message) -> bool:
        """It lay in the mailbox, and Redis was away: those online go on talking."""
        stored, first = message.acked("stored"), message.sightings[0]
        return stored is not None and first.stored and any(
            stored.told < end and begin < first.at for begin, end in self._away)

    # Stories.

    def story(self, sender: str, recipient: str, id: str) -> str:
        return self._story(self.messages[sender, recipient, id])

    def _story(self, message: Message) -> str:
        lines: list[tuple[float, str]] = []
        for sending in message.sendings:
            again = " again, retry" if sending.retry else " again" if sending is not message.sendings[0] else ""
            lines.append((sending.at, f"{sending.session.tag} sends {message.key[2]} to {message.key[1]}{again}"))
            if sending.told:
                lines.append((sending.told, f"{sending.session.tag} is told {sending.outcome}"
                                            f"{' (maybe)' if sending.maybe else ''} for {message.key[2]}"))
        for seen in message.sightings:
            marks = "".join(mark for mark, on in ((" stored", seen.stored), (" redelivered", seen.redelivered)) if on)
            number = "" if seen.seq is None else f" seq {seen.seq}"
            lines.append((seen.at, f"{seen.session.tag} sees {message.key[2]}{number}{marks}"))
        own = sorted(at for at, _ in lines)
        begin, end = own[0] - 1.0, own[-1] + 2.0
        around: list[tuple[float, str]] = []
        for session in (session for name in dict.fromkeys(message.key[:2]) for session in self._users[name]):
            kind = "acks" if session.acks else "plain"
            around.append((session.asked, f"({session.tag} asks to log in, {kind})"))
            if session.up is not None:
                around.append((session.up, f"({session.tag} is logged in)"))
            if session.down is not None:
                around.append((session.down, f"({session.tag} ends: {session.how})"))
        around = [line for line in around if begin <= line[0] <= end]
        around += [(at, f"[{what}]") for at, what in self.notes if begin - 10 <= at <= end]
        # What happened closest to the message itself, if all is too much.
        around.sort(key=lambda line: min(abs(line[0] - at) for at in own))
        left_out = len(around) - STORY_LINES
        told = sorted(lines + around[:STORY_LINES])
        if left_out > 0:
            told.append((end, f"({left_out} logins and ends further off left out)"))
        return "\n".join(f"  {self._time(at)} {what}" for at, what in told)

    def _time(self, at: float) -> str:
        return f"{at - self.began:+9.3f} s"

    def _sent_so(self, delivery: dict[str, Any]) -> Message | None:
        """The message that this is a delivery of, if it is as it was sent."""
        sender, recipient, content = str(delivery.get("send")), str(delivery.get("recv")), delivery.get("content")
        for name in (str(delivery.get("id")), _name(None, content)):
            message = self.messages.get((sender, recipient, name))
            if message is not None:
                return message if message.content == content else None
        return None


def _went_by_another(later: Message, message: Message) -> bool:
    """Whether it may have been seen because of a session that had not sent this message before it."""
    return any(sending.at <= later.sightings[0].at and not any(
        before.session is sending.session and before.at <= sending.at for before in message.sendings)
        for sending in later.sendings)


def _knew(earlier: Sighting, later: Sighting) -> bool:
    """Whether the later one should have been marked: not where two sessions of the user were read at the same time,
    and the copy that was marked came out first."""
    one, other = earlier.session, later.session
    apart = (one.down is not None and one.down < other.asked) or (other.down is not None and other.down < one.asked)
    return not earlier.redelivered or one is other or apart


def _name(id: str | None, content: Any) -> str:
    return id if id is not None else "content " + json.dumps(content)


def _now(at: float | None) -> float:
    return time.monotonic() if at is None else at


def _brief(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False)[:200]


def from_journal(lines: Iterable[str]) -> History:
    """Events as `{"event":"sent","at":…,` and the arguments by name `}`."""
    history = History()
    for line in lines:
        event = json.loads(line)
        getattr(history, event.pop("event"))(**event)
    return history


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as journal:
        verdict = from_journal(journal).judge()
    print(verdict)
    for kind, story in verdict.first.items():
        print(f"{kind}, the first:\n{story}")
    return 1 if verdict.breaches else 0


if __name__ == "__main__":
    sys.exit(main())
