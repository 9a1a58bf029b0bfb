#!/usr/bin/env python3
"""Is all of it documented? What the program knows is compared with its manual, both ways.

Flags, keys, their ranges and defaults, commands, error codes, reasons, exit codes, signals, calls over HTTP, metrics,
marks, keys of the screen, source files: one that the manual lacks is a failure, and so is one that only the manual has.
CROSSTALKD in the environment names the server; the tools lie beside it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DAEMON = Path(os.environ.get("CROSSTALKD", ROOT / "build" / "crosstalkd")).absolute()

# They end a process unless it says otherwise; what is ignored needs no manual.
IGNORED_SIGNALS = {"SIGPIPE"}


def read(path: str) -> str:
    return (ROOT / path).read_text()


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30)


def daemon(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run(DAEMON, *arguments)


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(DAEMON.with_name(name), *arguments)


def tool_help(*command: str) -> str:
    return tool("crosstalk", *command, "--help").stdout


class Manual:
    """A page of mdoc, by its sections."""

    def __init__(self, page: str) -> None:
        self.page = page
        parts = re.split(r"^\.Sh (.+)$", read(f"man/{page}"), flags=re.M)
        self.sections = dict(zip(parts[1::2], parts[2::2]))

    def section(self, name: str) -> str:
        return self.sections.get(name, "")

    def items(self, section: str, form: str, under: str | None = None) -> dict[str, str]:
        """The items of a section's lists (or of one subsection's) and their text; `form` has one group."""
        text = self.section(section)
        if under is not None:
            text = next((part for part in re.split(r"^\.Ss ", text, flags=re.M) if part.startswith(under)), "")
        found = list(re.finditer(rf"^\.It {form}", text, flags=re.M))
        ends = [match.start() for match in found[1:]] + [len(text)]
        return {match.group(1): text[match.start():end] for match, end in zip(found, ends)}


class Score:
    passed = failed = 0

    def check(self, good: bool, sentence: str) -> None:
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"  {sentence}")

    def same(self, what: str, known: set[str], documented: set[str], page: str) -> None:
        """Every one of these is in the manual, and nothing else is."""
        self.check(bool(known), f"{what}: none found in the source, so this test is out of date")
        for one in sorted(known | documented):
            self.check(one in documented, f"{page} lacks the {what} {one}")
            self.check(one in known, f"{page} has the {what} {one}, which does not exist")


def check_flags(score: Score, manual: Manual, help: str) -> None:
    flags = set(re.findall(r"^  (--[a-z-]+)", help, flags=re.M))
    score.same("flag", flags, {f"-{flag}" for flag in manual.items("DESCRIPTION", r"Fl (-[a-z-]+)")}, manual.page)
    synopsis = {f"-{flag}" for flag in re.findall(r"Fl (-[a-z-]+)", manual.section("SYNOPSIS"))}
    score.same("flag", flags, synopsis, f"the synopsis of {manual.page}")


def plain(text: str) -> str:
    """What the reader reads of a few lines of mdoc."""
    text = re.sub(r"^\.(?:Sx|Ic|Cm|Ql|Ar|Pa|No)\b", "", text, flags=re.M)
    return " ".join(text.replace("\\(dq", '"').split())


def check_keys(score: Score, manual: Manual) -> None:
    table = re.findall(r'Setting\{"([a-z_.]+)",\s*(?:"(--[a-z-]+)"|nullptr)', read("src/node/settings.cc"))
    items = manual.items("DESCRIPTION", r"Ic ([a-z_]+\.[a-z_]+)")
    score.same("key", {key for key, _ in table}, set(items), manual.page)
    for key, flag in table:
        head = items.get(key, "").split("\n", 1)[0]
        right = "Fl " + flag[1:] in head if flag else "Fl" not in head
        score.check(right, f"{manual.page}: {key}: its flag is {flag or 'none'}")
    check_shipped(score, {key for key, _ in table}, items, manual.page)


def check_reload(score: Score, manual: Manual) -> None:
    """The manual says which keys need no restart."""
    live = set(re.findall(r'live<[^>]*>\("([a-z_.]+)"\)', read("src/node/reload.cc")))
    told = manual.items("SIGNALS", r"Dv (SIG\w+)").get("SIGHUP", "")
    score.same("key that SIGHUP takes over", live, set(re.findall(r"^\.Ic ([a-z_.]+)", told, flags=re.M)), manual.page)


def flat(tables: dict[str, dict[str, object]]) -> dict[str, object]:
    return {f"{table}.{key}": value for table, values in tables.items() for key, value in values.items()}


def check_shipped(score: Score, keys: set[str], items: dict[str, str], page: str) -> None:
    """conf/crosstalkd.toml has each key, with a reason, the true range, and the manual's default."""
    shipped = read("conf/crosstalkd.toml")
    defaults = flat(tomllib.loads(shipped))
    whole = flat(tomllib.loads(re.sub(r"^#(?=[a-z_]+ = )", "", shipped, flags=re.M)))
    score.same("key", keys, set(whole), "conf/crosstalkd.toml")
    comments = {match[2]: match[1] for match in re.finditer(r"((?:^# .*\n|^#\n)+)#?([a-z_]+) = ", shipped, flags=re.M)}
    for key in sorted(keys):
        comment = comments.get(key.split(".")[1], "")
        score.check(len(comment) > 40, f"conf/crosstalkd.toml: {key} has no reason")
        told = items.get(key, "").rpartition("Default:")[2]
        if key in defaults:
            score.check(str(defaults[key]) in plain(told), f"{page}: {key}: the default is {defaults[key]}")
        for number in range_of(key, defaults.get(key)):
            for place, text in ((page, items.get(key, "")), ("conf/crosstalkd.toml", comment)):
                score.check(re.search(rf"\b{number}\b", text) is not None, f"{place}: {key}: the range has {number}")


def range_of(key: str, default: object) -> list[str]:
    """The bounds of a number, as the program names them when it is given a wrong one; those that another key sets are
    not asked for."""
    if not isinstance(default, int):
        return []
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(f"{key} = -1\n")
        file.flush()
        said = daemon("--check-config", "--config", file.name).stderr
    bounds = re.search(r"expected (?:a whole number from (\d+) to (\d+)|(\d+)), found -1", said)
    numbers = [number for number in bounds.groups() if number] if bounds else [f"(none: {said.strip()})"]
    return numbers[1:] if key == "mesh.window_total_bytes" else numbers


def check_protocol(score: Score, manual: Manual) -> None:
    codes = set(re.findall(r'case Code::\w+:\s*return "(\w+)"', read("src/client/code.h")))
    score.same("error code", codes, set(manual.items("ERROR CODES", r"Ic (\w+)")), manual.page)
    verbs = set(re.findall(r'\bcmd == "(\w+)"', read("src/client/request.cc")))
    score.same("command", verbs, set(manual.items("JSON SESSIONS", r"Ic (\w+)", under="Requests")), manual.page)
    typed = set(re.findall(r'command == "(/\w+)"', read("src/client/human.cc")))
    score.same("command", typed, set(manual.items("HUMAN SESSIONS", r"Ic (/\w+)")), manual.page)
    enum = re.search(r"enum class KickReason[^{]*\{([^}]*)\}", read("src/chat/client.h"))
    reasons = set(re.findall(r"\w+", enum.group(1))) if enum else set()
    unasked = set(manual.items("JSON SESSIONS", r"Ic (\w+)", under="What the server sends unasked"))
    score.same("reason", reasons, unasked - {"chat", "kicked", "error"}, manual.page)


def check_process(score: Score, manual: Manual) -> None:
    sources = "\n".join(path.read_text() for path in sorted((ROOT / "src").rglob("*.cc")))
    handled = set(re.findall(r"\bSIG[A-Z]+[0-9]?\b", sources)) - IGNORED_SIGNALS
    heads = " ".join(re.findall(r"^\.It Dv (.*)$", manual.section("SIGNALS"), flags=re.M))
    told = set(re.findall(r"\bSIG[A-Z]+[0-9]?\b", heads))
    score.same("signal", handled, told, manual.page)
    main = read("src/main.cc")
    codes = {"0", "1", "2"} | set(re.findall(r"\breturn (\d+);", main)) | set(re.findall(r"\bexit\((\d+)\)", sources))
    score.same("exit code", codes, set(manual.items("EXIT STATUS", r"(\d+)")), manual.page)


def check_http(score: Score, manual: Manual) -> None:
    calls = set(re.findall(r'\{"([A-Z]+)", "(/[^"]*)"', read("src/node/calls.cc")))
    told = {re.sub(r" Ns Ar (\w+)", r"{\1}", call) for call in manual.items("HTTP", r"Ic ([A-Z]+ /.*)")}
    score.same("call", {" ".join(call) for call in calls}, told, manual.page)
    metrics = set(re.findall(r'"(crosstalk_\w+)"', read("src/node/metrics.cc")))
    score.same("metric", metrics, set(manual.items("HTTP", r"Ic (crosstalk_\w+)", under="Metrics")), manual.page)


def check_peek(score: Score, manual: Manual) -> None:
    help = tool("cluster-peek", "--help").stdout
    check_flags(score, manual, help)
    sources = "\n".join(path.read_text() for path in sorted((ROOT / "tools/peek").rglob("*.cc")))
    codes = {"0"} | set(re.findall(r"^constexpr int (?:not_whole|could_not) = (\d+);", sources, flags=re.M))
    score.same("exit code", codes, set(manual.items("EXIT STATUS", r"(\d+)")), manual.page)
    told = re.search(r"^Exit status: (.*?)\n\n", help, flags=re.M | re.S)
    score.same("exit code", codes, set(re.findall(r"\b(\d) ", told.group(1))) if told else set(), "cluster-peek --help")
    marks = {"".join(mark) for mark in re.findall(r"case Sight::\w+:\s*return \{'(\\?)(\S)'", sources)}
    documented = {mark.replace("\\&", "").replace("\\e", "\\\\") for mark in manual.items("THE SCREEN", r"Ic (\S+)$", under="Links")}
    score.same("mark", marks, documented, manual.page)
    keys = set(re.findall(r"case '(.)':", sources.partition("Wish View::command")[2].partition("\n}")[0]))
    told_keys = {key.replace("\\&", "") for key in manual.items("THE SCREEN", r"Ic (\S+)$", under="Keys")}
    score.same("key", keys, {key for key in told_keys if len(key) == 1}, manual.page)
    variables = set(re.findall(r'getenv\("(\w+)"\)', sources + read("tools/common/token.cc")))
    items = manual.items("ENVIRONMENT", r"Ev (.*)$")
    score.same("variable", variables, set(items) - {"LC_ALL , LC_CTYPE , LANG"}, manual.page)
def flags_in(text: str) -> set[str]:
    """Those that a --help lists, long and short."""
    heads = re.findall(r"^  (-[^ ]*)", text, flags=re.M)
    return {flag for head in heads for flag in head.split(",")}


def flags_told(text: str) -> set[str]:
    """Those that mdoc tells of; without a name it is standard input."""
    return {f"-{flag}" for flag in re.findall(r"\bFl (-?[a-z][a-z-]*)", text)}


def check_tool(score: Score, manual: Manual) -> None:
    """crosstalk(1): commands, their flags and the exit codes, as the program's own --help has them."""
    whole = tool_help()
    everywhere = flags_in(whole)
    commands = set(re.findall(r"^  ([a-z]+) ", whole.partition("Commands:")[2].partition("Each")[0], flags=re.M))
    items = manual.items("DESCRIPTION", r"Cm ([a-z]+)")
    score.same("command", commands, set(items), manual.page)
    score.same("command", commands, set(re.findall(r"(?:\bCm|\|) ([a-z]+)", manual.section("SYNOPSIS"))) - {"bash", "zsh"},
               f"the synopsis of {manual.page}")
    score.same("flag", everywhere, flags_told("\n".join(re.findall(r"^\.It (Fl .*)$", manual.section("DESCRIPTION"), flags=re.M))),
               f"the flags of {manual.page}")
    described = flags_told(manual.section("DESCRIPTION"))
    synopsis = flags_told(manual.section("SYNOPSIS"))
    for command in sorted(commands):
        for flag in sorted(flags_in(tool_help(command)) - everywhere):
            score.check(flag in described, f"{manual.page} lacks the flag {flag} of {command}")
            score.check(flag in synopsis or flag == "--count", f"the synopsis of {manual.page} lacks {flag} of {command}")
    known = everywhere | {flag for command in commands for flag in flags_in(tool_help(command))}
    for flag in sorted(described | synopsis):
        score.check(flag in known, f"{manual.page} has the flag {flag}, which does not exist")
    exits = set(re.findall(r"^\s+\w+ = (\d),", read("tools/crosstalk/exit.h"), flags=re.M))
    score.same("exit code", exits, set(manual.items("EXIT STATUS", r"(\d+)")), manual.page)
    score.same("exit code", exits, set(re.findall(r"^  (\d)  ", whole, flags=re.M)), "crosstalk --help")
    typed = set(re.findall(r'command == "(/\w+)"', read("tools/crosstalk/typed.cc")))
    score.same("typed command", typed, set(manual.items("DESCRIPTION", r"Ic (/\w+)")), manual.page)
    told = " ".join(re.findall(r"^\.It Cm (.*)$", manual.section("JSON"), flags=re.M))
    for command in sorted(commands - {"completion"}):
        score.check(re.search(rf"\b{command}\b", told) is not None, f"{manual.page}: JSON lacks {command}")


def check_bench(score: Score, manual: Manual) -> None:
    """crosstalk-bench(1): commands, their flags and the exit codes; the keys of its JSON are for the live tests."""
    whole = tool("crosstalk-bench", "--help").stdout
    commands = set(re.findall(r"^  ([a-z]+) ", whole.partition("Commands:")[2].partition("Each")[0], flags=re.M))
    score.same("command", commands, set(manual.items("DESCRIPTION", r"Cm ([a-z]+)")), manual.page)
    score.same("command", commands, set(re.findall(r"^\.Cm ([a-z]+)", manual.section("SYNOPSIS"), flags=re.M)) - {"bash"},
               f"the synopsis of {manual.page}")
    flags = flags_in(whole)
    for command in commands:
        flags |= flags_in(tool("crosstalk-bench", command, "--help").stdout)
    told = flags_told("\n".join(manual.sections.values()))
    score.same("flag", flags, told, manual.page)
    exits = set(re.findall(r"^\s+\w+ = (\d),", read("tools/bench/exit.h"), flags=re.M))
    score.same("exit code", exits, set(manual.items("EXIT STATUS", r"(\d+)")), manual.page)
    score.same("exit code", exits, set(re.findall(r"^  (\d)  ", whole, flags=re.M)), "crosstalk-bench --help")


def check_readme(score: Score) -> None:
    sources = [path for top in ("peer", "src", "tools") for kind in ("h", "cc") for path in (ROOT / top).rglob(f"*.{kind}")]
    told = re.findall(r"^\| `([\w/]+)` \|", read("README.md"), flags=re.M)
    score.same("file", {str(path.relative_to(ROOT).with_suffix("")) for path in sources}, set(told), "README.md")


def main() -> int:
    score = Score()
    check_flags(score, Manual("crosstalkd.8"), daemon("--help").stdout)
    check_keys(score, Manual("crosstalkd.toml.5"))
    check_reload(score, Manual("crosstalkd.8"))
    check_protocol(score, Manual("crosstalk-protocol.7"))
    check_process(score, Manual("crosstalkd.8"))
    check_http(score, Manual("crosstalkd.8"))
    check_peek(score, Manual("cluster-peek.1"))
    check_tool(score, Manual("crosstalk.1"))
    check_bench(score, Manual("crosstalk-bench.1"))
    check_readme(score)
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed else 0


if __name__ == "__main__":
    sys.exit(main())
