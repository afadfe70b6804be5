"""Archives and names of `utils.get_file` that would write elsewhere, or without end."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

from tests.abuse.case import right, told
from unidl.utils import get_file
from unidl.utils.archives import unpack

OUTSIDE = "tests-abuse-outside"


def tar(*members, mode="w:gz"):
    """Bytes of an archive of members (name, what): bytes, or a type and a link's target."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, what in members:
            member = tarfile.TarInfo(name)
            member.mode = 0o6777
            if isinstance(what, bytes):
                member.size = len(what)
                archive.addfile(member, io.BytesIO(what))
            else:
                member.type, member.linkname = what
                archive.addfile(member)
    return data.getvalue()


def zipped(*members):
    """Bytes of a zip archive of (name, bytes, mode)."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return data.getvalue()


def unpacked(content, kind="tar"):
    """{relative name: (bytes, mode)} of what comes out; AssertionError if anything is outside."""
    with tempfile.TemporaryDirectory() as folder:
        archive, inside = Path(folder, "a"), Path(folder, "cache", "inside")
        archive.write_bytes(content() if callable(content) else content)
        try:
            unpack(archive, inside, kind)
        except ValueError as error:
            raise ValueError(str(error).replace(folder, "FOLDER")) from None
        finally:
            found = {p.relative_to(folder).parts[:2] for p in Path(folder).rglob("*")}
            allowed = {("a",), ("cache",), ("cache", "inside")}
            assert found <= allowed, f"outside: {found - allowed}"
            assert not os.path.exists(f"/tmp/{OUTSIDE}")
        return {
            str(p.relative_to(inside)): (p.read_bytes(), stat.S_IMODE(p.stat().st_mode))
            for p in sorted(inside.rglob("*"))
            if p.is_file()
        }


def long_links():
    """The trick of CVE-2025-12060: a path that is too long to be resolved, made of links."""
    members, path, short = [], "", ""
    for letter in "abcdefghijklmnop":
        long = letter * 240
        members.append((path + long, (tarfile.DIRTYPE, "")))
        members.append((path + letter, (tarfile.SYMTYPE, long)))
        path, short = path + long + "/", short + letter + "/"
    members.append((short + "l" * 254, (tarfile.SYMTYPE, "../" * 16)))
    members.append((short + "l" * 254 + f"/../../{OUTSIDE}", b"x"))
    return tar(*members)


def bomb():
    """100 MB of zeros in 100 kB: more than the allowance of a small archive."""
    return tar(("zeros", bytes(100 << 20)))


def header_bomb():
    """A name of 200 MB, which tarfile reads before anybody sees a member."""
    block = tarfile.TarInfo("././@LongLink")
    block.type, block.size = tarfile.GNUTYPE_LONGNAME, 200 << 20
    data = io.BytesIO()
    with gzip.open(data, "wb") as file:
        file.write(block.tobuf(tarfile.GNU_FORMAT))
        for _ in range(200):
            file.write(bytes(1 << 20))
    return data.getvalue()


def many():
    return tar(*((f"{i}", b"") for i in range(20_000)))


LINKS = {
    "symbolic link": (tarfile.SYMTYPE, "/etc"),
    "symbolic link inside": (tarfile.SYMTYPE, "b"),
    "hard link": (tarfile.LNKTYPE, "/etc/passwd"),
    "hard link inside": (tarfile.LNKTYPE, "b"),
    "pipe": (tarfile.FIFOTYPE, ""),
    "device": (tarfile.CHRTYPE, ""),
    "block device": (tarfile.BLKTYPE, ""),
}
NAMES = {
    "absolute": f"/tmp/{OUTSIDE}",
    "two dots": f"../{OUTSIDE}",
    "two dots inside": f"a/../../{OUTSIDE}",
    "back to where it was": "a/../b",
    "Windows' two dots": f"..\\{OUTSIDE}",
    "a drive": "C:\\windows",
    "a drive without a folder": "C:x",
    "a fraction": "\\\\server\\share\\x",
    "a line feed": "a\nb",
    "an escape": "a\x1b[2Jb",
    "too long a part": "a" * 300,
    "too long a path": "/".join(["abcdefgh"] * 600),
}

_CASES = [
    *(
        told(f"tar: {name}", lambda what=what: unpacked(tar(("b", b"x"), ("a", what))), "link or a")
        for name, what in LINKS.items()
    ),
    *(
        told(f"tar: name, {what}", lambda name=name: unpacked(tar((name, b"x"))), "relative path")
        for what, name in NAMES.items()
    ),
    *(
        told(
            f"zip: name, {what}",
            lambda name=name: unpacked(zipped((name, b"x", 0o644)), "zip"),
            "plain relative path",
        )
        for what, name in NAMES.items()
    ),
    told(
        "tar: through a link",
        lambda: unpacked(tar(("ln", (tarfile.SYMTYPE, "/tmp")), (f"ln/{OUTSIDE}", b"x"))),
        "'ln' is a link",
    ),
    told("tar: the long links of CVE-2025-12060", lambda: unpacked(long_links), "is a link"),
    told(
        "tar: the same name twice",
        lambda: unpacked(tar(("a", b"1"), ("a", b"2"))),
        "the name occurs twice",
    ),
    told(
        "tar: a file that is a folder too",
        lambda: unpacked(tar(("a/b", b"1"), ("a", b"2"))),
        "the name occurs twice",
    ),
    told("tar: a bomb", lambda: unpacked(bomb), "much larger"),
    told("tar: a bomb in a header", lambda: unpacked(header_bomb), "much larger"),
    told("tar: 20,000 empty members", lambda: unpacked(many), "more members", slow=True),
    told("tar: not one", lambda: unpacked(b"no archive at all"), "damaged or not a tar"),
    told("tar: empty file", lambda: unpacked(b""), "damaged or not a tar"),
    told("tar: cut", lambda: unpacked(tar(("a", os.urandom(20_000)))[:9_000]), "damaged"),
    told(
        "tar: a flipped bit",
        lambda: unpacked(flipped(tar(("a", bytes(range(256)) * 40)), 60)),
        "damaged",
    ),
    told(
        "zip: a symbolic link",
        lambda: unpacked(zipped(("a", b"/etc", stat.S_IFLNK | 0o777)), "zip"),
        "link or a device",
    ),
    told(
        "zip: a device",
        lambda: unpacked(zipped(("a", b"", stat.S_IFCHR | 0o777)), "zip"),
        "link or a device",
    ),
    told(
        "zip: a bomb",
        lambda: unpacked(zipped(("a", bytes(100 << 20), 0o644)), "zip"),
        "much larger",
    ),
    told("zip: not one", lambda: unpacked(b"no archive", "zip"), "damaged or not a zip"),
    told("zip: no name", lambda: unpacked(zipped(("", b"x", 0o644)), "zip"), "has no name"),
    told(
        "zip: a flipped bit",
        lambda: unpacked(flipped(zipped(("a", os.urandom(500), 0o644)), 100), "zip"),
        "damaged",
    ),
    right(
        "tar: set-user bits are not kept",
        lambda: all(
            mode & 0o7133 == 0
            for _, mode in unpacked(tar(("a", b"1"), ("b/c", b"2"), ("b/d/e", b""))).values()
        ),
        True,
    ),
    right(
        "tar: plain files in folders",
        lambda: {n: c for n, (c, _) in unpacked(tar(("./a", b"1"), ("b/c", b"2"))).items()},
        lambda found: _equal(found, {"a": b"1", "b/c": b"2"}),
    ),
    right(
        "zip: plain files in folders",
        lambda: unpacked(zipped(("b/", b"", 0), ("b/c", b"2", 0o644)), "zip")["b/c"][0],
        lambda found: _equal(found, b"2"),
    ),
    *(
        told(
            f"get_file: fname {what}",
            lambda name=name: get_file(name, "http://127.0.0.1:9/x", cache_dir="/nowhere"),
            "not a plain file name",
        )
        for what, name in {
            "two dots": "../x", "absolute": "/tmp/x", "with a folder": "a/b", "dots alone": "..",
            "a dot": ".", "Windows' folders": "a\\b", "a drive": "C:x", "a line feed": "a\nb",
            "a null byte": "a\0b",
        }.items()
    ),
    told(
        "get_file: a URL without a name",
        lambda: get_file(origin="http://127.0.0.1:9/", cache_dir="/nowhere"),
        "not a plain file name",
    ),
    told("get_file: no origin", lambda: get_file("x"), "origin="),
    told("get_file: an origin that is a number", lambda: get_file("x", 3), "origin="),
    told("get_file: a number for a name", lambda: get_file(3, "http://a/b"), "name of a file"),
    told(
        "get_file: an unknown hash",
        lambda: get_file("x", "http://a/b", file_hash="0", hash_algorithm="crc"),
        "hash_algorithm",
    ),
    told(
        "get_file: an unknown format",
        lambda: get_file("x", "http://a/b", extract=True, archive_format="rar"),
        "archive_format",
    ),
    told(
        "get_file: no format",
        lambda: get_file("x", "http://a/b", extract=True, archive_format=None),
        "archive_format",
    ),
    told("get_file: cannot tell", lambda: get_file("x.7z", "http://a/b", extract=True), "packed"),
]  # fmt: skip
CASES = [replace(case, once=True) for case in _CASES]


def flipped(content, place):
    found = bytearray(content)
    found[place] ^= 4
    return bytes(found)


def _equal(found, wanted):
    assert found == wanted, f"{found} is not {wanted}"
