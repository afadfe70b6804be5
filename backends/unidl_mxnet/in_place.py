"""`total += loss` while gradients are recorded, which MXNet refuses and every other framework takes
for `total = total + loss`."""

from __future__ import annotations

import operator

from unidl_mxnet.load import mx

_OPERATORS = {
    "__iadd__": operator.add,
    "__isub__": operator.sub,
    "__imul__": operator.mul,
    "__itruediv__": operator.truediv,
    "__imod__": operator.mod,
    "__ipow__": operator.pow,
}


def _make(in_place, function):
    def operate(self, other):
        if mx.autograd.is_recording():  # where writing into `self` would be an error
            return function(self, other)
        return in_place(self, other)

    return operate


def allow_while_recording():
    """Give MXNet's arrays operators that make a new array where the old one is on the tape."""
    for name, function in _OPERATORS.items():
        in_place = getattr(mx.np.ndarray, name, None)
        if in_place is not None:
            setattr(mx.np.ndarray, name, _make(in_place, function))
