"""Arguments of a wrong type, sign, size or rank, in constructors and calls."""

from __future__ import annotations

import math

import numpy as np

import unidl
from tests.abuse.case import told
from unidl import layers, ops

X = np.ones((8, 3), "float32")
Y = np.ones((8, 1), "float32")
NAN, INF = math.nan, math.inf


def spoiled(package, name, argument, value, *needed, **also):
    """The case of one wrong argument of a class' constructor: the error names both."""
    cls = getattr(package, name)
    home = package.__name__.rpartition(".")[2]
    return told(
        f"{home}.{name}({argument}={_show(value)})",
        lambda: cls(*needed, **{argument: value}, **also),
        rf"(?=.*(?i:{name}))(?=.*\b{argument}\b)",
    )


def _show(value):
    if isinstance(value, type) or callable(value):
        return value.__name__
    if isinstance(value, np.ndarray):
        return f"array of {value.dtype}"
    return repr(value)


OPTIMIZERS = [
    spoiled(unidl.optimizers, name, argument, value)
    for name, argument, values in [
        ("Adam", "learning_rate", (NAN, INF, None, "0.1", [0.1, 0.2], {})),
        ("Adam", "beta_1", (1.0, -0.1, 2, NAN, None, "0.9")),
        ("Adam", "beta_2", (1.0, "x")),
        ("Adam", "epsilon", (-1.0, NAN, "x")),
        ("Adam", "amsgrad", ("no", None)),
        ("Adam", "weight_decay", (-0.1, NAN, "x")),
        ("Adam", "clipnorm", (-1.0, NAN, "x")),
        ("Adam", "global_clipnorm", (-1.0, "x")),
        ("Adam", "clipvalue", (-1.0, [1.0])),
        ("Adam", "use_ema", ("yes", None)),
        ("Adam", "ema_momentum", (NAN, "x", None)),
        ("Adam", "ema_overwrite_frequency", (0, -1, 1.5, "x")),
        ("Adam", "gradient_accumulation_steps", (0, 1, -2, 1.5, "x")),
        ("Adam", "loss_scale_factor", (0, -1.0, NAN, "x")),
        ("Adam", "name", (3, ["x"])),
        ("SGD", "momentum", (-0.1, 1.5, NAN, None, "x")),
        ("SGD", "nesterov", ("no",)),
        ("RMSprop", "rho", (-0.1, 1.5, None)),
        ("RMSprop", "momentum", (-0.1, "x")),
        ("RMSprop", "epsilon", (-0.1, None)),
        ("Adagrad", "initial_accumulator_value", (-0.1, "x")),
        ("Adadelta", "rho", (1.5, None)),
        ("Adamax", "beta_1", (1.0, None)),
        ("Nadam", "beta_2", (1.0, "x")),
        ("Lamb", "beta_1", (1.0, None)),
        ("Lion", "beta_1", (1.5, NAN, None)),
        ("Adafactor", "clip_threshold", (0, -1, None)),
        ("Ftrl", "learning_rate_power", (0.5, NAN, None)),
        ("Ftrl", "l1_regularization_strength", (-1.0, None)),
        ("Muon", "ns_steps", (0, 1.5, None)),
        ("AdamW", "weight_decay", (None, -1.0)),
    ]
    for value in values
]  # fmt: skip

SCHEDULES = [
    spoiled(unidl.optimizers.schedules, name, argument, value, **also)
    for name, argument, values, also in [
        ("ExponentialDecay", "initial_learning_rate", ("x", NAN, None),
         {"decay_steps": 3, "decay_rate": 0.5}),
        ("ExponentialDecay", "decay_steps", (0, -1, "x", NAN),
         {"initial_learning_rate": 0.1, "decay_rate": 0.5}),
        ("ExponentialDecay", "decay_rate", ("x", NAN, None),
         {"initial_learning_rate": 0.1, "decay_steps": 3}),
        ("InverseTimeDecay", "decay_steps", (0, None),
         {"initial_learning_rate": 0.1, "decay_rate": 0.5}),
        ("PolynomialDecay", "power", ("x", NAN), {"initial_learning_rate": 0.1, "decay_steps": 3}),
        ("CosineDecay", "alpha", ("x", None), {"initial_learning_rate": 0.1, "decay_steps": 3}),
        ("CosineDecay", "warmup_steps", (-1, "x"),
         {"initial_learning_rate": 0.1, "decay_steps": 3}),
        ("CosineDecayRestarts", "t_mul", (0, -1.0, None),
         {"initial_learning_rate": 0.1, "first_decay_steps": 3}),
        ("PiecewiseConstantDecay", "boundaries", (3, None, ["x"]), {"values": [0.1, 0.2]}),
        ("PiecewiseConstantDecay", "values", (3, None, [NAN, 0.1]), {"boundaries": [3]}),
    ]
    for value in values
] + [
    told("PiecewiseConstantDecay: boundaries that fall",
         lambda: unidl.optimizers.schedules.PiecewiseConstantDecay([5, 3], [0.1, 0.2, 0.3]),
         r"PiecewiseConstantDecay.*boundaries.*(rise|increas|order)"),
]  # fmt: skip

LOSSES = [
    spoiled(unidl.losses, name, argument, value)
    for name, argument, values in [
        ("MeanSquaredError", "reduction", (3, True, "avg", [])),
        ("MeanSquaredError", "dtype", ("x", 3, "string")),
        ("MeanSquaredError", "name", (3,)),
        ("Huber", "delta", (0, -1.0, NAN, "x", None)),
        ("CosineSimilarity", "axis", ("x", 1.5, None)),
        ("BinaryCrossentropy", "label_smoothing", (-0.1, 1.5, NAN, "x", None)),
        ("BinaryCrossentropy", "from_logits", ("no", None)),
        ("CategoricalCrossentropy", "axis", ("x", 1.5)),
        ("CategoricalCrossentropy", "label_smoothing", (2.0,)),
        ("SparseCategoricalCrossentropy", "ignore_class", ("x", 1.5)),
        ("BinaryFocalCrossentropy", "gamma", (-1.0, "x", None)),
        ("BinaryFocalCrossentropy", "alpha", ("x", NAN)),
        ("CategoricalFocalCrossentropy", "gamma", (-1.0, "x")),
        ("CategoricalGeneralizedCrossEntropy", "q", (0, 1, "x", None)),
        ("Tversky", "alpha", (-1.0, "x", None)),
        ("Dice", "axis", ("x", 1.5)),
        ("Circle", "gamma", ("x", NAN)),
        ("LossFunctionWrapper", "fn", (3, None, "mse")),
    ]
    for value in values
]  # fmt: skip

METRICS = [
    spoiled(unidl.metrics, name, argument, value, **also)
    for name, argument, values, also in [
        ("AUC", "num_thresholds", (0, 1, -3, 1.5, "x", None), {}),
        ("AUC", "thresholds", (["x"], 3, [NAN]), {}),
        ("AUC", "curve", (None, 3), {}),
        ("AUC", "summation_method", ("x",), {}),
        ("Precision", "thresholds", (2.0, -0.1, "x", [0.5, 2.0], NAN), {}),
        ("Precision", "top_k", (0, -1, 1.5, "x"), {}),
        ("Precision", "class_id", (-1, 1.5, "x"), {}),
        ("Recall", "thresholds", (2.0, "x"), {}),
        ("TruePositives", "thresholds", (2.0, "x"), {}),
        ("BinaryAccuracy", "threshold", ("x", None, NAN), {}),
        ("TopKCategoricalAccuracy", "k", (0, -1, 1.5, "x", None), {}),
        ("SparseTopKCategoricalAccuracy", "k", (0, "x"), {}),
        ("F1Score", "average", ("x", 3), {}),
        ("F1Score", "threshold", (-1.0, "x", NAN), {}),
        ("FBetaScore", "beta", (0, -1.0, "x", None), {}),
        ("IoU", "num_classes", (0, -1, 1.5, "x", None), {"target_class_ids": [0]}),
        ("IoU", "target_class_ids", ([5], [-1], "x", 3, None), {"num_classes": 2}),
        ("MeanIoU", "num_classes", (0, -1, "x", None), {}),
        ("BinaryIoU", "threshold", ("x", NAN, None), {}),
        ("R2Score", "class_aggregation", ("x", 3), {}),
        ("R2Score", "num_regressors", (-1, 1.5, "x"), {}),
        ("SensitivityAtSpecificity", "specificity", (2.0, -0.1, "x", None), {}),
        ("SensitivityAtSpecificity", "num_thresholds", (0, -1, "x"), {"specificity": 0.5}),
        ("PrecisionAtRecall", "recall", (2.0, "x", None), {}),
        ("MeanSquaredError", "dtype", ("x", 3), {}),
        ("Mean", "name", (3,), {}),
        ("MeanMetricWrapper", "fn", (3, None), {}),
        ("CosineSimilarity", "axis", ("x", 1.5), {}),
    ]
    for value in values
]  # fmt: skip

SMALL = [
    spoiled(package, name, argument, value, **also)
    for package, name, argument, values, also in [
        (unidl.initializers, "RandomNormal", "stddev", (-1.0, NAN, "x", None), {}),
        (unidl.initializers, "RandomNormal", "mean", (NAN, "x", None), {}),
        (unidl.initializers, "RandomNormal", "seed", ("x", 1.5), {}),
        (unidl.initializers, "TruncatedNormal", "stddev", (-1.0, "x"), {}),
        (unidl.initializers, "RandomUniform", "minval", ("x", NAN, None), {}),
        (unidl.initializers, "RandomUniform", "minval", (3.0,), {"maxval": 1.0}),
        (unidl.initializers, "Constant", "value", ("x", None, [None]), {}),
        (unidl.initializers, "Identity", "gain", ("x", None, NAN), {}),
        (unidl.initializers, "Orthogonal", "gain", ("x", None), {}),
        (unidl.initializers, "VarianceScaling", "scale", (0, -1.0, NAN, "x", None), {}),
        (unidl.initializers, "VarianceScaling", "mode", ("x", None, 3), {}),
        (unidl.initializers, "VarianceScaling", "distribution", ("x", None, 3), {}),
        (unidl.regularizers, "L1", "l1", (-1.0, NAN, INF, "x", [0.1]), {}),
        (unidl.regularizers, "L2", "l2", (-1.0, True, "x"), {}),
        (unidl.regularizers, "L1L2", "l2", (-1.0, "x"), {}),
        (unidl.regularizers, "OrthogonalRegularizer", "mode", ("x", None), {}),
        (unidl.regularizers, "OrthogonalRegularizer", "factor", (-1.0, "x"), {}),
        (unidl.constraints, "MaxNorm", "max_value", (-1.0, NAN, "x", None), {}),
        (unidl.constraints, "MaxNorm", "axis", ("x", 1.5, None), {}),
        (unidl.constraints, "UnitNorm", "axis", ("x", 1.5), {}),
        (unidl.constraints, "MinMaxNorm", "rate", (-0.1, 1.5, "x"), {}),
        (unidl.constraints, "MinMaxNorm", "min_value", (2.0,), {"max_value": 1.0}),
        (unidl.callbacks, "EarlyStopping", "patience", (-1, 1.5, "x", None), {}),
        (unidl.callbacks, "EarlyStopping", "monitor", (3, None, ["loss"]), {}),
        (unidl.callbacks, "EarlyStopping", "min_delta", ("x", NAN, None), {}),
        (unidl.callbacks, "EarlyStopping", "mode", (3, None), {}),
        (unidl.callbacks, "EarlyStopping", "baseline", ("x", NAN), {}),
        (unidl.callbacks, "EarlyStopping", "start_from_epoch", (-1, "x"), {}),
        (unidl.callbacks, "EarlyStopping", "restore_best_weights", ("no", None), {}),
        (unidl.callbacks, "ModelCheckpoint", "filepath", (3, None, ""), {}),
        (unidl.callbacks, "ModelCheckpoint", "save_freq", (0, -1, 1.5, None),
         {"filepath": "a.keras"}),
        (unidl.callbacks, "ModelCheckpoint", "monitor", (3, None), {"filepath": "a.keras"}),
        (unidl.callbacks, "LearningRateScheduler", "schedule", (0.1, None, "x"), {}),
        (unidl.callbacks, "ReduceLROnPlateau", "factor", (1.0, 2, 0, -0.1, NAN, "x", None), {}),
        (unidl.callbacks, "ReduceLROnPlateau", "patience", (-1, "x", None), {}),
        (unidl.callbacks, "ReduceLROnPlateau", "min_lr", (-1.0, "x", None), {}),
        (unidl.callbacks, "ReduceLROnPlateau", "cooldown", (-1, 1.5), {}),
        (unidl.callbacks, "CSVLogger", "filename", (3, None, ""), {}),
        (unidl.callbacks, "CSVLogger", "separator", (3, None, "", "ab"), {"filename": "x.csv"}),
        (unidl.callbacks, "LambdaCallback", "on_epoch_end", (3, "x"), {}),
        (unidl.random, "SeedGenerator", "seed", ("x", 1.5, [1]), {}),
        (unidl, "DTypePolicy", "name", (3, "", "mixed_int8"), {}),
        (layers, "Dense", "units", (0, -1, 1.5, "3", None, True, [3]), {}),
        (layers, "Dense", "name", (3, "a/b", ["x"]), {}),
        (layers, "Dense", "dtype", (3, "int33", []), {}),
        (layers, "Dense", "trainable", ("no", None), {"units": 2}),
        (layers, "Dense", "use_bias", ("no",), {"units": 2}),
        (layers, "Dense", "kernel_initializer", (3, [], object), {"units": 2}),
        (layers, "Dense", "kernel_regularizer", (3, 0.01), {"units": 2}),
        (layers, "Dense", "bias_constraint", (3,), {"units": 2}),
        (layers, "Dense", "activity_regularizer", (0.01,), {"units": 2}),
        (layers, "Dropout", "rate", (-0.1, 1.5, NAN, "x", None), {}),
        (layers, "Dropout", "seed", ("x", 1.5), {"rate": 0.5}),
        (layers, "LSTM", "units", (0, "x", None), {}),
        (layers, "LSTM", "dropout", (-0.1, 2, "x"), {"units": 2}),
        (layers, "Embedding", "input_dim", (0, -1, "x", None), {"output_dim": 2}),
        (layers, "Conv2D", "kernel_size", (0, -1, (1, 2, 3), "x", None, 1.5), {"filters": 2}),
        (layers, "Conv2D", "strides", (0, "x", None), {"filters": 2, "kernel_size": 2}),
        (layers, "Conv2D", "groups", (0, "x", 3), {"filters": 2, "kernel_size": 2}),
        (layers, "BatchNormalization", "momentum", ("x", None, NAN), {}),
        (layers, "BatchNormalization", "epsilon", (-1.0, "x", None), {}),
        (layers, "LayerNormalization", "epsilon", (-1.0, "x"), {}),
        (layers, "LayerNormalization", "axis", ("x", 1.5), {}),
        (layers, "MultiHeadAttention", "num_heads", (0, "x", None), {"key_dim": 2}),
        (layers, "MultiHeadAttention", "dropout", (2.0, "x"), {"num_heads": 2, "key_dim": 2}),
        (layers, "Reshape", "target_shape", ("x", (-2,), (1.5,), (-1, -1), None), {}),
        (layers, "Permute", "dims", ("x", (0, 1), (1, 1), None), {}),
        (layers, "RepeatVector", "n", (0, "x", 1.5), {}),
        (layers, "Concatenate", "axis", ("x", 1.5), {}),
        (layers, "LeakyReLU", "negative_slope", (-1.0, "x", None), {}),
        (layers, "GaussianNoise", "stddev", (-1.0, "x", None), {}),
        (layers, "Masking", "mask_value", ("x", None), {}),
        (layers, "Lambda", "function", (3, None, "x"), {}),
        (layers, "TimeDistributed", "layer", (3, None, ops.tanh), {}),
        (layers, "Bidirectional", "layer", (3, None), {}),
        (layers, "RNN", "cell", (3, None), {}),
    ]
    for value in values
]  # fmt: skip
ALL = OPTIMIZERS + SCHEDULES + LOSSES + METRICS + SMALL

# -- configs ---------------------------------------------------------------------------------------

CONFIGS = [
    told(f"{cls.__name__}.from_config({_show(config)})",
         lambda cls=cls, config=config: cls.from_config(config),
         rf"{cls.__name__}.*(from_config|unknown argument)")
    for cls in (
        layers.Dense, unidl.Sequential, unidl.Model, unidl.optimizers.Adam,
        unidl.losses.MeanSquaredError, unidl.metrics.AUC, unidl.initializers.RandomNormal,
        unidl.regularizers.L2, unidl.constraints.MaxNorm, unidl.random.SeedGenerator,
        unidl.optimizers.schedules.ExponentialDecay, unidl.DTypePolicy,
    )
    for config in (None, "x", 3, [1], {3: 1}, {"oops": 1})
    if not (cls in (unidl.Sequential,) and config == {"oops": 1})
]  # fmt: skip

# -- calls -----------------------------------------------------------------------------------------


def cycle_of_two():
    a, b = layers.Layer(), layers.Layer()
    a.child = b
    b.child = a
    return a.weights


def own_child():
    layer = layers.Dense(2)
    layer.child = layer
    return layer.weights


def in_a_list():
    layer = layers.Dense(2)
    layer.parts = [layers.Dense(2), layer]
    return layer.weights


def own_model():
    model = unidl.Sequential([layers.Dense(2)])
    model.add(model)
    return model.weights


def three_around():
    a, b, c = (layers.Layer(name=n) for n in "abc")
    a.child, b.child, c.child = b, {"x": c}, [a]
    return a.trainable_weights


def same_names():
    return unidl.Sequential(
        [unidl.Input((3,)), layers.Dense(2, name="a"), layers.Dense(2, name="a")]
    )


def same_names_functional():
    x = unidl.Input((3,))
    return unidl.Model(x, layers.Dense(2, name="a")(layers.Dense(2, name="a")(x)))


def same_inputs():
    a, b = unidl.Input((3,), name="a"), unidl.Input((3,), name="a")
    return unidl.Model([a, b], layers.Add()([a, b]))


def with_attribute(name, value):
    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            setattr(self, name, value)

        def call(self, x):
            return x

    return Own()(X)


CALLS = [
    told(f"Dense(3)({_show(given)})", lambda given=given: layers.Dense(3)(given),
         r"Dense 'dense'.*input")
    for given in ("abc", None, [], {}, object, 3, 3.5, True, ["a", "b"], [[1, 2], [3]], b"x",
                  np.array(["a"]), np.array([None, 1]), {"a": None}, lambda x: x)
] + [
    told("Dense(3)()", lambda: layers.Dense(3)(), r"Dense.*input"),
    told("Dense(3)(x, y)", lambda: layers.Dense(3)(X, Y), r"Dense.*call"),
    told("Dense(3)(x, oops=)", lambda: layers.Dense(3)(X, oops=1), r"Dense.*'oops'"),
    told("Dense(3)(x, trainin=)", lambda: layers.Dropout(0.5)(X, trainin=True),
         r"Dropout.*'trainin'.*'training'"),
    told("Add()(x)", lambda: layers.Add()(X), r"Add.*list"),
    told("Add()([x])", lambda: layers.Add()([X]), r"Add.*(two|2|list)"),
    told("Concatenate()([])", lambda: layers.Concatenate()([]), r"Concatenate"),
    told("model of a text", lambda: same()("x"), r"Sequential 'sequential'.*input"),
    told("Sequential(3)", lambda: unidl.Sequential(3), r"Sequential.*list"),
    told('Sequential("abc")', lambda: unidl.Sequential("abc"), r"Sequential.*list"),
    told("Sequential([3])", lambda: unidl.Sequential([3]), r"Sequential.*3"),
    told("Sequential([None])", lambda: unidl.Sequential([None]), r"Sequential.*None"),
    told("Sequential([tanh])", lambda: unidl.Sequential([ops.tanh]), r"Sequential.*(Lambda|Acti)"),
    told("Sequential.add(None)", lambda: unidl.Sequential().add(None), r"Sequential.*None"),
    told("Sequential().pop()", lambda: unidl.Sequential().pop(), r"Sequential.*without layers"),
    told("Model(3, 4)", lambda: unidl.Model(3, 4), r"Functional.*3 and 4.*Input"),
    told("Model(x, 4)", lambda: unidl.Model(unidl.Input((3,)), 4), r"(Model|Functional).*4"),
    told("Model(None, y)", lambda: unidl.Model(None, unidl.Input((3,))), r"inputs"),
    told("Model(x)", lambda: unidl.Model(unidl.Input((3,))), r"outputs"),
    told("Model of arrays", lambda: unidl.Model(X, Y), r"Input"),
    told("Input()", lambda: unidl.Input(), r"Input.*shape"),
    *[told(f"Input(shape={shape!r})", lambda shape=shape: unidl.Input(shape), r"Input.*shape")
      for shape in ("abc", (1.5,), (-1,), ("x",), 3.5, {}, [[3]])],
    told("Input(dtype=)", lambda: unidl.Input((3,), dtype="x"), r"Input.*dtype"),
    told("Input(batch_size=)", lambda: unidl.Input((3,), batch_size="x"), r"Input.*batch_size"),
    told("Input(name=3)", lambda: unidl.Input((3,), name=3), r"Input.*name"),
    told("get_layer()", lambda: same().get_layer(), r"Sequential.*(name|index)"),
    told("get_layer(index=9)", lambda: same().get_layer(index=9), r"Sequential.*9"),
    told("get_layer(index=x)", lambda: same().get_layer(index="x"), r"Sequential.*index.*'x'"),
    told("get_layer(3)", lambda: same().get_layer(3), r"Sequential.*(name.*3|index=3)"),
    told("layer.child = layer", own_child, r"Dense 'dense'.*itself"),
    told("layer.parts = [..., layer]", in_a_list, r"Dense.*itself"),
    told("model.add(model)", own_model, r"Sequential 'sequential'.*itself"),
    told(
        "two layers that hold each other",
        cycle_of_two,
        r"Layer 'layer.*contains it",
    ),
    told("three layers in a ring", three_around, r"Layer '[abc]'.*itself"),
    told("two layers of one name", same_names, r"'a'"),
    told("two layers of one name, functional", same_names_functional, r"'a'"),
    told("two inputs of one name", same_inputs, r"'a'"),
    *[told(f"a layer's own attribute {name!r}",
           lambda name=name, value=value: with_attribute(name, value),
           rf"Own.*'{name}'", kind=(ValueError, TypeError, AttributeError))
      for name, value in [("weights", []), ("trainable_weights", []), ("losses", []),
                          ("variables", {}), ("dtype", "float32"), ("compute_dtype", "x"),
                          ("input", 3), ("output", 3), ("trainable_variables", []),
                          ("non_trainable_weights", []), ("variable_dtype", "float32")]],
    told("layer.trainable = text", lambda: setattr(layers.Dense(2), "trainable", "no"),
         r"Dense.*trainable.*'no'"),
    told("add_weight of a text", lambda: layers.Layer().add_weight("abc"), r"Layer.*shape"),
    told("add_weight(shape=(-1,))", lambda: layers.Layer().add_weight((-1,)), r"Layer.*shape"),
    told("add_weight(shape=(1.5,))", lambda: layers.Layer().add_weight((1.5,)), r"Layer.*shape"),
    told("add_weight(dtype=)", lambda: layers.Layer().add_weight((1,), dtype="x"), r"dtype.*'x'"),
    told("set_weights(None)", lambda: same().set_weights(None), r"set_weights"),
    told("set_weights(3)", lambda: same().set_weights(3), r"set_weights"),
    told("to(None)", lambda: same().to(None), r"to\(|backend"),
    told("optimizer.build(None)", lambda: unidl.optimizers.Adam().build(None),
         r"adam.*build.*None"),
    told("optimizer.apply(3)", lambda: unidl.optimizers.Adam().apply(3), r"adam.*apply"),
    told("initializer of a text", lambda: unidl.initializers.Zeros()("abc"), r"Zeros.*shape"),
    told("initializer of a negative size", lambda: unidl.initializers.Ones()((-1,)),
         r"Ones.*shape"),
    told("initializer of None", lambda: unidl.initializers.RandomNormal()(None),
         r"RandomNormal.*shape"),
    told("initializer of an unknown dtype", lambda: unidl.initializers.Zeros()((2,), dtype="x"),
         r"dtype.*'x'"),
    told("ops.sum(axes=)", lambda: ops.sum(X, axes=0), r"sum.*'axes'.*'axis'"),
    told("ops.sum(dim=)", lambda: ops.sum(X, dim=0), r"sum.*'dim'.*'axis'"),
    told("ops.sum(keepdim=)", lambda: ops.sum(X, keepdim=True), r"sum.*'keepdims'"),
    told("ops.softmax(dim=), symbolic", lambda: ops.softmax(unidl.Input((3,)), dim=0),
         r"softmax.*'dim'.*'axis'"),
]  # fmt: skip


def same():
    return unidl.Sequential([unidl.Input((3,)), layers.Dense(2)])


CASES = ALL + CONFIGS + CALLS
