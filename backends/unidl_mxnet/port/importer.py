"""From a Gluon block, or from the files that `export` writes, to a functional model of unidl."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import numpy as np

from unidl import Input, Model
from unidl.backend import registry
from unidl.port.errors import PortError, Refused
from unidl.port.imported import Imported
from unidl.port.laid import Laid
from unidl.port.layers import Constant, Fixed
from unidl.port.proof import as_list, in_float64, on_the_reference, prove
from unidl.port.training import carried_over
from unidl.port.training_proof import prove_training
from unidl.port.weight_rules import Weight, same
from unidl.utils.naming import to_snake_case
from unidl_mxnet.files.params import read_params
from unidl_mxnet.files.symbol import read_symbol
from unidl_mxnet.port import arithmetic, recurrent  # noqa: F401
from unidl_mxnet.port.operators import HANDLERS, Call, Parameter


def from_gluon(block, example_inputs, params=None, verify=True, trainer=None):
    """A functional Model that computes what `block` does, with its weights.

    Args:
        block: a HybridBlock; or the path of a `-symbol.json` file, which needs no MXNet.
        example_inputs: an array, or a tuple of them, as `block` takes them. The first axis is the
            batch, whose size stays open.
        params: the path of the `.params` file beside a `-symbol.json`.
        verify: compare outputs, gradients and some steps of training with `block`; for files this
            needs MXNet.
        trainer: a gluon.Trainer of the block's parameters. The model is compiled with the
            counterpart of its optimizer, which has its state, so that training goes on, with
            gradients of the mean over a batch: `found.model.compile(found.optimizer, loss)`.

    Raises:
        PortError: with every part that cannot be converted, and the reason.
        ValueError: a file is damaged.

    Examples:
        >>> from unidl_mxnet.load import load_mxnet  # `import mxnet`, past what NumPy removed
        >>> block = load_mxnet().gluon.nn.Dense(2, in_units=4)
        >>> block.initialize()
        >>> found = unidl.port.from_gluon(block, np.ones((1, 4), "float32"))
        >>> found.proof.passed
        True
    """
    examples = as_list(example_inputs)
    examples = [np.asarray(x.asnumpy() if hasattr(x, "asnumpy") else x) for x in examples]
    if isinstance(block, (str, os.PathLike)):
        if trainer is not None:
            raise ValueError("from_gluon: a trainer needs its block. Give the block, not files.")
        graph = read_symbol(block)
        name = os.path.basename(os.fspath(block)).removesuffix(".json").removesuffix("-symbol")
        if params is None:
            raise ValueError(f"from_gluon: give the path of the .params file of {block}: params=.")
        arrays = _without_kinds(read_params(params))
    else:
        from unidl_mxnet.port.original import graph_of

        name = type(block).__name__
        graph, arrays = graph_of(block, examples)
    examples = _with_indices(graph, arrays, examples)
    found = _made(graph, arrays, examples, name)
    if trainer is not None:
        found.warnings += _carry_over(found, name, trainer)
        found.model.compile(found.optimizer)
    if verify and registry.is_installed(registry.specs()["mxnet"]):
        from unidl_mxnet.port.original import Error, MXNetOriginal, without_dropout

        graph = without_dropout(graph)
        doubles = in_float64(examples)
        wide = {k: v.astype("float64") for k, v in arrays.items()}
        with on_the_reference():
            twin = _made(graph, wide, doubles, name)
        try:
            original = MXNetOriginal(graph, wide, twin.weights)
            found.proof = prove(name, original, twin.model, twin.weights, doubles)
            if trainer is not None:
                _prove_trainer(found.proof, graph, wide, doubles, name, trainer)
        except Error as error:
            found.warnings.append(f"not proved: MXNet does not run it in float64: {error}")
    return found


def _carry_over(found, name, trainer):
    """Gives `found` its optimizer; warnings."""
    from unidl_mxnet.port.optimizers import groups_of, state_of

    groups, steps = groups_of(trainer, name)
    found.optimizer, warnings = carried_over(name, found.model, found.weights, groups, steps)
    found._state_of_optimizer = lambda: state_of(trainer, found.optimizer, found.weights)
    return warnings


def _prove_trainer(proof, graph, arrays, inputs, name, trainer):
    from unidl_mxnet.port.optimizers import MXNetTraining

    with on_the_reference():
        twin = _made(graph, arrays, inputs, name)
        _carry_over(twin, name, trainer)
    original = MXNetTraining(graph, arrays, twin.weights, trainer)
    prove_training(proof, original, twin.model, twin.weights, inputs, twin.optimizer)


def _without_kinds(arrays):
    """Names without "arg:" and "aux:"."""
    return {name.partition(":")[2] or name: value for name, value in arrays.items()}


def _with_indices(graph, arrays, examples):
    """The examples, those that a table is indexed with as integers: MXNet has floats there too."""
    free = [node for node in graph.variables if node.name not in arrays]
    tables = [node for node in graph.nodes if node.op == "Embedding"]
    indices = {id(table.inputs[0][0]) for table in tables}
    return [
        x.astype("int32") if id(node) in indices else x
        for node, x in zip(free, examples, strict=False)
    ]


def _made(graph, arrays, examples, name):
    refused: list[tuple[str, str]] = []
    values: dict[int, Any] = {}
    weights: list[Weight] = []
    inputs: list[Any] = []
    goals: list[tuple] = []  # (parameter, function that gives the Variable, rule)
    warnings: list[str] = []
    given = iter(examples)
    shapes = {key: value.shape for key, value in arrays.items()}
    constants = _Constants(inputs, arrays, goals, warnings)
    names: Counter[str] = Counter()  # a block that is called twice has two nodes of one name
    for node in graph.nodes:
        if node.op == "null":
            if node.name in arrays:
                values[id(node)] = Parameter(node.name)
            else:
                example = next(given, None)
                if example is None:  # a label of the loss, at the end of old training graphs
                    values[id(node)] = Parameter(node.name)
                    continue
                dtype = str(example.dtype)
                symbol = Input(tuple(example.shape[1:]), dtype=dtype, name=node.name)
                inputs.append(symbol)
                values[id(node)] = Laid(symbol)
            continue
        if node.op not in HANDLERS:
            refused.append((node.name, f"the operator {node.op} has no counterpart"))
        if node.op not in HANDLERS or any(id(source) not in values for source, _ in node.inputs):
            continue  # what follows a refused one is looked at only by its operator
        taken = [_output(values[id(source)], i) for source, i in node.inputs]
        names[node.name] += 1
        again = f"_{names[node.name] - 1}" if names[node.name] > 1 else ""
        call = Call(
            node.name + again, taken, node.attrs, shapes, goals.append, warnings.append,
            constants.of_parameter, constants.fixed, constants.float_dtype,
        )  # fmt: skip
        try:
            values[id(node)] = HANDLERS[node.op](call)
        except Refused as error:
            refused.append((node.name, str(error)))
    if refused:
        raise PortError(name, refused)
    outputs = [_output(values[id(node)], i).first() for node, i in graph.heads]
    model = Model(
        inputs if len(inputs) > 1 else inputs[0],
        outputs if len(outputs) > 1 else outputs[0],
        name=to_snake_case(name),
    )
    bound: dict[str, Any] = {}
    for keys, variable, rule in goals:
        weight = Weight(keys, variable(), rule)
        for key in keys:
            if bound.setdefault(key, weight.variable) is not weight.variable:
                raise PortError(name, [(key, "several layers share this weight")])
        weight.bring_in(arrays)
        weights.append(weight)
    return Imported(model, weights, warnings)


class _Constants:
    """Tensors that are no results of the inputs.

    Attributes:
        float_dtype: of the weights.
    """

    def __init__(self, inputs, arrays, goals, warnings):
        self._inputs, self._arrays, self._goals, self._warnings = inputs, arrays, goals, warnings
        self._made = {}
        found = {a.dtype.name for a in arrays.values() if a.dtype.kind == "f"}
        self.float_dtype = min(found, default="float32")

    def of_parameter(self, name):
        """A parameter that is computed with, a weight of its own."""
        if name not in self._made:
            array = self._arrays[name]
            layer = Constant(
                array.shape, array.dtype.name, name=name, trainable=array.dtype.kind == "f"
            )
            self._made[name] = Laid(layer(self._inputs[0]))
            self._goals.append(((name,), lambda: layer.value, same))
            self._warnings.append(f"{name}: it belongs to no layer, and is a weight of its own")
        return self._made[name]

    def fixed(self, values):
        return Laid(Fixed([*values], self.float_dtype)(self._inputs[0]))


def _output(value, i):
    return value[i] if isinstance(value, tuple) else value
