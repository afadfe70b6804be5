"""Weight files that are damaged, hostile, or of another model; and how they are written."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

import unidl
from tests.abuse.case import right, told
from unidl import layers

KERNEL, BIAS = "layers/dense/vars/0", "layers/dense/vars/1"
STATE = "optimizer/vars/0"


def model(units=3):
    made = unidl.Sequential([unidl.Input((4,)), layers.Dense(units)])
    made.set_weights([np.arange(4.0 * units).reshape(4, units), np.ones(units)])
    made.compile(unidl.optimizers.SGD(0.5, momentum=0.5), "mse")
    made.optimizer.build(made.trainable_variables)
    return made


def _without_folder(error, folder):
    return ValueError(str(error).replace(folder, "FOLDER"))


def loaded(spoil, mode="r+", into=model):
    """Weights of a model after loading a file that `spoil(file, folder)` has changed; nothing of
    the model may change where that raises."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.weights.h5")
        model().save_weights(path)
        if mode == "bytes":
            Path(path).write_bytes(spoil(Path(path).read_bytes()))
        else:
            with h5py.File(path, mode) as file:
                spoil(file, folder)
        made = into()
        made.set_weights([w * 0 + 7 for w in made.get_weights()])
        state = [v.numpy() for v in made.optimizer.variables]
        try:
            made.load_weights(path)
        except ValueError as error:
            assert all((w == 7).all() for w in made.get_weights()), "half loaded"
            for v, before in zip(made.optimizer.variables, state, strict=True):
                np.testing.assert_array_equal(v.numpy(), before)
            raise _without_folder(error, folder) from None
        return made.get_weights()


def instead(path, make):
    """A file in which `make(file, folder)` stands at `path`."""

    def spoil(file, folder):
        del file[path]
        found = make(file, folder)
        if found is not None:
            file[path] = found

    return lambda: loaded(spoil)


def other_file(folder):
    path = os.path.join(folder, "other.h5")
    with h5py.File(path, "w") as file:
        file["k"] = np.zeros((4, 3), "f4")
        file["vars/0"] = np.zeros((4, 3), "f4")
    return path


def external_data(file, folder):
    raw = os.path.join(folder, "raw.bin")
    Path(raw).write_bytes(bytes(48))
    file.create_dataset(KERNEL, (4, 3), "f4", external=[(raw, 0, 48)])


def virtual(file, folder):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource(other_file(folder), "k", shape=(4, 3))
    file.create_virtual_dataset(KERNEL, layout)


def pipe_link(file, folder):
    path = os.path.join(folder, "pipe")
    os.mkfifo(path)
    return h5py.ExternalLink(path, "/")


def through_two(file, folder):
    file["e"] = h5py.ExternalLink(other_file(folder), "/")
    return h5py.SoftLink("/e")


def chunk_bomb(file, folder):
    file.create_dataset(
        KERNEL, (4, 3), "f4", maxshape=(None, None), chunks=(5_000, 5_000), compression="gzip"
    )
    file[KERNEL][0, 0] = 1


def never_written(file, folder):
    file.create_dataset(KERNEL, (4, 3), "f4")


def shape_bomb(file, folder):
    file.create_dataset(KERNEL, (1 << 40, 1 << 10), "f4", chunks=(1, 1))


def unknown_filter(file, folder):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((4, 3))
    plist.set_filter(32_015, h5py.h5z.FLAG_OPTIONAL, ())  # zstd: a library that is looked for
    space = h5py.h5s.create_simple((4, 3))
    h5py.h5d.create(file.id, KERNEL.encode(), h5py.h5t.IEEE_F32LE, space, plist)


def named_type(file, folder):
    file[KERNEL] = np.dtype("f4")


def null_space(file, folder):
    file[KERNEL] = h5py.Empty("f4")


def deep(file, folder):
    place = file["layers"]
    for _ in range(3_000):
        place = place.create_group("g")


def wide(file, folder):
    for i in range(6_000):
        file.create_group(f"layers/more/{i}")


def looped(file, folder):
    file["layers/dense/again"] = file["layers"]


ARRAYS = {
    "another shape": np.zeros((3, 4), "f4"),
    "another rank": np.zeros((4, 3, 1), "f4"),
    "a number alone": np.float32(1),
    "nothing": np.zeros((0, 3), "f4"),
    "text": np.full((4, 3), "x", dtype="S1"),
    "complex numbers": np.zeros((4, 3), "c8"),
    "records": np.zeros((4, 3), [("a", "f4"), ("b", "f4")]),
    "opaque bytes": np.zeros((4, 3), "V8"),
}

_CASES = [
    *(
        told(f"weights: an array of {what}", instead(KERNEL, lambda f, d, a=array: a), "vars/0")
        for what, array in ARRAYS.items()
    ),
    *(
        told(f"weights: {where}, {what}", instead(path, make), mentions)
        for where, path in {
            "the kernel": KERNEL, "its group": "layers/dense", "all layers": "layers",
            "the optimizer": "optimizer", "its state": STATE,
        }.items()
        for what, make, mentions in (
            ("a link to a file", lambda f, d: h5py.ExternalLink(other_file(d), "/k"), "another"),
            ("a link to a pipe", pipe_link, "refers to another place"),
            ("a soft link", lambda f, d: h5py.SoftLink("/layers/dense/vars/1"), "refers to"),
            ("a soft link to itself", lambda f, d: h5py.SoftLink("/layers/dense/vars"), "refers"),
            ("a link through two", through_two, "refers to another place"),
        )
    ),
    *(
        told(f"weights: {what}", instead(KERNEL, make), mentions)
        for what, make, mentions in (
            ("numbers in another file", external_data, "another file"),
            ("a virtual array", virtual, "another file"),
            ("a chunk of 100 MB", chunk_bomb, "chunks of"),
            ("an array that was never written", never_written, "never written"),
            ("a petabyte", shape_bomb, "has shape"),
            ("an unknown filter", unknown_filter, "unknown filter"),
            ("a named type", named_type, "no array"),
            ("an empty space", null_space, "vars/0"),
            ("a group for an array", lambda f, d: f.create_group(KERNEL) and None, "no array"),
            ("nothing there", lambda f, d: None, "no array"),
        )
    ),
    told("weights: 3,000 groups deep", lambda: loaded(deep), "more groups"),
    told("weights: 6,000 groups", lambda: loaded(wide), "more groups"),
    told("weights: groups in a circle", lambda: loaded(looped), "which the model does not have"),
    told(
        "weights: another number",
        lambda: loaded(lambda f, d: f[KERNEL].__setitem__((0, 0), 99.0)),
        "numbers that were written",
    ),
    told(
        "weights: another number in the state",
        lambda: loaded(lambda f, d: f[STATE].__setitem__((), 99)),
        "numbers that were written",
    ),
    told(
        "weights: arrays change places",
        lambda: loaded(lambda f, d: (f.move(KERNEL, "x"), f.move(BIAS, KERNEL), f.move("x", BIAS))),
        "has shape",
    ),
    told(
        "weights: an array more",
        lambda: loaded(lambda f, d: f.__setitem__("layers/dense/vars/2", np.zeros(3))),
        "which the model does not have",
    ),
    told(
        "weights: a layer more",
        lambda: loaded(lambda f, d: f.__setitem__("layers/dense_1/vars/0", np.zeros(3))),
        "which the model does not have",
    ),
    told("weights: of another width", lambda: loaded(_nothing, into=lambda: model(5)), "has shape"),
    *(
        told(f"weights: cut after {share:.0%}", lambda s=share: loaded(_cut(s), "bytes"), "damaged")
        for share in (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
    ),
    *(
        told(f"weights: the file is {what}", lambda c=content: loaded(c, "bytes"), "HDF5")
        for what, content in {
            "empty": lambda _: b"",
            "a text": lambda _: b"no weights",
            "zeros": lambda _: bytes(10_000),
            "a signature alone": lambda _: b"\x89HDF\r\n\x1a\n",
            "a zip archive": lambda _: b"PK\x03\x04" + bytes(100),
            "a pickle": lambda _: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        }.items()
    ),
    told("weights: another ending", lambda: model().load_weights("x.h5"), "weights.h5"),
    told("weights: a number for a name", lambda: model().load_weights(3), "path"),
    told("weights: None for a name", lambda: model().load_weights(None), "path"),
    told(
        "weights: there is no file",
        lambda: model().load_weights("/nowhere/x.weights.h5"),
        "there is no file",
        FileNotFoundError,
    ),
    told("weights: a folder", lambda: at_path(os.mkdir), "not a file"),
    told("weights: a pipe", lambda: at_path(os.mkfifo), "not a file"),
    told("weights: saved over a pipe", lambda: at_path(os.mkfifo, "save_weights"), "regular file"),
    told("weights: saved over a folder", lambda: at_path(os.mkdir, "save_weights"), "regular file"),
    told(
        "weights: saved into no folder",
        lambda: model().save_weights("/nowhere/x.weights.h5"),
        "nowhere",
        FileNotFoundError,
    ),
    right("weights: as they were", lambda: loaded(_nothing), lambda found: _first(found)),
    right(
        "weights: unknown attributes are left alone",
        lambda: loaded(lambda f, d: f.attrs.__setitem__("note", "mine")),
        lambda found: _first(found),
    ),
    right(
        "weights: without checksums, as from Keras",
        lambda: loaded(lambda f, d: f.visititems(_forget_digest)),
        lambda found: _first(found),
    ),
    right("weights: three threads save to one path", lambda: many_writers(), True),
    right("weights: a planted link is not followed", lambda: planted(), True),
    right("weights: the mode of the file is kept", lambda: mode_after(0o600), 0o600),
    right("weights: another mode is kept", lambda: mode_after(0o640), 0o640),
    right("weights: the user's link stays", lambda: through_link(), [True, True]),
    right("weights: nothing else is left in the folder", lambda: left_over(), True),
    right("weights: an error leaves the old file", lambda: after_an_error(), lambda f: _first(f)),
]  # fmt: skip
CASES = [replace(case, once=True) for case in _CASES]


def _nothing(file, folder):
    """The file stays as it is."""


def _cut(share):
    return lambda content: content[: int(len(content) * share)]


def _first(found):
    np.testing.assert_array_equal(found[0], np.arange(12.0).reshape(4, 3))


def _forget_digest(path, item):
    item.attrs.pop("sha256", None)


def at_path(make, method="load_weights"):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.weights.h5")
        make(path)
        try:
            getattr(model(), method)(path)
        except ValueError as error:
            raise _without_folder(error, folder) from None


def many_writers():
    with tempfile.TemporaryDirectory() as folder:
        path, made, errors = os.path.join(folder, "m.weights.h5"), model(), []

        def save():
            try:
                for _ in range(10):
                    made.save_weights(path)
            except Exception as error:  # noqa: BLE001 - told to the case
                errors.append(error)

        threads = [threading.Thread(target=save) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors, errors
        made.load_weights(path)
        return os.listdir(folder) == ["m.weights.h5"]


def planted():
    with tempfile.TemporaryDirectory() as folder:
        victim = Path(folder, "victim")
        victim.write_bytes(b"precious")
        for name in ("m.weights.h5.partial", ".m.weights.h5", "m.weights.h5.tmp"):
            os.symlink(victim, os.path.join(folder, name))
        model().save_weights(os.path.join(folder, "m.weights.h5"))
        return victim.read_bytes() == b"precious"


def mode_after(mode):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.weights.h5")
        path.touch()
        path.chmod(mode)
        model().save_weights(path)
        return stat.S_IMODE(path.stat().st_mode)


def through_link():
    with tempfile.TemporaryDirectory() as folder:
        real, link = Path(folder, "real.weights.h5"), Path(folder, "m.weights.h5")
        real.touch()
        link.symlink_to(real)
        model().save_weights(link)
        return [link.is_symlink(), real.stat().st_size > 0]


def left_over():
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            model().save_weights(os.path.join(folder, "m.weights.h5"))
        return os.listdir(folder) == ["m.weights.h5"]


def after_an_error():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.weights.h5")
        model().save_weights(path)
        broken = model()
        broken.optimizer.variables[-1].numpy = None  # so that the last write fails
        try:
            broken.save_weights(path)
        except TypeError:
            assert os.listdir(folder) == ["m.weights.h5"]
        made = model()
        made.load_weights(path)
        return made.get_weights()
