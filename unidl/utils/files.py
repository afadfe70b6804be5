"""One file from the web, kept."""

from __future__ import annotations

import os
from pathlib import Path


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
        fname: name of the file there, by default the last part of the URL.
        origin: URL.
        untar: unpack, as `extract` does.
        md5_hash, file_hash: what the file is checked against, hexadecimal; `hash_algorithm` is
            "md5", "sha256" or "auto", which goes by the length.
        cache_subdir: folder below `cache_dir`.
        extract: unpack a zip or tar file into a folder beside it, and return that.
        archive_format: "auto", "zip" or "tar".
        cache_dir: `$UNIDL_HOME` by default, `~/.unidl` if that is not set.
        force_download: although the file is there.
    """
    import pooch

    if not origin:
        raise ValueError("get_file: say where the file comes from: origin='https://...'.")
    known = file_hash or md5_hash
    if known and hash_algorithm == "auto":
        hash_algorithm = "sha256" if len(known) == 64 and not md5_hash else "md5"
    folder = (
        Path(cache_dir or os.environ.get("UNIDL_HOME") or "~/.unidl").expanduser() / cache_subdir
    )
    name = fname or origin.rpartition("/")[2]
    target = folder / name
    if force_download:
        target.unlink(missing_ok=True)
    processor = None
    if extract or untar:
        kind = _archive_kind(name if archive_format == "auto" else archive_format)
        processor = {"zip": pooch.Unzip, "tar": pooch.Untar}[kind](extract_dir=f"{name}_extracted")
    try:
        pooch.retrieve(
            origin,
            f"{hash_algorithm}:{known}" if known else None,
            name,
            folder,
            processor=processor,
        )
    except OSError as error:
        raise ConnectionError(
            f"get_file: {name} is not in the cache and could not be downloaded: {error}\nPut it by "
            f"hand at {target}."
        ) from error
    return str(target if processor is None else folder / f"{name}_extracted")


def _archive_kind(name: str) -> str:
    """ "zip" or "tar", from a file's name or a format's."""
    if name.endswith("zip"):
        return "zip"
    if name == "tar" or name.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")):
        return "tar"
    raise ValueError(
        f'get_file: cannot tell how {name!r} is packed. Say archive_format="zip" or "tar".'
    )
