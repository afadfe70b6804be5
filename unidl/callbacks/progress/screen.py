"""Screen: live lines at the bottom of a terminal, below all that is printed."""

from __future__ import annotations

import re
import sys
import threading
from itertools import accumulate

from unidl.callbacks.progress.taps import Taps, behind_taps

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """Each owner has a block of lines; blocks stand below each other in the order in which they
    came: that of an evaluate in a callback below that of its fit. An owner with `stays` False loses
    its block when others print.

    While there are any, whatever is printed takes them away first and brings them back when its
    line is complete. The cursor is never hidden, so nothing is left to undo if the process dies.
    """

    def __init__(self):
        # Threads print, and a signal's handler may print in the middle of a print.
        self._lock = threading.RLock()
        self._taps = Taps(self._write)
        self._blocks = {}
        self._drawn = []
        self._is_line_open = False
        self._out = self._console = None

    def show(self, owner, lines):
        """Let `lines`, with colours as a terminal takes them, be the block of `owner`."""
        with self._lock:
            if not self._blocks:
                self._open()
            self._blocks[owner] = lines
            if not self._is_line_open:
                self._put(self._away() + self._blocks_again())

    def finish(self, owner, lines):
        """Print `lines` in place of the owner's block."""
        with self._lock:
            if not self._blocks:
                self._open()
            self._blocks.pop(owner, None)
            start = self._away() + "\n" * self._is_line_open
            self._is_line_open = False
            self._put(start + "".join(f"{line}\n" for line in lines) + self._blocks_again())

    def close(self, owner):
        """Leave the owner's block, if it has one, where it is, and the terminal as it was."""
        with self._lock:
            if owner in self._blocks:
                self.finish(owner, self._blocks[owner])
            if not self._blocks:
                self._release()

    def ready(self):
        """The rich Console of the terminal, for its size and colours."""
        with self._lock:
            if not self._blocks:
                self._open()
            return self._console

    def _open(self):
        if self._out is not behind_taps(sys.stdout):
            self._release()  # what somebody has forgotten to close
            from rich.console import Console

            self._out = behind_taps(sys.stdout)
            self._console = Console(file=self._out)
            self._is_line_open, self._drawn = False, []
            on_terminal = sys.stderr is not None and sys.stderr.isatty()
            self._taps.open("stdout", *["stderr"] * on_terminal)

    def _release(self):
        self._taps.close()
        self._out = self._console = None

    def _write(self, stream, text):
        """What a tap does with the text of others."""
        with self._lock:
            if self._out is None:  # closed while another thread was about to print
                stream.write(text)
                return
            if self._drawn:
                self._out.write(self._away())
            if stream is not self._out:
                self._out.flush()  # two buffers, one terminal
            stream.write(text)
            if text:
                self._is_line_open = not text.endswith("\n")
                self._blocks = {o: lines for o, lines in self._blocks.items() if o.stays}
            # A debugger prints, and then asks, which is not heard here.
            if self._blocks and not self._is_line_open and sys.gettrace() is None:
                stream.flush()
                self._put(self._blocks_again())

    def _put(self, text):
        self._out.write(text)
        self._out.flush()

    def _away(self):
        """Takes the blocks from the screen: the cursor to their first column, and all below
        cleared. A terminal that got narrower has wrapped them."""
        if not self._drawn:
            return ""
        rows = sum(map(self._rows, self._drawn))
        self._drawn = []
        return "\r" + f"\x1b[{rows - 1}A" * (rows > 1) + "\x1b[J"

    def _blocks_again(self):
        """Draws the blocks. What does not fit on the screen could never be taken away again, so
        the last lines are left out, until they are finished."""
        from rich.cells import cell_len

        lines = [line for block in self._blocks.values() for line in block]
        cells = [cell_len(_COLOURS.sub("", line)) for line in lines]
        most = max(self._console.height - 1, 1)
        if sum(map(self._rows, cells)) > most:
            fit = sum(rows < most for rows in accumulate(map(self._rows, cells)))
            lines, cells = [*lines[:fit], "..."], [*cells[:fit], 3]
        self._drawn = cells
        return "\n".join(lines)

    def _rows(self, cells):
        """On how many rows of the terminal a line stands."""
        return max(1, -(-cells // self._console.width))


screen = Screen()
