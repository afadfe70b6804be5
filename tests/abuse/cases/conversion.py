"""What becomes a tensor: numbers that do not fit, what is no number, arrays of strange dtypes."""

from __future__ import annotations

import decimal
import fractions

import numpy as np

import unidl
from tests.abuse.case import right, told
from tests.conftest import INSTALLED
from unidl import layers, ops
from unidl.backend import get_backend

X = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
I = np.array([1, 2], "int32")  # noqa: E741
BIG, HUGE = 2**40, 2**80


def variable(dtype="float32", shape=(2,)):
    return unidl.Variable(np.zeros(shape, dtype))


# Where anything may come in: a call of one value.
DOORS = {
    "convert_to_tensor": lambda x: ops.convert_to_tensor(x),
    "array": lambda x: ops.array(x),
    "add": lambda x: ops.add(X, x),
    "add, on the left": lambda x: ops.add(x, X),
    "exp": lambda x: ops.exp(x),
    "sum": lambda x: ops.sum(x),
    "reshape": lambda x: ops.reshape(x, (-1,)),
    "matmul": lambda x: ops.matmul(x, X),
    "where": lambda x: ops.where(X > 1, x, X),
    "concatenate": lambda x: ops.concatenate([X, x], 0),
    "stack": lambda x: ops.stack([X, x]),
    "maximum": lambda x: ops.maximum(X, x),
    "equal": lambda x: ops.equal(X, x),
    "softmax": lambda x: ops.softmax(x),
    "logical_not": lambda x: ops.logical_not(x),
    "cast": lambda x: ops.cast(x, "float32"),
    "full": lambda x: ops.full((2, 2), x),
    "full_like": lambda x: ops.full_like(X, x),
    "Variable": lambda x: unidl.Variable(x),
    "assign": lambda x: variable(shape=(2, 2)).assign(x),
    "assign_add": lambda x: variable(shape=(2, 2)).assign_add(x),
    "one_hot": lambda x: ops.one_hot(x, 3),
    "loss": lambda x: unidl.losses.MeanSquaredError()(X, x),
    "metric": lambda x: unidl.metrics.Mean()(x),
}

# What is no tensor, and what the text says that came.
NO_TENSORS = {
    "a string": ("abc", "str"),
    "bytes": (b"abc", "bytes"),
    "an array of strings": (np.array(["a", "b"]), "str"),
    "a list of strings": (["1", "2"], "'1'"),
    "a list with None": ([1.0, None], "None"),
    "an array of objects": (np.array([1, None], object), "object"),
    "an object": (object(), "object"),
    "a dict": ({"a": 1}, "dict"),
    "a set": ({1, 2}, "set"),
    "a generator": ((i for i in (1, 2)), "generator"),
    "a function": (len, "function"),
    "a ragged list": ([[1, 2], [3]], "equal"),
    "a complex number": (1j, "complex"),
    "complex numbers": (np.array([1j, 2]), "complex"),
    "dates": (np.array(["2020-01-01"], "datetime64[D]"), "datetime64"),
    "durations": (np.array([1, 2], "timedelta64[s]"), "timedelta64"),
    "a record": (np.zeros(2, [("a", "f4")]), "void|record|V4"),
    "decimals": ([decimal.Decimal("1.5")], "Decimal"),
    "fractions": (np.array([fractions.Fraction(1, 2)]), "Fraction|object"),
}
# Doors at which None has a meaning of its own, or where other checks come first.
_NONE = ("convert_to_tensor", "add", "exp", "sum", "matmul", "Variable", "assign", "full", "equal")

# Arrays that become a tensor with the same numbers.
ARRAYS = {
    "big-endian float32": (np.array([1.5, 2.5], ">f4"), [1.5, 2.5]),
    "big-endian float64": (np.array([1.5, 2.5], ">f8"), [1.5, 2.5]),
    "big-endian int32": (np.array([1, 70000], ">i4"), [1, 70000]),
    "big-endian int16": (np.array([1, -700], ">i2"), [1, -700]),
    "longdouble": (np.array([1.5, 2.5], np.longdouble), [1.5, 2.5]),
    "uint64": (np.array([1, 2**40], "uint64"), [1, 2**40]),
    "uint32": (np.array([1, 2**31], "uint32"), [1, 2**31]),
    "uint16": (np.array([1, 65535], "uint16"), [1, 65535]),
    "int16": (np.array([1, -700], "int16"), [1, -700]),
    "not contiguous": (np.arange(8, dtype="f4")[::4], [0, 4]),
    "backwards": (np.arange(2, dtype="f4")[::-1], [1, 0]),
    "read-only": (np.frombuffer(np.array([1.5, 2.5], "f4").tobytes(), "f4"), [1.5, 2.5]),
    "a single one": (np.array(1.5, "f4"), 1.5),
    "a scalar of NumPy": (np.float64(1.5), 1.5),
    "a uint64 scalar": (np.uint64(2**40), 2**40),
    "a longdouble scalar": (np.longdouble(1.5), 1.5),
    "a memoryview": (memoryview(np.array([1.5, 2.5], "f4")), [1.5, 2.5]),
    "a matrix": (np.asmatrix([[1.0, 2.0]]), [[1.0, 2.0]]),
    "a masked array without holes": (np.ma.array([1.5, 2.5]), [1.5, 2.5]),
    "a range": (range(3), [0, 1, 2]),
    "numbers of NumPy in a list": ([np.float32(1), np.int64(2)], [1, 2]),
    "arrays in a list": ([np.ones(2, "f4"), np.zeros(2, "f4")], [[1, 1], [0, 0]]),
    "ints and floats in a list": ([1, 2.5], [1, 2.5]),
    "bools and ints in a list": ([True, 2], [1, 2]),
    "an empty list": ([], []),
}


def foreign(values=(1.0, 2.0)):
    """A tensor of another backend than the active one."""
    other = next(name for name in INSTALLED if name not in ("numpy", get_backend().name))
    return get_backend(other).asarray(np.array(values, "float32"))


def _two_backends():
    """Tensors of the active backend, which is not NumPy, and of another."""
    names = [name for name in INSTALLED if name != "numpy"][:2]
    return [get_backend(name).asarray(np.ones(2, "float32")) for name in names]


FITS = "does not fit"

CASES = [
    *(
        told(f"{door}: {what}", lambda c=call, v=value: c(v), text, (TypeError, ValueError))
        for door, call in DOORS.items()
        for what, (value, text) in NO_TENSORS.items()
    ),
    *(
        told(f"{door}: None", lambda c=DOORS[door]: c(None), "None", (TypeError, ValueError))
        for door in _NONE
    ),
    *(
        right(f"{door}: {what}", lambda c=call, v=value: c(v), expected)
        for door, call in {
            "convert_to_tensor": ops.convert_to_tensor,
            "Variable": lambda x: unidl.Variable(x).value,
            "add 0": lambda x: ops.add(x, 0),
            "reshape": lambda x: ops.reshape(x, np.shape(np.asarray(x))),
        }.items()
        for what, (value, expected) in ARRAYS.items()
    ),
    # -- arrays of a dtype that is asked for
    *(
        right(
            f"convert_to_tensor: {what} to float32",
            lambda v=value: ops.convert_to_tensor(v, "float32"),
            np.array(expected, "f4"),
        )
        for what, (value, expected) in ARRAYS.items()
    ),
    # -- whole numbers that do not fit
    *(
        told(f"{door}: {shown}", lambda c=call, v=value: c(v), FITS, ValueError)
        for door, call in {
            "convert_to_tensor": ops.convert_to_tensor,
            "convert_to_tensor, list": lambda n: ops.convert_to_tensor([1, n]),
            "convert_to_tensor, int32": lambda n: ops.convert_to_tensor(n, "int32"),
            "convert_to_tensor, list to int32": lambda n: ops.convert_to_tensor([1, n], "int32"),
            "convert_to_tensor, array to int32": lambda n: ops.convert_to_tensor(
                np.array([n]), "int32"
            ),
            "convert_to_tensor, uint8": lambda n: ops.convert_to_tensor(n, "uint8"),
            "add to 1": lambda n: ops.add(n, 1),
            "add 1 to": lambda n: ops.add(1, n),
            "add to int32": lambda n: ops.add(I, n),
            "multiply int32": lambda n: ops.multiply(n, I),
            "maximum of int32": lambda n: ops.maximum(I, n),
            "less than int32": lambda n: ops.less(I, n),
            "where, int32": lambda n: ops.where(I > 1, I, n),
            "where, numbers": lambda n: ops.where(I > 1, 1, n),
            "clip int32 below": lambda n: ops.clip(I, 0, n),
            "clip int32 above": lambda n: ops.clip(I, -n, 0),
            "full, int32": lambda n: ops.full((2,), n, "int32"),
            "full_like int32": lambda n: ops.full_like(I, n),
            "arange": lambda n: ops.arange(n, n + 2),
            "arange, int32": lambda n: ops.arange(n, n + 2, dtype="int32"),
            "pad int32": lambda n: ops.pad(I, 1, constant_values=n),
            "Variable": lambda n: unidl.Variable(n),
            "Variable, int32": lambda n: unidl.Variable([1, n], dtype="int32"),
            "assign": lambda n: variable("int32").assign([1, n]),
            "assign an array": lambda n: variable("int32").assign(np.array([1, n])),
            "assign_add": lambda n: variable("int32").assign_add([1, n]),
            "take": lambda n: ops.floor_divide(I, n),
            "power": lambda n: ops.power(I, n),
            "mod": lambda n: ops.mod(I, n),
            "stack": lambda n: ops.stack([1, n]),
            "max, initial": lambda n: ops.max(I, initial=n),
        }.items()
        for value, shown in [(BIG, "2**40"), (HUGE, "2**80")]
    ),
    *(
        told(f"{name}: beyond int64", call, FITS, ValueError)
        for name, call in {
            "convert_to_tensor, int64": lambda: ops.convert_to_tensor(HUGE, "int64"),
            "convert_to_tensor, list to int64": lambda: ops.convert_to_tensor([HUGE], "int64"),
            "full, int64": lambda: ops.full((2,), HUGE, "int64"),
            "add to int64": lambda: ops.add(np.array([1, 2], "int64"), HUGE),
            "assign": lambda: variable("int64").assign([0, 2**63]),
        }.items()
    ),
    *(
        told(f"{name}: -1 for an unsigned one", call, FITS, ValueError)
        for name, call in {
            "convert_to_tensor": lambda: ops.convert_to_tensor([-1], "uint8"),
            "convert_to_tensor, array": lambda: ops.convert_to_tensor(np.array([-1]), "uint8"),
            "full": lambda: ops.full((2,), -1, "uint8"),
            "full_like": lambda: ops.full_like(np.ones(2, "uint8"), -1),
            "add": lambda: ops.add(np.ones(2, "uint8"), -1),
            "maximum": lambda: ops.maximum(np.ones(2, "uint8"), -1),
            "clip": lambda: ops.clip(np.ones(2, "uint8"), -1, 5),
            "assign": lambda: variable("uint8").assign([0, -1]),
        }.items()
    ),
    *(
        told(f"{name}: {value} as an integer", lambda c=call, v=value: c(v), FITS, ValueError)
        for name, call in {
            "convert_to_tensor": lambda x: ops.convert_to_tensor([x], "int32"),
            "convert_to_tensor, array": lambda x: ops.convert_to_tensor(np.array([x]), "int32"),
            "full": lambda x: ops.full((2,), x, "int32"),
            "full_like": lambda x: ops.full_like(I, x),
            "assign": lambda x: variable("int32").assign([0, x]),
        }.items()
        for value in (np.nan, np.inf, -1e30)
    ),
    *(
        right(name, call, expected)
        for name, call, expected in [
            ("2**40 as int64", lambda: ops.convert_to_tensor(BIG, "int64"), np.array(BIG)),
            ("[2**40] as int64", lambda: ops.convert_to_tensor([BIG], "int64"), np.array([BIG])),
            ("2**80 as float32", lambda: ops.convert_to_tensor(HUGE, "float32"), np.float32(HUGE)),
            ("[2**80] as float32", lambda: ops.convert_to_tensor([HUGE], "float32"), [2.0**80]),
            ("float32 + 2**40", lambda: ops.add(X, BIG), X + np.float32(BIG)),
            ("float32 + 2**80", lambda: ops.add(X, HUGE), X + np.float32(HUGE)),
            ("2**80 * float32", lambda: ops.multiply(HUGE, X), X * np.float32(HUGE)),
            ("float32 < 2**80", lambda: ops.less(X, HUGE), np.full((2, 2), True)),
            ("clip float32 at 2**80", lambda: ops.clip(X, -HUGE, HUGE), X),
            ("full of 2**80", lambda: ops.full((2,), HUGE), np.full(2, HUGE, "f4")),
            ("full_like of 2**80", lambda: ops.full_like(X, HUGE), np.full((2, 2), HUGE, "f4")),
            (
                "int64 + 2**40",
                lambda: ops.add(np.array([1], "int64"), BIG),
                np.array([BIG + 1]),
            ),
            (
                "int64 * 2**61 is exact",
                lambda: ops.multiply(np.array([1, 3], "int64"), 2**61 + 1),
                np.array([2**61 + 1, 3 * (2**61 + 1)]),
            ),
            (
                "full of int64 is exact",
                lambda: ops.full((2,), 2**61 + 1, "int64"),
                np.array([2**61 + 1] * 2),
            ),
            (
                "full_like of int64 is exact",
                lambda: ops.full_like(np.zeros(2, "int64"), -(2**61) - 1),
                np.array([-(2**61) - 1] * 2),
            ),
            (
                "arange of int64 is exact",
                lambda: ops.arange(2**61 + 1, 2**61 + 3, dtype="int64"),
                np.array([2**61 + 1, 2**61 + 2]),
            ),
            (
                "clip of int64 is exact",
                lambda: ops.clip(np.array([0, 2**62], "int64"), 1, 2**61 + 1),
                np.array([1, 2**61 + 1]),
            ),
            (
                "assign of int64 is exact",
                lambda: variable("int64").assign([1, 2**61 + 1]).value,
                np.array([1, 2**61 + 1]),
            ),
            ("the least int32", lambda: ops.convert_to_tensor(-(2**31)), np.int32(-(2**31))),
            ("the largest int32", lambda: ops.add(2**31 - 1, 0), np.int32(2**31 - 1)),
            ("2**80 in a list of floats", lambda: ops.convert_to_tensor([0.5, 2.0**80]), None),
        ]
        if expected is not None
    ),
    # -- tensors of another framework
    *(
        told(f"{name}: tensors of two backends", lambda c=call: c(*_two_backends()), "backends")
        for name, call in {
            "add": ops.add,
            "concatenate": lambda a, b: ops.concatenate([a, b]),
            "stack": lambda a, b: ops.stack([a, b]),
            "where": lambda a, b: ops.where(np.ones(2, bool), a, b),
            "matmul": ops.matmul,
            "scatter_update": lambda a, b: ops.scatter_update(a, [[0]], b[:1]),
            "slice_update": lambda a, b: ops.slice_update(a, (0,), b),
            "clip": lambda a, b: ops.clip(a, b, 3.0),
            "categorical_crossentropy": ops.categorical_crossentropy,
            "convert_to_tensor, list": lambda a, b: ops.convert_to_tensor([a, b]),
        }.items()
    ),
    right("assign a foreign tensor", lambda: variable().assign(foreign()).value, [1, 2]),
    right("Variable of a foreign tensor", lambda: unidl.Variable(foreign()).value, [1, 2]),
    right("assign_add a foreign tensor", lambda: variable().assign_add(foreign()).value, [1, 2]),
    right("assign_sub a foreign tensor", lambda: variable().assign_sub(foreign()).value, [-1, -2]),
    right(
        "assign_add a Variable",
        lambda: variable().assign_add(unidl.Variable([1.0, 2.0])).value,
        [1, 2],
    ),
    # -- layers
    *(
        told(f"Dense: {what}", lambda v=value: layers.Dense(3)(v), f"{text}|differ in length|<U1")
        for what, (value, text) in NO_TENSORS.items()
        if what != "a dict"  # which is a structure of inputs
    ),
]
