"""What a model takes: names, shapes and dtypes of its inputs, and how they stand in the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unidl import tree
from unidl.backend import dtypes
from unidl.port.exports.names import Names
from unidl.tracing.sizes import _PRIMES as PRIMES
from unidl.tracing.sizes import OpenSize

FROM_SIZES = (
    "something is computed on the host from the size of an open axis: a table, a Python loop, or "
    "int(size). Compute with unidl.ops (ops.arange(size) is one of the graph), or give the axis a "
    "size in Input(shape=...) or input_signature"
)


@dataclass(frozen=True)
class Input:
    """
    Attributes:
        name: in the file.
        shape: sizes; the name of an axis where it is open.
    """

    name: str
    shape: tuple[Any, ...]
    dtype: str


@dataclass(frozen=True)
class Signature:
    """
    Attributes:
        inputs: flat, in order.
        structure: the positional arguments of the call, with numbers of inputs at their places.
    """

    inputs: list[Input]
    structure: Any

    def arguments(self, values: list[Any]) -> Any:
        """The arguments of the call with `values` for the inputs."""
        return tree.map_structure(lambda place: values[place], self.structure)

    @property
    def axes(self) -> list[str]:
        """Names of the open axes."""
        named = [s for i in self.inputs for s in i.shape if isinstance(s, str)]
        return list(dict.fromkeys(named))


def signature_of(model: Any, given: Any, who: str) -> Signature:
    """Of what `given`, an input_signature, says, else of what the model knows; errors begin with
    `who`."""
    plan = getattr(model, "_plan", None)
    if given is None:
        structure = [model.input] if plan is not None else _as_called(model, who)
    else:
        structure = _as_arguments(model, plan, given)
    leaves = tree.flatten(structure)
    if plan is not None and len(leaves) != len(plan.input_tensors):
        names = ", ".join(t.name for t in plan.input_tensors)
        raise ValueError(
            f"{who}: {model._who()} has {len(plan.input_tensors)} inputs ({names}), but "
            f"input_signature has {len(leaves)} entries. Give one InputSpec for each."
        )
    if plan is not None:
        wanted = [t.name for t in tree.flatten(model.input)]  # in the order of the structure
    else:
        wanted = [getattr(leaf, "name", None) or f"input_{i}" for i, leaf in enumerate(leaves)]
    return signature_from(structure, wanted, model.compute_dtype, who)


def signature_from(structure: Any, wanted: list[str], dtype: str, who: str) -> Signature:
    """Of `structure`, the arguments of a call with something that has a shape for each tensor.

    wanted: a name for each. dtype: of those that tell none.
    """
    leaves, names = tree.flatten(structure), Names()
    inputs = [
        _input(names.new(name), leaf, dtype, who) for name, leaf in zip(wanted, leaves, strict=True)
    ]
    places = iter(range(len(leaves)))
    return Signature(inputs, tree.map_structure(lambda _: next(places), structure))


def _as_arguments(model: Any, plan: Any, given: Any) -> list[Any]:
    if plan is None:
        return list(given) if isinstance(given, list | tuple) else [given]
    flat = tree.flatten(given)
    if len(flat) != len(plan.input_tensors):
        return [given]
    tensors = tree.flatten(model.input) if isinstance(given, dict) else plan.input_tensors
    places = {id(t): leaf for t, leaf in zip(tensors, flat, strict=True)}
    return [tree.map_structure(lambda t: places[id(t)], model.input)]


def _as_called(model: Any, who: str) -> list[Any]:
    """For a model that is no graph: the shapes of its first call, with an open batch axis."""
    shapes = getattr(model, "_build_shapes", None) or {}
    flat = list(shapes.values())
    if (
        len(flat) != 1
        or not isinstance(flat[0], tuple)
        or not all(s is None or isinstance(s, int) for s in flat[0])
    ):
        raise ValueError(
            f"{who}: {model._who()} does not define what it takes. Give it: "
            'input_signature=[unidl.layers.InputSpec(shape=(None, 8), dtype="float32")], one for '
            "each argument of call()."
        )
    from unidl.tracing import KerasTensor

    return [KerasTensor((None, *flat[0][1:]), model.compute_dtype, name="inputs")]


def _input(name: str, leaf: Any, dtype: str, who: str) -> Input:
    shape = getattr(leaf, "shape", None)
    if shape is None:
        raise ValueError(
            f"{who}: the input {name!r} has no shape: {leaf!r}. Its number of axes is needed: "
            "InputSpec(shape=(None, 8))."
        )
    dtype = dtypes.standardize_dtype(getattr(leaf, "dtype", None) or dtype)
    sizes: list[Any] = []
    for axis, size in enumerate(tuple(shape)):
        sizes.append(int(size) if size is not None else f"{name}_{axis}" if axis else "batch")
    return Input(name, tuple(sizes), dtype)


def numbers_for(signature: Signature, taken: set[int], run: int, who: str) -> dict[str, OpenSize]:
    """What each open axis is in the first (0) or the second (1) run: primes that are not among the
    sizes `taken` or the inputs', two for each axis."""
    axes = signature.axes
    taken = taken.union(s for i in signature.inputs for s in i.shape if isinstance(s, int))
    free = [p for p in PRIMES if p not in taken]
    if len(free) <= len(axes):
        raise ValueError(
            f"{who}: the inputs have {len(axes)} open axes, of which at most {len(free) - 1} can "
            "be told apart. Give sizes to the others in input_signature."
        )
    pairs = [(free[i], free[i + 1]) for i in range(len(axes))]
    return {n: OpenSize(p[run], p[1 - run]) for n, p in zip(axes, pairs, strict=True)}
