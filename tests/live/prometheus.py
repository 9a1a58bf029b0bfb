"""A page of metrics read as Prometheus reads it, strictly: its text format, version 0.0.4, and its naming rules.

Where promtool is installed, it is asked as well.
"""

from __future__ import annotations

import re
import shutil
import subprocess

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{((?:{_LABEL})(?:,{_LABEL})*)?\}})? (\S+)")
# Base units alone, and last in the name (prometheus.io/docs/practices/naming).
_OTHER_UNITS = re.compile(r"_(ms|us|ns|milliseconds|microseconds|minutes|hours|kb|mb|kib|mib|kilobytes|megabytes)(_|$)")

Samples = dict[str, dict[str, float]]


def read(text: str) -> Samples:
    """The value of each metric by its labels as they are written; an AssertionError names what is wrong."""
    assert text.endswith("\n"), "the last line has no end"
    samples: Samples = {}
    family = kind = ""
    helped: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family, _, told = line.removeprefix("# HELP ").partition(" ")
            assert family not in helped and told.strip(), f"told twice, or nothing: {line}"
            helped.add(family)
            kind = ""
        elif line.startswith("# TYPE "):
            name, _, kind = line.removeprefix("# TYPE ").partition(" ")
            assert name == family and kind in ("counter", "gauge", "histogram"), f"out of place: {line}"
            assert (kind == "counter") == name.endswith("_total"), f"counters alone end in _total: {line}"
            assert name.startswith("crosstalk_") and not _OTHER_UNITS.search(name), f"against the rules: {name}"
            samples[name] = {}
        else:
            match = _SAMPLE.fullmatch(line)
            assert match, f"no sample: {line}"
            own = match[1].removeprefix(family) if kind == "histogram" else match[1]
            good = own in ("_bucket", "_sum", "_count") if kind == "histogram" else own == family
            assert good and kind, f"outside of its family: {line}"
            labels = (own if kind == "histogram" else "") + (match[2] or "")
            assert labels not in samples[family], f"given twice: {line}"
            value = float(match[3])
            assert kind != "counter" or value >= 0, f"a counter below nothing: {line}"
            samples[family][labels] = value
    for name, values in samples.items():
        assert values, f"{name} has no value"
    if promtool := shutil.which("promtool"):
        checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
        assert checked.returncode == 0, f"promtool: {checked.stdout}{checked.stderr}"
    return samples
