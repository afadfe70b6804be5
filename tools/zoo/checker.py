"""Runs written files in processes that cannot import unidl.

python checker.py NUMBER MODULE ...

It imports the modules once, and forks for each folder whose name comes in by the socket of that
number, so that a file costs no import of its framework. There net.py runs as a program; what it
prints is in the folder, and its exit status comes back.
"""

import contextlib
import importlib
import os
import runpy
import select
import signal
import socket
import sys
import traceback

SECONDS = 300  # of one file


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0].startswith("unidl"):
            raise ImportError(f"{name}: a written file needs no unidl")


def main(number, *modules):
    sys.path[0] = ""  # not this folder, but that of the written file
    sys.meta_path.insert(0, Refuse())
    server = socket.socket(fileno=int(number))
    if "mxnet" in modules:  # it asks NumPy for what NumPy 1.24 took away
        np = importlib.import_module("numpy")
        np.bool = bool
    for name in modules:
        importlib.import_module(name)
    while server in select.select([server, sys.stdin], [], [])[0]:  # else whoever began it is gone
        connection, _ = server.accept()
        folder = connection.recv(4096).decode()
        if (child := os.fork()) == 0:
            server.close()
            _run(folder)
        _, status = os.waitpid(child, 0)
        with connection, contextlib.suppress(BrokenPipeError):  # its row took too long meanwhile
            connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _run(folder):
    signal.alarm(SECONDS)
    os.chdir(folder)
    for name, number in (("stdout", 1), ("stderr", 2)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    status = 0
    try:
        runpy.run_path("net.py", run_name="__main__")
    except BaseException:  # noqa: BLE001 - a file may end in any way
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
