"""`from_onnx`: a file of ONNX as a model that trains."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from unidl import ops, tree
from unidl.backend.dtypes import is_float
from unidl.port.errors import PortError
from unidl.port.exports.proof import budget_of
from unidl.port.imported import Imported
from unidl.port.onnx.errors import onnx_package
from unidl.port.onnx.importer import OnnxFunction, read_proto
from unidl.port.onnx.values import dtype_of
from unidl.port.onnx_model.build import Build, is_weight
from unidl.port.onnx_model.original import OnnxOriginal
from unidl.port.onnx_model.sizes import Sizes
from unidl.port.onnx_model.widened import widened
from unidl.port.onnx_out.runtime import Runtime
from unidl.port.proof import in_float64, on_the_reference, prove
from unidl.port.twin import one_or_all, silence
from unidl.utils.naming import to_snake_case

_SEED = 13
_BATCHES = (2, 5)


def from_onnx(
    model: Any, input_shapes: dict[str, tuple] | list[tuple] | None = None, *, verify: bool = True
) -> Imported:
    """A functional Model that computes what an ONNX file does, with its weights, and trains.

    A node and its weights become a layer where unidl has that layer (convolutions, dense layers,
    normalizations, recurrent layers, embeddings); other arrays of floats become weights by
    themselves, and all other operators are functions. Batch normalizations and dropout work in
    training as layers do, although the file was written for inference.

    Args:
        model: the path of a file, its bytes, or a ModelProto.
        input_shapes: {input: shape}, or the shapes in order, where the file does not say them, or
            to give sizes to open axes; None in a shape is an open axis.
        verify: compare it with the file: outputs with onnxruntime (or onnx.reference), and, in
            float64, gradients and some steps of training with what `unidl.port.onnx` computes.

    Returns:
        An `unidl.port.Imported`. Its names are those of the file's arrays.

    Raises:
        PortError: with every node that cannot be converted, and the reason.
        OnnxError: the file is damaged, or has operators that nobody knows.
        ValueError: `input_shapes` does not go with the file.

    Examples:
        >>> x = unidl.Input((3,))
        >>> model = unidl.Model(x, unidl.layers.Dense(2, name="hidden")(x))
        >>> file = unidl.port.to_onnx(model, "/tmp/hidden.onnx")
        >>> found = unidl.port.from_onnx("/tmp/hidden.onnx")
        >>> found.names
        {'hidden/kernel': 'hidden/kernel', 'hidden/bias': 'hidden/bias'}
        >>> found.proof.passed
        True
    """
    proto, folder = read_proto(model)
    function = OnnxFunction(proto, folder)
    name = _name(proto, model)
    if not verify:
        del proto  # with as many numbers as the model
    shapes, dtypes = _declared(function, input_shapes or {}, name)
    draw = _Drawn(dtypes)
    built = _built(function, shapes, dtypes, draw, name)
    found = Imported(built.model, built.weights, _warnings(built))
    if verify:
        inputs = [draw(n, _sized(shape, _BATCHES[0])) for n, shape in shapes.items()]
        onnx_package().external_data_helper.load_external_data_for_model(proto, folder)
        wide = OnnxFunction(widened(proto))
        wide_dtypes = {n: "float64" if is_float(d) else d for n, d in dtypes.items()}
        with on_the_reference():
            twin = _built(wide, shapes, wide_dtypes, _Drawn(wide_dtypes), name, keeps_arrays=True)
            silence(twin.model)
        original = OnnxOriginal(wide.graph, twin.weights, twin.normalizing, twin.halved)
        found.proof = prove(name, original, twin.model, twin.weights, in_float64(inputs))
        _compare_outputs(found, model, proto, shapes, draw)
    return found


def _built(function, shapes, dtypes, draw, name, keeps_arrays=False):
    trained = [n for n, array in function.graph.initializers.items() if is_weight(array)]
    sizes = Sizes(function.graph, shapes, draw, trained)
    return Build(function.graph, sizes, dtypes, name, keeps_arrays)


def _compare_outputs(found, model, proto, shapes, draw):
    """Rows for the outputs as they are, beside another runtime."""
    given = os.fspath(model) if isinstance(model, str | os.PathLike) else proto.SerializeToString()
    runtime = Runtime(given)
    open_ = any(isinstance(n, str) for shape in shapes.values() for n in shape)
    for batch in _BATCHES if open_ else _BATCHES[:1]:
        feeds = {n: draw(n, _sized(shape, batch)) for n, shape in shapes.items()}
        outputs = found.model(one_or_all(list(feeds.values())), training=False)
        pairs = zip(tree.flatten(outputs), runtime.run(feeds), strict=True)
        for i, (one, other) in enumerate(pairs):
            what = f"output {i} beside {runtime.name}, sizes {batch}"
            budget = budget_of(np.asarray(other).dtype.name)
            found.proof.compare(what, ops.convert_to_numpy(one), other, budget=budget)


class _Drawn:
    """Numbers for inputs: indices of two classes, whatever a table holds."""

    def __init__(self, dtypes):
        self._dtypes = dtypes

    def __call__(self, name, shape):
        generator = np.random.default_rng([_SEED, *map(ord, name)])
        dtype = self._dtypes[name]
        if is_float(dtype):
            return ops.convert_to_numpy(ops.cast(generator.normal(size=shape), dtype))
        return generator.integers(0, 2, shape).astype(dtype)


def _sized(shape, size):
    return tuple(size if isinstance(n, str) else n for n in shape)


def _name(proto, model):
    name = proto.graph.name
    if not name and isinstance(model, str | os.PathLike):
        name = os.path.splitext(os.path.basename(os.fspath(model)))[0]
    cleaned = "".join(c if c.isalnum() or c == "_" else "_" for c in name).strip("_")
    return to_snake_case(cleaned or "onnx")


def _declared(function, given, name):
    """({input: shape, with a name in each open axis}, {input: dtype})."""
    names = [n for n in function.inputs if n not in function.graph.initializers]
    given = _by_name(given, names, name)
    shapes, dtypes, refused = {}, {}, []
    for each in names:
        declared = function.graph.declared[each]
        if not declared.HasField("tensor_type"):
            refused.append((each, "this input is no tensor"))
            continue
        tensor = declared.tensor_type
        dtypes[each] = dtype_of(tensor.elem_type)
        sizes = None
        if tensor.HasField("shape"):
            sizes = [
                d.dim_value if d.HasField("dim_value") else d.dim_param or None
                for d in tensor.shape.dim
            ]
        if each in given:
            sizes = _narrowed(each, sizes, given[each])
        if sizes is None:
            refused.append((each, "the file has no shape for it: give it with input_shapes="))
        elif not sizes:
            refused.append((each, "an input of one number, which has no batch"))
        else:
            shapes[each] = tuple(
                f"{each}, axis {axis}" if n is None else n for axis, n in enumerate(sizes)
            )
    if not names:
        refused.append(("the graph", "it has no input"))
    if refused:
        raise PortError(name, refused)
    return shapes, dtypes


def _by_name(given, names, model):
    """What the caller says of shapes, by the names of the inputs."""
    told = f"the inputs of {model} are {', '.join(map(repr, names))}."
    if not isinstance(given, dict):
        if len(given) not in (0, len(names)):
            raise ValueError(f"from_onnx: {len(given)} input_shapes, and {told}")
        return dict(zip(names, given, strict=False))
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(f"from_onnx: input_shapes has {unknown[0]!r}; {told}")
    return given


def _narrowed(name, sizes, given):
    """Sizes of the file, those that are open as the caller says."""
    sizes = [None] * len(given) if sizes is None else sizes
    is_other = len(sizes) != len(given) or any(
        isinstance(old, int) and old != new for old, new in zip(sizes, given, strict=True)
    )
    if is_other:
        raise ValueError(
            f"from_onnx: input_shapes says {tuple(given)} for {name!r}, and the file "
            f"{tuple(sizes)}."
        )
    return [old if new is None else new for old, new in zip(sizes, given, strict=True)]


def _warnings(built):
    found = []
    if built.loose:
        shown = ", ".join(built.loose[:5]) + (", ..." if len(built.loose) > 5 else "")
        found.append(
            f"{len(built.loose)} arrays belong to no layer and are trained as weights of their "
            f"own: {shown}. The layers of the same names have trainable = False to set"
        )
    if built.halved:
        found.append("the two biases of each gate of a recurrent layer are trained as their sum")
    return found
