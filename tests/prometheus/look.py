#!/usr/bin/env python3
"""What promtool can't know of the alert rules and the dashboard: whether what they name exists.

  look.py metrics FILE…           each metric is in crosstalkd(8)
  look.py alerts RULES TESTS      each alert is complete, its page of the manual exists, and it is tested
  look.py dashboard FILE          it is one, its panels lie apart and have something to show
  look.py queries FILE FOLDER     its queries as rules, with a mesh to try them on: what promtool can judge
Says what is wrong, and exits with 1 where anything is.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path
from typing import Any, Iterator

MAN = Path(__file__).resolve().parent.parent.parent / "man"
ALERT_HAS = ("for", "severity", "summary", "description", "action", "manual")
PANELS = {"row", "stat", "timeseries", "state-timeline", "heatmap"}


def metrics_told() -> set[str]:
    part = (MAN / "crosstalkd.8").read_text().partition("\n.Ss Metrics\n")[2].partition("\n.Ss ")[0]
    return set(re.findall(r"^\.It Ic (crosstalk_\w+)", part, flags=re.M))


def unknown_metrics(files: list[str]) -> Iterator[str]:
    told = metrics_told()
    if not told:
        yield "crosstalkd.8 has no metrics: this test is out of date"
    for file in files:
        named = set(re.findall(r"\bcrosstalk_\w+", Path(file).read_text()))
        if not named:
            yield f"{file}: it names no metric"
        for name in sorted(named):
            if not {name, re.sub(r"_(bucket|sum|count)$", "", name)} & told:
                yield f"{file}: crosstalkd.8 has no {name}"


def page_exists(told: str) -> bool:
    """As the rules write it: crosstalkd(8), When a node dies."""
    match = re.fullmatch(r"([\w.-]+)\((\d)\), (.+)", told)
    page = MAN / f"{match[1]}.{match[2]}" if match else None
    if not match or not page or not page.exists():
        return False
    return re.search(rf"^\.S[hs] {re.escape(match[3])}$", page.read_text(), flags=re.M) is not None


def bad_alerts(rules: str, tests: str) -> Iterator[str]:
    alerts = re.split(r"^ +- alert: (\w+)$", Path(rules).read_text(), flags=re.M)[1:]
    tested = Path(tests).read_text()
    if not alerts:
        yield f"{rules}: no alert found: this test is out of date"
    for name, text in zip(alerts[::2], alerts[1::2]):
        for key in ALERT_HAS:
            if not re.search(rf"^ +{key}: \S", text, flags=re.M):
                yield f"{name} has no {key}"
        if (severity := re.search(r"^ +severity: (\w+)$", text, flags=re.M)) and severity[1] not in ("critical", "warning"):
            yield f"{name}: there is no severity {severity[1]}"
        if (page := re.search(r"^ +manual: (.+)$", text, flags=re.M)) and not page_exists(page[1]):
            yield f"{name}: the manual has no {page[1]}"
        if f"alertname: {name}\n" not in tested and f'alertname="{name}"' not in tested:
            yield f"{name} is in no test"


def overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    return a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


def bad_dashboard(file: str) -> Iterator[str]:
    dashboard = json.loads(Path(file).read_text())
    panels = dashboard["panels"]
    if not dashboard["title"] or dashboard["id"] is not None or dashboard["schemaVersion"] < 36:
        yield "it can't be imported: it needs a title, no id, and the schema of Grafana 9"
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    if variables != {"datasource", "cluster", "instance"}:
        yield f"its variables are {sorted(variables)}"
    if len({panel["id"] for panel in panels}) != len(panels):
        yield "two panels have one id"
    for panel in panels:
        title = panel["title"]
        if panel["type"] not in PANELS:
            yield f"{title}: the type {panel['type']} is not one that Grafana brings along"
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            yield f"{title}: wider than the screen"
        if panel["type"] == "row":
            continue
        if not panel["description"] or not panel["targets"]:
            yield f"{title}: no description, or no query"
        for target in panel["targets"]:
            if 'instance=~"$instance"' not in target["expr"]:
                yield f"{title}: a query that the choice of nodes does not reach"
    for one, other in itertools.combinations(panels, 2):
        if overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']} and {other['title']} overlap"


def queries(file: str) -> list[str]:
    dashboard = json.loads(Path(file).read_text())
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    values = {"$instance": ".*", "$__rate_interval": "1m", "$__range": "10m"}
    for variable, value in values.items():
        found = [query.replace(variable, value) for query in found]
    return found


# Metrics whose series have a label of their own, with two values of it each.
LABELS = {
    "crosstalk_refusals_total": ("code", "busy", "bad_json"),
    "crosstalk_kicks_total": ("reason", "drain", "replaced"),
    "crosstalk_chats_settled_total": ("outcome", "written", "failed"),
    "crosstalk_links": ("state", "up", "backoff"),
    "crosstalk_http_responses_total": ("code", "200", "503"),
}


def series_of(name: str) -> Iterator[str]:
    for node in ("n1", "n2"):
        at = f'job="crosstalk",instance="{node}:1"'
        if name == "crosstalk_build_info":
            yield f'{name}{{{at},node="{node}",cluster="main"}}'
        elif name.startswith("crosstalk_canary_round_trip_seconds"):
            for peer, bound in itertools.product(("n3", "n4"), ("0.001", "+Inf")):
                yield f'{name}_bucket{{{at},peer="{peer}",le="{bound}"}}'
            for peer, part in itertools.product(("n3", "n4"), ("sum", "count")):
                yield f'{name}_{part}{{{at},peer="{peer}"}}'
        elif name.startswith(("crosstalk_link_", "crosstalk_canary_")):
            yield from (f'{name}{{{at},peer="{peer}"}}' for peer in ("n3", "n4"))
        elif name in LABELS:
            label, *values = LABELS[name]
            yield from (f'{name}{{{at},{label}="{value}"}}' for value in values)
        else:
            yield f"{name}{{{at}}}"


def put_queries(file: str, folder: str) -> None:
    """JSON is YAML, too. The gauges of what is up go down and up, so that what shows only trouble has some to show."""
    asked = queries(file)
    rules: list[dict[str, Any]] = [{"record": f"dashboard:query_{i}", "expr": query} for i, query in enumerate(asked)]
    Path(folder, "queries.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    shown = [{"series": one, "values": "1x10 0x10 1+1x40"} for name in sorted(metrics_told()) for one in series_of(name)]
    for one in shown:
        if one["series"].startswith("crosstalk_build_info"):
            one["values"] = "1x60"
    answered = [{"expr": f"count(dashboard:query_{i}) > bool 0", "eval_time": "9m", "exp_samples": [{"labels": "{}", "value": 1}]}
                for i in range(len(asked))]
    test = {"interval": "10s", "input_series": shown, "promql_expr_test": answered}
    Path(folder, "queries_test.yml").write_text(
        json.dumps({"rule_files": ["queries.yml"], "evaluation_interval": "10s", "tests": [test]}))


def main() -> int:
    what, *names = sys.argv[1:]
    if what == "queries":
        put_queries(*names)
        return 0
    wrong = {"metrics": lambda: unknown_metrics(names), "alerts": lambda: bad_alerts(*names), "dashboard": lambda: bad_dashboard(*names)}
    found = list(wrong[what]())
    for sentence in found:
        print(f"  {sentence}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
