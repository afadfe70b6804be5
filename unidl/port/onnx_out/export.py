"""`to_onnx`: a model as an ONNX file."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import unidl
from unidl.port.errors import PortError
from unidl.port.exports.endpoint import check_model, endpoint_of
from unidl.port.exports.proof import prove, report
from unidl.port.exports.signature import signature_of
from unidl.port.onnx.errors import onnx_package
from unidl.port.onnx_out import file
from unidl.port.onnx_out.dtypes import number_of
from unidl.port.onnx_out.graph import info
from unidl.port.onnx_out.runtime import OfFile
from unidl.port.onnx_out.trace import Trace, traced
from unidl.port.onnx_out.written import OnnxFile
from unidl.utils.whole_file import place

OPSET = 25
OLDEST = 18  # sums with their axes as a tensor, Shape of some axes, bits
_SMALL = 64


def to_onnx(
    model: Any,
    path: str | os.PathLike[str],
    input_signature: Any = None,
    *,
    opset: int | None = None,
    external_data: bool | None = None,
    verify: bool = True,
) -> OnnxFile:
    """Write what `model` computes in inference as an ONNX file.

    Open axes stay open: the file takes batches of any size. Images have their channels last, as the
    model's. Weights have the model's paths as names, nodes those of the layers. Arrays are written
    one by one, so that the model is not in memory twice; the proof needs it a second time.

    Args:
        model: a Model, on any backend, whose weights exist.
        path: of the new file, NAME.onnx, in a folder that exists. What was there is replaced when
            the new file is whole.
        input_signature: shapes and dtypes of the inputs, an `InputSpec` (or whatever has a shape
            and a dtype) for each argument of the call, where the model is no graph of layers, or to
            give sizes to open axes.
        opset: version of ONNX's operators, at least 18; 25 by default.
        external_data: whether the weights go into PATH.data; by default if they have 2 GB or more,
            which one file cannot hold.
        verify: run the file with onnxruntime, or where that cannot with onnx.reference, and compare
            it with the model for three batch sizes. The result is in `proof`, and in
            NAME_proof.txt beside the file.

    Returns:
        An `unidl.port.OnnxFile`.

    Raises:
        PortError: with all that ONNX cannot express, by layer. Nothing is written.
        ValueError: the model has no weights yet or does not say what it takes, the opset is too
            old, or `path` is not that of an ONNX file.
        FileNotFoundError, PermissionError: the folder is not there, or may not be written into.

    Examples:
        >>> x = unidl.Input((4,))
        >>> model = unidl.Model(x, unidl.layers.Dense(2, "relu", name="hidden")(x))
        >>> found = unidl.port.to_onnx(model, "/tmp/net.onnx")
        >>> found.proof.passed
        True
        >>> found.weights
        {'hidden/kernel': 'hidden/kernel', 'hidden/bias': 'hidden/bias'}
    """
    onnx = onnx_package()
    opset = _checked_opset(onnx, opset)
    path = _checked_path(path)
    check_model(model, "to_onnx")
    signature = signature_of(model, input_signature, "to_onnx")
    for each in signature.inputs:
        if "float8" in each.dtype:
            raise PortError(model.name, [(each.name, "inputs of float8 are not written")])
    trace = traced(model, signature, opset)
    proto = _model(onnx, model, trace, opset)
    _check(onnx, proto, trace)
    files = file.write(path, proto, trace.arrays, external_data)
    found = OnnxFile(
        path,
        files,
        opset,
        [i.name for i in signature.inputs],
        trace.outputs,
        trace.weights,
        dict(Counter(_operators(trace.graph))),
    )
    if verify:
        endpoint = endpoint_of(model, signature)
        found.proof = prove([endpoint], lambda _: OfFile(path, found.inputs))
        found.files.append(f"{os.path.splitext(path)[0]}_proof.txt")
        report(found.proof, path, found.files[-1])
    return found


def _checked_opset(onnx: Any, opset: int | None) -> int:
    newest = onnx.defs.onnx_opset_version()
    if opset is None:
        return min(OPSET, newest)
    if type(opset) is not int or not OLDEST <= opset <= newest:
        raise ValueError(
            f"to_onnx: opset={opset!r} is not written. Use one from {OLDEST} to {newest}, the "
            f"newest of the installed onnx {onnx.__version__}; without opset it is {OPSET}."
        )
    return opset


def _checked_path(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if not isinstance(text, str) or os.path.splitext(text)[1] != ".onnx":
        raise ValueError(
            f"to_onnx: the path must end with .onnx, got {path!r}. Write "
            f'"{os.path.splitext(str(text))[0] or "model"}.onnx".'
        )
    if os.path.isdir(text):
        raise ValueError(f"to_onnx: {text} is a folder. Choose another name.")
    place(text)
    return text


def _model(onnx: Any, model: Any, trace: Trace, opset: int) -> Any:
    imports = [onnx.helper.make_opsetid("", opset)]
    proto = onnx.helper.make_model(
        trace.graph,
        opset_imports=imports,
        ir_version=onnx.helper.find_min_ir_version_for(imports),
        producer_name="unidl",
        producer_version=unidl.__version__,
    )
    proto.doc_string = f"{type(model).__name__} {model.name}, in inference"
    return proto


def _check(onnx: Any, proto: Any, trace: Trace) -> None:
    """The checker of onnx with its inference of types and shapes, on the graph with large arrays as
    inputs: it asks for their types alone, and would need them all in memory."""
    graph = type(proto)()
    graph.CopyFrom(proto)
    for name, value in trace.arrays.items():
        if value.is_constant and file.size_of(value) <= _SMALL * 8:
            tensor = onnx.TensorProto(name=name, data_type=number_of(value.dtype), dims=value.shape)
            tensor.raw_data = bytes(file.numbers_of(value))
            graph.graph.initializer.append(tensor)
        else:
            graph.graph.input.append(info(name, value.dtype, value.shape))
    onnx.checker.check_model(graph, full_check=True)


def _operators(graph: Any) -> Any:
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _operators(attribute.g)
