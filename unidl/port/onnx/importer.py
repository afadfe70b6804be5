"""From a file or ModelProto to something that can be called."""

from __future__ import annotations

import os

from unidl import ops
from unidl.backend.errors import UnsupportedDtypeError
from unidl.ops.dispatch import backend_of
from unidl.port.onnx.errors import OnnxError, onnx_package
from unidl.port.onnx.graph import Graph, Scope, as_tensor, domain_of, schema_of
from unidl.port.onnx.table import handlers
from unidl.port.onnx.values import dtype_of


class OnnxFunction:
    """A whole ONNX model as a function of its inputs, on the backend that is active when it is
    called.

    `inputs` and `outputs` are names in order; those inputs that have an initializer may be left
    out.
    """

    def __init__(self, proto, folder=""):
        """`folder`: where the arrays are that a file keeps beside it."""
        proto = _expanded(_checked(proto))
        versions = _versions(proto)
        self.graph = Graph(proto.graph, Scope(versions, folder=folder))
        self.inputs, self.outputs = self.graph.inputs, self.graph.outputs

    def __call__(self, inputs):
        """List of the outputs for `inputs`, a dict by name or a list in order, of arrays or
        tensors."""
        feeds = (
            dict(zip(self.inputs, inputs, strict=False))
            if isinstance(inputs, (list, tuple))
            else dict(inputs)
        )
        unknown = [name for name in feeds if name not in self.inputs]
        missing = [
            name
            for name in self.inputs
            if name not in feeds and name not in self.graph.initializers
        ]
        if (
            unknown
            or missing
            or (isinstance(inputs, (list, tuple)) and len(inputs) > len(self.inputs))
        ):
            raise OnnxError(
                f"The model {self.graph.name!r} has the inputs {', '.join(map(repr, self.inputs))}"
                f"; missing: {missing or 'none'}, unknown: {unknown or 'none'}, given: "
                f"{len(inputs)}."
            )
        tensors = {name: as_tensor(x) for name, x in feeds.items()}
        for name, x in tensors.items():
            _check_declared(name, x, self.graph.declared[name])
        return self.graph.run(tensors)


def read_onnx(model) -> OnnxFunction:
    """`model`: the path of a file, its bytes, or a ModelProto. OnnxError for what is damaged or
    cannot be imported."""
    return OnnxFunction(*read_proto(model))


def read_proto(model):
    """(the ModelProto itself, the folder of the arrays beside it); OnnxError for what is
    damaged."""
    onnx = onnx_package()
    if isinstance(model, onnx.ModelProto):
        return model, ""
    try:
        if isinstance(model, bytes):
            return onnx.load_model_from_string(model), ""
        path = os.fspath(model)
        return onnx.load_model(path, load_external_data=False), os.path.dirname(path) or "."
    except Exception as error:
        if type(error).__name__ != "DecodeError":  # of protobuf, which onnx does not export
            raise
        raise OnnxError(
            f"{_name(model)} is not an ONNX file, or it is truncated: {error}."
        ) from error


def run_onnx(model, inputs):
    """Outputs (a list) of the ONNX model `model` (path, bytes or ModelProto) for `inputs` (a dict
    by name or a list in order)."""
    return read_onnx(model)(inputs)


def _name(model):
    return "The model" if isinstance(model, bytes) else repr(os.fspath(model))


def _checked(proto):
    """The model, if its parts are there and its opset is one that the package onnx defines."""
    onnx = onnx_package()
    if not proto.HasField("graph") or not proto.graph.output:
        raise OnnxError(
            "The model has no graph, or its graph has no output: the file is empty or truncated."
        )
    if any(isinstance(text, bytes) for text in _texts(proto.graph)):
        raise OnnxError("The model is damaged: it has names that are no text.")
    if not proto.opset_import:
        raise OnnxError(
            "The model does not say which operator version it uses (opset_import is empty)."
        )
    newest = onnx.defs.onnx_opset_version()
    for domain, version in _versions(proto).items():
        if domain == "" and not 1 <= version <= newest:
            raise OnnxError(
                f"The model uses version {version} of the operators; onnx {onnx.__version__} "
                f"defines 1 to {newest}. "
                "Install a newer onnx, or export the model for an older opset."
            )
    return proto


def _texts(graph):
    """Names, which protobuf gives as bytes where they are not valid."""
    yield graph.name
    yield from (each.name for each in (*graph.input, *graph.output, *graph.initializer))
    for node in _nodes(graph):
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _versions(proto):
    return {domain_of(o): o.version for o in proto.opset_import}


def _expanded(proto):
    """Functions of the model written out, and operators without a handler that ONNX itself defines
    by a graph of others."""
    onnx = onnx_package()
    if proto.functions:
        proto = onnx.inliner.inline_local_functions(proto)
    inlined: set = set()
    while True:
        versions = _versions(proto)
        wanted = {
            (n.domain, n.op_type)
            for n in _nodes(proto.graph)
            if (domain_of(n), n.op_type) not in handlers()
        }
        for node in _nodes(proto.graph):
            if (node.domain, node.op_type) in wanted:
                _check_expandable(node, schema_of(node, versions), inlined, versions)
        if not wanted:
            return proto
        inlined |= wanted
        # Bodies that depend on types need those of what is between the nodes.
        typed = onnx.shape_inference.infer_shapes(proto)
        try:
            proto = onnx.inliner.inline_selected_functions(
                typed, sorted(wanted), inline_schema_functions=True
            )
        except RuntimeError as error:
            names = ", ".join(name for _, name in sorted(wanted))
            raise OnnxError(
                f"The package onnx cannot expand {names} into a graph of simpler operators: {error}"
            ) from error


def _check_expandable(node, schema, inlined, versions):
    if (schema.has_function or schema.has_context_dependent_function) and (
        node.domain,
        node.op_type,
    ) not in inlined:
        return
    raise OnnxError(
        f"The operator {node.op_type} of {node.domain or 'ai.onnx'} version "
        f"{versions[domain_of(node)]} (since {schema.since_version}, "
        f"node {node.name!r}) is not supported. Supported are: "
        f"{', '.join(sorted(name for _, name in handlers()))}."
    )


def _nodes(graph):
    """All nodes, those of subgraphs too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _check_declared(name, x, declared):
    """An error for an input whose dtype or shape is not the declared one."""
    if not declared.HasField("tensor_type") or x is None or isinstance(x, list):
        return
    wanted = dtype_of(declared.tensor_type.elem_type)
    if wanted not in backend_of((x,)).dtypes:
        # Its numbers have become those of a wider dtype, in which the graph was not written.
        raise UnsupportedDtypeError(
            f"The input {name!r} is {wanted}, which this backend does not have."
        )
    if ops.dtype(x) != wanted:
        raise OnnxError(f"The input {name!r} must be {wanted}, got {ops.dtype(x)}. Cast it first.")
    if not declared.tensor_type.HasField("shape"):
        return
    sizes = [
        d.dim_value if d.HasField("dim_value") else None for d in declared.tensor_type.shape.dim
    ]
    shape = ops.shape(x)
    if len(sizes) != len(shape) or any(
        a is not None and a != b for a, b in zip(sizes, shape, strict=True)
    ):
        raise OnnxError(
            f"The input {name!r} must have the shape {tuple(sizes)}, got {tuple(shape)}."
        )
