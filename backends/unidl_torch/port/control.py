"""Loops and branches of a program of torch.export.

torch's operators for them, which are imported when they are needed since half of its compiler comes
with them, take functions that see their arguments alone. So a function of the model
is called twice: first without tensors, which tells what it uses from outside, then with all of that
as arguments.
"""

from __future__ import annotations

from contextlib import contextmanager

import torch


class Control:
    """What the relay has of it.

    Attributes:
        inside: {id of a tensor of the model: the argument that stands for it}, in a function.
        found: {id: tensor} of what a function uses from outside, while that is asked for.
    """

    def __init__(self, relay):
        self._relay = relay
        self.inside, self.found, self._before = {}, None, 0

    def uses(self, value):
        """Note down that `value` is used."""
        if self.found is not None and value.number <= self._before and not value.is_constant:
            self.found[id(value)] = value

    def used_by(self, *calls):
        """Tensors from outside that the functions use."""
        relay = self._relay
        around = self.found, self._before
        self.found, self._before = {}, relay.made
        was_tracing, relay.is_tracing = relay.is_tracing, False
        try:
            for call in calls:
                call()
            found = list(self.found.values())
        finally:
            relay.is_tracing = was_tracing
            self.found, self._before = around
        return found

    @contextmanager
    def given(self, values, natives):
        """Inside, `natives` stand for `values`."""
        before = self.inside
        self.inside = before | {id(v): n for v, n in zip(values, natives, strict=True)}
        try:
            yield
        finally:
            self.inside = before


def scan(control, step, state, xs, reverse):
    from torch._higher_order_ops.scan import scan_op

    count, nothing = len(state), ([None] * len(state), [None] * len(xs))
    used = control.used_by(lambda: step(*nothing))
    if reverse:
        xs = [x.flip(0) for x in xs]

    def one(*natives):
        before, natives = natives[:count], natives[count:]
        moment, natives = natives[: len(xs)], natives[len(xs) :]
        with control.given(used, natives):
            after, y = step(before, moment)
        return _own([*after, y])

    made = scan_op(one, _own(state), list(xs), _natives(control, used))
    ys = made[-1]
    return tuple(made[:-1]), ys.flip(0) if reverse else ys


def cond(control, pred, true_fn, false_fn):
    from torch._higher_order_ops.cond import cond_op

    used = control.used_by(true_fn, false_fn)

    def branch(function):
        def one(*natives):
            with control.given(used, natives):
                return tuple(_own(function()))

        return one

    return list(cond_op(pred, branch(true_fn), branch(false_fn), _natives(control, used)))


def while_loop(control, condition, body, state, limit):
    from torch._higher_order_ops.while_loop import while_loop_op

    count, nothing = len(state), [None] * len(state)
    used = control.used_by(lambda: condition(*nothing), lambda: body(*nothing))

    def goes_on(done, *natives):
        with control.given(used, natives[count:]):
            on = condition(*natives[:count])
        return on if limit is None else on & (done < limit)

    def one(done, *natives):
        with control.given(used, natives[count:]):
            return (done + 1, *_own(body(*natives[:count])))

    start = (torch.zeros((), dtype=torch.int64), *_own(state))
    return list(while_loop_op(goes_on, one, start, _natives(control, used))[1:])


def _natives(control, used):
    return tuple(control._relay.native(v) for v in used)


def _own(tensors):
    """Results have memory of their own."""
    return [t.clone(memory_format=torch.contiguous_format) for t in tensors]
