"""Whether what was written computes what the model does, with a runtime that is not unidl."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from unidl import ops, tree
from unidl.backend.dtypes import is_float
from unidl.layers import Embedding
from unidl.port.exports.endpoint import Endpoint
from unidl.port.proof import Proof
from unidl.utils.whole_file import write_text

# Relative to the largest number, some hundred layers deep.
_BUDGETS = {"float64": 1e-9, "float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}
_BATCHES = (1, 2, 5)
# Sizes of other open axes: models may need some length, or multiples of a power of two.
_LENGTHS = ((7, 11, 4), (16, 24, 32), (32, 64, 96))
_SEED = 13


class Runtime(Protocol):
    """What runs a file.

    Attributes:
        name: with its version.
    """

    name: str

    def run(self, inputs: list[np.ndarray]) -> list[Any]:
        """Outputs, as arrays, of inputs in the order of the signature."""
        ...


def prove(endpoints: list[Endpoint], runtime_of: Callable[[Endpoint], Runtime]) -> Proof:
    """Compare the outputs on drawn inputs, of three batch sizes where the batch is open."""
    proof = Proof(endpoints[0].owner, _BUDGETS["float32"])
    for endpoint in endpoints:
        _compare(proof, endpoint, runtime_of(endpoint), f"{endpoint.name}: " * (len(endpoints) > 1))
    return proof


def report(proof: Proof, path: str, beside: str) -> None:
    """Write the proof of `path` as the text file `beside`; a difference is a warning."""
    write_text(beside, f"{proof}\n")
    if not proof.passed:
        problem = "does not compute what the model does" if proof.rows else "is not proved"
        warnings.warn(f"{path} {problem}. {proof}", stacklevel=4)


def _compare(proof: Proof, endpoint: Endpoint, runtime: Runtime, prefix: str) -> None:
    dtypes = {layer.compute_dtype for layer in endpoint.layers}
    narrow = max((_BUDGETS[d] for d in dtypes if d in ("float16", "bfloat16")), default=0.0)
    for what, inputs, wanted in _drawn(endpoint, proof.left_out):
        for i, (found, truth) in enumerate(zip(runtime.run(inputs), wanted, strict=True)):
            budget = max(narrow, budget_of(truth.dtype.name))
            label = f"{prefix}output {i}, {what}" if what else f"{prefix}output {i}"
            proof.compare(label, *comparable(found, truth), budget=budget)
    proof.how = runtime.name


def budget_of(dtype: str) -> float:
    """How much outputs of this dtype may differ."""
    return _BUDGETS.get(dtype, _BUDGETS["float32"])


def comparable(found: Any, wanted: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both in float64, with 0 where both are the same infinity or NaN."""
    found, wanted = (np.asarray(x).astype("float64") for x in (found, wanted))
    if found.shape == wanted.shape:
        both_nan = np.isnan(found) & np.isnan(wanted)
        same = both_nan | (np.isinf(wanted) & (found == wanted))
        found, wanted = np.where(same, 0.0, found), np.where(same, 0.0, wanted)
    return found, wanted


def _drawn(endpoint: Endpoint, left_out: list[str]) -> Any:
    """[(label, inputs, the model's outputs)] of each combination of sizes; why there are none."""
    axes = endpoint.signature.axes
    has_lengths = any(name != "batch" for name in axes)
    problem = ""
    for lengths in _LENGTHS if has_lengths else _LENGTHS[:1]:
        found = []
        for batch, length in zip(_BATCHES, lengths, strict=True):
            sizes = {name: batch if name == "batch" else length for name in axes}
            inputs = _inputs(endpoint, sizes)
            try:
                outputs = endpoint.called(inputs)
            except Exception as error:  # noqa: BLE001 - sizes that it does not take
                problem = f"{type(error).__name__}: {error}"
                break
            label = ", ".join(f"{n} {s}" for n, s in sizes.items())
            found.append((label, inputs, [ops.convert_to_numpy(y) for y in tree.flatten(outputs)]))
        else:
            return found if axes else found[:1]
    left_out.append(f"outputs, since the model itself does not run on drawn inputs. {problem}")
    return []


def _inputs(endpoint: Endpoint, sizes: dict[str, int]) -> list[np.ndarray]:
    generator = np.random.default_rng(_SEED)
    tables = [e.input_dim for e in endpoint.layers if isinstance(e, Embedding)]
    found = []
    for each in endpoint.signature.inputs:
        shape = [sizes.get(s, s) for s in each.shape]
        if is_float(each.dtype) and each.name not in endpoint.below:
            array = generator.normal(size=shape).astype("float32")
        else:
            rows = endpoint.below.get(each.name, min(tables or [2]))
            array = generator.integers(0, 2 if each.dtype == "bool" else rows, shape)
        found.append(ops.convert_to_numpy(ops.cast(array, each.dtype)))
    return found
