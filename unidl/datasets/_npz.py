"""Read an .npz file that may be damaged or hostile."""

from __future__ import annotations

import errno
import zipfile
import zlib
from tokenize import TokenError
from typing import Any

import numpy as np

from unidl.typing import DType

# What zipfile, zlib and NumPy (which parses a header as Python source) raise on bytes that are not
# what they should be.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    TypeError,
    RuntimeError,
    SyntaxError,
    TokenError,
)

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path: Any, expected: Any) -> Any:
    """Return a dict of the arrays named in `expected`, a dict of name to (shape, dtype).

    Nothing in the file is trusted: pickles are never loaded, and an array is read only when its
    header announces the expected shape and dtype, so that a small file cannot claim all the memory.
    Raises ValueError otherwise.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                name: _read(archive, name, shape, dtype)
                for name, (shape, dtype) in expected.items()
            }
    except (*_DAMAGE, OSError) as error:
        # Of what the system says, only an impossible seek speaks of the bytes.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        wanted = ", ".join(
            f"{name} {np.dtype(dtype)} {shape}" for name, (shape, dtype) in expected.items()
        )
        raise ValueError(
            f"{path} is damaged or a different file.\n"
            f"  expected: an .npz archive with the arrays {wanted}\n"
            f"  found: {error}\n"
            "  do this: get the file again, or give the path of the right one"
        ) from error


def _read(archive: Any, name: str, shape: Any, dtype: DType) -> Any:
    member = f"{name}.npy"
    if member not in archive.namelist():
        raise ValueError(f"no array {name!r}, only {sorted(archive.namelist())[:10]}")
    if archive.getinfo(member).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in a way that NumPy never uses")
    with archive.open(member) as stream:
        found_shape, found_dtype = _read_header(stream)
    if found_dtype.hasobject:
        raise ValueError(
            f"{name} holds Python objects; they are pickles, which can run code, and are never "
            "loaded"
        )
    if (found_shape, found_dtype) != (shape, np.dtype(dtype)):
        raise ValueError(f"{name} is {found_dtype} {found_shape}")
    with archive.open(member) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        # Reading to the end is what makes zipfile compare the checksum of the member.
        if stream.read(1):
            raise ValueError(f"{name} continues after its last element")
    return array


def _read_header(stream: Any) -> Any:
    version = np.lib.format.read_magic(stream)
    if version not in _HEADER_READERS:
        raise ValueError(f"an array in .npy format {version}; a plain one is in (1, 0) or (2, 0)")
    shape, _, dtype = _HEADER_READERS[version](stream)
    return shape, dtype
