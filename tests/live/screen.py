"""A terminal as a person sees it: a pty, and the screen that what is written to it makes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping

from deadline import PATIENCE, SLOWNESS, Deadline, Late, eventually
from process import die_with_parent

_CSI = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")
# Keypad and cursor key modes, character sets: nothing that is seen.
_OTHER = re.compile(r"\x1b(?:[=>78M]|[()][0-9A-B])")


class Screen:
    """What a terminal shows: as much of a VT100 as a line editor and ncurses need. Scrolls off at the top."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = rows
        self.columns = columns
        self._cells = [[" "] * columns for _ in range(rows)]
        self._row = self._column = 0
        self._partial = ""
        self.unknown: list[str] = []

    def feed(self, text: str) -> None:
        text = self._partial + text
        self._partial = ""
        at = 0
        while at < len(text):
            character = text[at]
            if character == "\x1b":
                match = _CSI.match(text, at) or _OTHER.match(text, at)
                if match is None:
                    if len(text) - at < 12:
                        self._partial = text[at:]
                        return
                    self.unknown.append(ascii(text[at:at + 12]))
                    at += 1
                    continue
                if match.re is _CSI:
                    self._command(match.group(1), match.group(2))
                elif match.group() == "\x1bM":
                    self._row = max(0, self._row - 1)
                at = match.end()
                continue
            self._put(character)
            at += 1

    def lines(self) -> list[str]:
        """The rows without their blanks at the right; none of the empty ones at the bottom."""
        lines = ["".join(row).rstrip() for row in self._cells]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def cursor(self) -> tuple[int, int]:
        return self._row, self._column

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._down()
        elif character == "\b":
            self._column = max(0, min(self._column, self.columns - 1) - 1)
        elif character == "\t":
            self._column = min(self.columns - 1, self._column // 8 * 8 + 8)
        elif character >= " ":
            # The margin is passed only by the next character, as xterm does it.
            if self._column >= self.columns:
                self._column = 0
                self._down()
            self._cells[self._row][self._column] = character
            self._column += 1
        elif character not in "\x07\x0e\x0f":  # the bell, character sets
            self.unknown.append(ascii(character))

    def _down(self) -> None:
        if self._row + 1 < self.rows:
            self._row += 1
            return
        self._cells.pop(0)
        self._cells.append([" "] * self.columns)

    def _command(self, arguments: str, letter: str) -> None:
        numbers = [int(number) for number in arguments.split(";") if number.isdigit()]
        count = max(1, numbers[0]) if numbers else 1
        row, column = self._row, min(self._column, self.columns - 1)
        if letter == "A":
            self._row = max(0, row - count)
        elif letter == "B":
            self._row = min(self.rows - 1, row + count)
        elif letter == "C":
            self._column = min(self.columns - 1, column + count)
        elif letter == "D":
            self._column = max(0, column - count)
        elif letter == "G":
            self._column = count - 1
        elif letter == "H":
            self._row = min(self.rows, count) - 1
            self._column = min(self.columns, max(1, numbers[1]) if len(numbers) > 1 else 1) - 1
        elif letter == "K" and numbers == [1]:
            self._cells[row][:column + 1] = [" "] * (column + 1)
        elif letter == "K":
            self._cells[row][column:] = [" "] * (self.columns - column)
        elif letter == "J":
            self._cells[row][column:] = [" "] * (self.columns - column)
            self._cells[row + 1:] = [[" "] * self.columns for _ in range(self.rows - row - 1)]
        elif letter == "P":
            self._cells[row][column:] = self._cells[row][column + count:] + [" "] * min(count, self.columns - column)
        elif letter == "@":
            self._cells[row][column:] = ([" "] * count + self._cells[row][column:])[:self.columns - column]
        elif letter not in "mhlr":
            self.unknown.append(arguments + letter)


class Terminal:
    """A program on a pty, which types what it is told and whose screen is looked at."""

    def __init__(self, command: list[str], *, rows: int = 24, columns: int = 60,
                 environment: Mapping[str, str] | None = None) -> None:
        self.screen = Screen(rows, columns)
        self.written = b""
        self._undecoded = b""
        self._pty, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        def own_terminal() -> None:
            die_with_parent()
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=own_terminal,
            env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "TZ": "UTC0", "HOME": "/nonexistent", **(environment or {})})
        os.close(theirs)

    def type(self, text: str) -> None:
        os.write(self._pty, text.encode())

    def look(self) -> list[str]:
        """What is on the screen now."""
        while select.select([self._pty], [], [], 0)[0]:
            try:
                data = os.read(self._pty, 65536)
            except OSError:
                break  # the other side is closed
            if not data:
                break
            self.written += data
            text = self._undecoded + data
            whole = text.decode(errors="ignore")
            self._undecoded = text[len(whole.encode()):]
            self.screen.feed(whole)
        return self.screen.lines()

    def see(self, *parts: str, within: float = PATIENCE) -> str:
        """Waits for a line that has all the parts, and returns it."""
        try:
            return eventually(lambda: next((line for line in self.look() if all(part in line for part in parts)), None), within)
        except Late:
            raise Late(f"not seen: {parts}; on the screen:\n" + "\n".join(self.look())) from None

    def shows(self, wanted: list[str], within: float = PATIENCE) -> None:
        """Waits until the screen ends with these lines."""
        deadline = Deadline(within)
        while self.look()[-len(wanted):] != wanted:
            if deadline.passed():
                raise Late("wanted:\n" + "\n".join(wanted) + "\non the screen:\n" + "\n".join(self.look()))
            select.select([self._pty], [], [], 0.05)

    def until(self, condition: Callable[[list[str]], bool], what: str, within: float = PATIENCE) -> list[str]:
        """Waits until the lines of the screen are so, and returns them."""
        deadline = Deadline(within)
        while not condition(lines := self.look()):
            if deadline.passed():
                raise Late(f"not within {deadline.within:g} s: {what}; on the screen:\n" + "\n".join(lines))
            select.select([self._pty], [], [], 0.05)
        return lines

    def has(self, *texts: str) -> list[str]:
        """Waits until all of these are somewhere on the screen."""
        return self.until(lambda lines: all(any(text in line for line in lines) for text in texts), f"all of {texts}")

    def cleared(self, rows: int, columns: int) -> None:
        """Resizes it to an empty screen, for a program that then draws all of it."""
        self.look()
        self.screen = Screen(rows, columns)
        self.resize(rows, columns)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._pty, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def cooked(self) -> bool:
        """Whether the terminal is as it was: lines, with an echo."""
        flags = termios.tcgetattr(self._pty)[3]
        return bool(flags & termios.ICANON) and bool(flags & termios.ECHO)

    def exit_code(self, within: float = PATIENCE) -> int:
        deadline = Deadline(within)
        while self.process.poll() is None and not deadline.passed():
            self.look()
            select.select([self._pty], [], [], 0.05)
        self.look()
        if self.process.poll() is None:
            raise Late("it does not end; on the screen:\n" + "\n".join(self.look()))
        return int(self.process.returncode)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE * SLOWNESS)
        os.close(self._pty)
