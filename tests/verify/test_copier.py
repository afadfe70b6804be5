"""What is verified is a copy of all that the model leads to, whichever way it does."""

import functools
import sys
import types
import weakref
from collections import deque

import numpy as np
import pytest

import unidl
from unidl import layers, ops
from unidl.verify import verify
from unidl.verify.copier import Copier

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
head = layers.Dense(2, name="global_head")
shop = types.ModuleType("shop")
shop.__file__ = __file__
shop.shelf = layers.Dense(2, name="of_a_module")


class Helper:
    def __init__(self, layer):
        self.layer = layer

    def __call__(self, x):
        return self.layer(x)


class Slotted:
    __slots__ = ("layer",)

    def __init__(self, layer):
        self.layer = layer


class OfModel(unidl.Model):
    """Its `call` is `self.way`, however that finds the layer."""

    def __init__(self, make):
        super().__init__(name="net")
        self.hidden = layers.Dense(4, name="hidden")
        self.way = make(self)

    def call(self, inputs):
        return self.way(self.hidden(inputs))


def of_closure(model):
    layer = model.last = layers.Dense(2)
    return lambda x: layer(x)


def of_closure_alone(model):
    layer = layers.Dense(2)
    return lambda x: layer(x)


def of_default(model):
    def way(x, layer=layers.Dense(2)):  # noqa: B008 - what is tested
        return layer(x)

    return way


def of_global(model):
    return lambda x: head(x)


def of_function_in_a_global(model):
    return lambda x: through_a_function(x)


def through_a_function(x):
    return head(x)


def of_module(model):
    return lambda x: shop.shelf(x)


def of_object(model):
    return Helper(layers.Dense(2))


def of_slots(model):
    kept = Slotted(layers.Dense(2))
    return lambda x: kept.layer(x)


def of_partial(model):
    return functools.partial(lambda layer, x: layer(x), layers.Dense(2))


def of_bound_method(model):
    return Helper(layers.Dense(2)).__call__


def of_weak_reference(model):
    model.last = layers.Dense(2)
    ref = weakref.ref(model.last)
    return lambda x: ref()(x)


def of_deque(model):
    kept = deque([layers.Dense(2)])
    return lambda x: kept[0](x)


def of_itself(model):
    model.last = layers.Dense(2)
    return lambda x: model.last(x)


def of_class(model):
    class Way:
        def __call__(self, x):
            return head(x)

    return Way()


WAYS = [
    of_closure, of_closure_alone, of_default, of_global, of_function_in_a_global, of_module,
    of_object, of_slots, of_partial, of_bound_method, of_weak_reference, of_deque, of_itself,
    of_class,
]  # fmt: skip


@pytest.mark.parametrize("make", WAYS)
def test_the_copy_has_layers_of_its_own(make):
    model = OfModel(make)
    expected = model(X)
    copier = Copier(model)
    copy = copier.copy
    np.testing.assert_array_equal(copy(X), expected)
    own = [layer for layer in copier.made if isinstance(layer, layers.Dense)]
    assert len(own) == 2
    for layer in own:
        layer.kernel.assign(layer.kernel * 0)
        layer.bias.assign(layer.bias * 0)
    assert not np.any(copy(X))
    np.testing.assert_array_equal(model(X), expected)


@pytest.mark.parametrize("make", [of_closure_alone, of_global, of_class])
def test_what_only_a_function_finds_is_placed_too(make, backend):
    """And so the layer that it calls can be compared where the model is not at home."""
    with unidl.use_backend("numpy"):
        model = OfModel(make) if make is of_closure_alone else OfModel(lambda m: fresh_head(m))
        report = verify(model, X, backends=[backend], steps=1)
    assert report.passed, str(report)
    assert not report.notes or "runs only on" not in " ".join(report.notes)


def fresh_head(model):
    global head
    head = layers.Dense(2, name="global_head")
    return lambda x: head(x)


class InItsMethods(unidl.Model):
    def __init__(self):
        super().__init__(name="net")
        self.hidden = layers.Dense(4, name="hidden")

    def call(self, inputs):
        return head(self.hidden(inputs))

    @property
    def last(self):
        return head


def test_methods_that_call_a_global_layer_are_of_a_class_derived_from_theirs():
    model = InItsMethods()
    expected = model(X)
    copy = Copier(model).copy
    assert isinstance(copy, InItsMethods)
    assert type(copy).__name__ == "InItsMethods"
    assert copy.last is not head
    copy.last.kernel.assign(copy.last.kernel * 0)
    assert not np.allclose(copy(X), expected)
    np.testing.assert_array_equal(model(X), expected)


def test_a_loss_that_reads_a_weight_of_the_model(backend):
    with unidl.use_backend(backend):
        model = unidl.Sequential([unidl.Input((4,)), layers.Dense(2)])

        def loss(y_true, y_pred):
            return ops.mean(ops.square(y_true - y_pred)) + 0.1 * ops.sum(
                ops.abs(model.layers[0].kernel)
            )

        model.compile("sgd", loss)
        report = verify(model, X, X[:, :2], backends=[backend], steps=2)
    assert report.passed, str(report)


def test_what_leads_nowhere_is_shared_and_what_is_one_stays_one():
    class Plain:
        pass

    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(2, activation="softmax")])
    plain, told = Plain(), print
    model.plain, model.told, model.numbers = plain, told, np.zeros(3)
    model.one = model.another = [model.layers[0]]
    copy = Copier(model).copy
    assert copy.plain is plain
    assert copy.told is told
    assert copy.numbers is not model.numbers
    assert copy.one is copy.another is not model.one
    assert copy.one[0] is copy.layers[0] is not model.layers[0]
    assert copy.layers[0].activation is model.layers[0].activation
    assert copy.backend is model.backend


def test_state_that_call_keeps_in_python_stays_the_models():
    class Counts(layers.Layer):
        def __init__(self):
            super().__init__()
            self.calls, self.seen, self.sums = 0, [], np.zeros(1)

        def call(self, inputs):
            self.calls += 1
            self.seen.append(1)
            self.sums += 1
            return inputs * 1.0

    layer = Counts()
    assert verify(unidl.Sequential([layer, layers.Dense(2)]), X, backends=["numpy"], steps=1).passed
    assert (layer.calls, layer.seen, layer.sums.tolist()) == (0, [], [0.0])


def test_what_cannot_be_copied_is_told():
    def numbers(layer):
        yield layer

    model = OfModel(of_closure)
    model.source = numbers(model.hidden)
    with pytest.raises(TypeError, match="a generator that leads to its layers cannot be copied"):
        verify(model, X, backends=["numpy"], steps=0)


def test_a_deep_model_is_copied():
    x = inputs = unidl.Input((4,))
    for _ in range(1500):
        x = layers.Activation("relu")(x)
    model = unidl.Model(inputs, x)
    limit = sys.getrecursionlimit()
    assert len(Copier(model).copy.layers) == 1501
    assert sys.getrecursionlimit() == limit
