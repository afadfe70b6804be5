"""TapeArray: what a variable reads as while gradients are being taken.

It is no subclass of `np.ndarray`, on purpose: NumPy turns a subclass into a plain array in
`np.asarray(x)` or `a[0] = x` without asking, and the gradient would be lost in silence. A class of
its own is asked (`__array__`), and raises. Operators, methods and NumPy's functions are bound to
the backend's primitives in `interop`; `isinstance(x, np.ndarray)` is true, since it behaves like
one.
"""

from __future__ import annotations

import numpy as np


class GradientError(TypeError):
    """Something that NumPy can do and that would lose the gradient."""


class TapeArray:
    """An array on a tape: the plain array, the tape, and its slot there."""

    __slots__ = ("__weakref__", "_plain", "_slot", "_tape")

    def __init__(self, plain, tape, slot):
        self._plain = plain
        self._tape = tape
        self._slot = slot

    # `isinstance` looks at the class an object claims when its type does not match; NumPy's C code
    # looks at the type.
    __class__ = property(lambda self: np.ndarray)

    shape = property(lambda self: self._plain.shape)
    dtype = property(lambda self: self._plain.dtype)
    ndim = property(lambda self: self._plain.ndim)
    size = property(lambda self: self._plain.size)
    nbytes = property(lambda self: self._plain.nbytes)
    itemsize = property(lambda self: self._plain.itemsize)

    def item(self, *args):
        return self._plain.item(*args)

    def tolist(self):
        return self._plain.tolist()

    def __len__(self):
        return len(self._plain)

    def __bool__(self):
        return bool(self._plain)

    def __int__(self):
        return int(self._plain)

    def __float__(self):
        return float(self._plain)

    def __format__(self, spec):
        return format(self._plain, spec)

    def __repr__(self):
        return f"<on tape: {self._plain!r}>"

    __hash__ = None  # type: ignore[assignment]

    def __array__(self, dtype=None, copy=None):
        raise GradientError(
            "This array is being differentiated; a conversion to a plain array (np.asarray, "
            "np.array, plain[i] = x) would lose "
            "its gradient. Write np.stack or np.concatenate to put arrays together, or "
            "unidl.ops.stop_gradient(x) for its value."
        )

    def __setitem__(self, key, value):
        raise GradientError(
            "This array is being differentiated and cannot be changed in place: x[key] = v. Write "
            "np.where(mask, v, x) or "
            "unidl.ops.scatter_update(x, indices, v), which make a new array."
        )

    def __getattr__(self, name):
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(f"numpy.ndarray has no attribute {name!r}.")
        raise GradientError(
            f"np.ndarray.{name} has no gradient here; write it with functions of unidl.ops, or "
            "take the value by unidl.ops.stop_gradient."
        )
