"""Collections of texts in HDF5 files on which HDF5 would never come to an end."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from unidl.saving import hdf5, heaps, load_model

h5py = pytest.importorskip("h5py")

FILES = Path(__file__).with_name("keras2.zip")


def of_texts(**file):
    """A file with texts of varying length, in bytes."""
    made = io.BytesIO()
    with h5py.File(made, "w", **file) as h5:
        h5.attrs["a"] = "some text"
        h5.attrs["b"] = ["and", "more", "of", "it"]
    return made.getvalue()


def with_size(content, size, is_free):
    """`content` with another size of the free space, or the first text, in the last collection."""
    place = content.rindex(heaps.SIGNATURE) + 16
    while is_free and content[place : place + 2] != bytes(2):
        length = int.from_bytes(content[place + 8 : place + 16], "little")
        place += 16 + (length + 7) // 8 * 8
        assert place < len(content)
    return content[: place + 8] + size.to_bytes(8, "little") + content[place + 16 :]


def test_sound_files():
    assert heaps.what_is_wrong(io.BytesIO(of_texts()), 8) is None
    assert heaps.what_is_wrong(io.BytesIO(b""), 8) is None
    for cut in range(0, 4096, 111):
        assert heaps.what_is_wrong(io.BytesIO(of_texts()[:-cut]), 8) is None
    with zipfile.ZipFile(FILES) as archive:
        for name in archive.namelist():
            if name.endswith(".h5"):
                assert heaps.what_is_wrong(io.BytesIO(archive.read(name)), 8) is None


@pytest.mark.parametrize(("size", "is_free"), [(0, True), ((1 << 64) - 16, False)])
@pytest.mark.parametrize("before", [0, (1 << 20) - 2])  # the signature lies across two reads
def test_an_object_without_room(size, is_free, before):
    content = of_texts()
    start = content.index(heaps.SIGNATURE)
    spoilt = bytes(before) + with_size(content, size, is_free)[start:]
    wrong = heaps.what_is_wrong(io.BytesIO(spoilt), 8)
    assert f"at byte {before:,} has an object that takes no room" in wrong


def test_collections_within_collections_end():
    """Each one is a text of all those before it; to follow them all would take hours."""
    header = heaps.SIGNATURE + b"\1" + bytes(3) + b"\xff" * 7 + b"\0"
    text = b"\1" + bytes(7) + (16).to_bytes(8, "little")
    spoilt = (header + text) * 20_000
    assert "more than 1,048,576 texts" in heaps.what_is_wrong(io.BytesIO(spoilt), 8)


def test_a_model_is_told(tmp_path):
    with zipfile.ZipFile(FILES) as archive:
        content = archive.read("images.h5")
    path = tmp_path / "m.h5"
    path.write_bytes(with_size(content, 0, True))
    with pytest.raises(ValueError, match=r"m\.h5 is not loaded: .*takes no room"):
        load_model(path)


def test_digests_are_beside_the_shape(tmp_path):
    """Weight files have no collections at all."""
    with open(tmp_path / "x", "wb+") as file, hdf5.create(file) as h5:
        hdf5.write_array(h5, "a/b", np.arange(6.0))
    assert heaps.SIGNATURE not in (tmp_path / "x").read_bytes()
    with hdf5.reading(tmp_path / "x", "test") as reader:
        np.testing.assert_array_equal(reader.array("a/b", (6,)), np.arange(6.0))
