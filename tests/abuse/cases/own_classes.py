"""Classes of the user's own, with the slips that beginners make in them."""

from __future__ import annotations

import numpy as np

import unidl
from tests.abuse.case import right, told
from unidl import layers, ops

X = np.ones((8, 3), "float32")
Y = np.ones((8, 1), "float32")


def trained(layer, loss="mse", **compiled):
    """What fit makes of a model with this layer in it."""
    model = unidl.Sequential([unidl.Input((3,)), layer, layers.Dense(1)])
    model.compile("sgd", loss, **compiled)
    return model.fit(X, Y, verbose=0)


def eager(layer):
    return layer(X)


def symbolic(layer):
    return layer(unidl.Input((3,)))


WAYS = {"eager": eager, "symbolic": symbolic, "fit": trained}


# -- the constructor of the base is not called -----------------------------------------------------


class NoSuperLayer(layers.Layer):
    def __init__(self):
        self.units = 3

    def call(self, x):
        return x


class SublayerFirst(layers.Layer):
    def __init__(self):
        self.dense = layers.Dense(2)
        self.twice = self.dense.units * self.name


class NoSuperModel(unidl.Model):
    def __init__(self):
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


class NoSuperMetric(unidl.metrics.Metric):
    def __init__(self):
        self.total = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        return None

    def result(self):
        return 0.0


class WeightBeforeSuper(unidl.metrics.Metric):
    def __init__(self):
        self.total = self.add_weight(name="total")


class NoSuperLoss(unidl.losses.Loss):
    def __init__(self):
        self.factor = 2.0

    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)


class NoSuperOptimizer(unidl.optimizers.Optimizer):
    def __init__(self):
        self.rate = 0.1


class NoSuperCallback(unidl.callbacks.Callback):
    def __init__(self):
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, sorted(logs), self.params["epochs"]))


class NoSuperCell(layers.Layer):
    def __init__(self, units):
        self.units = self.state_size = units

    def call(self, x, states):
        return x, states


def callback_without_super():
    callback = NoSuperCallback()
    model = unidl.Sequential([unidl.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
    return [epoch for epoch, _, _ in callback.seen]


FORGOTTEN = r"{}: __init__\(\) did not call super\(\)\.__init__\(\)"

WITHOUT_SUPER = [
    told(f"no super().__init__(): {name}", call, FORGOTTEN.format(cls), kind=RuntimeError)
    for name, cls, call in [
        ("layer", "NoSuperLayer", NoSuperLayer),
        ("layer that reads its name first", "SublayerFirst", SublayerFirst),
        ("cell", "NoSuperCell", lambda: NoSuperCell(3)),
        ("model", "NoSuperModel", NoSuperModel),
        ("metric", "NoSuperMetric", NoSuperMetric),
        ("metric that adds a weight", "WeightBeforeSuper", WeightBeforeSuper),
        ("loss", "NoSuperLoss", NoSuperLoss),
        ("optimizer", "NoSuperOptimizer", NoSuperOptimizer),
    ]
] + [
    right("no super().__init__(): a callback works as in Keras", callback_without_super, [0, 1]),
]


# -- what call() returns ---------------------------------------------------------------------------


class ReturnsNothing(layers.Layer):
    def call(self, x):
        ops.tanh(x)


class ReturnsText(layers.Layer):
    def call(self, x):
        return "done"


class ReturnsAFunction(layers.Layer):
    def call(self, x):
        return ops.tanh


class ReturnsALayer(layers.Layer):
    def call(self, x):
        return layers.Activation("relu")


class ReturnsTheShape(layers.Layer):
    def call(self, x):
        return None, x


class ReturnsNothingModel(unidl.Model):
    def call(self, x):
        ops.tanh(x)


def model_returns_nothing():
    model = ReturnsNothingModel()
    model.compile("sgd", "mse")
    return model.fit(X, Y, verbose=0)


RETURNS = [
    told(f"call() returns nothing: {name}", lambda way=way: way(ReturnsNothing()),
         r"ReturnsNothing 'returns_nothing(_\d+)?': call\(\) returned None.*return")
    for name, way in WAYS.items()
] + [
    told(f"call() returns {what}: {name}", lambda way=way, cls=cls: way(cls()),
         rf"{cls.__name__} .*call\(\) returned .*{came}")
    for what, cls, came in [
        ("a text", ReturnsText, "'done'"),
        ("a function", ReturnsAFunction, "tanh"),
        ("a layer", ReturnsALayer, "Activation"),
    ]
    for name, way in WAYS.items()
] + [
    told("call() returns nothing: model, fit", model_returns_nothing,
         r"ReturnsNothingModel .*call\(\) returned None"),
    told("call() returns nothing: model, eager", lambda: ReturnsNothingModel()(X),
         r"ReturnsNothingModel .*call\(\) returned None"),
    told("Lambda returns nothing", lambda: symbolic(layers.Lambda(lambda x: None)),
         r"Lambda .*returned None"),
    told("Lambda returns nothing: fit", lambda: trained(layers.Lambda(lambda x: None)),
         r"Lambda .*returned None"),
]  # fmt: skip


# -- values where there are none -------------------------------------------------------------------


def layer_of(name, function):
    """A layer of this class name whose call is `function`."""
    return type(name, (layers.Layer,), {"call": lambda self, x: function(x)})()


def branch_if(x):
    if ops.sum(x) > 0:
        return x
    return -x


def branch_on_bool(x):
    return x if bool(ops.any(x > 0)) else -x


def loop_while(x):
    while ops.sum(x) < 100:
        x = x * 2
    return x


def loop_for(x):
    total = 0.0
    for row in x:
        total = total + row
    return total


def both_and(x):
    return x if ops.max(x) > 0 and ops.min(x) > 0 else -x


def inverted_by_not(x):
    return x if not ops.all(x > 0) else -x


def chained(x):
    return x if 0 < ops.sum(x) < 100 else -x


def asserted(x):
    assert ops.max(x) < 10, "too large"
    return x


def as_float(x):
    return x * float(ops.sum(x))


def as_int(x):
    return x * int(ops.sum(x))


def by_item(x):
    return x * ops.sum(x).item()


def to_numpy(x):
    return x * ops.convert_to_numpy(ops.sum(x))


CONDITIONS = {
    "if": (branch_if, "ops.where|ops.cond"),
    "bool()": (branch_on_bool, "ops.where|ops.cond"),
    "while": (loop_while, "ops.while_loop|ops.where"),
    "and": (both_and, "ops.logical_and|ops.where"),
    "not": (inverted_by_not, "ops.logical_not|ops.where"),
    "a < x < b": (chained, "ops.logical_and|ops.where"),
    "assert": (asserted, "ops.where|ops.cond"),
    "float()": (as_float, "ops"),
    "int()": (as_int, "ops.cast|ops"),
    "convert_to_numpy": (to_numpy, "ops"),
}

VALUES = [
    told(f"a value in call(): {what}: {way}",
         lambda function=function, way=way: WAYS[way](layer_of("Deciding", function)),
         rf"Deciding 'deciding(_\d+)?'.*(?s:.*)(?:{advice})")
    for what, (function, advice) in CONDITIONS.items()
    for way in ("symbolic", "fit")
]  # fmt: skip


def loss_of(function):
    def named(y_true, y_pred):
        return function(ops.mean(ops.square(y_true - y_pred), axis=-1))

    named.__name__ = "deciding_loss"
    return lambda: trained(layers.Dense(2), named)


LOSSES = [
    told(f"a value in a loss: {what}", loss_of(function),
         r"(?s)deciding_loss.*(ops\.where|ops\.cond|ops\.while_loop|unidl\.ops)")
    for what, (function, _) in CONDITIONS.items()
] + [
    told("a metric that returns a decision", lambda: trained(
        layers.Dense(2), metrics=[lambda t, p: 1.0 if ops.sum(p) > 0 else 0.0]),
        r"(?s)metric.*(ops\.where|ops\.cond)"),
]  # fmt: skip


# -- layers and weights made in call() -------------------------------------------------------------


class LayerInCall(layers.Layer):
    def call(self, x):
        return layers.Dense(3)(x)


class LayerKeptInCall(layers.Layer):
    def call(self, x):
        self.dense = layers.Dense(3)
        return self.dense(x)


class WeightInCall(layers.Layer):
    def call(self, x):
        return x * self.add_weight((3,), "ones", name="factor")


class VariableInCall(layers.Layer):
    def call(self, x):
        return x * unidl.Variable(np.ones(3, "float32"))


class ModelOfLayersInCall(unidl.Model):
    def call(self, x):
        return layers.Dense(1)(layers.Dense(3)(x))


def subclass_in_fit(cls):
    model = cls()
    model.compile("sgd", "mse")
    return model.fit(X, Y, verbose=0)


MADE = [
    told(f"made in call(): {cls.__name__}: {name}", lambda way=way, cls=cls: way(cls()),
         rf"(?s)(?=.*\b{cls.__name__}\b)(?=.*call\(\)).*(__init__|build)")
    for cls in (LayerInCall, LayerKeptInCall, WeightInCall, VariableInCall)
    for name, way in WAYS.items()
] + [
    told("made in call(): a model's layers: fit", lambda: subclass_in_fit(ModelOfLayersInCall),
         r"(?s)(?=.*\bModelOfLayersInCall\b)(?=.*call\(\)).*__init__"),
    told("made in call(): a model's layers: eager", lambda: ModelOfLayersInCall()(X),
         r"(?s)(?=.*\bModelOfLayersInCall\b)(?=.*call\(\)).*__init__"),
]  # fmt: skip


# -- call() and its names --------------------------------------------------------------------------


class Forward(layers.Layer):
    def forward(self, x):
        return x


class ForwardModel(unidl.Model):
    def forward(self, x):
        return x


class NoCall(layers.Layer):
    pass


class Compute(layers.Layer):
    def calll(self, x):
        return x


class CallsItself(layers.Layer):
    def call(self, x):
        return self(x)


class HoldsOneThatCallsItself(unidl.Model):
    def __init__(self):
        super().__init__()
        self.inner = CallsItself()

    def call(self, x):
        return self.inner(x)


def from_each_depth(call):
    """The error of `call` on a stack that is 0 to 11 calls deeper, as it must be on all."""

    def deeper(n):
        return call() if n == 0 else deeper(n - 1)

    texts = set()
    for n in range(12):
        unidl.utils.clear_session(free_memory=False)
        try:
            deeper(n)
        except ValueError as error:
            texts.add(str(error))
    raise ValueError(" / ".join(texts)) if len(texts) == 1 else AssertionError(texts)


class CallWithoutInputs(layers.Layer):
    def call(self):
        return ops.ones(3)


class CallWithoutSelf(layers.Layer):
    def call(x):
        return x


class Raises(layers.Layer):
    def call(self, x):
        return x["missing"]


NAMES = [
    told("forward() instead of call(): layer", lambda: eager(Forward()), r"Forward.*call\(\)"),
    told("forward() instead of call(): symbolic", lambda: symbolic(Forward()), r"Forward.*call"),
    told("forward() instead of call(): model", lambda: ForwardModel()(X), r"Forward.*call\(\)"),
    told("no call() at all", lambda: eager(NoCall()), r"NoCall.*def call\(self"),
    told("call() misspelt", lambda: eager(Compute()), r"Compute.*calll.*call\(\)"),
    told("call() that calls itself", lambda: eager(CallsItself()), r"CallsItself.*itself"),
    told("call() that calls itself: symbolic", lambda: symbolic(CallsItself()),
         r"CallsItself.*itself"),
    told("call() that calls itself: in a model", lambda: HoldsOneThatCallsItself().predict(X),
         r"^CallsItself.*itself"),
    told("call() that calls itself: on a list, from each depth of the stack",
         lambda: from_each_depth(lambda: CallsItself()([X, X])), r"^CallsItself.*itself"),
    told("call() without an input", lambda: eager(CallWithoutInputs()),
         r"CallWithoutInputs.*call\(\)"),
    told("call() without self", lambda: eager(CallWithoutSelf()), r"CallWithoutSelf.*self"),
]  # fmt: skip
for _case in NAMES:
    object.__setattr__(_case, "kind", (ValueError, TypeError, NotImplementedError))

CASES = WITHOUT_SUPER + RETURNS + VALUES + LOSSES + MADE + NAMES
