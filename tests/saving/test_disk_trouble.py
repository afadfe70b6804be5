"""A process that dies at any call of a save, and a disk that is full: the file that was there, or
the new one, and nothing in the way of the next save."""

import errno
import os
import resource
import shutil
import signal
import subprocess
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.utils import whole_folder

pytest.importorskip("h5py")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

NAMES = ("m.keras", "m.weights.h5", "m.safetensors", "m.weights.json", "folder")
CALLS = (
    "open", "replace", "rename", "link", "remove", "unlink", "fsync", "mkdir", "chmod", "close",
    "fdopen", "rmdir",
)  # fmt: skip


def model(value):
    made = unidl.Sequential([unidl.Input((4,)), layers.Dense(30), layers.Dense(10)])
    made.set_weights([w * 0 + value for w in made.get_weights()])
    return made


def save(path, value):
    made = model(value)
    if path.name == "m.keras":
        made.save(path)
    elif path.name == "folder":
        made.save(path, zipped=False)
    elif path.name == "m.weights.json":
        made.save_weights(path, max_shard_size=1.5e-6)
    else:
        made.save_weights(path)


def value_in(path):
    if path.name in ("m.keras", "folder"):
        made = unidl.saving.load_model(path)
    else:
        made = model(0)
        made.load_weights(path)
    found = {float(number) for w in made.get_weights() for number in np.unique(w)}
    assert len(found) == 1, f"half loaded: {found}"
    return found.pop()


def _die_at_call(number, calls=CALLS):
    count = 0

    def wrapped(function):
        def call(*args, **kwargs):
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return call

    for name in calls:
        setattr(os, name, wrapped(getattr(os, name)))


def in_child(work):
    """The exit status of a process that does the work; 1 where an OSError of a full disk came."""
    child = os.fork()
    if not child:
        status = 9
        try:
            work()
            status = 0
        except OSError as error:
            status = 1 if error.errno in (errno.EFBIG, errno.ENOSPC) else 8
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def rows(quick):
    return [pytest.param(n, marks=() if n in quick else pytest.mark.slow) for n in NAMES]


@pytest.mark.parametrize("name", rows(["m.keras"]))
def test_killed_at_every_call_that_changes_files(name, tmp_path):
    with unidl.use_backend("numpy"):
        path, number, died, before = tmp_path / name, 0, 0, 1.0
        save(path, before)
        while True:
            number += 1
            new = before + 1

            def work(number=number, new=new):
                _die_at_call(number)
                save(path, new)

            status = in_child(work)
            assert status in (0, -signal.SIGKILL)
            died += status != 0
            assert value_in(path) in (before, new)
            if status == 0:
                assert value_in(path) == new
                break
            before = value_in(path)
        assert died > 5
        save(path, 99.0)
        assert value_in(path) == 99.0


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_killed_while_it_is_replaced(exchanges, tmp_path, monkeypatch):
    """At the calls that rename: the name is there always, or is there again at the next load."""
    if exchanges:
        if not whole_folder.exchange(*_two_folders(tmp_path / "tried")):
            pytest.skip("no exchange of names here")
    else:
        monkeypatch.setattr(whole_folder, "exchange", lambda *names: False)
    path, seen = tmp_path / "in" / "folder", []
    path.parent.mkdir()
    with unidl.use_backend("numpy"):
        before = 1.0
        save(path, before)
        for number in range(1, 30):

            def work(number=number, new=before + 1):
                _die_at_call(number, ("rename", "fsync", "rmdir"))
                save(path, new)

            status = in_child(work)
            assert status in (0, -signal.SIGKILL)
            seen.append(path.exists())
            found = value_in(path)
            assert found in (before, before + 1)
            before = found
            if status == 0:
                break
        assert status == 0
        assert all(seen) == exchanges  # with two renames there is a moment without
        shutil.rmtree(path)
        with pytest.raises(FileNotFoundError):  # what somebody removed stays away
            value_in(path)
        save(path, 99.0)
        assert value_in(path) == 99.0


def _two_folders(place):
    for name in "ab":
        (place / name).mkdir(parents=True)
    return str(place / "a"), str(place / "b")


def test_a_folder_that_cannot_be_put_into_place_is_named(tmp_path, monkeypatch):
    with unidl.use_backend("numpy"):
        save(tmp_path / "folder", 1.0)
        new = tmp_path / ".folder.0123456789abcdef"
        shutil.copytree(tmp_path / "folder", new)
        (tmp_path / "folder").rename(f"{new}.old")
        (tmp_path / ".folder.longer.0123456789abcdef").mkdir()  # of another folder
        (tmp_path / ".folder.longer.0123456789abcdef.old").mkdir()
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", _refused)
            with pytest.raises(FileNotFoundError, match=r"folder is .*cdef, .*read-only.*Ren"):
                value_in(tmp_path / "folder")
        assert value_in(tmp_path / "folder") == 1.0
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {"folder"} | {n for n in left if n.startswith(".folder.longer.")}


def _refused(*names):
    raise OSError(errno.EROFS, "read-only file system")


SYSTEM_CALLS = (
    "write,pwrite64,pwritev,writev,ftruncate,fallocate,fsync,fdatasync,link,linkat,rename,renameat,"
    "renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,chmod,fchmod,close,sendfile,copy_file_range"
)


def killed_at(call, number, work):
    """The exit status of a process that the system kills as it enters this system call the
    `number`th time."""
    child = os.fork()
    if not child:
        os.kill(os.getpid(), signal.SIGSTOP)
        work()
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    where = f"inject={call}:signal=KILL:when={number}"
    command = ["strace", "-e", f"trace={call}", "-e", where, "-p", str(child)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        first = tracer.stderr.readline()
        assert "attached" in first, first
        os.kill(child, signal.SIGCONT)
        tracer.stderr.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("name", NAMES)
def test_killed_at_every_system_call(name, tmp_path):
    """As above, but between two lines of HDF5 too, which Python does not see."""
    with unidl.use_backend("numpy"):
        path, before, died = tmp_path / name, 1.0, Counter()
        save(path, before)
        for call in SYSTEM_CALLS.split(","):
            status = -1
            while status:
                number = died[call] + 1
                status = killed_at(call, number, lambda value=before + 1: save(path, value))
                assert status in (0, -signal.SIGKILL)
                died[call] += status != 0
                found = value_in(path)
                assert found in (before, before + 1)
                before = found
        assert died.total() > 7
        print(f"{name}: killed at {died.total()} system calls: {+died}")


@contextmanager
def at_most(size):
    """Files of this process get no larger, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


@pytest.mark.parametrize("size", [0, pytest.param(100, marks=pytest.mark.slow), 2_000])
@pytest.mark.parametrize("name", rows(["m.keras", "m.weights.json"]))
def test_a_full_disk_is_told_and_nothing_is_lost(name, size, tmp_path):
    with unidl.use_backend("numpy"):
        path = tmp_path / name
        save(path, 1.0)
        before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))

        def work():
            with at_most(size):
                save(path, 2.0)

        assert in_child(work) == 1
        assert value_in(path) == 1.0
        assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before
        save(path, 3.0)
        assert value_in(path) == 3.0
