"""A graph of nodes: checked once, run as often as wanted.

A value that depends on no input of the model stays an array on the host, and what is computed from
such values alone is computed there, by the same handlers on the default backend: shapes and axes
never visit a device.
"""

from __future__ import annotations

import copy

import numpy as np

from unidl import ops
from unidl.backend import get_backend, use_backend
from unidl.backend.registry import DEFAULT
from unidl.port.onnx.arrays import Arrays
from unidl.port.onnx.errors import OnnxError, onnx_package
from unidl.port.onnx.table import handlers
from unidl.port.onnx.values import array_of, known_dtype


class Node:
    """One node with its handler and its attributes, defaults filled in."""

    def __init__(self, proto, schema, known):
        onnx = onnx_package()
        self.name = proto.name
        self.operator, self.domain, self.since = proto.op_type, proto.domain, schema.since_version
        self.inputs, self.outputs = list(proto.input), list(proto.output)
        self.label = f"{proto.op_type}-{schema.since_version}" + (
            f" (node {proto.name!r})" if proto.name else ""
        )
        defaults = {
            name: a.default_value for name, a in schema.attributes.items() if a.default_value.name
        }
        given = {a.name: a for a in proto.attribute}
        self.attributes = {
            name: self._value(onnx, a, known) for name, a in {**defaults, **given}.items()
        }
        self.handler = handlers()[domain_of(proto), self.operator]

    def _value(self, onnx, attribute, known):
        if attribute.type == onnx.AttributeProto.GRAPH:
            return Graph(attribute.g, known)
        value = onnx.helper.get_attribute_value(attribute)
        if attribute.type == onnx.AttributeProto.FLOAT:
            return float(str(np.float32(value)))  # 1e-05, not 9.999999747378752e-06
        if isinstance(value, onnx.TensorProto):
            return array_of(value, known.folder)
        if isinstance(value, list):
            return [v.decode("utf-8") if isinstance(v, bytes) else v for v in value]
        return value.decode("utf-8") if isinstance(value, bytes) else value

    def __contains__(self, name):
        return name in self.attributes

    def __getitem__(self, name):
        """The attribute `name`, None where it is absent and has no default."""
        return self.attributes.get(name)

    def unsupported(self, what):
        """An error for a use of a supported operator that is not supported."""
        return OnnxError(f"{self.label}: {what}")


class Scope:
    """What nodes may refer to: operator versions by domain, the names around a subgraph, and the
    folder of the arrays beside the file."""

    def __init__(self, versions, names=(), folder=""):
        self.versions, self.names, self.folder = versions, set(names), folder


class Graph:
    """inputs and outputs by name, host arrays of initializers, nodes in order."""

    def __init__(self, proto, scope):
        self.name = proto.name
        if proto.sparse_initializer:
            raise OnnxError(
                f"The graph {self.name!r} has sparse initializers, which are not supported. Store "
                "them as dense tensors."
            )
        self.initializers = Arrays(proto.initializer, scope.folder)
        self.inputs = [i.name for i in proto.input]
        # Copies: a part of a message keeps the whole of it in memory, with all arrays.
        self.declared = {i.name: copy.deepcopy(i.type) for i in proto.input}
        self.outputs = [o.name for o in proto.output]
        made = {name: place for place, n in enumerate(proto.node) for name in n.output}
        names = scope.names | set(self.inputs) | set(self.initializers)
        self.nodes = []
        for place, node in enumerate(proto.node):
            self._check_inputs(node, place, names, made)
            self.nodes.append(
                Node(
                    node,
                    schema_of(node, scope.versions),
                    Scope(scope.versions, names, scope.folder),
                )
            )
            names.update(name for name in node.output if name)
        missing = [name for name in self.outputs if name not in names]
        if missing:
            raise OnnxError(
                f"The graph {self.name!r} should output {missing[0]!r}, which no node, input or "
                "initializer produces."
            )

    def _check_inputs(self, node, place, names, made):
        for name in node.input:
            if not name or name in names:
                continue
            label = (
                f"The graph {self.name!r} is damaged: {node.op_type} (node {node.name!r}) needs "
                f"{name!r}, which"
            )
            if name in made:
                why = (
                    "it makes itself"
                    if made[name] == place
                    else f"only the later node number {made[name]} makes"
                )
                raise OnnxError(f"{label} {why}: the nodes form a cycle or are out of order.")
            raise OnnxError(f"{label} no node, input or initializer produces.")

    def run(self, feeds, outer=None):
        """Outputs in order, for `feeds` by name; `outer` are the values around a subgraph."""
        values = {**(outer or {}), **self.initializers, **feeds}
        for node in self.nodes:
            values.update(run_node(node, values))
        return [values[name] for name in self.outputs]


def run_node(node, values):
    """{name: result} of a node that takes what it needs of `values`, by name."""
    inputs = [values[name] if name else None for name in node.inputs]
    results = results_of(node, inputs, values)
    return {name: y for name, y in zip(node.outputs, results, strict=False) if name}


def results_of(node, inputs, values):
    """What a node gives for `inputs`; `values` are those around it, for subgraphs."""
    options = {"outer": values} if node.handler.scoped else {}
    if _is_for_host(node, inputs) and get_backend().name != DEFAULT:
        with use_backend(DEFAULT):
            results = node.handler.function(node, *inputs, **options)
    else:
        results = node.handler.function(node, *inputs, **options)
    results = results if isinstance(results, tuple) else (results,)
    if len(results) < len(node.outputs) and any(node.outputs[len(results) :]):
        raise node.unsupported(
            f"output number {len(results) + 1} ({node.outputs[len(results)]!r}) is not supported."
        )
    return [np.asarray(r) if isinstance(r, np.generic) else r for r in results]


def _is_for_host(node, inputs):
    """Whether a node computes on the host: all that it takes is there, and nothing in bfloat16,
    which NumPy does not have."""
    if node.handler.scoped or node["to"] == onnx_package().TensorProto.BFLOAT16:
        return False
    return all(
        x is None or (isinstance(x, np.ndarray) and x.dtype.name != "bfloat16") for x in inputs
    )


def schema_of(node, versions):
    """The definition of a node's operator in the version that the model imports."""
    onnx = onnx_package()
    domain = domain_of(node)
    version = versions.get(domain)
    if version is None:
        raise OnnxError(
            f"{node.op_type} (node {node.name!r}) is from the domain {node.domain!r}, which the "
            "model does not import. It imports "
            f"{', '.join(repr(d or 'ai.onnx') for d in versions)}."
        )
    try:
        return onnx.defs.get_schema(node.op_type, version, domain)
    except onnx.defs.SchemaError as error:
        raise OnnxError(
            f"The operator {node.op_type} (node {node.name!r}) does not exist in "
            f"{domain or 'ai.onnx'} version {version}. "
            f"Supported are: {', '.join(sorted(name for _, name in handlers()))}."
        ) from error


def domain_of(proto):
    """The domain of a node or import; that of ONNX itself has two names."""
    return "" if proto.domain == "ai.onnx" else proto.domain


def as_tensor(x):
    """An input of the model on the active backend; lists (sequences) member by member, None stays
    None."""
    if isinstance(x, list):
        return [as_tensor(one) for one in x]
    if x is None:
        return None
    if isinstance(x, np.generic):
        x = np.asarray(x)  # would lose its dtype, as Python numbers have none
    if isinstance(x, np.ndarray):
        known_dtype("string" if x.dtype.kind in "OSU" else x.dtype.name)
    return ops.convert_to_tensor(x)
