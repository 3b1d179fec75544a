"""Shows that a run is alive: a live line on a terminal, a plain line now and then elsewhere.

The terminal belongs to the program. We draw the line only after the program has been silent for a while, in the right
half of the bottom row and without moving the program's cursor, and erase it as soon as the program writes.
Each time that happens, the required silence doubles, so a program with its own progress bar does not collide with ours.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

_REDRAW_SECONDS = 1.0
_LONGEST_SILENCE_SECONDS = 64.0
_SMALLEST_COLUMNS, _SMALLEST_ROWS = 60, 4
_PHASES_SHOWN = 3


class _Terminal:
    """Detects whether any process has written to the terminal since `arm`.

    The kernel stores the time of the last write as the device's modification time, but only updates it when the write
    falls into a new 8-second interval. `arm` sets it back by a minute (the terminal's owner may do that), so the next
    write is always visible, whichever process makes it. Per-process byte counters would not work: DataLoader workers
    write to pipes all the time.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._armed_ns = 0

    def arm(self) -> bool:
        """Start watching; False if the terminal does not allow it."""
        try:
            status = os.fstat(self.descriptor)
            os.utime(self.descriptor, ns=(status.st_atime_ns, time.time_ns() - 64_000_000_000))
            self._armed_ns = os.fstat(self.descriptor).st_mtime_ns
        except (OSError, NotImplementedError, TypeError):
            return False
        return True

    def written(self) -> bool:
        """Whether anything was written since `arm`."""
        return os.fstat(self.descriptor).st_mtime_ns != self._armed_ns

    def release(self) -> None:
        """Restore a correct modification time."""
        try:
            os.utime(self.descriptor)
        except (OSError, NotImplementedError, TypeError):
            pass

    def is_free(self) -> bool:
        """Whether we may draw: we are in the foreground and no full-screen program is running."""
        try:
            if os.tcgetpgrp(self.descriptor) != os.getpgrp():
                return False
        except OSError:
            pass  # not our controlling terminal, so there is no foreground group to check
        try:
            import termios

            return bool(termios.tcgetattr(self.descriptor)[3] & termios.ICANON)
        except (ImportError, OSError, termios.error):
            return False


class Progress:
    """Shows the progress of one run on stderr. Call `check` at every tick, `update` when there is something new, and
    `close` at the end. None of them raises.

    ``quiet_seconds``: how long the program must be silent before the line is first drawn. ``plain_seconds``: minimum
    time between two plain lines when stderr is not a terminal.
    """

    def __init__(
        self, *, quiet: bool = False, descriptor: int = 2, quiet_seconds: float = 2.0, plain_seconds: float = 30.0
    ) -> None:
        self.drawn = 0
        self._descriptor = descriptor
        self._terminal: _Terminal | None = None
        self._silence_seconds = quiet_seconds
        self._plain_seconds = plain_seconds
        self._at: tuple[int, int] | None = None  # row and column of the line on the screen
        self._last_output = self._last_line = time.monotonic()
        self._on = not quiet
        try:
            if self._on and os.isatty(descriptor):
                self._terminal = _Terminal(descriptor)
                self._on = os.environ.get("TERM", "dumb") != "dumb" and self._terminal.arm()
        except OSError:
            self._on = False

    def update(self, elapsed_seconds: float, shares: Mapping[str, float], steps: int | None = None) -> None:
        """Show the state if it is time to. Shares are 0 to 1 by phase name; ``steps`` is None if there are none."""
        if not self._on:
            return
        try:
            if self._terminal is None:
                self._plain(elapsed_seconds, shares, steps)
            else:
                self._live(self._terminal, elapsed_seconds, shares, steps)
        except OSError:  # the terminal was closed
            self._on = False

    def check(self) -> None:
        """Erase the line if the program has written since it was drawn. Costs a microsecond if it has not."""
        if self._on and self._terminal is not None and self._at is not None:
            try:
                self._yield_to_program(self._terminal)
            except OSError:
                self._on = False

    def close(self) -> None:
        """Erase the line from the screen."""
        if self._terminal is not None and self._on:
            try:
                self._erase()
            except OSError:
                pass
            self._terminal.release()
        self._on = False

    def _plain(self, elapsed_seconds: float, shares: Mapping[str, float], steps: int | None) -> None:
        now = time.monotonic()
        if now - self._last_line >= self._plain_seconds:
            self._last_line = now
            self._write("bottleneck: " + ", ".join(_parts(elapsed_seconds, shares, steps)) + "\n")
            self.drawn += 1

    def _live(
        self, terminal: _Terminal, elapsed_seconds: float, shares: Mapping[str, float], steps: int | None
    ) -> None:
        if self._yield_to_program(terminal):
            return
        now = time.monotonic()
        if now - self._last_output < self._silence_seconds or now - self._last_line < min(
            _REDRAW_SECONDS, self._silence_seconds
        ):
            return
        self._last_line = now
        columns, rows = os.get_terminal_size(self._descriptor)
        if columns < _SMALLEST_COLUMNS or rows < _SMALLEST_ROWS or not terminal.is_free():
            return
        text = "bottleneck " + " · ".join(_parts(elapsed_seconds, shares, steps))
        text = text[: columns - columns // 4]
        self._draw(text, rows, columns - len(text))
        if not terminal.written():  # our own write was not detected, so the program's would not be either
            self._erase()
            self._on = False
        terminal.arm()

    def _yield_to_program(self, terminal: _Terminal) -> bool:
        if not terminal.written():
            return False
        self._last_output = time.monotonic()
        if self._at is not None:
            self._erase()
            self._silence_seconds = min(self._silence_seconds * 2, _LONGEST_SILENCE_SECONDS)
        terminal.arm()
        return True

    def _draw(self, text: str, row: int, column: int) -> None:
        # Index, then cursor up: if the cursor is in the bottom row, this scrolls the screen by one row, so our row is
        # never the program's. Then save the cursor, move, write, and restore the program's cursor.
        self._write(f"{self._erasing()}\x1bD\x1b[A\x1b7\x1b[{row};{column}H\x1b[K\x1b[2m{text}\x1b[0m\x1b8")
        self._at = (row, column)
        self.drawn += 1

    def _erase(self) -> None:
        if self._at is not None:
            self._write(self._erasing())
            self._at = None

    def _erasing(self) -> str:
        return "" if self._at is None else f"\x1b7\x1b[{self._at[0]};{self._at[1]}H\x1b[K\x1b8"

    def _write(self, text: str) -> None:
        os.write(self._descriptor, text.encode("utf-8", "replace"))  # a single write, so no other can interleave


def _parts(elapsed_seconds: float, shares: Mapping[str, float], steps: int | None) -> list[str]:
    minutes, seconds = divmod(int(elapsed_seconds), 60)
    parts = [f"{minutes // 60}h{minutes % 60:02}m" if minutes >= 60 else f"{minutes}m{seconds:02}s"]
    if steps is not None:
        parts.append(f"{steps:,} step{'' if steps == 1 else 's'}")
    largest = sorted(shares.items(), key=lambda item: -item[1])[:_PHASES_SHOWN]
    # A phase name can contain a user's function name: send only printable characters to the terminal.
    parts += [f"{''.join(c for c in name if c.isprintable())} {share:.0%}" for name, share in largest if share >= 0.005]
    return parts
