"""Symbols: what stands for a tensor, a random key or a number of the host while a step is
captured."""

from __future__ import annotations


class NotCapturable(TypeError, AttributeError):
    """A symbol met what only a tensor with a value can do; the function has to run as plain Python.

    It is what Python and the frameworks expect to be told: an object of a wrong type, or without
    that attribute.
    """


class Symbol:
    """A tensor of known shape and dtype; `code` is the Python expression that holds its value in
    the captured function, `backend` the tracer that it belongs to, and `detached` tells that no
    gradient flows through it."""

    __slots__ = ("__weakref__", "backend", "code", "detached", "dtype", "shape")

    def __init__(self, backend, code, shape, dtype, detached=False):
        self.backend, self.code, self.shape, self.dtype, self.detached = (
            backend,
            code,
            tuple(shape),
            dtype,
            detached,
        )

    @property
    def ndim(self):
        return len(self.shape)

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def _no_value(self, *_, **__):
        raise NotCapturable(
            "The step is being captured: it runs once on tensors with a shape but no value. Use "
            "unidl.ops instead of framework functions, float() or an if on values (ops.where "
            "chooses), or compile(run_eagerly=True)."
        )

    __array__ = __bool__ = __float__ = __int__ = __index__ = __array_function__ = _no_value

    def __getattr__(self, name):
        raise NotCapturable(
            f"A tensor of a step that is being captured has no {name!r}: it is of no framework yet."
        )

    def __repr__(self):
        return f"<captured tensor, shape={self.shape}, dtype={self.dtype}>"


class NumberSymbol(Symbol):
    """A Python float that the host gives to each run."""

    __slots__ = ()


class KeySymbol:
    """A random key, a pair of ints that the host gives to each run."""

    __slots__ = ("code",)

    def __init__(self, code):
        self.code = code
