"""A graph of MXNet as the proof asks it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping

import numpy as np

from unidl import tree
from unidl.port.proof import BUDGET
from unidl_mxnet.files.symbol import parse_symbol
from unidl_mxnet.load import load_mxnet

mx = load_mxnet()
Error = mx.base.MXNetError

# Operators whose kernels have their constants, or sums, in float32.
_SINGLE = {
    "LeakyReLU", "LayerNorm", "GroupNorm", "InstanceNorm", "_contrib_BilinearResize2D", "erf",
    "erfinv", "rnn_relu", "rnn_tanh",
}  # fmt: skip


def graph_of(block, examples):
    """(the graph of a HybridBlock, {name of a parameter: its numbers}, which are read when they are
    asked for)."""
    inputs = [mx.sym.var(f"data{i}" if len(examples) > 1 else "data") for i in range(len(examples))]
    if any(p._deferred_init for p in block.collect_params().values()):
        block(*(mx.nd.array(x, dtype=x.dtype) for x in examples))
    outputs = block(*inputs)
    symbol = mx.sym.Group(outputs) if isinstance(outputs, (list, tuple)) else outputs
    # Behind a convolution in inference, oneDNN puts its weights in another order while they may be
    # read.
    mx.nd.waitall()
    return parse_symbol(symbol.tojson()), _Numbers(block)


class _Numbers(Mapping):
    """{name of a parameter: its array}, of a block that may be large."""

    def __init__(self, block):
        self._parameters = {p.name: p for p in block.collect_params().values()}

    def __getitem__(self, name):
        return self._parameters[name].data().asnumpy()

    def __iter__(self):
        return iter(self._parameters)

    def __len__(self):
        return len(self._parameters)


def without_dropout(graph):
    """The same graph, for weights in float64, in which nothing is dropped."""
    found = json.loads(graph.text)
    for node in found["nodes"]:
        if node["op"] in ("Dropout", "RNN"):
            node["attrs"]["p"] = "0"
        is_cast = node["op"] in ("Cast", "cast") and "float" in node["attrs"]["dtype"]
        if is_cast or node["op"] in ("_zeros", "_ones"):
            node["attrs"]["dtype"] = "float64"
        for key in ("__dtype__", "__shape__", "__init__"):
            node.get("attrs", {}).pop(key, None)
    return parse_symbol(json.dumps(found))


def limits_of(graph, names):
    """(the budget of a proof, what it leaves out) for a graph with arrays of these names."""
    kinds = {node.attrs.get("mode") if node.op == "RNN" else node.op for node in graph.nodes}
    single, left_out = sorted(kinds & _SINGLE), []
    if single:
        left_out.append(f"digits beyond float32, in which MXNet's {single[0]} computes")
    if any("running" in name or "moving" in name for name in names):
        left_out.append("moving statistics, whose momentum MXNet has in float32")
    return 1e-6 if single else BUDGET, left_out


class MXNetOriginal:
    """A graph in float64."""

    def __init__(self, graph, arrays, weights):
        self.budget, self.left_out = limits_of(graph, arrays)
        symbol = mx.sym.load_json(graph.text)
        names = [n for n in symbol.list_inputs() if n not in arrays]
        with warnings.catch_warnings():  # it tells that dtypes are given below
            warnings.simplefilter("ignore")
            self._block = mx.gluon.SymbolBlock(symbol, [mx.sym.var(n) for n in names])
        self._parameters = dict(self._block.params.items())
        # Of arrays that are one weight as their sum, the first alone is trained.
        trained = {
            n for w in weights if w.variable.trainable
            for n in (w.names[:1] if w.rule.is_sum else w.names)
        }  # fmt: skip
        for name, parameter in self._parameters.items():
            parameter.dtype, parameter.shape = "float64", arrays[name].shape
            parameter.grad_req = "write" if name in trained else "null"
            parameter.initialize()
            parameter.set_data(_array(arrays[name]))
        self._trained = sorted(trained)

    def outputs(self, inputs, training):
        kept = self._all()
        with mx.autograd.record(training):
            found = [y.asnumpy() for y in tree.flatten(self._block(*map(_array, inputs)))]
        for name, value in kept.items():  # normalization keeps averages
            self._parameters[name].set_data(_array(value))
        return found

    def gradients(self, inputs, directions):
        given = [_array(x) for x in inputs]
        floats = [x for x in given if x.dtype == np.float64]
        for x in floats:
            x.attach_grad()
        with mx.autograd.record():
            outputs = tree.flatten(self._block(*given))
            total = sum((y * _array(d)).sum() for y, d in zip(outputs, directions, strict=True))
        total.backward()
        found = {n: self._parameters[n].grad().asnumpy() for n in self._trained}
        return found, [x.grad.asnumpy() if x.grad is not None else None for x in given]

    def descend(self, gradients, rate):
        for name, gradient in gradients.items():
            parameter = self._parameters[name]
            parameter.set_data(parameter.data() - rate * _array(gradient))

    def state(self):
        return {n: v for n, v in self._all().items() if "running" not in n and "moving" not in n}

    def _all(self):
        return {name: p.data().asnumpy() for name, p in self._parameters.items()}


def _array(x):
    return mx.nd.array(x, dtype=x.dtype)
