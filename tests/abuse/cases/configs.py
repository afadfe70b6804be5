"""Configs and JSON that would run code, open files, or are damaged."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import unidl
from tests.abuse.case import right, told
from unidl import layers, models
from unidl.saving import deserialize_keras_object as deserialize

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}}


def model():
    made = unidl.Sequential([unidl.Input((4,)), layers.Dense(3, name="first")], name="net")
    return made


def text(change=None):
    """The model's JSON, its config changed in place by `change`."""
    config = json.loads(model().to_json())
    if change:
        change(config)
    return json.dumps(config)


def layer_config(config):
    return config["config"]["layers"][1]


def spoiled(**parts):
    def change(config):
        layer_config(config).update(parts)

    return lambda: models.model_from_json(text(change))


def in_config(**parts):
    def change(config):
        layer_config(config)["config"].update(parts)

    return lambda: models.model_from_json(text(change))


def without(part):
    def change(config):
        del layer_config(config)["config"][part]

    return lambda: models.model_from_json(text(change))


def nested(depth, make):
    config = copy.deepcopy(DENSE)
    for _ in range(depth):
        config = make(config)
    return config


CODE = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}

# What would run, read or import something: (module, class_name, config).
HOSTILE = {
    "the command line": ("keras.__main__", "X", {}),
    "our command line": ("unidl.__main__", "X", {}),
    "the command line's module": ("unidl.cli", "main", {}),
    "the system": ("os", "system", {"command": "true"}),
    "a process": ("subprocess", "Popen", {"args": ["true"]}),
    "builtins": ("builtins", "eval", {"source": "1"}),
    "an import": ("importlib", "import_module", {"name": "antigravity"}),
    "a file": ("unidl.utils", "get_file", {"origin": "file:///etc/passwd"}),
    "a file of Keras": ("keras.utils", "get_file", {"origin": "file:///etc/passwd"}),
    "a model's file": ("keras.models", "load_model", {"filepath": "/etc/passwd"}),
    "a loader": ("keras.saving", "load_model", {"filepath": "/etc/passwd"}),
    "a pickle": ("pickle", "loads", {"data": ""}),
    "another pickle": ("keras.src.saving", "pickle", {}),
    "torch's modules": ("keras.layers", "TorchModuleWrapper", {"module": "x"}),
    "a SavedModel": ("keras.layers", "TFSMLayer", {"filepath": "/tmp/x"}),
    "a word list": ("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}),
    "a callback that writes": ("keras.callbacks", "ModelCheckpoint", {"filepath": "/tmp/x.keras"}),
    "a log": ("keras.callbacks", "CSVLogger", {"filename": "/tmp/x"}),
    "a plot": ("keras.utils", "plot_model", {"model": None}),
    "the test suite": ("unidl.conformance.command", "main", {}),
    "a tool": ("unidl.verify", "verify", {}),
    "an inner module": ("unidl.layers.base.layer", "importlib", {}),
    "a module's module": ("keras.src.layers.base.layer", "os", {}),
    "a private name": ("keras.layers", "_Layer", {}),
    "a dunder": ("keras.layers", "__getattr__", {}),
    "a dunder of the class": ("keras", "__class__", {}),
    "dots in the name": ("keras.layers", "base.layer.Layer", {}),
    "dots before the module": ("..unidl.layers", "Dense", {}),
    "an empty module": ("", "Dense", {}),
    "a path": ("/tmp/evil.py", "Dense", {}),
    "a stranger": ("evil_package.layers", "Dense", {}),
    "a name that begins alike": ("keras_evil.layers", "Dense", {}),
    "Keras' backend": ("keras.src.backend", "Variable", {"initializer": 1}),
    "a backend": ("unidl.backend", "get_backend", {"name": "torch"}),
    "a setting": ("keras.config", "enable_unsafe_deserialization", {}),
}

_CASES = [
    *(
        told(
            f"config: {what}",
            lambda m=module, c=name, k=config: deserialize(
                {"module": m, "class_name": c, "config": k}
            ),
            "neither part of unidl nor registered|which unidl does not have",
        )
        for what, (module, name, config) in HOSTILE.items()
    ),
    *(
        told(
            f"config: the function {what}",
            lambda m=module, n=name: deserialize(
                {"class_name": "function", "module": m, "config": n, "registered_name": n}
            ),
            "neither part of unidl nor registered|which unidl does not have",
        )
        for what, (module, name) in {
            "os.system": ("os", "system"),
            "eval": ("builtins", "eval"),
            "exec without a module": (None, "exec"),
            "open": ("builtins", "open"),
            "get_file": ("keras.utils", "get_file"),
            "model_from_json": ("keras.models", "model_from_json"),
            "clear_session": ("keras.utils", "clear_session"),
            "load": ("numpy", "load"),
            "set_backend": ("unidl.backend", "set_backend"),
        }.items()
    ),
    told("config: byte code", lambda: deserialize(CODE), "lambda as byte code"),
    *(
        told(f"config: byte code, safe_mode={m}", lambda m=m: deserialize(CODE, None, m), "byte")
        for m in (False, None)
    ),
    told("config: byte code as an activation", in_config(activation=CODE), "byte code"),
    told("config: byte code as an initializer", in_config(kernel_initializer=CODE), "byte code"),
    told(
        "config: Lambda with byte code",
        lambda: deserialize(
            {"module": "keras.layers", "class_name": "Lambda", "config": {"function": CODE}}
        ),
        "byte code",
    ),
    # -- damaged -------------------------------------------------------------------------------
    *(
        told(f"config: {what}", lambda config=config: deserialize(config), mentions)
        for what, config, mentions in (
            ("class_name is a list", {**DENSE, "class_name": ["Dense"]}, "'class_name'"),
            ("class_name is None", {**DENSE, "class_name": None}, "'class_name'"),
            ("class_name is a number", {**DENSE, "class_name": 3}, "'class_name'"),
            ("module is a number", {**DENSE, "module": 3}, "'module'"),
            ("module is a list", {**DENSE, "module": ["keras"]}, "'module'"),
            ("registered_name is a dict", {**DENSE, "registered_name": {}}, "'registered_name'"),
            ("config is a text", {**DENSE, "config": "units"}, "'config'"),
            ("config is a list", {**DENSE, "config": [3]}, "'config'"),
            ("build_config is a list", {**DENSE, "build_config": [3]}, "'build_config'"),
            ("compile_config is a text", {**DENSE, "compile_config": "x"}, "'compile_config'"),
            ("an argument that is none", {**DENSE, "config": {"unitz": 3}}, "unitz"),
            ("an argument is missing", {**DENSE, "config": {}}, "units"),
            ("an array without values", {"class_name": "__numpy__", "config": {}}, "damaged"),
            (
                "an array of objects",
                {"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}},
                "dtype",
            ),
            (
                "an array of an unknown dtype",
                {"class_name": "__numpy__", "config": {"value": [1], "dtype": "f99"}},
                "dtype",
            ),
            ("a slice without ends", {"class_name": "__slice__", "config": {}}, "damaged"),
            ("bytes without value", {"class_name": "__bytes__", "config": {}}, "damaged"),
            ("a set", {1, 2}, "dict, a list or plain data"),
            ("an object", object, "dict, a list or plain data"),
        )
    ),
    told("config: no units", without("units"), "units"),
    told("config: units are a text", in_config(units="three"), "units"),
    told("config: units are negative", in_config(units=-3), "units"),
    told("config: an unknown activation", in_config(activation="rellu"), "relu"),
    told("config: an argument too many", in_config(colour="red"), "colour"),
    told("config: a layer that is a list", spoiled(class_name=["Dense"]), "'class_name'"),
    told("config: a layer of no package", spoiled(module="nowhere"), "neither part of unidl"),
    *(
        told(
            f"config: 10,000 deep, {what}",
            lambda make=make: deserialize(nested(10_000, make)),
            "nested too deeply",
        )
        for what, make in {
            "lists": lambda inner: [inner],
            "dicts": lambda inner: {"a": inner},
            "wrappers": lambda inner: {
                "module": "keras.layers", "class_name": "TimeDistributed",
                "config": {"layer": inner},
            },
            "models": lambda inner: {
                "module": "keras", "class_name": "Sequential", "config": {"layers": [inner]},
            },
        }.items()
    ),
    # -- JSON -----------------------------------------------------------------------------------
    told("JSON: cut", lambda: models.model_from_json("{"), "not JSON"),
    told("JSON: empty", lambda: models.model_from_json(""), "not JSON"),
    told("JSON: a path", lambda: models.model_from_json("model.json"), "not JSON"),
    told("JSON: 100,000 brackets", lambda: models.model_from_json("[" * 100_000), "not JSON"),
    told("JSON: a number of 10000 digits", lambda: models.model_from_json("9" * 10**4), "not JSON"),
    told("JSON: bytes of no text", lambda: models.model_from_json(b"\xff\xfe\xff"), "not JSON"),
    told("JSON: null", lambda: models.model_from_json("null"), "a NoneType, not of a model"),
    told("JSON: a number", lambda: models.model_from_json("3"), "a int, not of a model"),
    told("JSON: a text", lambda: models.model_from_json('"relu"'), "not of a model"),
    told("JSON: a list", lambda: models.model_from_json("[]"), "a list, not of a model"),
    told("JSON: an object", lambda: models.model_from_json("{}"), "a dict, not of a model"),
    told("JSON: a layer", lambda: models.model_from_json(json.dumps(DENSE)), "not of a model"),
    told(
        "JSON: an optimizer",
        lambda: models.model_from_json(
            json.dumps({"module": "keras.optimizers", "class_name": "Adam", "config": {}})
        ),
        "a Adam, not of a model",
    ),
    told("JSON: None", lambda: models.model_from_json(None), "expected the string"),
    told("JSON: a dict", lambda: models.model_from_json({}), "expected the string"),
    told(
        "JSON: 70 million characters",
        lambda: models.model_from_json(" " * 70_000_000),
        "70,000,000 characters",
    ),
    right(
        "JSON: the model's own",
        lambda: models.model_from_json(text()).layers[0].units,
        3,
    ),
    right(
        "JSON: a compiled model is compiled again",
        lambda: compiled_again().optimizer.learning_rate,
        0.25,
    ),
]  # fmt: skip


def compiled_again():
    made = model()
    made.compile(unidl.optimizers.SGD(0.25), "mse", metrics=["mae"])
    return models.model_from_json(made.to_json())


CASES = [replace(case, once="model" not in case.name) for case in _CASES]
