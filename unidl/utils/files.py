"""One file from the web, kept."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from unidl.utils.archives import unpack


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str = "auto",
    cache_dir: str | None = None,
    force_download: bool = False,
) -> str:
    """Download `origin` once; returns the path of the file in the cache, as a string, or of the
    folder it was unpacked to.

    Args:
        fname: name of the file there, without folders; by default the last part of the URL.
        origin: URL.
        untar: unpack, as `extract` does.
        md5_hash, file_hash: what the file is checked against, hexadecimal; `hash_algorithm` is
            "md5", "sha256" or "auto", which goes by the length.
        cache_subdir: folder below `cache_dir`.
        extract: unpack a zip or tar file into a folder beside it, and return that. Links, devices
            and names that lead out of the folder are refused, and so is what is much larger
            unpacked than an honest archive.
        archive_format: "auto", "zip" or "tar".
        cache_dir: `$UNIDL_HOME` by default, `~/.unidl` if that is not set.
        force_download: although the file is there.

    Examples:
        >>> unidl.utils.get_file(origin="https://example.com/data.npz")  # doctest: +SKIP
    """
    import pooch

    if not origin or not isinstance(origin, str):
        raise ValueError("get_file: say where the file comes from: origin='https://...'.")
    known = file_hash or md5_hash
    if hash_algorithm not in ("auto", "md5", "sha256"):
        raise ValueError(
            f'get_file: hash_algorithm must be "auto", "md5" or "sha256", got {hash_algorithm!r}.'
        )
    if known and hash_algorithm == "auto":
        hash_algorithm = "sha256" if len(known) == 64 and not md5_hash else "md5"
    folder = (
        Path(cache_dir or os.environ.get("UNIDL_HOME") or "~/.unidl").expanduser() / cache_subdir
    )
    name = _plain_name(fname, origin)
    kind = None
    if extract or untar:
        kind = _archive_kind(name if archive_format == "auto" else archive_format)
    target = folder / name
    if force_download:
        target.unlink(missing_ok=True)
    was_there = target.exists()
    try:
        pooch.retrieve(origin, f"{hash_algorithm}:{known}" if known else None, name, folder)
    except OSError as error:
        raise ConnectionError(
            f"get_file: {name} is not in the cache and could not be downloaded: {error}\nPut it by "
            f"hand at {target}."
        ) from error
    if kind is None:
        return str(target)
    unpacked = folder / f"{name}_extracted"
    if not (was_there and unpacked.is_dir()):
        unpack(target, unpacked, kind)
    return str(unpacked)


def _plain_name(fname: str | None, origin: str) -> str:
    """The file's name in the cache."""
    if fname is not None and not isinstance(fname, str):
        raise TypeError(f"get_file: fname must be the name of a file, got {fname!r}.")
    name = fname or urlsplit(origin).path.rpartition("/")[2]
    if not name or name in (".", "..") or any(c in "/\\:" or c < " " for c in name):
        raise ValueError(
            f"get_file: {name!r} is not a plain file name. Write fname='words.txt', and give the "
            "folder as cache_subdir='...' or cache_dir='...'."
        )
    return name


def _archive_kind(name: str) -> str:
    """ "zip" or "tar", from a file's name or a format's."""
    if not isinstance(name, str):
        raise ValueError(f'get_file: archive_format must be "auto", "zip" or "tar", got {name!r}.')
    if name.endswith("zip"):
        return "zip"
    if name == "tar" or name.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")):
        return "tar"
    raise ValueError(
        f'get_file: cannot tell how {name!r} is packed. Give archive_format="zip" or "tar".'
    )
