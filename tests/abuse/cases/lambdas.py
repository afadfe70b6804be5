"""Byte code that would make a file: every way to have it run without the caller's word."""

from __future__ import annotations

import base64
import json
import marshal
import os
import tempfile
from dataclasses import replace

import h5py

from tests.abuse.case import told
from tests.abuse.cases.archives import OUTSIDE
from tests.abuse.cases.model_files import config, dense, with_parts
from unidl import layers, models
from unidl.saving import deserialize_keras_object, lambdas, load_model

MARK = f"/tmp/{OUTSIDE}-of-a-lambda"
REFUSED = "lambda as byte code.*not run by default.*safe_mode=False"
UNKNOWN = "neither part of unidl nor registered|which unidl does not have"
# Real: it makes the file where it is let in, also when a symbol is given.
MAKES = compile(f"lambda x: (open({MARK!r}, 'w').close(), x)[1]", "x", "eval").co_consts[0]
TEXT = base64.b64encode(marshal.dumps(MAKES)).decode()
CODE = {"class_name": "__lambda__", "config": {"code": TEXT, "defaults": None, "closure": None}}
BARE = {"value": [TEXT, None, None]}
IN_LIST = {"class_name": "__lambda__", "config": BARE}
SWITCH = "enable_unsafe_deserialization"


def harmless(call):
    """`call`, after which no lambda is let in, and no file has been made."""

    def checked():
        try:
            return call()
        finally:
            made = os.path.exists(MARK)
            if made:
                os.remove(MARK)
            assert not made
            assert not lambdas._is_enabled()

    return checked


def layer(class_name, **arguments):
    return {"module": "keras.layers", "class_name": class_name, "config": arguments}


def function(name, module="builtins"):
    return {"class_name": "function", "module": module, "config": name, "registered_name": name}


def in_file(entry, **more):
    return with_parts(config_json=dense(**entry, **more))


def in_h5(entry, **attributes):
    """Of the layout that Keras 2 and 3 write, whose loaders once had no safe mode."""

    def call():
        model = {"class_name": "Sequential", "config": {"name": "s", "layers": [
            {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "name": "i"}},
            entry,
        ]}}  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m.h5")
            with h5py.File(path, "w") as file:
                file.attrs.update(
                    {"model_config": json.dumps(model), "keras_version": "2.12.0", **attributes}
                )
                file.create_group("model_weights")
            return load_model(path)

    return call


def in_json(entry, **more):
    text = {"module": "keras", "class_name": "Sequential", "config": {"layers": [entry]}, **more}
    return lambda: models.model_from_json(json.dumps(text))


def read(config):
    return lambda: deserialize_keras_object(config)


def with_a_call(name, value):
    """A functional model whose call of a layer has the lambda as an argument."""
    tensor = {"class_name": "__keras_tensor__", "config": {
        "shape": [None, 4], "dtype": "float32", "keras_history": ["i", 0, 0]}}  # fmt: skip
    start = {"module": "keras.layers", "class_name": "InputLayer", "name": "i",
             "config": {"batch_shape": [None, 4], "name": "i"}, "inbound_nodes": []}  # fmt: skip
    node = {"args": [tensor], "kwargs": {name: value}}
    then = {**layer("Identity", name="d"), "name": "d", "inbound_nodes": [node]}
    return {"module": "keras.src.models.functional", "class_name": "Functional", "config": {
        "name": "m", "layers": [start, then], "input_layers": [["i", 0, 0]],
        "output_layers": [["d", 0, 0]]}}  # fmt: skip


LAMBDA = layer("Lambda", name="l", function=CODE)
LEGACY = {"class_name": "Lambda", "config": {"name": "l", "function": [TEXT, None, None],
                                             "function_type": "lambda"}}  # fmt: skip

_REFUSED = {
    "a .keras file": in_file(LAMBDA),
    "the mask of a Lambda": read(layer("Lambda", function=function("relu"), mask=CODE)),
    "its output_shape": read(layer("Lambda", function=function("relu"), output_shape=CODE)),
    "its arguments": read(layer("Lambda", function=function("relu"), arguments={"a": CODE})),
    "a list in its arguments": read(
        layer("Lambda", function=function("relu"), arguments={"a": [{"b": [CODE]}]})
    ),
    "a layer in a layer": read(layer("TimeDistributed", layer=LAMBDA)),
    "a model in a model": in_json(
        {"module": "keras", "class_name": "Sequential", "config": {"layers": [LAMBDA]}}
    ),
    "an activation": read(layer("Dense", units=1, activation=IN_LIST)),
    "an activation as Keras writes it": read(layer("Dense", units=1, activation=BARE)),
    "a regularizer": read(layer("Dense", units=1, kernel_regularizer=IN_LIST)),
    "an argument of a call": read(with_a_call("a", CODE)),
    "a nested argument of a call": read(with_a_call("a", [{"b": IN_LIST}])),
    "a loss": with_parts(
        config_json=config(lambda c: c.update(compile_config={"optimizer": "sgd", "loss": IN_LIST}))
    ),
    "a dict": read({"a": [{"b": CODE}]}),
    "a slice": read(
        {"class_name": "__slice__", "config": {"start": CODE, "stop": 1, "step": None}}
    ),
    "the default of a lambda": read(
        {"class_name": "__lambda__", "config": {"code": TEXT, "defaults": [CODE]}}
    ),
    "from_config": lambda: layers.Lambda.from_config({"function": CODE}),
    "from_config, safe_mode=None": lambda: layers.Lambda.from_config(
        {"function": CODE}, safe_mode=None
    ),
    "a Lambda with safe_mode": read(layer("Lambda", function=CODE, safe_mode=False)),
    "a lambda with safe_mode": read({**CODE, "config": {**CODE["config"], "safe_mode": False}}),
    "safe_mode beside the layer": in_file(LAMBDA, safe_mode=False),
    "safe_mode beside the model": with_parts(
        config_json=config(lambda c: (c.update(safe_mode=False),
                                      c["config"].update(layers=[LAMBDA])))
    ),
    "safe_mode in the metadata": with_parts(
        metadata_json=config(lambda c: c.update(safe_mode=False, safe_mode_saving=False)),
        config_json=dense(**LAMBDA),
    ),
    "model JSON with safe_mode": in_json(LAMBDA, safe_mode=False),
    "an .h5 file": in_h5(LEGACY),
    "an .h5 file with safe_mode": in_h5(LEGACY, safe_mode=False, safe_mode_saving=False),
    "an .h5 file, as Keras 3 writes it": in_h5(LAMBDA),
    "an .h5 file, in a wrapper": in_h5(
        {"class_name": "TimeDistributed", "config": {"name": "t", "layer": LEGACY}}
    ),
    "an .h5 file, as an activation": in_h5(
        {"class_name": "Dense", "config": {"name": "d", "units": 1, "activation": BARE}}
    ),
}  # fmt: skip

_SWITCHES = {
    f"{how}, of {module}": call
    for module in ("builtins", "keras.config", "keras.src.saving.serialization_lib",
                   "unidl.config", "unidl.saving.lambdas")
    for how, call in {
        "as a Lambda": read(layer("Lambda", function=function(SWITCH, module))),
        "as an activation": read(layer("Dense", units=1, activation=function(SWITCH, module))),
        "as a class": read({"module": module, "class_name": SWITCH, "config": {}}),
        "in an .h5 file": in_h5(layer("Lambda", name="l", function=function(SWITCH, module))),
    }.items()
}  # fmt: skip

_CASES = [
    *(told(f"lambda: {where}", harmless(call), REFUSED) for where, call in _REFUSED.items()),
    *(
        told(f"lambda: the switch {how}", harmless(call), UNKNOWN)
        for how, call in _SWITCHES.items()
    ),
    told(
        "lambda: the switch by its name alone",
        harmless(read(layer("Dense", units=1, activation=SWITCH))),
        "no activation called",
    ),
    told(
        "lambda: a name with a package, in an .h5 file",
        harmless(in_h5({"class_name": "Custom>__lambda__", "config": BARE})),
        UNKNOWN,
    ),
    told(
        "lambda: the switch as an old Lambda's function",
        harmless(
            in_h5({"class_name": "Lambda", "config": {
                "name": "l", "function": SWITCH, "function_type": "function"}})
        ),
        "function",
    ),
]  # fmt: skip
CASES = [replace(case, once=True) for case in _CASES]
