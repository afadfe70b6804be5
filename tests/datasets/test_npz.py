import io
import struct
import zipfile

import numpy as np
import pytest

from unidl.datasets._npz import read_npz

EXPECTED = {"a": ((8, 8), np.uint8)}
GOOD = np.arange(64, dtype=np.uint8).reshape(8, 8)
HEADER = "{'descr': '|u1', 'fortran_order': False, 'shape': (8, 8), }"


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


def npy_with_header(header):
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + GOOD.tobytes()


def npz(tmp_path, members, compression=zipfile.ZIP_DEFLATED):
    path = tmp_path / "file.npz"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_good_file(tmp_path, version, order):
    path = npz(
        tmp_path,
        {"a.npy": npy(np.asarray(GOOD, order=order), version=version), "more.npy": b"ignored"},
    )
    np.testing.assert_array_equal(read_npz(path, EXPECTED)["a"], GOOD)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"b.npy": npy(GOOD)}, r"no array 'a', only \['b.npy'\]"),
        ({"a.npy": npy(GOOD[:7])}, r"a is uint8 \(7, 8\)"),
        ({"a.npy": npy(GOOD.astype(np.float32))}, r"a is float32 \(8, 8\)"),
        ({"a.npy": npy(GOOD.astype(object))}, "a holds Python objects"),
        ({"a.npy": npy(GOOD) + b"more"}, "continues after its last element"),
        ({"a.npy": npy(GOOD)[:-1]}, "found: "),
        ({"a.npy": npy(GOOD)[:50]}, "found: "),
        ({"a.npy": b""}, "found: "),
        ({"a.npy": npy_with_header(HEADER)[:6] + b"\x03\x00" + npy(GOOD)[8:]}, r"format \(3, 0\)"),
        # Headers on which NumPy's own parser fails with a TypeError, a TokenError and a
        # SyntaxError.
        ({"a.npy": npy_with_header("{[]: 1}")}, "unhashable"),
        ({"a.npy": npy_with_header(HEADER.rstrip("}"))}, "found: "),
        ({"a.npy": npy_with_header(HEADER.replace("|u1", ",u1"))}, "found: "),
        # A few bytes that claim 10^20: refused by the header, before any memory is asked for.
        (
            {"a.npy": npy_with_header(HEADER.replace("(8, 8)", "(10000000000, 10000000000)"))},
            "a is uint8",
        ),
    ],
)
def test_a_wrong_member(tmp_path, members, reason):
    path = npz(tmp_path, members)
    with pytest.raises(ValueError, match=reason) as info:
        read_npz(path, EXPECTED)
    assert str(path) in str(info.value)
    assert "a uint8 (8, 8)" in str(info.value)


def test_a_compression_that_numpy_does_not_write(tmp_path):
    path = npz(tmp_path, {"a.npy": npy(GOOD)}, zipfile.ZIP_BZIP2)
    with pytest.raises(ValueError, match="compressed in a way"):
        read_npz(path, EXPECTED)


@pytest.mark.parametrize("content", [b"", b"<html>log in first</html>", b"PK\x03\x04"])
def test_not_an_archive(tmp_path, content):
    path = tmp_path / "file.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="File is not a zip file"):
        read_npz(path, EXPECTED)


def test_any_damage_is_a_value_error(tmp_path):
    good = npz(tmp_path, {"a.npy": npy(GOOD)}).read_bytes()
    random = np.random.RandomState(0)
    for _ in range(500):
        damaged = bytearray(good)
        for position in random.randint(0, len(good), 3):
            damaged[position] = random.randint(256)
        try:
            array = read_npz(io.BytesIO(damaged), EXPECTED)["a"]
        except ValueError:
            continue
        np.testing.assert_array_equal(array, GOOD)  # the damage was in a date or the like


def test_a_missing_file_is_not_called_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "none.npz", EXPECTED)
