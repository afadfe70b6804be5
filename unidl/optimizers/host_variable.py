"""A number that an optimizer keeps on the host: its iteration count, its learning rate."""

from __future__ import annotations

import numpy as np


class HostVariable:
    """A scalar with a Variable's manners. It never lives on a device, so reading it waits for nothing."""

    shape = ()
    ndim = 0
    trainable = False

    def __init__(self, value, dtype, name):
        self.dtype, self.name, self.path = dtype, name, name
        self.assign(value)

    def assign(self, value):
        """Set the value from a number, an array of one element, a Variable or a native tensor."""
        value = value.numpy() if hasattr(value, "numpy") else value
        value = np.asarray(value)
        if value.size != 1:
            raise ValueError(
                f"{self.name} is one number; cannot assign an array of shape {value.shape} to it."
            )
        self.value = value.astype(self.dtype).item()
        return self

    def assign_add(self, value):
        return self.assign(self.value + value)

    def assign_sub(self, value):
        return self.assign(self.value - value)

    def numpy(self) -> np.ndarray:
        return np.array(self.value, dtype=self.dtype)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value, dtype=dtype or self.dtype)

    def __float__(self):
        return float(self.value)

    def __int__(self):
        return int(self.value)

    def __index__(self):
        if "int" not in self.dtype:
            raise TypeError(f"{self.name} is a float and cannot be an index.")
        return self.value

    def __bool__(self):
        return bool(self.value)

    def __eq__(self, other):
        return self.value == _number(other)

    def __lt__(self, other):
        return self.value < _number(other)

    def __gt__(self, other):
        return self.value > _number(other)

    def __le__(self, other):
        return self.value <= _number(other)

    def __ge__(self, other):
        return self.value >= _number(other)

    def __add__(self, other):
        return self.value + _number(other)

    def __sub__(self, other):
        return self.value - _number(other)

    def __mul__(self, other):
        return self.value * _number(other)

    def __truediv__(self, other):
        return self.value / _number(other)

    def __mod__(self, other):
        return self.value % _number(other)

    def __floordiv__(self, other):
        return self.value // _number(other)

    __radd__, __rmul__ = __add__, __mul__
    __hash__ = object.__hash__

    def __format__(self, spec):
        return format(self.value, spec)

    def __repr__(self):
        return f"<HostVariable {self.name}={self.value}>"


def _number(x):
    return x.value if isinstance(x, HostVariable) else x
