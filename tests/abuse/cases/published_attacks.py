"""One row for each published attack on the loaders of Keras, by its mechanism, under its number."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace

import h5py

from tests.abuse.case import right, told
from tests.abuse.cases.archives import OUTSIDE, long_links, tar, unpacked
from tests.abuse.cases.configs import CODE
from tests.abuse.cases.model_files import (
    config,
    dense,
    external_data,
    instead,
    shape_bomb,
    virtual,
    with_parts,
)  # fmt: skip
from unidl import models
from unidl.saving import deserialize_keras_object, load_model

MARK = f"/tmp/{OUTSIDE}"
MISSING = "neither part of unidl nor registered|which unidl does not have"


def in_model(class_name, layer, module="keras.layers", **load):
    """A ".keras" file with this layer in the place of its Dense."""
    content = dense(module=module, class_name=class_name, config={"name": "x", **layer})
    return with_parts(config_json=content, load=load)


def function(module, name):
    return {"class_name": "function", "module": module, "config": name, "registered_name": name}


def legacy(layer, safe_mode=True):
    """What comes of the older ".h5" file of a model with this layer."""
    layers = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "name": "i"}},
        layer,
    ]
    text = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.h5")
        with h5py.File(path, "w") as file:
            file.attrs["model_config"], file.attrs["keras_version"] = text, "2.12.0"
            file.create_group("model_weights")
        try:
            return load_model(path, safe_mode=safe_mode)
        except ValueError as error:
            raise ValueError(str(error).replace(folder, "FOLDER")) from None
        finally:
            assert not os.path.exists(MARK)


def named(name):
    """The model of a file whose layer is called so, and nothing is outside of its folder."""

    def change(c):
        c["config"]["layers"][1]["config"]["name"] = name

    made = with_parts(config_json=config(change))()
    with tempfile.TemporaryDirectory() as folder:
        inside = os.path.join(folder, "a", "b")
        os.makedirs(inside)
        made.save(os.path.join(inside, "m"), zipped=False)
        assert os.listdir(folder) == ["a"]
        assert os.listdir(os.path.join(folder, "a")) == ["b"]
        assert os.listdir(inside) == ["m"]
    assert not os.path.exists(MARK)
    return made.layers[0].units


LAMBDA = {"class_name": "Lambda", "config": {"name": "l", "function": ["4wEAAAA=", None, None],
                                             "function_type": "lambda"}}  # fmt: skip
UNSAFE = function("keras.config", "enable_unsafe_deserialization")

_CASES = [
    *(
        told(
            f"CVE-2024-3660: byte code of a Lambda in a .keras file, safe_mode={mode}",
            in_model("Lambda", {"function": CODE}, safe_mode=mode),
            mentions,
        )
        for mode, mentions in ((True, "not run by default"), (False, "byte code.*is damaged"))
    ),
    told(
        "CVE-2024-55459: get_file unpacks a tar file to elsewhere",
        lambda: unpacked(tar((f"../{OUTSIDE}", b"x"))),
        "plain relative path",
    ),
    *(
        told(f"CVE-2025-1550: a config names {module}.{name}", call, MISSING)
        for module, name in (("os", "system"), ("subprocess", "run"), ("builtins", "exec"))
        for call in (
            in_model("Lambda", {"function": function(module, name), "arguments": {"a": MARK}}),
        )
    ),
    told(
        "CVE-2025-1550: a class of any module",
        in_model("Popen", {"args": ["touch", MARK]}, module="subprocess"),
        MISSING,
    ),
    *(
        told(
            f"CVE-2025-8747: keras.{module}.{name} is reused",
            in_model(
                "Lambda",
                {"function": function(f"keras.{module}", name),
                 "arguments": {"origin": "file:///etc/passwd", "cache_dir": MARK}},
            ),
            MISSING,
        )
        for module, name in (("utils", "get_file"), ("utils", "plot_model"),
                             ("saving", "load_model"), ("models", "load_model"))
    ),
    *(
        told(
            f"CVE-2025-9905: a Lambda in an .h5 file, safe_mode={mode}",
            lambda m=mode: legacy(LAMBDA, m),
            mentions,
        )
        for mode, mentions in ((True, "not run by default"), (False, "byte code.*is damaged"))
    ),
    told(
        "CVE-2025-9906: a config turns safe mode off",
        in_model("Dense", {"units": 3, "activation": UNSAFE}),
        MISSING,
    ),
    told(
        "CVE-2025-9906: safe_mode=False beside a lambda in the config",
        in_model("Lambda", {"function": CODE, "safe_mode": False}),
        "not run by default",
    ),
    told(
        "CVE-2025-9906: a Lambda that turns safe mode off",
        in_model("Lambda", {"function": UNSAFE, "arguments": {}}),
        MISSING,
    ),
    *(
        told(
            f"CVE-2025-12058: {name} reads {what}",
            in_model(name, {"vocabulary": path}),
            MISSING,
        )
        for name in ("StringLookup", "IntegerLookup", "TextVectorization")
        for what, path in (("a file", "/etc/passwd"), ("a URL", "http://169.254.169.254/x"))
    ),
    told(
        "CVE-2025-12060: links too long to be resolved, in a tar file",
        lambda: unpacked(long_links),
        "is a link",
    ),
    told(
        "CVE-2025-49655: TorchModuleWrapper unpickles a module",
        in_model("TorchModuleWrapper", {"module": "gASVAAAA"}),
        MISSING,
    ),
    told(
        "CVE-2026-0897: a petabyte in a kilobyte",
        with_parts(model_weights_h5=instead(shape_bomb)),
        "has shape",
    ),
    told(
        "CVE-2026-1462: TFSMLayer runs a SavedModel",
        in_model("TFSMLayer", {"filepath": "/tmp/x", "call_endpoint": "serve"}),
        MISSING,
    ),
    told(
        "CVE-2026-1669: an array that is in another file",
        with_parts(model_weights_h5=instead(external_data)),
        "another file",
    ),
    *(
        told(
            f"CVE-2026-12479: a layer whose name is {what}",
            lambda n=name: named(n),
            "name must be a string without '/'",
        )
        for what, name in (("relative", f"../../{OUTSIDE}"), ("absolute", MARK))
    ),
    right("CVE-2026-12479: a layer whose name is two dots", lambda: named(".."), 3),
    told(
        "CVE-2026-12480: a virtual array",
        with_parts(model_weights_h5=instead(virtual)),
        "another file",
    ),
    told(
        "CVE-2026-12481: safe_mode=None, a whole model",
        in_model("Lambda", {"function": CODE}, safe_mode=None),
        "byte code",
    ),
    told(
        "CVE-2026-12481: safe_mode=None, an object",
        lambda: deserialize_keras_object(
            {"module": "keras.layers", "class_name": "Lambda", "config": {"function": CODE}},
            safe_mode=None,
        ),
        "byte code",
    ),
    told(
        "CVE-2026-12481: a Lambda in model JSON",
        lambda: models.model_from_json(
            json.dumps({"module": "keras", "class_name": "Sequential", "config": {"layers": [
                {"module": "keras.layers", "class_name": "Lambda", "config": {"function": CODE}}
            ]}})
        ),
        "byte code",
    ),
    *(
        told(
            f"GHSA-hqp4-2352-xf5r: assets that are {what}",
            with_parts(more=[(name, b"x")]),
            "plain relative path",
        )
        for what, name in (("above", f"assets/../../{OUTSIDE}"), ("absolute", MARK))
    ),
]  # fmt: skip
CASES = [replace(case, once=True) for case in _CASES]
