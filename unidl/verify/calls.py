"""Calls of layers: listened to while a model runs, and run again one by one on another backend."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from unidl import tree
from unidl.backend import floatx, get_backend
from unidl.backend.variable import Variable
from unidl.conformance.case import Program
from unidl.conformance.evaluable import Evaluable
from unidl.layers import Layer
from unidl.layers.base import call_context
from unidl.layers.base.annotations import masks
from unidl.layers.base.call_context import CallContext
from unidl.layers.base.signature import call_signature
from unidl.models import Model
from unidl.tracing.graph import FunctionCall
from unidl.training.batch_loss import batch_loss
from unidl.verify.foreign import check_owned
from unidl.verify.trajectory import weight_names


@dataclass
class Call:
    """One call of a layer, or of a function of the graph, with all that it depends on, on the host.

    structure: (args, kwargs) with a `_Place` for each tensor; arrays: the tensors; masks: what
    travelled with them. counters: of the random numbers, before the call; state: of all its
    variables, before the call. outputs: the tensors it returned, flat.
    """

    layer: object
    label: str
    training: bool
    structure: tuple
    arrays: list
    masks: list
    counters: list
    state: dict
    outputs: list = field(default_factory=list)

    @property
    def kind(self) -> str:
        return type(self.layer).__name__ if isinstance(self.layer, Layer) else "function"

    @property
    def depends_on_training(self):
        """Whether it may compute something else in inference."""
        layer = self.layer
        return isinstance(layer, Layer) and (
            call_signature(type(layer)).has_training or bool(layer._layers)
        )


@dataclass(frozen=True)
class _Place:
    index: int


class Recorder:
    """What `listening` found: `calls` in the order of execution; `failed`: the label of the call
    that raised, if one did."""

    def __init__(self):
        self.calls: list[Call] = []
        self.failed: str | None = None
        self.inside = False

    def label(self, layer, name):
        before = sum(call.layer is layer for call in self.calls)
        return f"{name} (call {before + 1})" if before else name


@contextmanager
def listening(snapshot, inside=()):
    """Record the calls of the model's layers; of what is inside a layer only if the layer is a
    Model or one of `inside`.

    Nothing in the layers knows of it: for the time of the block each instance has a `call` of its
    own.
    """
    recorder = Recorder()
    model = snapshot.model
    undo = []
    for layer in model._flatten_layers():
        if isinstance(layer, Model) or any(layer is other for other in inside):
            plan = getattr(layer, "_plan", None)
            for operation in (
                []
                if plan is None
                else [n.operation for n in plan.nodes if isinstance(n.operation, FunctionCall)]
            ):
                operation.function = _watched(
                    recorder, snapshot, operation, operation.function, operation.name
                )
                undo.append((operation, "function", operation.function.watched))
        else:
            name = layer.path.removeprefix(f"{model.path}/") or layer.name
            layer.call = _watched(recorder, snapshot, layer, layer.call, name)
            undo.append((layer, "call", None))
    try:
        yield recorder
    finally:
        for owner, attribute, value in undo:
            if value is None:
                delattr(owner, attribute)
            else:
                setattr(owner, attribute, value)


def _watched(recorder, snapshot, layer, function, name):
    def watched(*args, **kwargs):
        if recorder.inside:
            return function(*args, **kwargs)
        backend = get_backend()
        call = _describe(recorder, snapshot, backend, layer, name, args, kwargs)
        recorder.inside = True
        try:
            outputs = function(*args, **kwargs)
            check_owned(backend, outputs, f"{call.label} ({call.kind})")
        except Exception:
            recorder.failed = recorder.failed or call.label
            raise
        finally:
            recorder.inside = False
        call.outputs = [_host(backend, x) for x in tree.flatten(outputs) if _is_tensor(backend, x)]
        recorder.calls.append(call)
        return outputs

    watched.watched = function
    return watched


def _describe(recorder, snapshot, backend, layer, name, args, kwargs):
    arrays, noted = [], []

    def place(leaf):
        if not _is_tensor(backend, leaf):
            return leaf
        arrays.append(_host(backend, leaf))
        mask = masks.get(leaf)
        noted.append(
            None if mask is None else tree.map_structure(lambda m: _host(backend, m), mask)
        )
        return _Place(len(arrays) - 1)

    structure = tree.map_structure(place, (args, kwargs))
    variables = layer._device_variables if isinstance(layer, Layer) else []
    context = call_context.current()
    return Call(
        layer=layer,
        label=recorder.label(layer, name),
        training=bool(context.training) if context is not None else False,
        structure=structure,
        arrays=arrays,
        masks=noted,
        counters=snapshot.counters(),
        state={id(v): v.numpy() for v in variables},
    )


def _is_tensor(backend, x):
    return isinstance(x, np.ndarray) or backend.is_tensor(x)


def _host(backend, x):
    return np.array(x if type(x) is np.ndarray else backend.to_numpy(backend.stop_gradient(x)))


class Replay(Evaluable):
    """A `Call` that can be evaluated on the backend where its model is placed."""

    def __init__(self, call: Call, snapshot):
        self.call, self.snapshot = call, snapshot
        self.weights = {} if not isinstance(call.layer, Layer) else _named(call.layer)

    @property
    def kept(self) -> list[str]:
        """Names of the variables that are not trained, which the call may assign."""
        layer = self.call.layer
        trainable = {id(v) for v in layer.trainable_weights} if isinstance(layer, Layer) else set()
        return [n for n, v in self.weights.items() if id(v) not in trainable]

    @property
    def arrays(self) -> dict:
        """Its inputs, then the state of its variables; floats as float64 with float32 values, where
        every dtype can begin."""
        arrays = {f"input {i}": a for i, a in enumerate(self.call.arrays)}
        arrays |= {name: self.call.state[id(v)] for name, v in self.weights.items()}
        with np.errstate(over="ignore"):
            return {
                name: a.astype("float32").astype("float64") if a.dtype.kind == "f" else a
                for name, a in arrays.items()
            }

    def prepare(self, backend, arrays):
        call, layer = self.call, self.call.layer
        self.snapshot.set_counters(call.counters)
        for name, variable in self.weights.items():
            variable.assign(arrays[name])
        given = [n for n in arrays if n.startswith("input ")]
        inputs = {
            n: Variable(arrays[n], backend=backend) for n in given if arrays[n].dtype.kind == "f"
        }
        constants = {n: backend.asarray(arrays[n]) for n in given if n not in inputs}
        kept = [self.weights[n] for n in self.kept]
        learned = {n: v for n, v in self.weights.items() if n not in self.kept}

        def function(**replaced):
            tensors = [
                replaced.get(n, inputs[n].value if n in inputs else constants.get(n)) for n in given
            ]
            for tensor, mask in zip(tensors, call.masks, strict=True):
                if mask is not None:
                    masks.set(tensor, tree.map_structure(backend.asarray, mask))
            args, kwargs = tree.map_structure(
                lambda leaf: tensors[leaf.index] if isinstance(leaf, _Place) else leaf,
                call.structure,
            )
            with call_context.entered(CallContext(training=call.training, trusted=True)) as context:
                outputs = (
                    layer._run(context, args, kwargs)
                    if isinstance(layer, Layer)
                    else layer(*args, **kwargs)
                )
            check_owned(backend, outputs, f"{call.label} ({call.kind})")
            assigned = [backend.stop_gradient(v.value) for v in kept]
            return (
                [x for x in tree.flatten(outputs) if _is_tensor(backend, x)]
                + context.losses
                + assigned
            )

        return Program(inputs | learned, function, kept, given)


def _named(layer):
    """The layer's variables by their names, from the layer on: "kernel", "query/bias"; numbered
    where two share one."""
    named: dict[str, Variable] = {}
    for variable in layer._device_variables:
        name = stem = variable.path.removeprefix(f"{layer.path}/")
        number = 2
        while name in named:
            name, number = f"{stem} {number}", number + 1
        named[name] = variable
    return named


class WholeModel(Evaluable):
    """A model's training loss and outputs, in one training call on one batch."""

    def __init__(self, snapshot, setup, counters=None):
        self.snapshot, self.setup = snapshot, setup
        self.counters = counters or snapshot.counters()
        self.arrays = leaves_by_name(setup.x)

    def prepare(self, backend, arrays, training=True):
        """From the model's state at first, whatever ran since."""
        self.setup.prepare(self.snapshot.model)
        self.snapshot.set_counters(self.counters)
        self.snapshot.reset_states()
        return model_program(
            self.snapshot.model, backend, arrays, (self.setup.x, self.setup.y), training
        )

    def run(self, backend, inside=(), training=True):
        """The calls of one forward pass where the model is placed. An exception that a layer raises
        says which it was."""
        dtype = floatx()
        arrays = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in self.arrays.items()}
        function = self.prepare(backend, arrays, training).function
        with listening(self.snapshot, inside) as recorder:
            try:
                function()
            except Exception as error:
                error.verify_layer = recorder.failed
                raise
        return recorder.calls


def model_program(model, backend, arrays, batch, training=True) -> Program:
    """The training loss and the outputs of a placed model (in inference the outputs alone);
    `arrays` are the leaves of x by name."""
    x, y = batch
    inputs = {n: Variable(a, backend=backend) for n, a in arrays.items() if a.dtype.kind == "f"}
    constants = {n: backend.asarray(a) for n, a in arrays.items() if n not in inputs}
    names = weight_names(model)
    named = {id(v): n for n, v in zip(names, model.weights, strict=True)}
    weights = {named[id(v)]: v for v in model.trainable_variables}
    targets = tree.map_structure(lambda a: None if a is None else _as_fed(backend, a, floatx()), y)

    def function():
        values = iter([inputs[n].value if n in inputs else constants[n] for n in arrays])
        given = tree.map_structure(lambda _: next(values), x)
        if not training:
            with call_context.entered(CallContext(training=False, trusted=True)):
                return tree.flatten(model(given))
        found = batch_loss(model, given, targets, None, training=True)
        return [found.loss, *tree.flatten(found.y_pred)]

    return Program(inputs | weights, function, [], list(arrays))


def leaves_by_name(x) -> dict:
    """The arrays of a batch as {"input 0": ...}, floats as float64."""
    leaves = [np.asarray(leaf) for leaf in tree.flatten(x)]
    return {
        f"input {i}": a.astype("float64") if a.dtype.kind == "f" else a
        for i, a in enumerate(leaves)
    }


def _as_fed(backend, array, dtype):
    """A batch's tensor as the training step makes it."""
    tensor = backend.asarray(array)
    return backend.cast(tensor, dtype) if array.dtype.kind == "f" else tensor
