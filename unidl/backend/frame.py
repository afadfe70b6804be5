"""The frame: what holds, in this thread or task, for the code that runs now.

A Variable is a handle. Its value is the frame's stand-in, if there is one, else its own store.
Whoever traces or differentiates enters a frame with stand-ins, and so never writes to a Variable
that somebody else may read; whoever verifies works on a copy (`verify/apart.py`). What was assigned
inside is the stand-ins' to tell; whoever entered the frame puts it into place after the end, all at
once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any


class Frame:
    """
    Attributes:
        stand_ins: a `StandIns`, or None where each Variable has its own value.
        tracer: the backend to which symbols among the stand-ins belong, for a framework that does
            not trace by itself; `tracer.stands_for` is the backend whose Variables it takes over.
        autocast: dtype in which float Variables are read, None for their own.
        draws: what a function that may run again has drawn (`tracing.replay`), None elsewhere.
        feed: where random keys and the numbers of a step come from (`tracing.feed`), None for the
            generators themselves.
        differentiated: whether gradients are taken of the function that runs.
        branch: "a branch" or "a loop" of a compiled function, in which nothing may be assigned.
        records: whether a call on symbolic tensors becomes a node of the graph around it.
        naming: `naming(path)` is a context in which what a layer does is recorded under its path;
            None where nothing is recorded.
        stateless: the innermost `StatelessScope`, which keeps what is assigned and the numbers of
            the host; None where there is none.
    """

    __slots__ = (
        "autocast", "branch", "differentiated", "draws", "feed", "naming", "records", "stand_ins",
        "stateless", "tracer",
    )  # fmt: skip

    def __init__(self):
        self.stand_ins: StandIns | None = None
        self.tracer: Any = None
        self.autocast: str | None = None
        self.draws: Any = None
        self.feed: Any = None
        self.differentiated = False
        self.branch: str | None = None
        self.records = True
        self.naming: Callable | None = None
        self.stateless: Any = None

    def effects(self):
        """What a trace has of keys, numbers and assigned Variables up to now, to be compared."""
        return self.feed.drawn(), [id(value) for value in self.stand_ins.values()]


_frame: ContextVar[Frame] = ContextVar("unidl_frame", default=Frame())  # noqa: B039 - never changed
current = _frame.get


class changed:
    """`with changed(autocast="float16"):` runs its block in a frame like the current one but for
    that.

    A class, since layers enter one in every call, and a generator takes three times as long.
    """

    __slots__ = ("_changes", "_token")

    def __init__(self, **changes):
        self._changes = changes

    def __enter__(self):
        before, frame, changes = _frame.get(), Frame(), self._changes
        for name in Frame.__slots__:
            setattr(frame, name, changes[name] if name in changes else getattr(before, name))
        self._token = _frame.set(frame)
        return frame

    def __exit__(self, *error):
        _frame.reset(self._token)


class StandIns(dict):
    """What stands for each Variable's value in a frame.

    Args:
        variables, values: the Variables and what stands for them.
        symbols: whether the values belong to a trace.

    Attributes:
        met: with `symbols`, other Variables that were read, of which the trace took the value for
            a constant, or assigned.
    """

    def __init__(self, variables, values, symbols=False):
        super().__init__(zip(variables, values, strict=True))
        self._given = dict(self)
        self._symbols = symbols
        self._around = current().stand_ins
        self.met = {}

    def __missing__(self, variable):
        if self._around is not None:
            return self._around[variable]
        if variable.held is not variable:
            return variable.put_together()
        if self._symbols:
            self.met[variable] = None
        return variable.own_value()

    def has(self, variable):
        """Whether a value stands for the variable itself, and not for its part."""
        return variable in self or (self._around is not None and self._around.has(variable))

    def stands_for(self, variable):
        """Whether what the variable holds is told here, and not by its own store."""
        if variable in self or self._symbols:
            return True
        return self._around is not None and self._around.stands_for(variable)

    def assign(self, variable, value):
        if self._symbols and variable not in self:
            self.met[variable] = None
        self[variable] = variable.backend.detach(value)

    def assigned(self):
        """(Variables, their values): what was assigned, as `variable.commit` takes it."""
        found = {v: x for v, x in self.items() if x is not self._given.get(v)}
        return list(found), list(found.values())


class standing_in:
    """`with standing_in(variables, values) as stand_ins:` runs its block with these values.

    Further fields of the frame may be given by name.
    """

    __slots__ = ("_changed",)

    def __init__(self, variables, values, symbols=False, **changes):
        self._changed = changed(stand_ins=StandIns(variables, values, symbols), **changes)

    def __enter__(self):
        return self._changed.__enter__().stand_ins

    def __exit__(self, *error):
        self._changed.__exit__(*error)
