"""`unidl launch`: starts the processes of a run through the launcher of the backend's engine.

Exit status: that of the first process that failed, 0 if none did; with --max-restarts that of the
last start.
"""

from __future__ import annotations

import argparse
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pkgutil import resolve_name
from typing import Any

from unidl.backend import registry
from unidl.backend.errors import JoinError
from unidl.backend.spec import BackendSpec
from unidl.distribution.command import Command, Wanted

# Seconds that processes have to end by themselves once one has failed, and servers once all others
# have ended.
GRACE_S = 10.0

_EPILOG = """
  unidl launch -n 4 train.py --epochs 3
  unidl launch -n 4 --backend torch --max-restarts 3 train.py
  unidl launch -n 8 --hosts node1,node2 --dry-run train.py

The last one prints the command for each host, with its environment: run it there, or put it into
the job of your scheduler. In the script, unidl.distribution.initialize() joins the processes.
"""


def add_command(commands: Any) -> None:
    """Register `launch` among the subcommands of `unidl`."""
    parser = commands.add_parser(
        "launch",
        help="run a script in several processes that compute one run together",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-n", type=_positive, required=True, help="processes on each host")
    parser.add_argument("--backend", help="what the script runs on; UNIDL_BACKEND by default")
    parser.add_argument("--hosts", default="127.0.0.1", help="names, comma-separated")
    parser.add_argument(
        "--port", type=_positive, help="where processes meet; a free one by default"
    )
    parser.add_argument(
        "--max-restarts",
        type=_not_negative,
        default=0,
        metavar="N",
        help="start all again when one fails, at most N times: the script goes on from its last "
        "checkpoint, by BackupAndRestore",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the commands, start nothing")
    parser.add_argument("script", nargs=argparse.REMAINDER, help="the script and its arguments")
    parser.set_defaults(run=run)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text}")
    return value


def _not_negative(text: str) -> int:
    return _positive(text) if text != "0" else 0


def run(arguments: argparse.Namespace) -> int:
    try:
        return _run(arguments)
    except (ImportError, JoinError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # as shells say of what Ctrl-C ended


def _run(arguments: argparse.Namespace) -> int:
    if not arguments.script:
        raise ValueError("unidl launch: no script. Write: unidl launch -n 2 script.py")
    hosts = [host.strip() for host in arguments.hosts.split(",") if host.strip()]
    spec = registry.installed_spec(arguments.backend)

    def commands() -> list[Command]:
        port = arguments.port or free_port()
        return commands_of(
            spec, Wanted(arguments.n, arguments.script, hosts, port, arguments.max_restarts)
        )

    found = commands()
    if arguments.dry_run:
        for command in found:
            print(f"# on {command.host}\n{command}")
        return 0
    elsewhere = sorted({c.host for c in found} - {"127.0.0.1", "localhost"})
    if elsewhere:
        raise JoinError(
            f"unidl launch: nothing can be started on {', '.join(elsewhere)} from here. "
            "--dry-run prints the command for each host."
        )
    if any(command.restarts for command in found):
        return run_all(found)
    for number in range(1, arguments.max_restarts + 1):
        if not (status := run_all(found)):
            return status
        print(
            f"unidl launch: restart {number} of {arguments.max_restarts}.",
            file=sys.stderr,
            flush=True,
        )
        found = commands()  # on another port: the old one may be in use for a while
    return run_all(found)


def commands_of(spec: BackendSpec, wanted: Wanted) -> list[Command]:
    """What starts the processes of `wanted` on the backend of `spec`, which the script uses."""
    if not spec.launch:
        raise JoinError(
            f"unidl launch: the backend {spec.name!r} does not offer several processes."
        )
    chosen = {"UNIDL_BACKEND": spec.name}
    return [
        replace(command, environment=chosen | command.environment)
        for command in resolve_name(spec.launch)(wanted)
    ]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def run_all(commands: list[Command]) -> int:
    """Start all, show their lines as one log, and end all when one fails."""
    running = [(command, _start(command)) for command in commands]
    readers = [
        threading.Thread(target=_show, args=(command, process), daemon=True)
        for command, process in running
    ]
    for reader in readers:
        reader.start()
    with _terminated_as_interrupted():
        try:
            status = _until_the_end(running)
        finally:
            _end(running)
    for reader in readers:
        reader.join(timeout=GRACE_S)
    return status


def _start(command: Command) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command.argv, env=command.whole_environment, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _show(command: Command, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        sys.stdout.write(f"[{command.label}] {line}" if command.label else line)
        sys.stdout.flush()


def _until_the_end(running: list[tuple[Command, subprocess.Popen[str]]]) -> int:
    while True:
        ended = [(c, p.poll()) for c, p in running if p.poll() is not None]
        for command, status in ended:
            if status:
                who = f"process {command.label}" if command.label else "the launcher"
                how = f"by signal {-status}" if status < 0 else f"with status {status}"
                print(f"unidl launch: {who} ended {how}; the others are ended.", file=sys.stderr)
                return status if status > 0 else 128 - status
        if _all_succeeded(running):
            return 0
        time.sleep(0.05)


def _all_succeeded(running: list[tuple[Command, subprocess.Popen[str]]]) -> bool:
    return all(p.poll() == 0 for c, p in running if not c.serves)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Whoever ends the launcher ends what it has started."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(running: list[tuple[Command, subprocess.Popen[str]]]) -> None:
    """Wait a while for those that are left, then end them."""
    deadline = time.monotonic() + GRACE_S
    for command, process in running:
        # Servers end by themselves when the others have, but not when one of these failed.
        if process.poll() is None and not (command.serves and _all_succeeded(running)):
            process.terminate()
    for _, process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
