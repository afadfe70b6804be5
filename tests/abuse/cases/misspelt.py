"""Names that are slightly wrong: of arguments, of modules' members, of objects by name."""

from __future__ import annotations

import os
from unittest import mock

import numpy as np

import unidl
from tests.abuse.case import told
from unidl import layers, ops

X = np.ones((8, 3), "float32")
Y = np.ones((8, 1), "float32")


def model():
    made = unidl.Sequential([unidl.Input((3,)), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def meant(*names):
    """A pattern: the error suggests one of these names."""
    return rf"[Dd]id you mean.*'({'|'.join(names)})'"


# -- keyword arguments -----------------------------------------------------------------------------

METHODS = [
    told(f"{method}({', '.join(wrong)}=)",
         lambda method=method, given=given, wrong=wrong: getattr(model(), method)(*given, **wrong),
         meant(name))
    for method, given, wrong, name in [
        ("fit", (X, Y), {"batchsize": 3}, "batch_size"),
        ("fit", (X, Y), {"epoch": 3}, "epochs"),
        ("fit", (X, Y), {"nb_epoch": 3}, "epochs"),
        ("fit", (X, Y), {"validation_set": (X, Y)}, "validation_data"),
        ("fit", (X, Y), {"callback": []}, "callbacks"),
        ("fit", (X, Y), {"verbosity": 0}, "verbose"),
        ("fit", (X, Y), {"shufle": 0}, "shuffle"),
        ("evaluate", (X, Y), {"batchSize": 3}, "batch_size"),
        ("predict", (X,), {"step": 3}, "steps"),
        ("train_on_batch", (X, Y), {"sample_weights": None}, "sample_weight"),
        ("test_on_batch", (X, Y), {"sampleweight": None}, "sample_weight"),
        ("compile", ("sgd",), {"metric": ["mae"]}, "metrics"),
        ("compile", ("sgd",), {"losses": "mse"}, "loss"),
        ("compile", (), {"optimiser": "sgd"}, "optimizer"),
        ("compile", ("sgd",), {"run_eager": True}, "run_eagerly"),
        ("summary", (), {"linelength": 80}, "line_length"),
        ("get_layer", (), {"nam": "x"}, "name"),
        ("save_weights", ("x.weights.h5",), {"overwrit": True}, "overwrite"),
        ("build", (), {"input_shapes": (None, 3)}, "input_shape"),
        ("add", (), {"layers": None}, "layer"),
    ]
]  # fmt: skip

CONSTRUCTORS = [
    told(f"{path}({', '.join(wrong)}=)",
         lambda path=path, given=given, wrong=wrong: _at(path)(*given, **wrong),
         rf"(?=.*\b{path.rpartition('.')[2]}\b).*{meant(name)}")
    for path, given, wrong, name in [
        ("layers.Dense", (3,), {"activaton": "relu"}, "activation"),
        ("layers.Dense", (3,), {"bias": False}, "use_bias"),
        ("layers.Dense", (), {"out_features": 3}, "units"),
        ("layers.Dense", (3,), {"kernel_initialiser": "zeros"}, "kernel_initializer"),
        ("layers.Dense", (3,), {"input_dims": 4}, "input_dim"),
        ("layers.Conv2D", (3, 3), {"stride": 2}, "strides"),
        ("layers.Conv2D", (3,), {"kernelsize": 2}, "kernel_size"),
        ("layers.Conv2D", (3, 3), {"dilation": 2}, "dilation_rate"),
        ("layers.Dropout", (), {"p": 0.5}, "rate"),
        ("layers.Embedding", (3,), {"embedding_dim": 2}, "output_dim"),
        ("layers.BatchNormalization", (), {"eps": 1e-5}, "epsilon"),
        ("layers.LSTM", (3,), {"return_sequence": True}, "return_sequences"),
        ("layers.LayerNormalization", (), {"epsilonn": 1e-5}, "epsilon"),
        ("layers.MultiHeadAttention", (2,), {"keydim": 2}, "key_dim"),
        ("layers.Lambda", (), {"fn": ops.tanh}, "function"),
        ("optimizers.Adam", (), {"lr": 0.1}, "learning_rate"),
        ("optimizers.Adam", (), {"beta1": 0.1}, "beta_1"),
        ("optimizers.Adam", (), {"betas": (0.9, 0.99)}, "beta_1"),
        ("optimizers.Adam", (), {"eps": 1e-8}, "epsilon"),
        ("optimizers.Adam", (), {"decay": 1e-8}, "weight_decay"),
        ("optimizers.SGD", (), {"momentun": 0.1}, "momentum"),
        ("optimizers.SGD", (), {"lr": 0.1}, "learning_rate"),
        ("optimizers.RMSprop", (), {"lr": 0.1}, "learning_rate"),
        ("optimizers.AdamW", (), {"weightdecay": 0.1}, "weight_decay"),
        ("optimizers.Lion", (), {"lr": 0.1}, "learning_rate"),
        ("losses.MeanSquaredError", (), {"reducton": "sum"}, "reduction"),
        ("losses.BinaryCrossentropy", (), {"from_logit": True}, "from_logits"),
        ("losses.SparseCategoricalCrossentropy", (), {"ignore_index": 1}, "ignore_class"),
        ("losses.Huber", (), {"deltas": 1.0}, "delta"),
        ("metrics.AUC", (), {"num_threshold": 3}, "num_thresholds"),
        ("metrics.Precision", (), {"treshold": 3}, "thresholds"),
        ("metrics.TopKCategoricalAccuracy", (), {"kk": 3}, "k"),
        ("metrics.MeanSquaredError", (), {"names": "x"}, "name"),
        ("initializers.RandomNormal", (), {"std": 0.1}, "stddev"),
        ("initializers.Constant", (), {"val": 0.1}, "value"),
        ("initializers.GlorotUniform", (), {"sed": 1}, "seed"),
        ("regularizers.L1L2", (), {"l1_": 0.1}, "l1"),
        ("constraints.MaxNorm", (), {"maxvalue": 0.1}, "max_value"),
        ("callbacks.EarlyStopping", (), {"patients": 3}, "patience"),
        ("callbacks.EarlyStopping", (), {"moniter": "loss"}, "monitor"),
        ("callbacks.ModelCheckpoint", (), {"file_path": "x.weights.h5"}, "filepath"),
        ("callbacks.ReduceLROnPlateau", (), {"min_learning_rate": 0.1}, "min_lr"),
        ("callbacks.CSVLogger", (), {"file_name": "x"}, "filename"),
        ("optimizers.schedules.ExponentialDecay", (0.1, 10, 0.5), {"stair_case": 1}, "staircase"),
        ("optimizers.schedules.CosineDecay", (0.1,), {"decaysteps": 10}, "decay_steps"),
        ("random.SeedGenerator", (), {"sed": 3}, "seed"),
        ("DTypePolicy", (), {"nam": "float32"}, "name"),
        ("Input", (), {"shap": (3,)}, "shape"),
        ("Input", ((3,),), {"batchsize": 3}, "batch_size"),
        ("Sequential", (), {"layer": []}, "layers"),
    ]
]  # fmt: skip

# -- names of modules ------------------------------------------------------------------------------


def _at(path):
    value = unidl
    for name in path.split("."):
        value = getattr(value, name)
    return value


MEMBERS = [
    told(f"unidl.{path}", lambda path=path: _at(path), meant(name), kind=AttributeError)
    for path, name in [
        ("layers.Densee", "Dense"),
        ("layers.dense", "Dense"),
        ("layers.Conv2d", "Conv2D"),
        ("layers.MaxPool2d", "MaxPool2D"),
        ("layers.Linear", "Dense"),
        ("layers.Lstm", "LSTM"),
        ("layers.BatchNorm", "BatchNormalization"),
        ("layers.BatchNorm2d", "BatchNormalization"),
        ("layers.ReLu", "ReLU"),
        ("optimizers.RMSProp", "RMSprop"),
        ("losses.MSELoss", "MeanSquaredError"),
        ("losses.CrossEntropyLoss", "CategoricalCrossentropy|SparseCategoricalCrossentropy"),
        ("losses.mean_square_error", "mean_squared_error"),
        ("metrics.Acuracy", "Accuracy"),
        ("metrics.F1", "F1Score"),
        ("ops.softMax", "softmax"),
        ("ops.concat", "concatenate"),
        ("ops.reduce_sum", "sum"),
        ("ops.reduce_mean", "mean"),
        ("ops.to_tensor", "convert_to_tensor"),
        ("ops.mat_mul", "matmul"),
        ("oops", "ops"),
        ("layer", "layers"),
        ("optim", "optimizers"),
        ("Sequental", "Sequential"),
        ("activations.Relu", "relu"),
        ("callbacks.EarlyStoping", "EarlyStopping"),
        ("initializers.Xavier", "GlorotUniform|GlorotNormal"),
        ("regularizers.l_2", "l2|L2"),
        ("constraints.NonNegative", "NonNeg"),
        ("random.normall", "normal"),
        ("utils.to_categoricall", "to_categorical"),
        ("config.set_float", "set_floatx"),
        ("models.Modell", "Model"),
        ("datasets.minst", "mnist"),
        ("tree.map_struct", "map_structure"),
        ("saving.register_serializable", "register_keras_serializable"),
        ("dtype_policies.DTypePolicyy", "DTypePolicy"),
        ("optimizers.schedules.CosineDecayy", "CosineDecay"),
    ]
]  # fmt: skip

# -- objects by name -------------------------------------------------------------------------------


def compiled(**given):
    made = unidl.Sequential([unidl.Input((3,)), layers.Dense(1)])
    made.compile(**({"optimizer": "sgd", "loss": "mse"} | given))
    return made.fit(X, Y, verbose=0)


STRINGS = [
    told(f"by name: {what}", call, meant(name))
    for what, call, name in [
        ("optimizer adamm", lambda: compiled(optimizer="adamm"), "adam"),
        ("optimizer SDG", lambda: compiled(optimizer="SDG"), "SGD|sgd"),
        ("loss mse_", lambda: compiled(loss="mse_"), "mse"),
        ("loss mean_square_error", lambda: compiled(loss="mean_square_error"),
         "mean_squared_error"),
        ("loss cross_entropy", lambda: compiled(loss="cross_entropy"),
         "crossentropy|binary_crossentropy|categorical_crossentropy"),
        ("metric acc_", lambda: compiled(metrics=["acc_"]), "acc"),
        ("metric acuracy", lambda: compiled(metrics=["acuracy"]), "accuracy"),
        ("weighted metric maee", lambda: compiled(weighted_metrics=["maee"]), "mae"),
        ("activation rellu", lambda: layers.Dense(3, activation="rellu"), "relu"),
        ("activation ReLu", lambda: layers.Activation("soft_max"), "softmax"),
        ("initializer", lambda: layers.Dense(3, kernel_initializer="glorot"),
         "glorot_uniform|glorot_normal"),
        ("initializer, in two words", lambda: layers.Dense(3, bias_initializer="zero_s"),
         "zeros"),
        ("regularizer", lambda: layers.Dense(3, kernel_regularizer="L_2"), "l2|L2"),
        ("constraint", lambda: layers.Dense(3, kernel_constraint="maxnorm"), "max_norm|MaxNorm"),
        ("padding", lambda: layers.Conv2D(3, 3, padding="smae"), "same"),
        ("padding, capitals", lambda: layers.Conv2D(3, 3, padding="Valid "), "valid"),
        ("padding of pooling", lambda: layers.MaxPooling2D(padding="sames"), "same"),
        ("data_format", lambda: layers.Conv2D(3, 3, data_format="channel_last"), "channels_last"),
        ("data_format of config", lambda: unidl.config.set_image_data_format("channel_first"),
         "channels_first"),
        ("interpolation", lambda: layers.UpSampling2D(interpolation="bilinar"), "bilinear"),
        ("reduction", lambda: unidl.losses.MeanSquaredError(reduction="Sum"), "sum"),
        ("reduction, long", lambda: unidl.losses.Huber(reduction="sum_over_batch"),
         "sum_over_batch_size"),
        ("mode of a callback", lambda: unidl.callbacks.EarlyStopping(mode="maxx"), "max"),
        ("save_freq", lambda: unidl.callbacks.ModelCheckpoint("a.keras", save_freq="epochs"),
         "epoch"),
        ("merge mode", lambda: layers.Bidirectional(layers.LSTM(2), merge_mode="concatt"),
         "concat"),
        ("dtype of a layer", lambda: layers.Dense(3, dtype="flaot32"), "float32"),
        ("dtype of a cast", lambda: ops.cast(X, "float_32"), "float32"),
        ("dtype of zeros", lambda: ops.zeros(3, dtype="float31"), "float32"),
        ("policy", lambda: unidl.config.set_dtype_policy("mixed_flaot16"), "mixed_float16"),
        ("policy object", lambda: unidl.DTypePolicy("mixedfloat16"), "mixed_float16"),
        ("floatx", lambda: unidl.config.set_floatx("float23"), "float32"),
        ("verbose", lambda: model().fit(X, Y, verbose="autoo"), "auto"),
        ("layer by name", lambda: model().get_layer("dens"), "dense"),
        ("curve of AUC", lambda: unidl.metrics.AUC(curve="ROCC"), "ROC"),
        ("mode of VarianceScaling",
         lambda: unidl.initializers.VarianceScaling(mode="fanin"), "fan_in"),
        ("distribution of VarianceScaling",
         lambda: unidl.initializers.VarianceScaling(distribution="truncatednormal"),
         "truncated_normal"),
        ("a hook of LambdaCallback",
         lambda: unidl.callbacks.LambdaCallback(on_epochs_end=print), "on_epoch_end"),
        ("optimizers.get", lambda: unidl.optimizers.get("nadamm"), "nadam"),
        ("losses.get",
         lambda: unidl.losses.get("huberr"), "huber"),
        ("class in a config",
         lambda: unidl.losses.deserialize({"class_name": "MeanSquaredErorr", "config": {}}),
         "MeanSquaredError"),
        ("layer class in a config",
         lambda: unidl.layers.deserialize({"class_name": "Densee", "config": {"units": 2}}),
         "Dense"),
        ("backend", lambda: unidl.set_backend("Numpy"), "numpy"),
        ("backend, with blanks", lambda: unidl.use_backend(" numpy").__enter__(), "numpy"),
        ("backend for to()", lambda: model().to("nunpy"), "numpy"),
    ]
]  # fmt: skip
for _case in STRINGS:
    if "backend" in _case.name:
        object.__setattr__(_case, "kind", (ValueError, TypeError, ImportError))


def from_environment():
    with mock.patch.dict(os.environ, UNIDL_BACKEND="Numpy"):
        from unidl.backend import registry

        return registry._from_environment()


DEVICES = [
    told("UNIDL_BACKEND=Numpy", from_environment, rf"UNIDL_BACKEND.*{meant('numpy')}",
         kind=ImportError),
    told('model.to("cuda")', lambda: model().to("cuda"), r"device.*UNIDL_DEVICE|device\(",
         kind=(ValueError, ImportError)),
    told('model.to("cpu")', lambda: model().to("cpu"), r"device", kind=(ValueError, ImportError)),
    told('model.to("gpu:0")', lambda: model().to("gpu:0"), r"device",
         kind=(ValueError, ImportError)),
    told('layer.to("cuda:1")', lambda: layers.Dense(2).to("cuda:1"), r"device",
         kind=(ValueError, ImportError)),
    told('device("tpu")', lambda: unidl.device("tpu").__enter__(), r"tpu.*\"gpu\""),
    told('device("cdu")', lambda: unidl.device("cdu").__enter__(), meant("cpu")),
    told("device(0)", lambda: unidl.device(0).__enter__(), r"device.*0.*\"cpu\""),
    told("device(None)", lambda: unidl.device(None).__enter__(), r"device.*None"),
    told('device("numpy")', lambda: unidl.device("numpy").__enter__(),
         r"backend.*use_backend|use_backend.*backend"),
    told("set_backend(None)", lambda: unidl.set_backend(None), r"backend.*None"),
    told("set_backend(3)", lambda: unidl.set_backend(3), r"backend.*3"),
]  # fmt: skip

# -- habits from torch -----------------------------------------------------------------------------

HABITS = [
    told(f"torch: {of}.{name}", lambda of=of, name=name: getattr(_habit_owner(of), name),
         pattern, kind=AttributeError)
    for of, name, pattern in [
        ("model", "parameters", "trainable_weights|trainable_variables"),
        ("model", "named_parameters", "weights"),
        ("model", "state_dict", "save_weights|get_weights"),
        ("model", "load_state_dict", "load_weights|set_weights"),
        ("model", "eval", "training=False"),
        ("model", "train", "training=True"),
        ("model", "zero_grad", "value_and_grad|no gradients"),
        ("model", "cuda", r"device"),
        ("model", "cpu", r"device"),
        ("model", "children", "layers"),
        ("model", "modules", "layers"),
        ("model", "requires_grad_", "trainable"),
        ("model", "register_buffer", "add_weight"),
        ("model", "forward", "call"),
        ("layer", "parameters", "trainable_weights|trainable_variables"),
        ("layer", "state_dict", "get_weights|save_weights"),
        ("layer", "eval", "training=False"),
        ("layer", "weight", "kernel|weights"),
        ("optimizer", "lr", "learning_rate"),
        ("optimizer", "zero_grad", "value_and_grad|no gradients"),
        ("optimizer", "param_groups", "learning_rate"),
        ("optimizer", "state_dict", "variables"),
        ("optimizer", "minimize", "apply|fit"),
        ("model", "fit_generator", r"fit\("),
        ("model", "predict_classes", "argmax"),
    ]
] + [
    told("torch: Dense(784, 10)", lambda: layers.Dense(784, 10), r"Dense.*10.*(units|activation)"),
    told("torch: Conv2D(3, 16, 3)", lambda: layers.Conv2D(3, 16, 3, 1, 1), r"Conv2D.*padding"),
    told("torch: Sequential(a, b)", lambda: unidl.Sequential(layers.Dense(2), layers.Dense(2)),
         r"Sequential.*\[.*\]"),
    told("torch: Sequential(a)", lambda: unidl.Sequential(layers.Dense(2)),
         r"Sequential.*\[.*\]"),
    told("torch: Sequential of a class", lambda: unidl.Sequential([layers.Dense]),
         r"Dense\(\.\.\.\)"),
    told("torch: padding=1", lambda: layers.Conv2D(3, 3, padding=1), r"Conv2D.*padding.*'same'"),
    told("torch: Adam(model.weights)", lambda: unidl.optimizers.Adam(model().weights),
         r"learning_rate.*(variables|build|compile|weights)"),
    told("torch: Embedding(3)", lambda: layers.Embedding(3), r"Embedding.*output_dim"),
    told("gluon: net.add(a, b)",
         lambda: unidl.Sequential().add(layers.Dense(2), layers.Dense(3)), r"add.*one layer"),
]  # fmt: skip


def _habit_owner(of):
    return {"model": model, "layer": lambda: layers.Dense(2),
            "optimizer": unidl.optimizers.Adam}[of]()  # fmt: skip


CASES = METHODS + CONSTRUCTORS + MEMBERS + STRINGS + DEVICES + HABITS
