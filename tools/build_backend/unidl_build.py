"""The build backend: setuptools, with editable installs that type checkers and editors can follow.

The packages lie in two folders, and setuptools' own editable install of such a project is an import
hook, which only a running Python understands. Here it is a `.pth` file with the two folders, which
mypy and pyright read as well.
"""

import base64
import hashlib
import locale
import zipfile
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

ROOT = Path(__file__).resolve().parents[2]
# `where` of [tool.setuptools.packages.find]. Python reads it in the locale's encoding.
PTH = "".join(f"{folder}\n" for folder in (ROOT, ROOT / "backends"))


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """setuptools' wheel of metadata and commands, with the folders' paths for its import hook."""
    name = build_meta.build_editable(wheel_directory, config_settings, metadata_directory)
    path = Path(wheel_directory, name)
    with zipfile.ZipFile(path) as wheel:
        files = {member: wheel.read(member) for member in wheel.namelist()}
    files = {member: content for member, content in files.items() if ".dist-info/" in member}
    files["__editable__.unidl.pth"] = PTH.encode(locale.getpreferredencoding(False))
    (record,) = (member for member in files if member.endswith(".dist-info/RECORD"))
    del files[record]
    lines = [f"{member},{_digest(content)}" for member, content in files.items()]
    files[record] = "".join(f"{line}\n" for line in [*lines, f"{record},,"]).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for member, content in files.items():
            wheel.writestr(member, content)
    return name


def _digest(content):
    """The two columns of a RECORD after a file's name: hash and size."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(content)}"
