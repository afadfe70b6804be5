"""Case: what is called, its inputs, and how its rounding is judged."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from unidl.backend import Variable, get_backend

ULP, BUDGET, ALARM = 8.0, 16.0, 64.0
SIXTEEN_BITS = ("float16", "bfloat16")


@dataclass(frozen=True, eq=False)
class Case:
    """One call of the contract, written once for every backend.

    Args:
        method: the contract's method under test.
        label: what is special about this case; unique within the method.
        call: `call(backend, *inputs)` with native tensors -> a tensor, or a list or tuple of
            tensors.
        inputs: input name -> array, or a function of a NumPy generator that draws one. Float inputs
            are rounded to float32 at first (to 8 bits for the dtypes of 16), so that every dtype
            starts from the same numbers.
        kind: how float rounding is judged, a key of `scales.KINDS`: "exact", "ulp", "linear" or
            "noise".
        scale: S of the forward outputs, `scale(*inputs)` -> array or list of arrays, where the
            kind's is not fair.
        gradients: whether the gradients of the float inputs are compared.
        ill_conditioned: float64 too is judged by the condition-scaled error and not by 1e-12, since
            the rounding of an input alone moves the result by more.
        long_sums: the framework's own kernels add up thousands of terms here, in whatever order
            this processor likes: float32 may lose twice what `in_turn` loses on the same numbers.
        traced: whether the case also runs through `compile` on backends that trace.
        also: other methods that this case covers.
        dtypes: those in which the case makes sense.
        not_in_16_bits: why no backend runs it in float16 and bfloat16, although they are among
            `dtypes`: reports show the reason.
    """

    method: str
    label: str
    call: Callable
    inputs: dict = field(default_factory=dict)
    kind: str = "noise"
    scale: Callable | None = None
    gradients: bool = True
    ill_conditioned: bool = False
    traced: bool = True
    also: Sequence[str] = ()
    long_sums: bool = False
    dtypes: Sequence[str] = ("float64", "float32")
    not_in_16_bits: str = ""

    @property
    def name(self) -> str:
        return f"{self.method}: {self.label}" if self.label else self.method

    @property
    def covers(self) -> tuple[str, ...]:
        return (self.method, *self.also)

    def inputs_of(self, arrays) -> list[str]:
        """Names of the inputs below weights that may be frozen: none where there are no weights."""
        return []

    @property
    def budget(self) -> float:
        return ULP if self.kind == "ulp" else BUDGET

    def draw(self) -> dict[str, np.ndarray]:
        """The inputs, floats as float64 with float32 values."""
        generator = generator_of(self.name)
        return round_to_float32(
            {
                name: np.asarray(spec(generator) if callable(spec) else spec)
                for name, spec in self.inputs.items()
            }
        )

    def prepare(self, backend, arrays, dtype=None) -> Program:
        """The case on `backend`: the float inputs become Variables of `dtype` (by default the
        arrays'), the others constants."""
        variables = {
            name: Variable(a, dtype=dtype, backend=backend)
            for name, a in arrays.items()
            if a.dtype.kind == "f"
        }
        constants = {
            name: backend.asarray(a) for name, a in arrays.items() if name not in variables
        }

        def function(**replaced):
            values = (
                replaced[n]
                if n in replaced
                else variables[n].value
                if n in variables
                else constants[n]
                for n in arrays
            )
            # The active backend is `backend`, but for the tracer of one that captures functions.
            return self.call(get_backend(), *values)

        return Program(variables, function, [], list(arrays))


@dataclass(frozen=True)
class Program:
    """A case made ready on one backend.

    variables: by name, those whose gradients are compared.
    function: `function(**replaced)` -> a tensor, or a list or tuple of tensors; it reads the
    variables and constants, or
        takes native tensors in place of some inputs.
    others: Variables that it reads or assigns besides.
    inputs: the names that `function` takes.
    """

    variables: dict
    function: Callable
    others: list
    inputs: list


def generator_of(name):
    """NumPy generator seeded by a case's name, so that cases do not move each other."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def round_to_float32(arrays):
    """Float arrays as float64 with float32 values: every dtype starts from the same numbers."""
    return {
        name: a.astype("float32").astype("float64") if a.dtype.kind == "f" else a
        for name, a in arrays.items()
    }


def round_to_8_bits(arrays):
    """Float arrays with 8 significant bits, which bfloat16 holds, and float16 too unless they are
    very large or small."""

    def rounded(a):
        mantissa, exponent = np.frexp(a)
        return np.ldexp(np.round(mantissa * 256) / 256, exponent)

    return {name: rounded(a) if a.dtype.kind == "f" else a for name, a in arrays.items()}


def normal(*shape, mean=0.0, std=1.0):
    """Normal floats of `shape`."""
    return lambda generator: generator.normal(mean, std, shape)


def uniform(low, high, *shape):
    """Uniform floats of `shape` in [low, high)."""
    return lambda generator: generator.uniform(low, high, shape)


def integers(low, high, *shape, dtype="int32"):
    """Integers of `shape` in [low, high)."""
    return lambda generator: generator.integers(low, high, shape).astype(dtype)


def booleans(*shape):
    """Bools of `shape`."""
    return lambda generator: generator.random(shape) < 0.5


def positive_definite(*shape):
    """Symmetric positive definite matrices (..., n, n) with eigenvalues of about 1 to 5."""

    def draw(generator):
        a = generator.normal(size=shape) / np.sqrt(shape[-1])
        return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])

    return draw
