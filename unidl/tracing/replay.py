"""Runs of one function that agree: what the first run read and drew, later ones get again."""

from __future__ import annotations

from contextvars import copy_context

from unidl.backend.frame import StandIns, changed, current


class Replay:
    """A function that runs once now, and may run again for its gradient.

    Args:
        cut: of what a Variable holds, makes what the first run reads; None: reads it as it is.

    Attributes:
        read: {Variable: what it held}, of those that the first run read.
        assigned: (Variables, the values) that the latest run assigned; nothing is put into place.
    """

    def __init__(self, cut=None):
        self._cut = cut
        self.read, self.assigned = {}, ([], [])
        self._drawn, self._around = [], None

    @property
    def has_run(self):
        return self._around is not None

    def first(self, function):
        """`function()`, in the frame that is there now; Variables that it assigns keep their
        values."""
        self._around = copy_context()
        draws = _Draws(self._drawn, around=current().draws)
        return self._run(function, lambda: _Reads(self.read, self._cut), draws)

    def again(self, function, values):
        """`function()` as in the first run, also in another thread, with `values` for what the
        Variables in `read` held, in order."""
        held = self.read | dict(zip(self.read, values, strict=False))
        draws = _Draws(self._drawn, is_full=True)
        # A context can be entered once at a time; two threads may want the gradient.
        return self._around.copy().run(
            self._run, function, lambda: StandIns(held.keys(), held.values()), draws
        )

    def _run(self, function, make, draws):
        stand_ins = make()
        with changed(stand_ins=stand_ins, draws=draws):
            result = function()
        self.assigned = stand_ins.assigned()
        return result


class _Reads(StandIns):
    """Stand-ins that note which Variables are read, and what they held."""

    def __init__(self, read, cut):
        super().__init__((), ())
        self._read, self._cut = read, cut

    def __missing__(self, variable):
        if variable not in self._read:
            value = super().__missing__(variable)
            self._read[variable] = value if self._cut is None else self._cut(value)
        return self._read[variable]


class _Draws:
    """The random keys and the numbers of one run, out of `kept` if that is full, else put there.

    The run may be a part of another one that repeats itself, whose draws are `around`: what this
    one draws first is what that one gets again.
    """

    def __init__(self, kept, is_full=False, around=None):
        self._kept, self._is_full, self._around, self._count = kept, is_full, around, 0

    def take(self, draw):
        """The next key or number; `draw()` makes it in the first run."""
        if not self._is_full:
            self._kept.append(draw() if self._around is None else self._around.take(draw))
        elif self._count == len(self._kept):
            raise RuntimeError(
                "remat: the function draws more random numbers when it runs again for the "
                "gradient. What it does may not depend on anything that changes between two runs."
            )
        self._count += 1
        return self._kept[self._count - 1]
