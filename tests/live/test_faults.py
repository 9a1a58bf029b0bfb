"""The most telling rows of the fault table, in their short form. `make faults` plays all of them in full."""

from __future__ import annotations

from cluster import LiveTest
from faults import table
from faults.scene import ROWS


class Faults(LiveTest):
    def play(self, key: str) -> None:
        row = ROWS[key]
        for need in row.needs:
            if why := need():
                print(f"not played here: {why}")
                return
        found = table.play(row, short=True, seed=1)
        breaches = {kind: count for kind, count in found["counts"].items() if count}
        breaches.pop("stuck", None)  # a question of time, and the machine is busy
        self.assertEqual(breaches, {}, "\n".join(f"{kind}, the first:\n{found['stories'][kind]}" for kind in breaches))


def _enter(key: str) -> None:
    def test(self: Faults) -> None:
        self.play(key)

    setattr(Faults, f"test_{key}", test)


for _key, _row in ROWS.items():
    if _row.telling:
        _enter(_key)
