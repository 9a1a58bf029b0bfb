"""crosstalk-bench: it measures, its counts add up, and it says how it ended. How fast anything is, is not judged."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import xml.etree.ElementTree
from typing import Any

from cluster import LiveTest
from deadline import PATIENCE, SLOWNESS, eventually, pause
from node import Node
from process import BENCH, REPO, die_with_parent, free_port, run
from prometheus import read

SVG = "{http://www.w3.org/2000/svg}"


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([str(BENCH), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, encoding="utf-8", preexec_fn=die_with_parent)


def bench(*arguments: str, within: float = 60.0) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    ran = run(BENCH, *arguments, within=within)
    return ran.returncode, ran.stdout, ran.stderr


def metric(node: Node, name: str) -> float:
    return read(node.ask("GET", "/metrics").body.decode())[name][""]


def arrived(node: Node) -> float:
    """Chats that have come to the node over its links."""
    return metric(node, "crosstalk_chats_arrived_total")


def keys_told() -> set[str]:
    """Those that crosstalk-bench(1) has."""
    part = (REPO / "man/crosstalk-bench.1").read_text().partition("\n.Sh JSON\n")[2].partition("\n.Sh ")[0]
    return {key for line in re.findall(r"^\.It Ic (.+)$", part, flags=re.M) for key in line.split(" , ")}


class BenchTest(LiveTest):
    shared = True
    nodes: list[Node]

    @classmethod
    def furnish(cls) -> None:
        cls.nodes = cls.world.static(["n1", "n2"])
        cls.world.start(cls.nodes)

    def target(self) -> list[str]:
        pids = ",".join(str(node.ready["pid"]) for node in self.nodes)
        return ["--nodes", ",".join(node.ready["client"] for node in self.nodes), "--pids", pids]

    def measured(self, command: str, *arguments: str) -> dict[str, Any]:
        status, out, err = bench(command, *self.target(), "--json", *arguments)
        self.assertEqual((status, err), (0, ""), out)
        self.assertEqual(out.count("\n"), 1, "one object a line")
        told: dict[str, Any] = json.loads(out)
        self.assertEqual(told["bench"], command)
        self.assertLessEqual(set(told), keys_told(), "crosstalk-bench(1) has every key")
        self.assertFalse(told["interrupted"])
        return told

    def adds_up(self, told: dict[str, Any]) -> None:
        self.assertGreater(told["sent"], 0)
        self.assertEqual(told["delivered"], told["sent"])
        self.assertEqual([told[key] for key in ("lost", "doubled", "reordered", "refused")], [0, 0, 0, 0])


class Measuring(BenchTest):
    def test_throughput(self) -> None:
        told = self.measured("throughput", "--pairs", "5", "--window", "4", "--duration", "0.2", "--warmup", "0.05",
                             "--runs", "2")
        self.adds_up(told)
        self.assertEqual((told["pairs"], told["window"], told["size"], told["runs"], told["nodes"]), (5, 4, 128, 2, 2))
        self.assertEqual((len(told["delivered_per_s_of_runs"]), len(told["server_us_per_message_of_runs"])), (2, 2))
        self.assertEqual(sum(count for _, count in told["latency_buckets"]), told["latency_count"])
        self.assertGreater(told["server_us_per_message"], 0)
        spans = [told[key] for key in ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")]
        self.assertEqual(spans, sorted(spans))

    def test_outcomes_are_waited_for(self) -> None:
        told = self.measured("throughput", "--pairs", "3", "--duration", "0.2", "--id", "--ack")
        self.adds_up(told)
        self.assertEqual(told["settled"], told["sent"])

    def test_latency_at_a_rate(self) -> None:
        told = self.measured("latency", "--pairs", "4", "--rate", "200", "--duration", "0.5", "--warmup", "0")
        self.adds_up(told)
        self.assertLessEqual(abs(told["sent"] - 100), 2, "what was due in half a second was sent, however late")
        self.assertFalse(told["overloaded"])

    def test_latency_counts_from_when_a_message_was_due(self) -> None:
        """A node stops for a while: all that was due meanwhile has waited, not only the one that was on its way."""
        before = arrived(self.nodes[1])
        process = start("latency", *self.target(), "--json", "--rate", "500", "--pairs", "4", "--warmup", "0",
                        "--duration", "3")
        eventually(lambda: arrived(self.nodes[1]) > before + 100, what="messages pass")
        self.nodes[1].pause()
        try:
            pause(0.5)
        finally:
            self.nodes[1].resume()
        out, err = process.communicate(timeout=PATIENCE * SLOWNESS)
        self.assertEqual((process.returncode, err), (0, ""))
        told = json.loads(out)
        self.adds_up(told)
        late = sum(count for micros, count in told["latency_buckets"] if micros > 100_000)
        self.assertGreater(late, 100, "half a second at 500 a second")

    def test_idle(self) -> None:
        told = self.measured("idle", "--sessions", "40", "--at-once", "7", "--duration", "0.2")
        self.assertEqual((told["sessions"], told["present"], told["gone"]), (40, 40, 0))
        self.assertIn("bytes_per_session", told)
        self.assertGreaterEqual(told["wakes_per_minute_with"], 0)

    def test_login(self) -> None:
        told = self.measured("login", "--sessions", "40", "--pairs", "2", "--rate", "100", "--duration", "0.2")
        self.adds_up(told)
        self.assertEqual((told["logged_in"], told["turned_away"], told["latency_count"]), (40, 0, 40))
        self.assertLessEqual(told["to_50_percent_ms"], told["to_100_percent_ms"])

    def test_fairness(self) -> None:
        told = self.measured("fair", "--pairs", "2", "--rate", "100", "--duration", "0.2", "--warmup", "0.1")
        self.adds_up(told)
        self.assertGreater(told["flood_arrived"], 0)
        self.assertGreater(told["slow_sent"], 0)

    def test_nodes_tell_of_themselves(self) -> None:
        nodes = ",".join(node.ready["client"] for node in self.nodes)
        http = ",".join(node.ready["http"] for node in self.nodes)
        status, out, _ = bench("throughput", "--nodes", nodes, "--http", http, "--duration", "0.3", "--json")
        self.assertEqual(status, 0)
        self.assertGreater(json.loads(out)["server_us_per_message"], 0)

    def test_every_key_of_the_manual_exists(self) -> None:
        runs = (["throughput", "--pairs", "1", "--duration", "0.02", "--id"],
                ["latency", "--pairs", "1", "--rate", "100", "--duration", "0.05", "--warmup", "0"],
                ["idle", "--sessions", "2", "--duration", "0.02"],
                ["login", "--sessions", "2", "--pairs", "1", "--duration", "0.05"],
                ["fair", "--pairs", "1", "--rate", "100", "--duration", "0.05", "--warmup", "0"])
        self.assertEqual(set().union(*(self.measured(*arguments) for arguments in runs)), keys_told())

    def test_for_people(self) -> None:
        status, out, err = bench("throughput", *self.target(), "--pairs", "2", "--duration", "0.1")
        self.assertEqual((status, err), (0, ""), "standard error is no terminal, so there is no progress to be seen")
        self.assertRegex(out, r"(?s)^throughput of crosstalk: 2 pairs.*\n  server CPU  [\d.]+ us a message.*lost 0, ")

    def test_plots(self) -> None:
        one, several = self.world.directory / "one.svg", self.world.directory / "several.svg"
        runs = self.world.directory / "runs"
        lines = ""
        for label in ("a<b", "c"):
            status, out, _ = bench("latency", *self.target(), "--json", "--label", label, "--pairs", "2", "--rate", "200",
                                   "--duration", "0.1", "--plot", str(one))
            self.assertEqual(status, 0)
            lines += out
        runs.write_text(lines)
        self.assertEqual(bench("plot", str(runs), "--out", str(several), "--title", "T"), (0, "", ""))
        for path, curves in ((one, 1), (several, 2)):
            drawn = [path for path in xml.etree.ElementTree.parse(path).getroot().iter(f"{SVG}path")
                     if path.get("class") == "curve"]
            self.assertEqual(len(drawn), 2 * curves, "a line for each, and its mark above")

    def test_an_interrupt_prints_what_was_measured(self) -> None:
        before = arrived(self.nodes[1])
        process = start("throughput", *self.target(), "--json", "--pairs", "2", "--warmup", "0", "--duration", "600")
        eventually(lambda: arrived(self.nodes[1]) > before + 1000, what="messages pass")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE * SLOWNESS)
        told = json.loads(out)
        self.assertEqual((process.returncode, err, told["interrupted"]), (0, "", True))
        self.adds_up(told)


class Ending(LiveTest):
    def fails(self, status: int, sentence: str, *arguments: str) -> str:
        code, out, err = bench(*arguments)
        self.assertEqual(code, status, out + err)
        self.assertRegex(err, rf"^crosstalk-bench: .*{sentence}.*\n\Z")
        return out

    def test_wrong_arguments(self) -> None:
        self.assertEqual(self.fails(2, "expected a command"), "")
        self.fails(2, "unknown flag", "idle", "--window", "3")
        self.fails(2, "not what --json prints", "plot", self.world.file("x", "nonsense\n"), "--out", "/dev/null")

    def test_nobody_is_there(self) -> None:
        out = self.fails(3, "Connection refused", "throughput", "--nodes", f"127.0.0.1:{free_port()}", "--json")
        self.assertEqual(json.loads(out)["error"]["code"], "unreachable")

    def test_nodes_that_are_not_linked(self) -> None:
        nodes = [self.world.node("n1"), self.world.node("n2")]
        self.fails(5, "are the --nodes of one cluster", "throughput", "--nodes",
                   ",".join(node.ready["client"] for node in nodes), "--pairs", "1", "--timeout", "0.5")

    def test_a_process_that_is_not_there(self) -> None:
        node = self.world.node("n1")
        self.fails(1, "there is no process 4194304", "idle", "--nodes", node.ready["client"], "--pids", "4194304")

    def test_a_server_with_no_room(self) -> None:
        node = self.world.node("n1", *self.world.settings(limits={"sessions": 3}))
        self.fails(1, "does not let us in: server_full", "idle", "--nodes", node.ready["client"], "--sessions", "5",
                   "--duration", "0.01")
        out = self.fails(1, "server_full", "login", "--nodes", node.ready["client"], "--sessions", "5", "--json")
        told = json.loads(out)
        self.assertEqual((told["logged_in"], told["turned_away"]), (3, 2))

    def test_chats_that_are_refused(self) -> None:
        node = self.world.node("n1", *self.world.settings(limits={"chats_per_s": 20, "chats_burst": 20}))
        out = self.fails(1, "refused .rate_limited", "throughput", "--nodes", node.ready["client"], "--pairs", "1",
                         "--duration", "0.2", "--json")
        told = json.loads(out)
        self.assertGreater(told["refused"], 0)
        self.assertEqual((told["sent"], told["lost"]), (told["delivered"] + told["refused"], 0))

    def test_a_server_that_dies(self) -> None:
        node = self.world.node("n1")
        process = start("throughput", "--nodes", node.ready["client"], "--pairs", "1", "--duration", "600")
        eventually(lambda: metric(node, "crosstalk_chats_accepted_total") > 100, what="messages pass")
        node.kill()
        _, err = process.communicate(timeout=PATIENCE * SLOWNESS)
        self.assertEqual(process.returncode, 3)
        self.assertRegex(err, r"was lost: ")

    def test_other_protocols(self) -> None:
        relay = start("relay")
        self.addCleanup(self.reap, relay)
        assert relay.stdout is not None
        told = json.loads(relay.stdout.readline())
        redis = f"127.0.0.1:{self.world.redis.port}"
        for proto, nodes in (("relay", told["nodes"]), ("redis", redis)):
            status, out, err = bench("throughput", "--proto", proto, "--nodes", nodes, "--pairs", "4", "--duration", "0.2",
                                     "--json")
            self.assertEqual((status, err), (0, ""), proto)
            counts = json.loads(out)
            self.assertEqual((counts["delivered"], counts["lost"], counts["label"]), (counts["sent"], 0, proto))

    @staticmethod
    def reap(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()
