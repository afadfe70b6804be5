"""Safetensors files and shards that are damaged, hostile, or of another model."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

import unidl
from tests.abuse.case import right, told
from unidl import layers


def model():
    made = unidl.Sequential([unidl.Input((4,)), layers.Dense(30), layers.Dense(10)])
    made.set_weights([w * 0 + i for i, w in enumerate(made.get_weights())])
    return made


def loaded(name, spoil, **arguments):
    """Weights of a model after loading what `spoil(path)` has changed; nothing of the model may
    change where that raises."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        model().save_weights(path, **arguments)
        spoil(path)
        made = model()
        made.set_weights([w * 0 + 7 for w in made.get_weights()])
        try:
            made.load_weights(path)
        except ValueError as error:
            assert all((w == 7).all() for w in made.get_weights()), "half loaded"
            raise ValueError(str(error).replace(folder, "FOLDER")) from None
        return [float(w.max()) for w in made.get_weights()]


# -- safetensors -----------------------------------------------------------------------------------

KERNEL, BIAS = "layers/dense/kernel", "layers/dense/bias"


def tensors(change):
    """A file without checksums whose header `change(header)` has changed, or replaced by a text."""

    def unsigned(header):
        header.pop("__metadata__")
        return change(header)

    return signed(unsigned)


def signed(change):
    """The same with its checksums."""

    def spoil(path):
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        found = change(header)
        text = found if isinstance(found, bytes) else json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])

    return lambda: loaded("m.safetensors", spoil)


def content(change):
    return lambda: loaded("m.safetensors", lambda p: p.write_bytes(change(p.read_bytes())))


def entry(name, **parts):
    return tensors(lambda header: header[name].update(parts))


def twice(header):
    text = json.dumps(header)
    return f'{{"{BIAS}": {json.dumps(header[BIAS])}, {text[1:]}'.encode()


def many(header):
    header.update({f"x{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
                   for i in range(90_000)})  # fmt: skip


def other_digest_name(header):
    header["__metadata__"]["sha256 x"] = header["__metadata__"].pop(f"sha256 {BIAS}")


def overlapping(header):
    begin, end = header[KERNEL]["data_offsets"]
    header[KERNEL]["data_offsets"] = [begin - 4, end - 4]


def other_bits(data):
    return data[:-1] + bytes([data[-1] ^ 64])


_SAFETENSORS = [
    *(
        told(f"safetensors: {what}", content(change), "not a safetensors file, or it is damaged")
        for what, change in {
            "empty": lambda data: b"",
            "seven bytes": lambda data: bytes(7),
            "a header of no bytes": lambda data: bytes(8) + data[8:],
            "a header of all bytes there can be": lambda data: b"\xff" * 8 + data[8:],
            "a header as long as the file": lambda d: len(d).to_bytes(8, "little") + d[8:],
            "a text": lambda data: b"no weights at all, but long enough",
            "a pickle": lambda data: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
            "cut in the header": lambda data: data[:100],
        }.items()
    ),
    told("safetensors: cut", content(lambda data: data[:-1]), "its tensors have"),
    told("safetensors: bytes behind", content(lambda data: data + b"x"), "follow the header"),
    told("safetensors: another number", content(other_bits), "numbers that were written"),
    *(
        told(f"safetensors: a header that is {what}", tensors(lambda h, t=text: t), "not (a )?JSON")
        for what, text in {
            "a list": b"[1]", "a number": b"12", "no text": b"{\xff\xfe}", "blank": b"    ",
            "behind blanks": b"  {}", "100,000 brackets deep": b"[" * 100_000,
            "100,000 objects deep": b'{"a":' * 100_000,
        }.items()
    ),
    told("safetensors: a name twice", tensors(twice), "occurs twice in its header"),
    told("safetensors: 90,000 tensors more", tensors(many), "more tensors than a file for",
         slow=True),
    told("safetensors: one tensor more", tensors(
        lambda h: h.update(x={"dtype": "F32", "shape": [0], "data_offsets": [0, 0]})),
        "there is also 'x', which the model does not have"),
    told("safetensors: one is without its checksum",
         signed(lambda h: h["__metadata__"].pop(f"sha256 {BIAS}") and None), "without its SHA-256"),
    told("safetensors: a checksum of nothing", signed(other_digest_name), "without its SHA-256"),
    told("safetensors: tensors that overlap", tensors(overlapping), "overlaps"),
    told("safetensors: a hole", tensors(lambda h: h.pop("layers/dense_1/bias") and None),
         "its tensors have|follows a hole"),
    told("safetensors: a petabyte", entry(KERNEL, shape=[1 << 40, 1 << 10]), "its data_offsets"),
    told("safetensors: sizes that overflow", entry(KERNEL, shape=[1 << 62, 1 << 62]),
         "its data_offsets"),
    told("safetensors: a size beyond 64 bits", entry(KERNEL, shape=[1 << 64]), "invalid dtype"),
    told("safetensors: a negative size", entry(KERNEL, shape=[-4, -30]), "invalid dtype"),
    told("safetensors: a fraction for a size", entry(KERNEL, shape=[4.0, 30]), "invalid dtype"),
    told("safetensors: true for a size", entry(KERNEL, shape=[True, 120]), "invalid dtype"),
    told("safetensors: 100 axes", entry(KERNEL, shape=[1] * 98 + [4, 30]), "impossible shape"),
    told("safetensors: an end before the beginning", entry(KERNEL, data_offsets=[480, 0]),
         "impossible shape"),
    told("safetensors: three offsets", entry(KERNEL, data_offsets=[0, 1, 2]), "impossible shape"),
    told("safetensors: beyond the file", entry(KERNEL, data_offsets=[1 << 50, (1 << 50) + 480]),
         "follows a hole|its tensors have"),
    told("safetensors: more in an entry", entry(KERNEL, code="x"), "or has more"),
    told("safetensors: a text for an entry", tensors(lambda h: h.update({KERNEL: "x"})),
         "has no dtype"),
    told("safetensors: float8", tensors(lambda h: float8(h)),
         "holds F8_E4M3, which unidl does not read. Convert it to F32"),
    told("safetensors: an unknown dtype", entry(KERNEL, dtype="os.system"), "holds os.system"),
    told("safetensors: metadata that are no texts", tensors(
        lambda h: h.update({"__metadata__": {"a": 1}})), "metadata do not map"),
    told("safetensors: arrays change places", tensors(
        lambda h: h.update({KERNEL: h[BIAS], BIAS: h[KERNEL]})), "has shape"),
    told("safetensors: another name", tensors(
        lambda h: h.update({"layers/dense/kernels": h.pop(KERNEL)})),
        "no array 'layers/dense/kernel' for the weight"),
    told("safetensors: a folder", lambda: at_path("m.safetensors", os.mkdir), "not a file"),
    told("safetensors: a pipe", lambda: at_path("m.safetensors", os.mkfifo), "not a file"),
    right("safetensors: as it was written", content(lambda data: data), [0, 1, 2, 3]),
    right("safetensors: without checksums", tensors(lambda h: None), [0, 1, 2, 3]),
]  # fmt: skip


def float8(header):
    header[KERNEL].update(dtype="F8_E4M3")


# -- shards ----------------------------------------------------------------------------------------

FIRST, SECOND = "m_00000.weights.h5", "m_00001.weights.h5"


def shards(spoil):
    return lambda: loaded("m.weights.json", spoil, max_shard_size=1.5e-6)


def places(change):
    """A file whose map {group: shard} `change(map)` has changed, or replaced."""

    def spoil(path):
        found = json.loads(path.read_text())
        changed = change(found["weight_map"])
        path.write_text(json.dumps(found if changed is None else changed))

    return shards(spoil)


def pointing(name):
    return places(lambda where: where.update({"/layers/dense/vars": name}))


def shard(spoil, name=FIRST):
    def change(path):
        with h5py.File(path.parent / name, "r+") as file:
            spoil(file)

    return shards(change)


def linked(path):
    os.rename(path.parent / FIRST, path.parent / "x")
    os.symlink(path.parent / "x", path.parent / FIRST)


def instead(make):
    def spoil(file):
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = make()

    return spoil


_SHARDS = [
    *(
        told(f"shards: in {what}", pointing(name), "is not the name of a shard of this file")
        for what, name in {
            "another folder": f"../{FIRST}", "the root": "/etc/passwd", "another's": "x.weights.h5",
            "a number": 3, "a list of numbers": [1], "a line more": f"{FIRST}\n",
            "an object": {}, "a folder": ".",
        }.items()
    ),
    *(
        told(f"shards: the map is {what}", places(lambda w, f=found: f), "no weight_map")
        for what, found in {"missing": {}, "a list": {"weight_map": []}, "all a list": []}.items()
    ),
    told("shards: the map is no JSON", shards(lambda p: p.write_text("{")), "not JSON"),
    told("shards: the map is 100,000 deep", shards(lambda p: p.write_text("[" * 100_000)), "JSON"),
    told("shards: a group is not in the map",
         places(lambda w: w.pop("/layers/dense/vars") and None), "there is no array"),
    told("shards: a group is in the other shard", pointing(SECOND), "there is no array"),
    told("shards: one is not there", shards(lambda p: os.remove(p.parent / SECOND)),
         "'m_00001.weights.h5' is not beside it. Put it there too"),
    told("shards: one is a link", shards(linked), "link or a device"),
    told("shards: one is cut", shards(lambda p: os.truncate(p.parent / SECOND, 900)), "damaged"),
    told("shards: another number", shard(lambda f: f["layers/dense/vars/0"].__setitem__((0, 0), 9)),
         "numbers that were written"),
    told("shards: a link to a file", shard(instead(lambda: h5py.ExternalLink("/etc/passwd", "/"))),
         "refers to another place"),
    told("shards: another shape", shard(instead(lambda: np.zeros((3, 4)))), "has shape"),
    told("shards: a layer more", shard(lambda f: f.create_dataset("layers/x/vars/0", data=1.0)),
         "which the model does not have"),
    told("shards: a folder for the map", lambda: at_path("m.weights.json", os.mkdir), "not a file"),
    told("shards: a size of 0", lambda: saved("m.weights.json", max_shard_size=0), "file in GB"),
    told("shards: a text for a size", lambda: saved("m.weights.json", max_shard_size="5GB"),
         "file in GB"),
    told("shards: no size", lambda: saved("m.weights.json"), "max_shard_size=5"),
    told("shards: too small a size", lambda: saved("m.weights.json", max_shard_size=1e-7),
         "'layers/dense/vars/0' has 480 bytes, but max_shard_size allows 107 .*at least"),
    told("shards: of safetensors", lambda: saved("m.safetensors", max_shard_size=1), "not split"),
    right("shards: as they were written", shards(lambda p: None), [0, 1, 2, 3]),
]  # fmt: skip


def saved(name, **arguments):
    with tempfile.TemporaryDirectory() as folder:
        try:
            model().save_weights(os.path.join(folder, name), **arguments)
        finally:
            assert os.listdir(folder) == []


def at_path(name, make):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        make(path)
        try:
            model().load_weights(path)
        except ValueError as error:
            raise ValueError(str(error).replace(folder, "FOLDER")) from None


CASES = [replace(case, once=True) for case in (*_SAFETENSORS, *_SHARDS)]
