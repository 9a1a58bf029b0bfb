"""A program on a terminal of its own, and what a person sees there.

Understands as much of a VT100 as ncurses uses of one.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence

from deadline import PATIENCE, Deadline, Late
from process import die_with_parent

# Control sequences, charset shifts, two-character escapes, controls, a character.
_PIECE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b[()][0-9A-Za-z]|\x1b([=>78M])|([\x00-\x1f\x7f])|([^\x00-\x1f\x1b\x7f])")


class Screen:
    """Rows of characters and a cursor, changed by what a program writes."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [[" "] * width for _ in range(height)]
        self._x = self._y = 0
        self._rest = ""

    def rows(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._rows]

    def feed(self, text: str) -> None:
        text = self._rest + text
        at = 0
        while at < len(text):
            piece = _PIECE.match(text, at)
            if piece is None:  # the rest of it is still to come
                break
            at = piece.end()
            numbers, command, escape, control, character = piece.groups()
            if character:
                self._put(character)
            elif control:
                self._control(control)
            elif command:
                self._command([int(n or 0) for n in numbers.strip("?").split(";")], command)
            elif escape == "M":
                self._y = max(self._y - 1, 0)
            else:
                assert escape in (None, "=", ">"), f"ESC {escape} is not known here"
        self._rest = text[at:]

    def _put(self, character: str) -> None:
        if self._x == self.width:
            self._x, self._y = 0, min(self._y + 1, self.height - 1)
        self._rows[self._y][self._x] = character
        self._x += 1

    def _control(self, control: str) -> None:
        if control == "\r":
            self._x = 0
        elif control == "\n":
            self._y = min(self._y + 1, self.height - 1)
        elif control == "\b":
            self._x = max(self._x - 1, 0)
        elif control == "\t":
            self._x = min(self._x // 8 * 8 + 8, self.width - 1)

    def _command(self, numbers: list[int], command: str) -> None:
        first = max(numbers[0], 1)
        row = self._rows[self._y]
        if command == "H":
            self._y = min(first, self.height) - 1
            self._x = min(max(numbers[1], 1) if len(numbers) > 1 else 1, self.width) - 1
        elif command in "ABCD":
            dx, dy = {"A": (0, -1), "B": (0, 1), "C": (1, 0), "D": (-1, 0)}[command]
            self._x = min(max(self._x + dx * first, 0), self.width - 1)
            self._y = min(max(self._y + dy * first, 0), self.height - 1)
        elif command == "K":
            blank = range(self._x + 1) if numbers[0] == 1 else range(self._x, self.width)
            for x in blank:
                row[x] = " "
        elif command == "J":
            row[self._x:] = [" "] * (self.width - self._x)
            for y in range(self._y + 1, self.height):
                self._rows[y] = [" "] * self.width
        else:
            assert command in "mhlr", f"CSI {command} is not known here"


def _take_terminal() -> None:
    """Run in the child: the terminal's keys and its end are signals to it."""
    die_with_parent()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """Starts a program in it; `close` ends both."""

    def __init__(self, command: Sequence[str], width: int, height: int, environment: Mapping[str, str]) -> None:
        self._master, self._slave = pty.openpty()
        self.written = ""  # all of it, as it came
        self.resize(width, height)
        self.settings = termios.tcgetattr(self._slave)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(command, stdin=self._slave, stdout=self._slave, stderr=self._slave, start_new_session=True,
                                        preexec_fn=_take_terminal, env={**kept, "TERM": "vt100", **environment})

    def resize(self, width: int, height: int) -> None:
        self.screen = Screen(width, height)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def shows(self, *texts: str, within: float = PATIENCE) -> list[str]:
        """Waits until all of these are on the screen."""
        return self.until(lambda rows: all(any(text in row for row in rows) for text in texts), f"{texts} on the screen", within)

    def until(self, condition: Callable[[list[str]], bool], what: str, within: float = PATIENCE) -> list[str]:
        deadline = Deadline(within)
        while not condition(rows := self.screen.rows()):
            if deadline.passed():
                raise Late(f"not within {deadline.within:g} s: {what}; there is\n" + "\n".join(rows))
            self._read(deadline.left())
        return rows

    def ended(self, within: float = PATIENCE) -> int:
        """The program's exit status; the terminal is then as it was before, or this fails."""
        deadline = Deadline(within)
        while self.process.poll() is None:
            assert not deadline.passed(), "the program goes on"
            self._read(0.05)
        self._read(0.05)
        assert termios.tcgetattr(self._slave) == self.settings, "the terminal's settings are others now"
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self._master)
        os.close(self._slave)

    def _read(self, within: float) -> None:
        if not select.select([self._master], [], [], within)[0]:
            return
        text = os.read(self._master, 65536).decode("latin-1")
        self.written += text
        self.screen.feed(text)
