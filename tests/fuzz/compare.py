"""One example in Keras and in unidl: configs both ways, outputs, losses, gradients of inputs and
weights, what a call assigns."""

from __future__ import annotations

import copy
import json

import numpy as np

import unidl
from tests.fuzz import known
from tests.fuzz.drawn import filled, made
from unidl import ops, tree
from unidl.autodiff import value_and_grad
from unidl.backend import Variable, floatx, set_floatx, use_backend
from unidl.utils import clear_session, set_random_seed

KERAS, ORACLE = 1e-11, 1e-12
# Of float32: so many times the median of all backends, since the sizes of rounding errors are the
# formula's, and so many roundings.
NOISE, ROUNDINGS = 3, 64


def is_data(array):
    return isinstance(array, np.ndarray) and array.dtype.kind == "f"


class Run:
    """Outputs, losses, gradients and weights after a call, as arrays."""

    def __init__(self, outputs, losses, gradients, weights):
        self.groups = {
            "outputs": outputs,
            "losses": losses,
            "gradients": gradients,
            "weights": weights,
        }

    def compare(self, reference, tolerance, without=()):
        """Raise AssertionError where this run differs from `reference` by more than `tolerance`,
        relative to the largest of a group."""
        for where, error, a, b in self.differences(reference, without):
            assert a.dtype == b.dtype, f"{where}: {a.dtype}, expected {b.dtype}"
            assert error <= tolerance, (
                f"{where}: {error:.3e} > {tolerance}\ngot {a.ravel()[:6]}\nexpected {b.ravel()[:6]}"
            )

    def differences(self, reference, without=(), least=1e-2):
        """(where, largest difference, array, reference) of each array; AssertionError where shapes
        or what is not finite differ."""
        defined = all(np.isfinite(y).all() for y in reference.groups["outputs"])
        for kind, wanted in reference.groups.items():
            got = self.groups[kind]
            if kind in without or (kind == "gradients" and not defined):
                continue  # a mean of nothing has no gradient
            assert len(got) == len(wanted), f"{len(got)} {kind}, expected {len(wanted)}"
            largest = max((np.abs(w[np.isfinite(w)]).max(initial=0.0) for w in wanted), default=0.0)
            for i, (a, b) in enumerate(zip(got, wanted, strict=True)):
                where = f"{kind}[{i}]"
                assert a.shape == b.shape, f"{where}: shape {a.shape}, expected {b.shape}"
                finite = np.isfinite(b)
                assert np.array_equal(a[~finite], b[~finite], equal_nan=True), (
                    f"{where}: NaN or infinities differ"
                )
                difference = np.abs(a[finite] - b[finite]).max(initial=0.0)
                # What is zero by symmetry is rounding of terms as large as the others.
                # The data are of the size one: less than `least` may be such rounding of what no
                # group shows.
                yield (
                    where,
                    difference / max(np.abs(b[finite]).max(initial=0.0), least * max(largest, 1.0)),
                    a,
                    b,
                )


class Data:
    """What an example is run with: the call's arguments, values for weights, and what the gradient
    is taken of.

    `rounded`: all numbers are those of float32.
    """

    def __init__(self, example, rounded=False):
        generator = example.generator
        self._rounded = rounded
        self.inputs, self.call = self._exact(
            (filled(example.inputs, generator), filled(example.call, generator))
        )
        self._generator = generator
        self.values = self.cotangents = None

    def _exact(self, arrays):
        return self.cast(self.cast(arrays, "float32"), "float64") if self._rounded else arrays

    @staticmethod
    def cast(arrays, dtype):
        return tree.map_structure(lambda a: a.astype(dtype) if is_data(a) else a, arrays)

    def single(self):
        """The same in float32."""
        found = copy.copy(self)
        names = ("inputs", "call", "values", "cotangents")
        vars(found).update((name, self.cast(getattr(self, name), "float32")) for name in names)
        return found

    def complete(self, layer, outputs):
        self.values = []
        for weight in layer.weights:
            value = self._generator.normal(size=weight.shape)
            self.values.append(np.abs(value) + 0.5 if "variance" in weight.name else value)
        self.cotangents = [self._generator.normal(size=y.shape) for y in outputs]
        self.values, self.cotangents = self._exact(self.values), self._exact(self.cotangents)


def run_unidl(layer, data):
    variables = [Variable(a) for a in tree.flatten((data.inputs, data.call)) if is_data(a)]

    def loss():
        feed = iter(variables)
        args, kwargs = tree.map_structure(
            lambda a: next(feed).value if is_data(a) else a, (data.inputs, data.call)
        )
        outputs = tree.flatten(layer(*args, **kwargs))
        losses = list(layer.losses)
        terms = [
            ops.sum(ops.multiply(y, c)) for y, c in zip(outputs, data.cotangents, strict=True)
        ] + losses
        total = terms[0]
        for term in terms[1:]:
            total = ops.add(total, term)
        return total, (outputs, losses)

    (_, (outputs, losses)), gradients = value_and_grad(
        loss, [*variables, *layer.trainable_variables], has_aux=True
    )
    arrays = [[ops.convert_to_numpy(x) for x in group] for group in (outputs, losses, gradients)]
    return Run(*arrays, layer.get_weights())


def run_keras(layer, data):
    import tensorflow as tf

    def tensor(a):
        return tf.convert_to_tensor(a) if isinstance(a, np.ndarray) else a

    args, kwargs = tree.map_structure(tensor, (data.inputs, data.call))
    watched = [
        t for t in tree.flatten((args, kwargs)) if isinstance(t, tf.Tensor) and t.dtype.is_floating
    ]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = tree.flatten(layer(*args, **kwargs))
        losses = list(layer.losses)
        total = tf.add_n(
            [tf.reduce_sum(y * c) for y, c in zip(outputs, data.cotangents, strict=True)] + losses
        )
    gradients = tape.gradient(
        total,
        [*watched, *(v.value for v in layer.trainable_variables)],
        unconnected_gradients="zero",
    )
    arrays = [
        [np.asarray(tf.convert_to_tensor(x)) for x in group]
        for group in (outputs, losses, gradients)
    ]
    return Run(*arrays, [np.asarray(w) for w in layer.get_weights()])


def ready(layer, data):
    """Give the layer the data's weights and forget what the building call left."""
    layer.set_weights(data.values)
    if getattr(layer, "stateful", False):
        layer.reset_state()
    return layer


def plain_json(config):
    return json.loads(json.dumps(config))


def of_unidl(example, data, backend):
    """The example on a backend, from its description; completes the data where this is the first
    run."""
    with use_backend(backend):
        clear_session(free_memory=False)
        set_random_seed(1)
        layer = made(unidl, example.layer)
        outputs = tree.flatten(layer(*data.inputs, **data.call))
        if data.values is None:
            data.complete(layer, [ops.convert_to_numpy(y) for y in outputs])
        return layer, run_unidl(ready(layer, data), data)


def check_configs(keras, example):
    """A config goes from unidl to Keras and back, and is what Keras itself writes for these
    arguments. Returns the layer of Keras."""
    keras.utils.clear_session(free_memory=False)
    clear_session(free_memory=False)
    config = made(unidl, example.layer).get_config()
    kind = getattr(keras.layers, example.layer.name)
    theirs = kind.from_config(plain_json(config))
    written = plain_json(theirs.get_config())
    again = unidl.layers.deserialize(plain_json(keras.layers.serialize(theirs)))
    assert plain_json(again.get_config()) == plain_json(config)
    keras.utils.clear_session(free_memory=False)
    direct = _without_origin(plain_json(made(keras, example.layer).get_config()))
    differing = {
        k: (v, _without_origin(written).get(k))
        for k, v in direct.items()
        if v != _without_origin(written).get(k)
    }
    assert not differing, f"config {differing}"
    return theirs


def _without_origin(config):
    """A config without the names of modules, which differ between the libraries."""
    if isinstance(config, dict):
        return {
            k: _without_origin(v)
            for k, v in config.items()
            if k not in ("module", "registered_name", "build_config")
        }
    return [_without_origin(v) for v in config] if isinstance(config, list) else config


def check(keras, example, backends):
    """Everything; raises AssertionError with what differs first."""
    data = Data(example)
    ours, reference = of_unidl(example, data, "numpy")
    theirs = check_configs(keras, example)
    faults = known.of_keras(example)
    if not example.random and not any(fault["do"] == "skip" for fault in faults):
        if any(fault["do"] == "channels last" for fault in faults):
            theirs = known.ChannelsLast(keras, example)
        with known.errors(faults):
            theirs(*data.inputs, **data.call)
            assert [(w.name, tuple(w.shape)) for w in ours.weights] == [
                (w.name, tuple(w.shape)) for w in theirs.weights
            ]
            without = ["gradients"] * any(fault["do"] == "no gradients" for fault in faults)
            tolerance = max((f["tolerance"] for f in faults if "tolerance" in f), default=KERAS)
            reference.compare(run_keras(ready(theirs, data), data), tolerance, without)
    for backend in backends:
        try:
            of_unidl(example, data, backend)[1].compare(reference, ORACLE)
        except AssertionError as error:
            raise AssertionError(f"on {backend}: {error}") from None


def check_single(example, backends):
    """float32 on every backend against the float64 oracle with the same, rounded, numbers."""
    data = Data(example, rounded=True)
    _, oracle = of_unidl(example, data, "numpy")
    single, before = data.single(), floatx()
    set_floatx("float32")
    try:
        runs = {name: of_unidl(example, single, name)[1] for name in ("numpy", *backends)}
    finally:
        set_floatx(before)
    # Normal numbers of float32 are not those of float64 rounded.
    reference = runs["numpy"] if example.random else oracle
    # 1 - tanh(x)**2, the derivative that frameworks take from the output, loses digits of 1.
    errors = {name: list(run.differences(reference, least=1.0)) for name, run in runs.items()}
    for i, (where, *_) in enumerate(errors["numpy"]):
        noise = np.median([of_backend[i][1] for of_backend in errors.values()])
        for name, of_backend in errors.items():
            _, error, a, b = of_backend[i]
            assert a.dtype == "float32" or a.dtype.kind != "f", (
                f"on {name}: {where}: {a.dtype}, expected float32"
            )
            told = f"on {name}: {where}: {error:.3e} in float32, the median of backends {noise:.3e}"
            assert error <= NOISE * noise + ROUNDINGS * 2.0**-24, (
                f"{told}\ngot {a.ravel()[:6]}\nexpected {b.ravel()[:6]}"
            )
