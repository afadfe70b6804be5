"""Folders of safetensors files with parts of weights: what is read, and what is refused."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.saving import safetensors, shards

WHOLE = np.arange(24.0).reshape(4, 6)


def model_of(backend):
    return unidl.Sequential([layers.Input((4,), dtype="float64"), layers.Dense(6, name="a")])


def cut(rows, columns):
    """(name of the part, where it begins, numbers) of each cell of a grid."""
    return [
        (f"layers/dense/kernel[{r},{c}]", [r * 4 // rows, c * 6 // columns], cell)
        for r, band in enumerate(np.split(WHOLE, rows, 0))
        for c, cell in enumerate(np.split(band, columns, 1))
    ]


def write_folder(path, parts, bias=None, shape=(4, 6)):
    """As a run of as many processes as there are parts would have written it."""
    path.mkdir()
    weight_map = {}
    for i, (name, _, numbers) in enumerate(parts):
        file = f"model-{i + 1:05}-of-{len(parts):05}.safetensors"
        rows = [(name, numbers)]
        rows += [("layers/dense/bias", np.ones(6) if bias is None else bias)] if i == 0 else []
        weight_map |= {key: file for key, _ in rows}
        with open(path / file, "w+b") as new:
            safetensors.write(new, rows)
    note = {"shape": list(shape), "begins": {name: begin for name, begin, _ in parts}}
    index = {"weight_map": weight_map, "parts": {"layers/dense/kernel": note}}
    (path / shards.INDEX).write_text(json.dumps(index))


@pytest.fixture
def model(backend):
    unidl.config.set_floatx("float64")
    with unidl.use_backend(backend.name):
        yield model_of(backend)
    unidl.config.set_floatx("float32")


@pytest.mark.parametrize("grid", [(1, 1), (1, 2), (2, 1), (2, 3), (4, 6)])
def test_any_grid_of_parts_is_read(model, grid, tmp_path):
    write_folder(tmp_path / "m.shards", cut(*grid))
    model.load_weights(tmp_path / "m.shards")
    assert np.array_equal(model.get_weights()[0], WHOLE)
    assert np.array_equal(model.get_weights()[1], np.ones(6))


@pytest.mark.parametrize("place", [np.s_[0:4, 0:6], np.s_[1:3, 2:5], np.s_[3:4, 5:6]])
@pytest.mark.parametrize("grid", [(1, 1), (2, 3)])
def test_a_part_of_another_grid_is_read(grid, place, tmp_path):
    write_folder(tmp_path / "m.shards", cut(*grid))
    with shards.reading(str(tmp_path / "m.shards"), "test", {}) as reader:
        assert np.array_equal(reader.array("layers/dense/kernel", (4, 6), place), WHOLE[place])


def test_one_process_writes_a_folder_too(model, tmp_path):
    model.compile(unidl.optimizers.Adam(0.1), "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 6)), verbose=0)
    path = tmp_path / "m.shards"
    model.save_weights(f"{path}/")
    assert sorted(os.listdir(path)) == ["model-00001-of-00001.safetensors", shards.INDEX]
    before = model.get_weights()
    slots = [np.asarray(v.numpy()) for v in model.optimizer.variables]
    model.fit(np.ones((4, 4)), np.ones((4, 6)), verbose=0)
    model.load_weights(f"{path}/")
    assert all(map(np.array_equal, before, model.get_weights()))
    after = [np.asarray(v.numpy()) for v in model.optimizer.variables]
    assert all(map(np.array_equal, slots, after))
    with pytest.raises(FileExistsError, match="exists"):
        model.save_weights(path, overwrite=False)
    with pytest.raises(ValueError, match="leave out max_shard_size"):
        model.save_weights(path, max_shard_size=1)
    model.save_weights(path)  # takes the place of the old one


def test_a_checkpoint_may_be_a_folder(model, tmp_path):
    model.compile("sgd", "mse")
    name = f"{tmp_path}/{{epoch}}.shards/"
    save = unidl.callbacks.ModelCheckpoint(name, save_weights_only=True)
    model.fit(np.ones((4, 4)), np.ones((4, 6)), epochs=2, verbose=0, callbacks=[save])
    assert sorted(os.listdir(tmp_path)) == ["1.shards", "2.shards"]
    with pytest.raises(ValueError, match=r"must end with '\.keras'"):
        unidl.callbacks.ModelCheckpoint(name)


def edit_index(change):
    def edit(path):
        index = json.loads((path / shards.INDEX).read_text())
        change(index)
        (path / shards.INDEX).write_text(json.dumps(index))

    return edit


def notes(index):
    return index["parts"]["layers/dense/kernel"]


def moved(*begin):
    """The second part would begin elsewhere."""
    name = "layers/dense/kernel[0,1]"
    return edit_index(lambda index: notes(index)["begins"].update({name: list(begin)}))


def flattened(index):
    notes(index).update(shape=[24], begins={"layers/dense/kernel[0,0]": [0]})


def linked_index(path):
    (path / shards.INDEX).unlink()
    (path / shards.INDEX).symlink_to("/dev/zero")


def shard(path, number=1):
    return path / f"model-{number:05}-of-00002.safetensors"


def truncate(path):
    content = shard(path).read_bytes()
    shard(path).write_bytes(content[:-9])


def flip(path):
    content = bytearray(shard(path).read_bytes())
    content[-9] ^= 1
    shard(path).write_bytes(bytes(content))


def rewrite(numbers):
    """The second part with other numbers."""

    def edit(path):
        with open(shard(path, 2), "w+b") as new:
            safetensors.write(new, [("layers/dense/kernel[0,1]", numbers)])

    return edit


def link(path):
    Path(path.parent, "elsewhere").write_bytes(shard(path).read_bytes())
    shard(path).unlink()
    shard(path).symlink_to(path.parent / "elsewhere")


def send_to(name):
    return edit_index(lambda index: index["weight_map"].update({"layers/dense/bias": name}))


DAMAGE = {
    "no index": (lambda path: (path / shards.INDEX).unlink(), "which is written last"),
    "half an index": (lambda path: (path / shards.INDEX).write_text('{"weight'), "is not JSON"),
    "a list": (lambda path: (path / shards.INDEX).write_text("[]"), "no weight_map"),
    "an index that is a link": (
        linked_index,
        "not a plain file",
    ),
    "a missing shard": (lambda path: shard(path).unlink(), "is not in it. Put it there"),
    "a truncated shard": (truncate, "model-00001-of-00002.safetensors'.*damaged"),
    "another number": (flip, "does not contain the numbers that were written"),
    "an empty shard": (lambda path: shard(path).write_bytes(b""), "is not a safetensors file"),
    "a shard that is a link": (link, "is a link, a folder or a device"),
    "a path above": (send_to("../m.safetensors"), "is not the name of a shard"),
    "an absolute path": (send_to("/etc/passwd"), "is not the name of a shard"),
    "a number for a path": (send_to(7), "is not the name of a shard"),
    "the wrong shard": (send_to("model-00002-of-00002.safetensors"), "do not agree about"),
    "a tensor that is not there": (
        edit_index(
            lambda index: index["weight_map"].update(x="model-00002-of-00002.safetensors")
        ),
        "do not agree about 'x'",
    ),
    "an overlap": (
        moved(0, 2),
        "overlap, or do not fill",
    ),
    "twice the same place": (
        moved(0, 0),
        "overlap, or do not fill",
    ),
    "a missing part": (
        edit_index(lambda index: notes(index)["begins"].pop("layers/dense/kernel[0,1]")),
        "overlap, or do not fill",
    ),
    "no part": (edit_index(lambda index: notes(index).update(begins={})), "are missing"),
    "a larger whole": (
        edit_index(lambda index: notes(index).update(shape=[4, 1 << 40])),
        "overlap, or do not fill",
    ),
    "other axes": (
        edit_index(flattened),
        "has other axes",
    ),
    "a negative place": (
        moved(0, -3),
        'no plain "parts"',
    ),
    "a part of two tensors": (
        edit_index(lambda index: index["parts"].update(other=notes(index))),
        "belongs to two tensors",
    ),
    "a part that is nowhere": (
        edit_index(lambda index: notes(index)["begins"].update(nowhere=[0, 0])),
        "is in none of its files",
    ),
    "a part and a whole": (
        edit_index(lambda index: index["parts"].update({"layers/dense/bias": notes(index)})
                   or index["parts"].pop("layers/dense/kernel")),
        "is there twice",
    ),
    "other sizes": (rewrite(np.zeros((4, 2))), "overlap, or do not fill"),
    "several dtypes": (rewrite(np.zeros((4, 3), "float32")), "several dtypes"),
}  # fmt: skip


@pytest.mark.quick_on("numpy")
@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_damaged_changes_nothing(model, what, tmp_path):
    path = tmp_path / "m.shards"
    write_folder(path, cut(1, 2))
    edit, text = DAMAGE[what]
    edit(path)
    before = model.get_weights()
    with pytest.raises(ValueError, match=text) as told:
        model.load_weights(path)
    assert "m.shards" in str(told.value)
    assert all(map(np.array_equal, before, model.get_weights()))


@pytest.mark.quick_on("numpy")
def test_another_architecture_is_told(model, tmp_path):
    write_folder(tmp_path / "m.shards", cut(1, 2), bias=np.ones(5))
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"'layers/dense/bias' has shape \(5,\)"):
        model.load_weights(tmp_path / "m.shards")
    assert all(map(np.array_equal, before, model.get_weights()))
    with pytest.raises(FileNotFoundError, match="there is no file"):
        model.load_weights(tmp_path / "n.shards")


@pytest.mark.quick_on("numpy")
def test_a_write_that_fails_leaves_the_old_folder(model, tmp_path, monkeypatch):
    path = tmp_path / "m.shards"
    model.save_weights(path)
    before = model.get_weights()
    model.set_weights([w + 1 for w in before])

    def fails(file, rows):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(safetensors, "write", fails)
    with pytest.raises(OSError, match="No space left"):
        model.save_weights(path)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["m.shards"]
    model.load_weights(path)
    assert all(map(np.array_equal, before, model.get_weights()))
    shutil.rmtree(path)
