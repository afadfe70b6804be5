"""MXNet's own pair of files: NAME-symbol.json with the graph, NAME-0000.params with the weights."""

from __future__ import annotations

import json
import warnings
from contextlib import contextmanager
from itertools import accumulate

import numpy as np

from unidl import tree
from unidl.port.exports.format import Format
from unidl.port.exports.names import Names
from unidl.port.exports.symbolic import functional
from unidl_mxnet.files.params import write_params
from unidl_mxnet.load import load_mxnet
from unidl_mxnet.port.source.writer import GluonWriter


class SymbolFiles(Format):
    """What `HybridBlock.export` writes of the block that the model becomes, with names of unidl."""

    suffix, takes_stem = "-symbol.json", True

    def write(self, endpoints, path):
        (endpoint,) = endpoints
        writer = _Writer(functional(endpoint))
        arrays = dict(writer.arrays())
        with _as_gluon_has_it() as mx:
            block = writer.filled(writer.file_text("net"), arrays, writer.dtype)
            graph, arrays = _exported(mx, block, endpoint.names)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(graph, file, indent=2)
        write_params(_beside(path), arrays)

    def runtime(self, path, endpoint):
        return _Loaded(path, endpoint)


def _exported(mx, block, inputs):
    """(the graph, {"arg:" or "aux:" and the name of a parameter: its numbers})."""
    outputs = block(*map(mx.sym.var, inputs))
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    symbol = mx.sym.Group([*outputs])
    graph = _inputs_first(json.loads(symbol.tojson()), inputs)
    named = _rename(graph, block, inputs)
    statistics = {named[name] for name in symbol.list_auxiliary_states()}
    parameters = {named[p.name]: p for p in block.collect_params().values() if p.name in named}
    return graph, {
        f"{'aux' if name in statistics else 'arg'}:{name}": p.data().asnumpy()
        for name, p in parameters.items()
    }


@contextmanager
def _as_gluon_has_it():
    """Inside, arrays have the shapes that Gluon takes them to have, also where unidl computes on
    MXNet, and nothing is said of the inputs' dtypes, which are those that come."""
    mx = load_mxnet()
    with mx.util.np_shape(False), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield mx


class _Writer(GluonWriter):
    """Of what is called in inference alone."""

    trains = False


def _beside(path):
    return f"{path.removesuffix(SymbolFiles.suffix)}-0000.params"


def _inputs_first(graph, names):
    """The same graph, whose nodes begin with the inputs in their order, which readers go by."""
    nodes = graph["nodes"]
    places = {node["name"]: i for i, node in enumerate(nodes) if node["op"] == "null"}
    begin = [places[name] for name in names if name in places]
    order = [*begin, *(i for i in range(len(nodes)) if i not in begin)]
    new = {old: i for i, old in enumerate(order)}

    def moved(entry):
        return [new[entry[0]], *entry[1:]]

    rows = graph["node_row_ptr"]
    counts = [rows[i + 1] - rows[i] for i in order]
    return {
        **graph,
        "nodes": [{**nodes[i], "inputs": [*map(moved, nodes[i]["inputs"])]} for i in order],
        "arg_nodes": sorted(new[i] for i in graph["arg_nodes"]),
        "node_row_ptr": [0, *accumulate(counts)],
        "heads": [*map(moved, graph["heads"])],
    }


def _rename(graph, block, inputs):
    """{Gluon's name of a parameter: its new one}: names that count blocks become the paths of the
    blocks, whose parts are called as layers of unidl are."""
    paths = {each.prefix: path for path, each in _blocks(block, "")}
    of_parameters = {p.name: n for n, p in block._collect_params_with_prefix().items()}
    names, named = Names(), {}
    for name in inputs:
        names.new(name)
    for node in graph["nodes"]:
        name = node["name"]
        if node["op"] != "null":
            node["name"] = _by_paths(name, paths)
        elif name in of_parameters:
            named[name] = node["name"] = names.new(of_parameters[name].replace(".", "_"))
    return named


def _by_paths(name, paths):
    """`name`, with the path of the innermost block in place of its prefix."""
    path = ""
    while prefix := max((p for p in paths if p and name.startswith(p)), key=len, default=""):
        path, name = paths[prefix], name.removeprefix(prefix)
    return f"{path}{name}"


def _blocks(block, path):
    """(path with "_" behind it, block) of all blocks within one."""
    yield path, block
    for name, child in block._children.items():
        yield from _blocks(child, f"{path}{name}_")


class _Loaded:
    """Files that were loaded."""

    def __init__(self, path, endpoint):
        self._dtypes = [i.dtype for i in endpoint.signature.inputs]
        with _as_gluon_has_it() as mx:
            self.name = f"MXNet {mx.__version__}"
            self._block = mx.gluon.SymbolBlock.imports(path, endpoint.names, _beside(path))

    def run(self, inputs):
        pairs = zip(inputs, self._dtypes, strict=True)
        with _as_gluon_has_it() as mx:
            outputs = self._block(*(mx.nd.array(x, dtype=np.dtype(d)) for x, d in pairs))
            return [y.asnumpy() for y in tree.flatten(outputs)]
