"""Training that would do nothing, or the wrong thing; arguments of fit, evaluate and predict."""

from __future__ import annotations

import numpy as np

import unidl
from tests.abuse.case import right, told
from tests.abuse.cases.stream import C, W, X, Y, classifier, generator, regression, two_outputs
from unidl import callbacks, layers, losses, metrics, ops, optimizers

NAN, INF = float("nan"), float("inf")
OBJECTS = np.full((8, 4), None)


def fitted(loss="mse", metric=None, optimizer="sgd", **arguments):
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(1, name="out")], name="net")
    model.compile(optimizer, loss, metrics=metric)
    return model.fit(X, Y, **{"verbose": 0, **arguments}).history


class OfUser(losses.Loss):
    """Returns what it is given."""

    def __init__(self, values):
        super().__init__(name="of_user")
        self._values = values

    def call(self, y_true, y_pred):
        return self._values(y_true, y_pred)


class Result(metrics.Metric):
    """Whose result is what it is given."""

    def __init__(self, value):
        super().__init__(name="odd")
        self._value = value

    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return self._value


FLAT = {
    "of the targets alone": lambda t, p: ops.mean(t),
    "that is a number": lambda t, p: 0.0,
    "that is an integer number": lambda t, p: 3,
    "behind stop_gradient": lambda t, p: ops.square(ops.stop_gradient(p) - t),
    "of a comparison": lambda t, p: ops.cast(ops.greater(p, t), "float32"),
    "of rounded predictions": lambda t, p: ops.abs(ops.cast(ops.cast(p, "int32"), "float32") - t),
    "of signs": lambda t, p: ops.sign(p) - t,
    "of zeros": lambda t, p: ops.zeros_like(p),
    "of predictions times 0": lambda t, p: 0.0 * p,
}

CASES = [
    told(f"a loss {name}", lambda loss=loss: fitted(loss), "loss does not depend on the model")
    for name, loss in FLAT.items()
]
CASES += [
    told(
        f"a Loss {name}",
        lambda loss=loss: fitted(OfUser(loss)),
        "loss does not depend on the model",
    )
    for name, loss in FLAT.items()
    if "targets" in name or "zeros" in name
]

# -- what losses and metrics return
ODD = {"None": None, "a text": "abc", "a list": [1.0], "a dict": {"a": 1.0}}
CASES += [
    told(
        f"a loss that returns {name}",
        lambda value=value: fitted(lambda t, p: value),
        "The loss.*returned",
    )
    for name, value in ODD.items()
]
CASES += [
    told(
        f"a Loss that returns {name}",
        lambda value=value: fitted(OfUser(lambda t, p: value)),
        "The loss 'of_user' returned",
    )
    for name, value in ODD.items()
]
CASES += [
    told(
        f"a loss of {dtype}",
        lambda dtype=dtype: fitted(lambda t, p: ops.cast(p, dtype)),
        f"returned {dtype}",
    )
    for dtype in ("int32", "int64", "bool", "uint8")
]
CASES += [
    told(
        f"a metric that returns {name}",
        lambda value=value: fitted(metric=[lambda t, p: value]),
        "The metric.*returned",
    )
    for name, value in ODD.items()
    if name in ("None", "a text", "a dict")
]
CASES += [
    told(
        f"a Metric whose result is {name}",
        lambda value=value: fitted(metric=[Result(value)]),
        r"The metric 'odd': result\(\) returned",
    )
    for name, value in ODD.items()
    if name in ("None", "a text")
]


def loss(t, p):
    """A metric by the name of the loss."""
    return ops.zeros_like(p) - 5.0


def val_loss(t, p):
    """A metric by the name of the validation's loss."""
    return ops.zeros_like(p) - 5.0


def out_loss(t, p):
    """A metric by the name of the loss of an output."""
    return ops.zeros_like(p) - 5.0


CASES += [
    right(
        "a metric called loss",
        lambda: fitted(metric=[loss]),
        lambda found: _holds(found, {"loss_1": -5.0}, positive="loss"),
    ),
    right(
        "a metric called val_loss",
        lambda: fitted(metric=[val_loss], validation_data=(X, Y)),
        lambda found: _holds(found, {"val_loss_1": -5.0}, positive="val_loss"),
    ),
    right(
        "metrics called loss twice",
        lambda: fitted(metric=[loss, loss]),
        lambda found: _holds(found, {"loss_1": -5.0, "loss_2": -5.0}, positive="loss"),
    ),
    right(
        "a Mean called loss",
        lambda: fitted(metric=[metrics.MeanMetricWrapper(loss, name="loss")]),
        lambda found: _holds(found, {"loss_1": -5.0}, positive="loss"),
    ),
    right(
        "a result with the key loss",
        lambda: fitted(metric=[Result({"loss": -5.0})]),
        lambda found: _holds(found, {"odd_loss": -5.0}, positive="loss"),
    ),
    right(
        "the loss's name among evaluate's values",
        lambda: _evaluated(loss),
        lambda found: _holds({k: [v] for k, v in found.items()}, {"loss_1": -5.0}, positive="loss"),
    ),
    told("no loss at all", lambda: fitted(None), "no loss"),
    told("no loss, but a metric", lambda: fitted(None, metric=["mae"]), "no loss"),
]


def _holds(history, expected, positive):
    for name, value in expected.items():
        assert history.get(name) == [value], history
    assert history[positive][0] >= 0, history


def _evaluated(metric):
    model = regression()
    model.compile("sgd", "mse", metrics=[metric])
    return model.evaluate(X, Y, verbose=0, return_dict=True)


def added_loss_only():
    """Keras trains on what layers add when the loss is a dummy."""

    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.mean(ops.square(inputs)))
            return inputs

    model = unidl.Sequential(
        [unidl.Input((4,)), layers.Dense(1, kernel_initializer="ones"), Adds()]
    )
    model.compile("sgd", lambda t, p: 0.0)
    before = model.get_weights()[0]
    model.fit(X, Y, verbose=0)
    return bool((model.get_weights()[0] != before).any())


def integer_output():
    model = unidl.Sequential(
        [unidl.Input((4,)), layers.Dense(3), layers.Lambda(lambda t: ops.argmax(t, axis=-1))]
    )
    model.compile("sgd", "mse")
    return model.fit(X, Y[:, 0], verbose=0)


def frozen():
    model = regression()
    before = model.get_weights()
    model.layers[-1].trainable = False
    found = model.fit(X, Y, verbose=0).history["loss"]
    same = all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    return len(found), same


CASES += [
    right("a dummy loss beside add_loss", added_loss_only, True),
    told("outputs that are integers", integer_output, "does not depend on the model"),
    right("nothing to train", frozen, (1, True)),
]

# -- whole numbers
BAD_COUNTS = {"a text": "3", "a float": 2.5, "a whole float": 2.0, "True": True, "a list": [1]}
WHOLE = {
    "fit epochs": ("epochs", lambda v: fitted(epochs=v), [*BAD_COUNTS.values(), -1, None]),
    "fit initial_epoch": (
        "initial_epoch",
        lambda v: fitted(initial_epoch=v),
        [*BAD_COUNTS.values(), -1],
    ),
    "fit batch_size": ("batch_size", lambda v: fitted(batch_size=v), [*BAD_COUNTS.values(), 0, -1]),
    "fit steps_per_epoch": (
        "steps_per_epoch",
        lambda v: fitted(steps_per_epoch=v),
        [*BAD_COUNTS.values(), 0, -3],
    ),
    "fit steps_per_epoch of a stream": (
        "steps_per_epoch",
        lambda v: regression().fit(generator((X, Y)), steps_per_epoch=v, verbose=0),
        [0, -3, "3"],
    ),
    "fit validation_steps": (
        "validation_steps",
        lambda v: fitted(validation_data=(X, Y), validation_steps=v),
        [*BAD_COUNTS.values(), 0, -1],
    ),
    "fit validation_batch_size": (
        "validation_batch_size",
        lambda v: fitted(validation_data=(X, Y), validation_batch_size=v),
        [*BAD_COUNTS.values(), 0, -1],
    ),
    "fit validation_freq": (
        "validation_freq",
        lambda v: fitted(validation_data=(X, Y), validation_freq=v),
        ["3", 2.5, True, 0, -1, [0], ["a"], None],
    ),
    "evaluate steps": (
        "steps",
        lambda v: regression().evaluate(X, Y, steps=v, verbose=0),
        [*BAD_COUNTS.values(), 0, -1],
    ),
    "evaluate batch_size": (
        "batch_size",
        lambda v: regression().evaluate(X, Y, batch_size=v, verbose=0),
        [*BAD_COUNTS.values(), 0, -1],
    ),
    "predict steps": (
        "steps",
        lambda v: regression().predict(X, steps=v, verbose=0),
        [*BAD_COUNTS.values(), 0, -1],
    ),
    "predict batch_size": (
        "batch_size",
        lambda v: regression().predict(X, batch_size=v, verbose=0),
        [*BAD_COUNTS.values(), 0, -1],
    ),
    "compile steps_per_execution": (
        "steps_per_execution",
        lambda v: regression().compile("sgd", "mse", steps_per_execution=v),
        [*BAD_COUNTS.values(), 0, -1],
    ),
}
CASES += [
    told(f"{name}={value!r}", lambda run=run, value=value: run(value), f"{argument}.*must be.*got")
    for name, (argument, run, values) in WHOLE.items()
    for value in values
]
CASES += [
    right(
        "whole numbers of NumPy",
        lambda: len(
            fitted(
                epochs=np.int64(2),
                batch_size=np.int32(4),
                steps_per_epoch=np.int64(1),
                validation_data=(X, Y),
                validation_steps=np.uint8(1),
                validation_batch_size=np.int64(4),
                validation_freq=np.int64(1),
                initial_epoch=np.int64(0),
            )["val_loss"]
        ),
        2,
    ),
    right("epochs=0", lambda: fitted(epochs=0), lambda found: _equal(found, {})),
    right(
        "validation at some epochs",
        lambda: len(fitted(validation_data=(X, Y), validation_freq=[2, 3], epochs=3)["val_loss"]),
        2,
    ),
    *(
        told(
            f"fit {argument}={value!r}",
            lambda argument=argument, value=value: fitted(**{"verbose": 0, argument: value}),
            f"{argument} must",
        )
        for argument, values in {
            "validation_split": ["0.2", -0.2, 1.0, 1.5, NAN, True],
            "shuffle": ["no", 3, 0.5],
            "verbose": ["loud", 7, -1, [1]],
        }.items()
        for value in values
    ),
    told("validation_split of one sample", lambda: fitted(validation_split=0.99), "part empty"),
]


def _equal(found, expected):
    assert found == expected, found


# -- class and sample weights
CASES += [
    told(
        f"class_weight={name}",
        lambda value=value: classifier().fit(X, C, class_weight=value, verbose=0),
        f"class_weight.*{mentions}",
    )
    for name, value, mentions in [
        ("a list", [1.0, 2.0, 3.0], "dict"),
        ("an array", np.ones(3), "dict"),
        ("a number", 2.0, "dict"),
        ("a text", "balanced", "dict"),
        ("keys of text", {"0": 1.0}, "key '0'"),
        ("keys between classes", {0.5: 1.0}, "key 0.5"),
        ("keys of None", {None: 1.0}, "key None"),
        ("keys of NaN", {NAN: 1.0}, "key nan"),
        ("keys of infinity", {INF: 1.0}, "key inf"),
        ("weights of text", {0: "1"}, "must be a number"),
        ("weights of None", {0: None}, "must be a number"),
        ("weights of lists", {0: [1.0]}, "must be a number"),
        ("weights of NaN", {0: NAN}, "finite"),
        ("weights below 0", {0: -1.0}, "0 or more"),
    ]
]
CASES += [
    told(
        "class_weight with two outputs",
        lambda: two_outputs().fit(X, [Y, C], class_weight={0: 1.0}, verbose=0),
        "class_weight.*sample_weight",
    ),
    told(
        "class_weight of train_on_batch as a list",
        lambda: classifier().train_on_batch(X, C, class_weight=[1.0]),
        "class_weight.*dict",
    ),
    right(
        "class_weight with keys of NumPy",
        lambda: len(
            classifier()
            .fit(X, C, class_weight={np.int64(0): 2, 1.0: np.float32(1)}, verbose=0)
            .history["loss"]
        ),
        1,
    ),
    *(
        told(
            f"sample_weight {name} in {call}",
            lambda run=run, value=value: run(value),
            f"sample_weight.*({mentions})",
        )
        for name, value, mentions in [
            ("of two columns", np.ones((8, 2), "float32"), r"shape \(8, 2\)"),
            ("of three columns", np.ones((8, 3), "float32"), r"shape \(8, 3\)"),
            ("of rank 3", np.ones((8, 1, 1), "float32"), r"shape \(8, 1, 1\)"),
            ("a number", 2.0, "single number"),
            ("of another length", W[:3], "has 3"),
            ("twice", [W, W], "2 entries for one output"),
            ("of text", np.array(["a"] * 8), "must be numbers"),
        ]
        for call, run in {
            "fit": lambda w: classifier().fit(X, C, sample_weight=w, verbose=0),
            "evaluate": lambda w: classifier().evaluate(X, C, sample_weight=w, verbose=0),
            "train_on_batch": lambda w: classifier().train_on_batch(X, C, sample_weight=w),
        }.items()
    ),
    told(
        "three sample weights for two outputs",
        lambda: two_outputs().fit(X, [Y, C], sample_weight=[W, W, W], verbose=0),
        "need 2 sample weights, got 3",
    ),
    told(
        "sample weights of an output that is not there",
        lambda: two_outputs().fit(X, [Y, C], sample_weight={"three": W}, verbose=0),
        "sample weights for 'three'",
    ),
    right(
        "sample weights in a column, or in a list of one",
        lambda: [
            classifier().evaluate(X, C, sample_weight=w, verbose=0) >= 0 for w in (W[:, None], [W])
        ],
        [True, True],
    ),
]

# -- one batch
CASES += [
    told(
        f"{call} of {name}",
        lambda run=run, x=x, y=y: run(regression(), x, y),
        mentions,
    )
    for call, run in {
        "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
        "test_on_batch": lambda model, x, y: model.test_on_batch(x, y),
        "predict_on_batch": lambda model, x, y: model.predict_on_batch(x),
    }.items()
    for name, x, y, mentions in [
        ("numbers", 1.0, 1.0, "single number"),
        ("nothing", None, None, "got nothing|got NoneType"),
        ("a text", "abc", Y, "got str"),
        ("a generator", generator((X, Y)), None, "got generator"),
        ("no rows", X[:0], Y[:0], "0 samples|empty|no rows"),
        ("another width", X[:, :2], Y, "size 2|expected"),
    ]
]
CASES += [
    told("train_on_batch without targets", lambda: regression().train_on_batch(X), "no target"),
    told(
        "train_on_batch of labels too large",
        lambda: classifier().train_on_batch(X, C + 3),
        "class 5",
    ),
    told("predict of None", lambda: regression().predict(None, verbose=0), "no data"),
    told("predict of a text", lambda: regression().predict("abc", verbose=0), "str"),
    told(
        "predict of objects",
        lambda: regression().predict(np.full((8, 4), None), verbose=0),
        "x has missing entries",
    ),
    told(
        "fit of objects",
        lambda: regression().fit(X, np.full((8, 1), None), verbose=0),
        "y has missing entries",
    ),
    told("labels of infinity", lambda: classifier().fit(X, np.full(8, INF), verbose=0), "class"),
    told("labels of NaN", lambda: classifier().fit(X, np.full(8, NAN), verbose=0), "class"),
]

# -- learning rates and other numbers of optimizers
RATES = {
    "NaN": NAN,
    "infinity": INF,
    "below 0": -0.1,
    "None": None,
    "a text": "0.1",
    "a list": [0.1],
    "True": True,
    "two numbers": np.array([0.1, 0.2]),
    "a complex number": 1j,
}


def assigned(value):
    optimizer = optimizers.SGD(0.1)
    optimizer.learning_rate = value


def scheduled(value):
    return fitted(callbacks=[callbacks.LearningRateScheduler(lambda epoch: value)])


class Schedule(optimizers.schedules.LearningRateSchedule):
    """Gives what it is given."""

    def __init__(self, value):
        self._value = value

    def __call__(self, step):
        return self._value


CASES += [
    told(
        f"a learning rate of {name}, {way}",
        lambda set_=set_, value=value: set_(value),
        "learning_rate must be",
    )
    for way, set_ in {
        "constructor": lambda value: optimizers.Adam(value),
        "assigned": assigned,
        "assigned to the variable": lambda value: optimizers.SGD(0.1).learning_rate.assign(value),
        "from LearningRateScheduler": scheduled,
        "from a schedule": lambda value: fitted(optimizer=optimizers.SGD(Schedule(value))),
        "from a function": lambda value: fitted(optimizer=optimizers.SGD(lambda: value)),
    }.items()
    for name, value in RATES.items()
]
CASES += [
    told(
        "a learning rate that is the class of a schedule",
        lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay),
        "class ExponentialDecay",
    ),
    right(
        "learning rates of NumPy and 0",
        lambda: [
            float(optimizers.SGD(v).learning_rate) for v in (np.float64(0.5), np.array(0.25), 0)
        ],
        [0.5, 0.25, 0.0],
    ),
    told(
        "a schedule that is no function",
        lambda: callbacks.LearningRateScheduler(0.1),
        "must be a function",
    ),
]


def set_weights(value):
    regression().set_weights(value)


GOOD_WEIGHTS = [np.ones((4, 1), "float32"), np.ones(1, "float32")]
CASES += [
    told(f"set_weights of {name}", lambda value=value: set_weights(value), mentions)
    for name, value, mentions in [
        ("None", None, "set_weights.*NoneType"),
        ("a number", 3.0, "set_weights.*float"),
        ("a text", "abc", "set_weights.*str"),
        ("a dict", {"kernel": 1}, "set_weights.*dict"),
        ("objects of None", [np.full((4, 1), None), GOOD_WEIGHTS[1]], "dtype object"),
        ("objects of numbers", [np.full((4, 1), 1.0, object), GOOD_WEIGHTS[1]], "dtype object"),
        ("texts", [np.full((4, 1), "a"), GOOD_WEIGHTS[1]], "dtype <U1"),
        ("complex numbers", [np.full((4, 1), 1j), GOOD_WEIGHTS[1]], "dtype complex"),
        ("dates", [np.full((4, 1), "2020", "M8[D]"), GOOD_WEIGHTS[1]], "dtype datetime"),
        ("None in a list", [None, GOOD_WEIGHTS[1]], "shape"),
        ("too few", GOOD_WEIGHTS[:1], "got 1 arrays"),
        ("too many", GOOD_WEIGHTS * 2, "got 4 arrays"),
        ("none", [], "got 0 arrays"),
        ("a transposed kernel", [np.ones((1, 4)), GOOD_WEIGHTS[1]], r"shape \(1, 4\)"),
    ]
]

# -- callbacks
CASES += [
    told(f"callbacks={name}", lambda value=value: fitted(callbacks=value), mentions)
    for name, value, mentions in [
        ("a text", "early_stopping", "Callback.*str"),
        ("a list of texts", ["early_stopping"], "Callback.*str"),
        ("a function", [print], "Callback"),
        ("a class", [callbacks.EarlyStopping], "class EarlyStopping.*Create an instance"),
        ("a class alone", callbacks.EarlyStopping, "class EarlyStopping.*Create an instance"),
        ("a number", 3, "Callback.*int"),
        ("a list of None", [None], "Callback.*None"),
        ("a dict", {"a": 1}, "Callback.*dict"),
    ]
]
CASES += [
    told(
        f"{name} that watches a name that is misspelt",
        lambda make=make: fitted(callbacks=[make()], validation_data=(X, Y), epochs=2),
        "'val_los' in the logs.*Did you mean 'val_loss'",
    )
    for name, make in {
        "EarlyStopping": lambda: callbacks.EarlyStopping("val_los"),
        "ReduceLROnPlateau": lambda: callbacks.ReduceLROnPlateau("val_los"),
        "ModelCheckpoint": lambda: callbacks.ModelCheckpoint(
            "/nowhere/a.keras", "val_los", save_best_only=True
        ),
    }.items()
]
CASES += [
    told("EarlyStopping of no name", lambda: callbacks.EarlyStopping(None), "monitor must be"),
    right(
        "EarlyStopping of a validation that comes later",
        lambda: len(
            fitted(
                callbacks=[callbacks.EarlyStopping("val_loss", patience=5)],
                validation_data=(X, Y),
                validation_freq=2,
                epochs=4,
            )["loss"]
        ),
        4,
    ),
]


# -- shared layers
def shared(first, second):
    """Two models of one layer, of which the `second` has more; one moves, the other predicts."""
    shared_layer = layers.Dense(3, kernel_initializer="ones", name="shared")
    small = unidl.Sequential([unidl.Input((4,)), shared_layer], name="small")
    large = unidl.Sequential(
        [unidl.Input((4,)), shared_layer, layers.Dense(1, name="head")], name="large"
    )
    models = {"small": small, "large": large}
    target = "torch" if small.backend.name == "numpy" else "numpy"
    models[first].to(target)
    return models[second].predict(X[:1], verbose=0).shape


def on_another_backend():
    shared_layer = layers.Dense(3, name="shared")
    first = unidl.Sequential([unidl.Input((4,)), shared_layer], name="first")
    with unidl.use_backend("torch" if first.backend.name == "numpy" else "numpy"):
        unidl.Sequential([unidl.Input((4,)), shared_layer], name="second")


def numberless(call):
    """`call` with backends' names taken out of its error, which are not the same everywhere."""
    try:
        return call()
    except ValueError as error:
        text = str(error)
        for name in ("numpy", "torch", "tensorflow", "mxnet"):
            text = text.replace(repr(name), "B")
        raise ValueError(text) from None


CASES += [
    told(
        "a layer moves away under another model",
        lambda: numberless(lambda: shared("small", "large")),
        "'shared'.*also part of Sequential 'large'.*'head' stays",
    ),
    right("all layers of a model move with another", lambda: shared("large", "small"), (1, 3)),
    told(
        "a layer in a model on another backend",
        lambda: numberless(on_another_backend),
        "layer 'shared' has its weights on",
    ),
]


def averaged(**arguments):
    """A weight after steps of gradient 1 at rate 1 from 0, which is -1, -2, ...: its average."""

    def minus(t, p):
        return p

    model = unidl.Sequential(
        [unidl.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5), minus)
    ones = np.ones((4, 1), "float32")
    model.fit(ones, ones, batch_size=1, verbose=0, **arguments)
    return float(model.get_weights()[0][0, 0])


CASES += [
    # -1, (-1 - 2) / 2, (-1.5 - 3) / 2, (-2.25 - 4) / 2
    right("the average of the weights is what fit leaves", averaged, -3.125),
    right("no step leaves no average", lambda: averaged(epochs=0), 0.0),
]


NUMBERS = {
    "SGD": ("momentum",),
    "RMSprop": ("rho", "momentum", "epsilon"),
    "Adam": ("beta_1", "beta_2", "epsilon"),
    "AdamW": ("beta_1", "weight_decay"),
    "Nadam": ("beta_2",),
    "Adamax": ("beta_1",),
    "Lamb": ("beta_1",),
    "Adadelta": ("rho",),
    "Adagrad": ("epsilon", "initial_accumulator_value"),
}
CASES += [
    told(
        f"{name}({argument}={value!r})",
        lambda name=name, argument=argument, value=value: getattr(optimizers, name)(
            0.1, **{argument: value}
        ),
        f"{argument} must be",
    )
    for name, arguments in NUMBERS.items()
    for argument in arguments
    for value in (NAN, "0.5", -0.5, INF)
]
CASES += [
    told("Adam(beta_1=1.0)", lambda: optimizers.Adam(beta_1=1.0), "beta_1 must be .* below 1"),
    *(
        told(
            f"SGD({argument}={value!r})",
            lambda argument=argument, value=value: optimizers.SGD(
                0.1, **{"use_ema": True, argument: value}
            ),
            f"{argument} must",
        )
        for argument, values in {
            "clipnorm": ["1", NAN, -1.0],
            "clipvalue": ["1", NAN, -1.0],
            "global_clipnorm": ["1", NAN, -1.0],
            "weight_decay": ["1", NAN, -1.0],
            "ema_momentum": ["1", NAN, -1.0, 1.5],
            "ema_overwrite_frequency": [0, -1, 2.5, "2"],
            "gradient_accumulation_steps": [0, 1, 2.5, "2"],
            "loss_scale_factor": [0, -1.0, NAN, "2"],
        }.items()
        for value in values
    ),
    *(
        told(f"LossScaleOptimizer: {name}", make, mentions)
        for name, make, mentions in [
            ("inner None", lambda: optimizers.LossScaleOptimizer(None), "inner_optimizer must be"),
            ("inner a text", lambda: optimizers.LossScaleOptimizer("sgd"), "inner_optimizer must"),
            (
                "wrapped twice",
                lambda: optimizers.LossScaleOptimizer(
                    optimizers.LossScaleOptimizer(optimizers.SGD())
                ),
                "already",
            ),
            (
                "scale of 0",
                lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), 0),
                "initial_scale must be a positive number",
            ),
            (
                "scale of NaN",
                lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), NAN),
                "initial_scale must",
            ),
            (
                "no growth",
                lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic_growth_steps=0),
                "dynamic_growth_steps must",
            ),
            (
                "a limit of its own",
                lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0),
                "clipnorm.*inner optimizer",
            ),
        ]
    ),
    told(
        "compile(auto_scale_loss='no')",
        lambda: regression().compile("sgd", "mse", auto_scale_loss="no"),
        "auto_scale_loss must be",
    ),
]


def compiled(**arguments):
    model = regression()
    model.compile(**{"optimizer": "sgd", "loss": "mse", **arguments})
    return model.fit(X, Y, verbose=0)


def one_argument(p):
    return p


def two_sizes():
    model = unidl.Sequential([unidl.Input((None, 2)), layers.Dense(1)])
    return model.predict(generator(np.ones((2, 3, 2)), np.ones((2, 4, 2))), verbose=0)


CASES += [
    told(name, call, mentions)
    for name, call, mentions in [
        ("a loss of one argument", lambda: compiled(loss=one_argument), "'one_argument' must take"),
        (
            "a metric of one argument",
            lambda: compiled(metrics=[one_argument]),
            "'one_argument' must take",
        ),
        ("fit without an optimizer", lambda: compiled(optimizer=None), "no optimizer"),
        ("loss_weights of text", lambda: compiled(loss_weights="a"), "loss_weights must be finite"),
        (
            "loss_weights of NaN",
            lambda: compiled(loss_weights=[NAN]),
            "loss_weights must be finite",
        ),
        ("run_eagerly of text", lambda: compiled(run_eagerly="no"), "run_eagerly must be"),
        ("jit_compile of text", lambda: compiled(jit_compile="yes"), "jit_compile must be"),
        ("None among the inputs", lambda: regression().fit([X, None], Y, verbose=0), "1 inputs"),
        (
            "None for all inputs",
            lambda: regression().fit([None, None], Y, verbose=0),
            "contains None",
        ),
        ("None for the target", lambda: regression().fit(X, [None], verbose=0), "no target"),
        ("predictions of two sizes", two_sizes, "batch 1 and .* for batch 2"),
        (
            "patience of text",
            lambda: callbacks.EarlyStopping("loss", patience="3"),
            "patience must be",
        ),
        ("patience below 0", lambda: callbacks.EarlyStopping("loss", patience=-1), "patience must"),
        (
            "min_delta of text",
            lambda: callbacks.EarlyStopping("loss", min_delta="3"),
            "min_delta must be",
        ),
        (
            "baseline of text",
            lambda: callbacks.EarlyStopping("loss", baseline="3"),
            "baseline must be",
        ),
        (
            "factor of text",
            lambda: callbacks.ReduceLROnPlateau("loss", factor="3"),
            "factor must be",
        ),
        (
            "factor below 0",
            lambda: callbacks.ReduceLROnPlateau("loss", factor=-1),
            "factor must be",
        ),
        (
            "min_lr of NaN",
            lambda: callbacks.ReduceLROnPlateau("loss", min_lr=NAN),
            "min_lr must be",
        ),
        (
            "a hook that is a number",
            lambda: callbacks.LambdaCallback(on_epoch_end=3),
            "on_epoch_end must be a function",
        ),
    ]
]
