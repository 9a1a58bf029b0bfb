#!/usr/bin/env python3
"""Proves the simulator: takes one guard after the other away and sees it fail.

usage: tests/sim/mutate.py [--build DIR] [--seeds N] [--jobs N] [NAME…]

Each mutation is a small edit of a copy of one source, tied to a line of the code;
where that line is gone the script says so and fails. All else is linked as `make`
has built it, so headers are not edited: too much would have to be built again.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# name, what is taken away, file, anchor (must stand there once), replacement
MUTATIONS = [
    ("rewind", "a new connection goes on where the receiver stands",
     "peer/outlink.cc", "chats_.rewind(welcome.chats);", ""),
    ("control-rewind", "who is here goes on where the receiver stands",
     "peer/outlink.cc", "control_.rewind(welcome.control);", ""),
    ("outcome-rewind", "outcomes that were under way are told again",
     "peer/inlink.cc", "outcomes_.rewind(proof.outcomes);", ""),
    ("maybe", "what a dead node may have had is not sent again",
     "peer/mesh_chats.cc", "body, how, held.sent);", "body, how, how != Settled::lost && held.sent);"),
    ("forget", "a new life of a node ends what belonged to the one before",
     "peer/mesh_lives.cc", "    forget_life(peer);\n  } else if (!peer.buried.empty()) {", "  } else if (!peer.buried.empty()) {"),
    ("buried", "a life that was given up is refused",
     "peer/mesh_lives.cc", "if (std::find(peer.buried.begin(), peer.buried.end(), theirs.incarnation) != peer.buried.end())",
     "if (false)"),
    ("replace", "a snapshot replaces the one before whole",
     "peer/mesh.cc", "directory_.drop(std::exchange(peer.slot, std::exchange(peer.loading, Directory::none)));",
     "peer.slot = std::exchange(peer.loading, Directory::none);"),
    ("drop", "what a dead node told is dropped",
     "peer/mesh_lives.cc", "  directory_.drop(std::exchange(peer.slot, Directory::none));\n", ""),
    ("newest", "only a newer login ends a session",
     "src/chat/router.cc", "  if (!newer) return;\n", ""),
    ("tie", "of equal stamps the same one wins everywhere",
     "src/chat/router.cc", "mesh_->name_of(at) > mesh_->self().name;", "true;"),
    ("clock", "a login is stamped later than those that its node has seen",
     "peer/mesh.cc", "    clock_.observe(stamp);\n", ""),
    ("barrier", "a refusal refuses what comes behind it",
     "src/chat/arrivals.cc", "const bool barred = !barriers_.empty() && barriers_.contains({from, user});",
     "const bool barred = false;"),
    ("lane", "a chat whose way is another waits for the unsettled ones",
     "src/chat/router.cc", "(known->second.waits || known->second.way != way)", "known->second.waits"),
    ("refused-order", "refused chats find their new way in the order in which they were sent",
     "src/chat/router_ends.cc", "if (!std::is_sorted(waiting.back.begin(), waiting.back.end(), earlier))", "if (false)"),
    ("older-session", "a newer session waits until the older one's deliveries have ended",
     "src/chat/arrivals.cc", "if (unsettled > 0) gates_[user].older += unsettled;", "gates_[user].older += 0 * unsettled;"),
    ("backoff", "at most 14 dials in 10 s",
     "peer/outlink.cc", "      backoff_.on_try(now);\n", ""),
    ("silence", "a link that is silent for 5 s is lost",
     "peer/outlink.cc", "    case State::up:\n      if (now", "    case State::up:\n      heard_at_ = now;\n      if (now"),
    ("linked", "a node with a live link is not dead for want of a lease",
     "peer/membership.cc", "if (lease || linked(member.name))", "if (lease)"),
    ("flushed", "nor a linked one that is missing in the set",
     "peer/membership.cc", "    if (linked(name))\n", "    if (false)\n"),
    ("pause", "silence during this process's own pause counts against nobody",
     "peer/mesh_lives.cc", "if (peer->down_since != never) peer->down_since = now_;", ""),
    ("gate", "what comes directly waits while the mailbox is being emptied",
     "src/chat/drains.cc", "  arrivals_.close(user);\n  ask(user, mailbox);", "  ask(user, mailbox);"),
    ("remembered", "who has stored remembers it, for whoever logs in then",
     "src/chat/wakes.cc", "  Recent& recent = recent_[user];\n  recent.name = name;\n", "  Recent recent;\n  recent.name = name;\n"),
    ("withdraw", "what a link holds goes to mailboxes after the hold",
     "src/chat/router_mail.cc", "  if (!store_up()) return;\n  mesh_->withdraw(peer);", "  if (!store_up()) return;"),
    ("seen", "what comes twice under one id is seen once",
     "src/chat/seen.cc", "return at == marks_.end() || (at->second.said != said && !retry) ? nullptr", "return true ? nullptr"),
    ("lost-mark", "what a dead node may have shown is marked",
     "src/chat/router_ends.cc", "    case peer::Settled::lost:\n      if (sent) again.may_repeat = again.was_sent = true;",
     "    case peer::Settled::lost:"),
    ("unread-mark", "what was not confirmed is marked",
     "src/chat/router_ends.cc", "      again.may_repeat = again.was_sent = true;\n      come_back(to, seq, again, chat, true, {});",
     "      come_back(to, seq, again, chat, true, {});"),
    ("taken-mark", "what another session took from the mailbox is marked",
     "src/chat/arrivals.cc", "entry.may_repeat || entry.taken", "entry.may_repeat"),
    ("unread-barrier", "what is given back unread makes a barrier, too",
     "src/chat/arrivals.cc", "if (waited_for && !reached(end) &&", "if (waited_for && end == End::unwritten &&"),
    ("here-barrier", "… for senders of this node, too",
     "src/chat/arrivals.cc", "    if (!reached(end)) barriers_.insert({here, origin.user});\n", ""),
    ("removed-first", "an entry leaves the mailbox after it was delivered",
     "src/chat/drains.cc", "  if (hand(mailbox, entry, offered)) return;\n",
     "  store_->remove(mailbox.name, entry.at);\n  if (hand(mailbox, entry, offered)) return;\n"),
    ("not-removed", "… and does leave it",
     "src/chat/drains.cc", "  if (reached(end))\n    store_->remove(mailbox.name, had.at);\n  else\n",
     "  if (!reached(end))\n"),
    ("left-over", "what a session gives back to the mailbox is before what is behind it",
     "src/chat/drains.cc", "std::exchange(mailbox.left_over, false) || mailbox.in_hand.empty()", "mailbox.in_hand.empty()"),
    ("given-back", "… also where it gives it back while the next page is on its way",
     "src/chat/drains.cc", "  if (mailbox.left_over) return start(user, mailbox);\n", ""),
    ("stalled", "a session that logs in gets nothing while an older one has something",
     "src/chat/drains.cc", "  if (arrivals_.older(user)) {", "  if (false) {"),
]


def run(command, cwd, timeout=600):
    return subprocess.run(command, cwd=cwd, text=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def compiled(build):
    """The simulator's objects as make has built them, by their source."""
    found = {}
    for part in ("peer", "src/chat", "tests/sim"):
        for source in sorted(ROOT.glob(f"{part}/*.cc")):
            name = str(source.relative_to(ROOT))
            found[name] = build / "obj" / pathlib.Path(name).with_suffix(".o")
    return found


def rebuild(tree, changed, objects, output):
    """Links the simulator of `tree`, of which only the source `changed` is to be compiled anew."""
    compiler = os.environ.get("CXX", "g++")
    made = tree / "mutated.o"
    result = run([compiler, "-std=c++20", "-I", str(ROOT), "-O1", "-c", "-o", str(made), changed], tree)
    if result.returncode != 0:
        raise RuntimeError(f"{changed} does not compile:\n{result.stdout}")
    result = run([compiler, "-o", str(output), *map(str, {**objects, changed: made}.values()), "-lcrypto"], tree)
    if result.returncode != 0:
        raise RuntimeError(f"the simulator does not link:\n{result.stdout}")


def try_mutation(mutation, objects, scratch, seeds):
    """Answers (killed, what was seen)."""
    name, _, file, anchor, replacement = mutation
    if file not in objects:
        return False, f"{file} is not compiled by itself"
    text = (ROOT / file).read_text()
    if text.count(anchor) != 1:
        return False, f"{file} has the anchor {text.count(anchor)} times: {anchor.strip()!r}"
    tree = scratch / name
    (tree / file).parent.mkdir(parents=True)
    (tree / file).write_text(text.replace(anchor, replacement))
    try:
        rebuild(tree, file, objects, tree / "sim")
    except RuntimeError as why:
        return False, str(why)
    result = run([str(tree / "sim"), "--seeds", str(seeds), "--no-shrink", "--fail-fast"], tree)
    shutil.rmtree(tree)
    if result.returncode == 0:
        return False, f"{seeds} seeds passed without it"
    failures = [line for line in result.stdout.splitlines() if "FAILED: " in line]
    return True, failures[0].replace(" FAILED", "") if failures else f"exit {result.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="where make has built the simulator")
    parser.add_argument("--seeds", type=int, default=600)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    chosen = [each for each in MUTATIONS if not arguments.names or each[0] in arguments.names]
    unknown = set(arguments.names) - {each[0] for each in MUTATIONS}
    if unknown:
        parser.error("no such mutation: " + " ".join(sorted(unknown)))
    build = arguments.build.resolve()
    sound = run([str(build / "sim"), "--seeds", str(arguments.seeds), "--no-shrink"], ROOT)
    if sound.returncode != 0:
        print(sound.stdout)
        print("the simulator fails without any mutation")
        return 1
    objects = compiled(build)
    passed = 0
    with tempfile.TemporaryDirectory(prefix="crosstalk-mutate-") as temporary:
        scratch = pathlib.Path(temporary)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            attempts = [pool.submit(try_mutation, each, objects, scratch, arguments.seeds) for each in chosen]
            for mutation, attempt in zip(chosen, attempts):
                killed, seen = attempt.result()
                passed += killed
                print(f"{'ok  ' if killed else 'FAIL'}  {mutation[0]:<15} {mutation[1]}\n{'':22}{seen[:160]}", flush=True)
    print(f"{passed} passed, {len(chosen) - passed} failed")
    return 0 if passed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
