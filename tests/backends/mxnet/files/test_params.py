"""`.params` files: MXNet reads what is written here, and what it writes is read; damage is told."""

import struct
from pathlib import Path

import numpy as np
import pytest

from unidl_mxnet.files.params import read_params, write_params

DENSE = {
    "weight": np.random.default_rng(0).normal(size=(3, 4)).astype("float32"),
    "half": np.array([1.5, -2], "float16"),
    "double": np.array([[1e300]], "float64"),
    "long": np.array([1 << 40, -3]),
    "int": np.array([7, -7], "int32"),
    "byte": np.array([255, 0], "uint8"),
    "small": np.array([-128], "int8"),
    "yes": np.array([True, False]),
}


@pytest.fixture
def mx():
    pytest.importorskip("mxnet", exc_type=ImportError)
    from unidl_mxnet.load import load_mxnet

    return load_mxnet()


def same(found, wanted):
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


def test_there_and_back(tmp_path):
    values = DENSE | {"scalar": np.float32(3), "none of them": np.zeros((0, 3), "float32")}
    write_params(tmp_path / "a.params", values)
    same(read_params(tmp_path / "a.params"), values)


def test_byte_for_byte_as_mxnet(mx, tmp_path):
    ours, theirs = tmp_path / "ours", str(tmp_path / "theirs")
    mx.nd.save(theirs, {k: mx.nd.array(v, dtype=v.dtype) for k, v in DENSE.items()})
    write_params(ours, DENSE)
    assert ours.read_bytes() == Path(theirs).read_bytes()
    same(read_params(theirs), DENSE)
    for name, value in mx.nd.load(str(ours)).items():
        np.testing.assert_array_equal(value.asnumpy(), DENSE[name])


def test_what_gluon_writes(mx, tmp_path):
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(3), mx.gluon.nn.BatchNorm())
    net.initialize()
    net.hybridize()
    net(mx.nd.ones((2, 4)))
    net.save_parameters(str(tmp_path / "net.params"))
    found = read_params(tmp_path / "net.params")
    assert list(found) == [
        "0.weight", "0.bias", "1.gamma", "1.beta", "1.running_mean", "1.running_var",
    ]  # fmt: skip
    np.testing.assert_array_equal(found["0.weight"], net[0].weight.data().asnumpy())
    net.export(str(tmp_path / "whole"))
    names = read_params(tmp_path / "whole-0000.params")
    assert [name.partition(":")[0] for name in names] == ["arg"] * 4 + ["aux"] * 2


def test_lists_have_numbers_for_names(mx, tmp_path):
    mx.nd.save(str(tmp_path / "l"), [mx.nd.ones((2,)), mx.nd.zeros((1,))])
    same(read_params(tmp_path / "l"), {"0": np.ones(2, "f4"), "1": np.zeros(1, "f4")})


def file_of(*arrays, names=None):
    """The bytes of a file that holds arrays in whatever layout."""
    names = [f"x{i}".encode() for i in range(len(arrays))] if names is None else names
    head = struct.pack("<QQQ", 0x112, 0, len(arrays))
    tail = struct.pack("<Q", len(names))
    return head + b"".join(arrays) + tail + b"".join(struct.pack("<Q", len(n)) + n for n in names)


NUMBERS = np.array([1.0, 2.0], "<f4").tobytes()
ON_CPU = struct.pack("<iii", 1, 0, 0)
OLDEST = struct.pack("<II", 1, 2) + ON_CPU + NUMBERS
V1 = struct.pack("<Iiq", 0xF993FAC8, 1, 2) + ON_CPU + NUMBERS
V2 = struct.pack("<Iiiq", 0xF993FAC9, 0, 1, 2) + ON_CPU + NUMBERS
NONE = struct.pack("<Iii", 0xF993FAC9, -1, 0)
BFLOAT16 = struct.pack("<Iiiqiii", 0xF993FACA, 0, 1, 1, 1, 0, 12) + b"\xc0\x3f"


def read(tmp_path, content):
    path = tmp_path / "a.params"
    path.write_bytes(content)
    return read_params(path)


def test_layouts_of_all_versions(mx, tmp_path):
    content = file_of(OLDEST, V1, V2)
    found = read(tmp_path, content)
    same(found, dict.fromkeys(("x0", "x1", "x2"), np.array([1, 2], "f4")))
    theirs = mx.nd.load(str(tmp_path / "a.params"))
    same({name: theirs[name].asnumpy() for name in found}, found)
    assert read(tmp_path, file_of(NONE)) == {"x0": None}
    same(read(tmp_path, file_of(BFLOAT16)), {"x0": np.array([1.5], "f4")})


HOSTILE = {
    "nothing": (b"", "does not begin"),
    "another file": (b"PK\3\4" + bytes(40), "does not begin"),
    "a billion arrays": (struct.pack("<QQQ", 0x112, 0, 1 << 30) + bytes(64), "are announced"),
    "a petabyte": (
        file_of(struct.pack("<Iii2q", 0xF993FAC9, 0, 2, 1 << 40, 1 << 10) + ON_CPU), "are wanted"
    ),
    "sizes that overflow": (
        file_of(struct.pack("<Iii2q", 0xF993FAC9, 0, 2, 1 << 62, 1 << 62) + ON_CPU), "has the shape"
    ),
    "no numbers in a shape without end": (
        file_of(struct.pack("<Iii2q", 0xF993FAC9, 0, 2, 1 << 62, 0) + ON_CPU), "has the shape"
    ),
    "a negative size": (
        file_of(struct.pack("<Iii2q", 0xF993FAC9, 0, 2, -1, -4) + ON_CPU), r"shape \(-1, -4\)"
    ),
    "33 axes": (file_of(struct.pack("<I", 33) + bytes(400)), "has 33 axes"),
    "minus two axes": (file_of(struct.pack("<Iii", 0xF993FACA, 0, -2)), "has -2 axes"),
    "an unknown dtype": (
        file_of(struct.pack("<Iiiqiii", 0xF993FAC9, 0, 1, 1, 1, 0, 99)), "no dtype 99"
    ),
    "a sparse array": (file_of(struct.pack("<Iii", 0xF993FAC9, 1, 1) + bytes(40)), "tostype"),
    "an unknown kind": (file_of(struct.pack("<Iii", 0xF993FAC9, 7, 1) + bytes(40)), "of kind 7"),
    "booleans of 2": (
        file_of(struct.pack("<Iiiqiii", 0xF993FAC9, 0, 1, 1, 1, 0, 7) + b"\2"), "of booleans"
    ),
    "too few names": (file_of(V2, V2, names=[b"a"]), "2 arrays and 1 names"),
    "a name twice": (file_of(V2, V2, names=[b"a", b"a"]), "'a' is in it twice"),
    "a name that is no text": (file_of(V2, names=[b"\xff"]), "not text"),
    "bytes behind": (file_of(V2) + b"x", "1 bytes follow"),
    "cut": (file_of(V2)[:-1], "are left"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_refused(what, tmp_path):
    content, mentions = HOSTILE[what]
    with pytest.raises(ValueError, match=rf"a\.params is not read: .*{mentions}"):
        read(tmp_path, content)


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match="is a folder, a device or a pipe"):
        read_params(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_params(tmp_path / "x")


def test_dtypes_that_do_not_exist(tmp_path):
    with pytest.raises(ValueError, match="'x' is complex128, which"):
        write_params(tmp_path / "a", {"x": np.zeros(1, complex)})
    assert not (tmp_path / "a").exists()
