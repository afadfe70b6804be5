"""Whether a written file computes what the model does, with a runtime that is not unidl."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from unidl import ops, tree
from unidl.backend.dtypes import is_float
from unidl.layers import Embedding
from unidl.port.onnx.errors import onnx_package
from unidl.port.onnx_out.signature import Signature
from unidl.port.proof import Proof

# Relative to the largest number, some hundred layers deep.
_BUDGETS = {"float64": 1e-9, "float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}
_BATCHES = (1, 2, 5)
# Sizes of other open axes: models may need some length, or multiples of a power of two.
_LENGTHS = ((7, 11, 4), (16, 24, 32), (32, 64, 96))
_SEED = 13


def prove(model: Any, signature: Signature, path: str) -> Proof:
    """Compare the outputs on drawn inputs, of three batch sizes where the batch is open."""
    proof = Proof(model.name, _BUDGETS["float32"])
    runtime = Runtime(path)
    dtypes = {layer.compute_dtype for layer in model._flatten_layers()}
    narrow = max((_BUDGETS[d] for d in dtypes if d in ("float16", "bfloat16")), default=0.0)
    for what, inputs, wanted in _drawn(model, signature, proof.left_out):
        feeds = {i.name: x for i, x in zip(signature.inputs, inputs, strict=True)}
        for i, (found, truth) in enumerate(zip(runtime.run(feeds), wanted, strict=True)):
            budget = max(narrow, budget_of(truth.dtype.name))
            label = f"output {i}, {what}" if what else f"output {i}"
            proof.compare(label, *_comparable(found, truth), budget=budget)
    proof.how = runtime.name
    return proof


def budget_of(dtype: str) -> float:
    """How much outputs of this dtype may differ."""
    return _BUDGETS.get(dtype, _BUDGETS["float32"])


def _comparable(found: Any, wanted: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both in float64, with 0 where both are the same infinity or NaN."""
    found, wanted = (np.asarray(x).astype("float64") for x in (found, wanted))
    if found.shape == wanted.shape:
        both_nan = np.isnan(found) & np.isnan(wanted)
        same = both_nan | (np.isinf(wanted) & (found == wanted))
        found, wanted = np.where(same, 0.0, found), np.where(same, 0.0, wanted)
    return found, wanted


class Runtime:
    """onnxruntime, or onnx.reference from where on that does not run the model.

    Args:
        model: the path of a file, or its bytes.

    Attributes:
        name: with the reason.
    """

    def __init__(self, model: str | bytes) -> None:
        self._model, self._session = model, None
        try:
            runtime = importlib.import_module("onnxruntime")
        except ImportError:
            self._use_reference("onnxruntime is not installed")
            return
        self.name = f"onnxruntime {runtime.__version__}"
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = runtime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - of several classes
            self._use_reference(error)

    def _use_reference(self, why: Any) -> None:
        reference = importlib.import_module("onnx.reference")
        text = " ".join(str(why).split())[:200]
        if isinstance(why, Exception):
            text = f"onnxruntime does not run it: {text}"
        self.name = f"onnx.reference {onnx_package().__version__} ({text})"
        self._session = reference.ReferenceEvaluator(self._model)

    def run(self, feeds: dict[str, np.ndarray]) -> list[Any]:
        try:
            return self._session.run(None, feeds)  # type: ignore[union-attr]
        except Exception as error:
            if not self.name.startswith("onnxruntime"):
                raise
            self._use_reference(error)
            return self.run(feeds)


def _drawn(model: Any, signature: Signature, left_out: list[str]) -> Any:
    """[(label, inputs, the model's outputs)] of each combination of sizes; why there are none."""
    axes = signature.axes
    has_lengths = any(name != "batch" for name in axes)
    problem = ""
    for lengths in _LENGTHS if has_lengths else _LENGTHS[:1]:
        found = []
        for batch, length in zip(_BATCHES, lengths, strict=True):
            sizes = {name: batch if name == "batch" else length for name in axes}
            inputs = _inputs(model, signature, sizes)
            try:
                outputs = model(*signature.arguments(inputs), training=False)
            except Exception as error:  # noqa: BLE001 - sizes that it does not take
                problem = f"{type(error).__name__}: {error}"
                break
            label = ", ".join(f"{n} {s}" for n, s in sizes.items())
            found.append((label, inputs, [ops.convert_to_numpy(y) for y in tree.flatten(outputs)]))
        else:
            return found if axes else found[:1]
    left_out.append(f"outputs, since the model itself does not run on drawn inputs. {problem}")
    return []


def _inputs(model: Any, signature: Signature, sizes: dict[str, int]) -> list[np.ndarray]:
    generator = np.random.default_rng(_SEED)
    plan = getattr(model, "_plan", None)
    looked_up = {}
    if plan is not None:
        looked_up = {plan.input_tensors[i].name: e.input_dim for i, e in plan.looked_up}
    tables = [e.input_dim for e in model._flatten_layers() if isinstance(e, Embedding)]
    found = []
    for each in signature.inputs:
        shape = [sizes.get(s, s) for s in each.shape]
        if is_float(each.dtype) and each.name not in looked_up:
            array = generator.normal(size=shape).astype("float32")
        else:
            below = 2 if each.dtype == "bool" else looked_up.get(each.name, min(tables or [2]))
            array = generator.integers(0, below, shape)
        found.append(ops.convert_to_numpy(ops.cast(array, each.dtype)))
    return found
