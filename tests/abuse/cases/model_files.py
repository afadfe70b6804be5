"""Whole models in files that are damaged, hostile, or no models; and how they are written."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import struct
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import h5py
import numpy as np

import unidl
from tests.abuse.case import right, told
from tests.abuse.cases.configs import CODE
from unidl import layers
from unidl.saving import load_model

PARTS = ("metadata.json", "config.json", "model.weights.h5")
KERNEL = "layers/dense/vars/0"
OUTSIDE = "/tmp/tests-abuse-outside"


def model():
    made = unidl.Sequential([unidl.Input((4,)), layers.Dense(3), layers.Dropout(0.5)])
    made.set_weights([np.arange(12.0).reshape(4, 3), np.ones(3)])
    made.compile(unidl.optimizers.SGD(0.5, momentum=0.5), "mse", metrics=["mae"])
    made.optimizer.build(made.trainable_variables)
    return made


def parts():
    """{name: bytes} of an honest file."""
    with tempfile.TemporaryDirectory() as folder:
        model().save(os.path.join(folder, "m.keras"))
        with zipfile.ZipFile(os.path.join(folder, "m.keras")) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def zipped(members, method=zipfile.ZIP_STORED):
    """Bytes of a zip archive of [(name or ZipInfo, bytes)], which may repeat names."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return data.getvalue()


def loaded(content, name="m.keras", **arguments):
    """What `load_model` makes of these bytes; nothing else may come into being."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        Path(path).write_bytes(content)
        try:
            return load_model(path, **arguments)
        except ValueError as error:
            text = str(error).replace(path, "FILE")
            raise ValueError(text if "FILE" in text else f"unnamed file: {text}") from None
        finally:
            assert os.listdir(folder) == [name]
            assert not os.path.exists(OUTSIDE)


def with_parts(method=zipfile.ZIP_STORED, more=(), load=None, **changes):
    """A case: the honest file with other bytes for some parts ("config_json"), or without (None);
    `more` members behind them."""

    def call():
        found = parts()
        for name in PARTS:
            if name.replace(".", "_") in changes:
                change = changes[name.replace(".", "_")]
                found[name] = change(found[name]) if callable(change) else change
        members = [(n, c) for n, c in found.items() if c is not None]
        return loaded(zipped([*members, *more], method), **(load or {}))

    return call


def config(change):
    """A function from the config's bytes to those of the changed one."""

    def changed(content):
        found = json.loads(content)
        change(found)
        return json.dumps(found).encode()

    return changed


def dense(**changes):
    return config(lambda c: c["config"]["layers"][1].update(changes))


def weights(spoil):
    """A function from the weights' bytes to those that `spoil(file)` has changed."""

    def changed(content):
        data = io.BytesIO(content)
        with h5py.File(data, "r+") as file:
            spoil(file)
        return data.getvalue()

    return changed


def instead(make):
    def spoil(file):
        del file[KERNEL]
        found = make(file)
        if found is not None:
            file[KERNEL] = found

    return weights(spoil)


def external_data(file):
    file.create_dataset(KERNEL, (4, 3), "f4", external=[("/etc/passwd", 0, 48)])


def virtual(file):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "k", shape=(4, 3))
    file.create_virtual_dataset(KERNEL, layout)


def shape_bomb(file):
    file.create_dataset(KERNEL, (1 << 40, 1 << 10), "f4", chunks=(1, 1))


def link(name, target=b"/etc/passwd", kind=stat.S_IFLNK):
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o777) << 16
    return info, target


def declared(content, name, size):
    """The archive whose directory says that the member `name` has `size` bytes."""
    found = bytearray(content)
    place = found.rindex(name.encode()) - 46
    assert found[place : place + 4] == b"PK\x01\x02"
    found[place + 24 : place + 28] = struct.pack("<I", size)
    return bytes(found)


def locked():
    found = bytearray(zipped(parts().items()))
    place = found.rindex(b"config.json") - 46
    found[place + 8] |= 1
    return bytes(found)


def two_of(name):
    return with_parts(more=[(name, b"{}")])


_NAMES = {
    "two dots": "../tests-abuse-outside", "absolute": OUTSIDE, "assets, two dots":
    "assets/../../tests-abuse-outside", "Windows' two dots": "assets\\..\\..\\x", "a drive": "C:x",
    "a line feed": "a\nb", "too long": "assets/" + "a" * 300,
}  # fmt: skip

_CASES = [
    # -- the container ---------------------------------------------------------------------------
    *(
        told(f"model file: it is {what}", lambda c=content: loaded(c), "FILE is not a .keras")
        for what, content in {
            "empty": b"", "a text": b"no model", "zeros": bytes(10_000),
            "a pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
            "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(100),
            "the beginning of an archive": b"PK\x03\x04" + bytes(100),
        }.items()
    ),
    *(
        told(
            f"model file: cut after {share:.0%}",
            lambda s=share: loaded((c := zipped(parts().items()))[: int(len(c) * s)]),
            "damaged",
        )
        for share in (0.01, 0.5, 0.9, 0.99)
    ),
    told(
        "model file: a flipped bit in the config",
        lambda: loaded(zipped(parts().items()).replace(b'"units": 3', b'"units": 5')),
        "damaged",
    ),
    *(
        told(
            f"model file: without {name}",
            with_parts(**{name.replace(".", "_"): None}),
            f"it has no '{name}'",
        )
        for name in PARTS
    ),
    *(told(f"model file: {name} twice", two_of(name), "is in it twice") for name in PARTS),
    *(
        told(f"model file: a member's name, {what}", with_parts(more=[(name, b"x")]), "relative")
        for what, name in _NAMES.items()
    ),
    *(
        told(f"model file: {what}", with_parts(more=[link("assets/a", kind=k)]), "link or a device")
        for what, k in {
            "a symbolic link": stat.S_IFLNK, "a device": stat.S_IFCHR, "a pipe": stat.S_IFIFO,
        }.items()
    ),
    told(
        "model file: the weights are a link",
        with_parts(model_weights_h5=None, more=[link("model.weights.h5")]),
        "link or a device",
    ),
    told("model file: locked by a password", lambda: loaded(locked()), "password"),
    told(
        "model file: a bomb for weights",
        with_parts(zipfile.ZIP_DEFLATED, model_weights_h5=bytes(100 << 20)),
        "much more",
    ),
    told(
        "model file: a bomb for a config",
        with_parts(zipfile.ZIP_DEFLATED, config_json=b" " * (70 << 20)),
        "a model's has fewer",
    ),
    told(
        "model file: a bomb for metadata",
        with_parts(zipfile.ZIP_DEFLATED, metadata_json=b" " * (70 << 20)),
        "a model's has fewer",
    ),
    *(
        told(
            f"model file: {name} declares 4 GB",
            lambda n=name: loaded(declared(zipped(parts().items()), n, (1 << 32) - 2)),
            "fewer|much more|damaged",
        )
        for name in PARTS
    ),
    # -- the config ------------------------------------------------------------------------------
    *(
        told(f"model file: {part} is {what}", with_parts(**{key: content}), mentions)
        for part, key in (("the config", "config_json"), ("metadata", "metadata_json"))
        for what, content, mentions in (
            ("empty", b"", "not JSON"),
            ("cut", b"{", "not JSON"),
            ("no text", b"\xff\xfe\xff", "not JSON"),
            ("100,000 brackets", b"[" * 100_000, "not JSON"),
        )
    ),
    *(
        told(f"model file: the config is {what}", with_parts(config_json=content), "not of")
        for what, content in {
            "null": b"null", "a list": b"[]", "a number": b"3", "an object": b"{}",
            "a layer's": json.dumps(
                {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}}
            ).encode(),
        }.items()
    ),
    *(
        told(
            f"model file: byte code, safe_mode={mode}",
            with_parts(
                config_json=config(lambda c: c["config"]["layers"][1]["config"].update(
                    activation=CODE)),
                load={"safe_mode": mode},
            ),
            mentions,
        )
        for mode, mentions in ((True, "Dense 'dense': .*lambda as byte code.*safe_mode=False"),
                               (None, "lambda as byte code"), (False, "byte code.*is damaged"))
    ),
    *(
        told(
            f"model file: {module}.{name} for a layer",
            with_parts(config_json=dense(module=module, class_name=name, config={})),
            "neither part of unidl nor registered|which unidl does not have",
        )
        for module, name in (
            ("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"),
            ("keras.layers", "TorchModuleWrapper"), ("keras.layers", "TFSMLayer"),
            ("keras.saving", "load_model"), ("keras.src.backend.x.optimizers", "os"),
        )
    ),
    told(
        "model file: a class of a user's own that is not known",
        with_parts(config_json=dense(module="m", class_name="Mine", registered_name="p>Mine")),
        r"class 'Mine'.*register_keras_serializable.*custom_objects=\{'Mine': Mine\}",
    ),
    told(
        "model file: a layer that unidl has not",
        with_parts(config_json=dense(class_name="StringLookup", config={})),
        "'StringLookup' of 'keras.layers', which unidl does not have.*np.unique",
    ),
    told(
        "model file: a quantized layer",
        with_parts(
            config_json=config(
                lambda c: c["config"]["layers"][1]["config"].update(
                    dtype={"module": "keras.dtype_policies", "class_name": "QuantizedDTypePolicy",
                           "config": {"mode": "int8", "source_name": "float32"}}
                )
            )
        ),
        r"Dense 'dense\w*' is quantized \(int8\). Quantization is not offered: save the model in",
    ),
    told(
        "model file: a weight of 16 GB that the file does not hold",
        with_parts(
            config_json=config(lambda c: c["config"]["layers"][1]["config"].update(units=10**9))
        ),
        r"Dense '\w+' requests a weight of shape \(4, 1000000000\), more than the file can hold",
    ),
    told(
        "model file: a loss that is not known",
        with_parts(config_json=config(lambda c: c["compile_config"].update(loss="mine"))),
        "cannot be compiled.*'mine'.*compile=False",
    ),
    told(
        "model file: of Keras 2",
        with_parts(metadata_json=b'{"keras_version": "2.15.0"}'),
        "written by Keras 2.15.0.*Convert it",
    ),
    # -- the weights -----------------------------------------------------------------------------
    *(
        told(f"model file: {what}", with_parts(model_weights_h5=change), mentions)
        for what, change, mentions in (
            ("weights that are a text", b"no weights", "not an HDF5"),
            ("numbers in another file", instead(external_data), "another file"),
            ("a virtual array", instead(virtual), "another file"),
            ("a link out", instead(lambda f: h5py.ExternalLink("/etc/passwd", "/")), "refers"),
            ("a soft link", instead(lambda f: h5py.SoftLink("/layers/dense/vars/1")), "refers"),
            ("a petabyte", instead(shape_bomb), "has shape"),
            ("no kernel", instead(lambda f: None), "no array"),
            ("another shape", instead(lambda f: np.zeros((3, 4), "f4")), "has shape"),
            ("another number", weights(lambda f: f[KERNEL].__setitem__((0, 0), 99)), "written"),
            ("a layer more", weights(lambda f: f.create_dataset("layers/x/vars/0", data=1)), "not"),
            ("random state of another kind",
             weights(lambda f: (f.pop("random/layers/dropout/seed_generator"), f.create_dataset(
                 "random/layers/dropout/seed_generator", data=[np.nan] * 3))), "random numbers"),
        )
    ),
    told(
        "model file: weights in an npz file",
        with_parts(model_weights_h5=None, more=[("model.weights.npz", b"")]),
        "an npz file. Load it in Keras",
    ),
    told(
        "model file: weights in shards",
        with_parts(model_weights_h5=None, more=[("model.weights.json", b"{}")]),
        "split into shards",
    ),
    # -- paths -----------------------------------------------------------------------------------
    told(
        "load_model: there is no file",
        lambda: load_model("/nowhere/m.keras"),
        "there is no file /nowhere/m.keras",
        FileNotFoundError,
    ),
    told("load_model: a number", lambda: load_model(3), "give its path"),
    told("load_model: None", lambda: load_model(None), "give its path"),
    told("load_model: an empty folder", lambda: in_folder(load_model), "without a config.json"),
    told("load_model: a pipe", lambda: at_pipe(load_model), "not a file"),
    told("load_model: of the hub", lambda: load_model("hf://a/b"), "huggingface_hub"),
    told("load_model: another ending", lambda: loaded(b"", "m.zip"), "'.keras' or '.h5', got"),
    told(
        "load_model: weights alone",
        lambda: loaded(b"", "m.weights.h5"),
        "contains only weights.*load_weights",
    ),
    told("save: a number", lambda: model().save(3), "give its path"),
    told("save: another ending", lambda: model().save("m.zip"), "'.keras', got 'm.zip'"),
    told("save: no ending", lambda: model().save("m"), "'.keras', got 'm'"),
    told("save: the older ending", lambda: model().save("m.h5"), "older format .h5 is not written"),
    told("save: the ending of weights", lambda: model().save("m.weights.h5"), "save_weights"),
    told("save: a folder with an ending", lambda: model().save("m.keras", zipped=False), "folder"),
    told("save: into the hub", lambda: model().save("hf://a/b"), "huggingface_hub"),
    told(
        "save: into no folder",
        lambda: model().save("/nowhere/m.keras"),
        "There is no folder /nowhere",
        FileNotFoundError,
    ),
    told("save: over a pipe", lambda: at_pipe(model().save), "regular file"),
    told("save: over a folder", lambda: in_folder(model().save, "m.keras"), "regular file"),
    told(
        "save: over a folder of something else",
        lambda: in_folder(lambda p: (Path(p, "thesis").touch(), model().save(p, zipped=False))),
        "contains 'thesis'",
    ),
    told(
        "save: a file is there, overwrite=False",
        lambda: save_twice(overwrite=False),
        "exists. Choose another name, or overwrite=True",
        FileExistsError,
    ),
    *(
        told(
            f"save: into a folder that is {what}",
            lambda n=number: save_into_closed(n),
            "no files can be created.*Choose another folder",
            PermissionError,
        )
        for what, number in {"closed": errno.EACCES, "read-only": errno.EROFS}.items()
    ),
    told("save: unknown argument", lambda: model().save("m.keras", overwrit=True), "overwrite"),
    # -- right -----------------------------------------------------------------------------------
    right(
        "model file: as it was written",
        lambda: loaded(zipped(parts().items())).get_weights()[0],
        np.arange(12, dtype="float32").reshape(4, 3),
    ),
    right(
        "model file: packed again",
        lambda: loaded(zipped(parts().items(), zipfile.ZIP_DEFLATED)).get_weights()[1],
        np.ones(3, "float32"),
    ),
    right(
        "model file: other members are left alone",
        lambda: with_parts(more=[("README.md", b"x"), ("assets/", b"")])().layers[0].units,
        3,
    ),
    right(
        "model file: not compiled, if that is wanted",
        lambda: loaded(zipped(parts().items()), compile=False).optimizer is None,
        True,
    ),
    right("save: twice", lambda: save_twice(), True),
    right("save: an error leaves the old file", lambda: after_an_error(), True),
]  # fmt: skip
CASES = [replace(case, once=True) for case in _CASES]


def _told_without(folder, call, path):
    try:
        return call(path)
    except (ValueError, OSError) as error:
        raise type(error)(str(error).replace(folder, "FOLDER")) from None


def in_folder(call, name="m"):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        os.mkdir(path)
        return _told_without(folder, call, path)


def at_pipe(call):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.keras")
        os.mkfifo(path)
        return _told_without(folder, call, path)


def save_twice(**arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.keras")
        model().save(path)
        _told_without(folder, lambda p: model().save(p, **arguments), path)
        return os.listdir(folder) == ["m.keras"]


def save_into_closed(number):
    """The tests may run as root, whom no mode stops."""
    with tempfile.TemporaryDirectory() as folder:
        refused = OSError(number, os.strerror(number))
        with mock.patch("unidl.utils.whole_file._new_file", side_effect=refused):
            _told_without(folder, model().save, os.path.join(folder, "m.keras"))


def after_an_error():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.keras")
        model().save(path)
        before = Path(path).read_bytes()
        broken = model()
        broken.optimizer.variables[-1].numpy = None  # so that the last write fails
        try:
            broken.save(path)
        except TypeError:
            return Path(path).read_bytes() == before and os.listdir(folder) == ["m.keras"]
