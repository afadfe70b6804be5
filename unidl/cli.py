"""The `unidl` command."""

from __future__ import annotations

import argparse

import unidl
from unidl.conformance import command as conformance
from unidl.distribution import launch
from unidl.port import command as convert
from unidl.port.scripts import command as port
from unidl.verify import command as verify


def main(argv=None) -> int:
    """Run one subcommand; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="unidl", description="One deep learning program on any framework."
    )
    parser.add_argument("--version", action="version", version=f"unidl {unidl.__version__}")
    parser.set_defaults(run=lambda _: parser.print_help())
    commands = parser.add_subparsers(title="commands")
    backends = commands.add_parser(
        "backends",
        help=("list backends: what is installed (with versions and devices) and what is missing"),
    )
    backends.set_defaults(run=show_backends)
    verify.add_command(commands)
    conformance.add_command(commands)
    convert.add_command(commands)
    port.add_command(commands)
    launch.add_command(commands)
    arguments = parser.parse_args(argv)
    return arguments.run(arguments) or 0


def show_backends(_) -> int:
    """Print a table of all registered backends; the active one is starred."""
    from rich.console import Console
    from rich.table import Table

    from unidl.backend import BackendError, get_backend, list_backends

    try:
        active, problem = get_backend().name, None
    except BackendError as error:
        active, problem = None, str(error)
    table = Table("Backend", "Framework", "Devices", "State")
    for row in list_backends():
        devices, version, state = "", row.version or "", f"not installed: {row.install}"
        if row.installed:
            try:
                backend = get_backend(row.name)
                devices, version, state = ", ".join(backend.devices()), backend.version, "ready"
            except BackendError as error:
                state = str(error)
        cells = [f"{'* ' if row.name == active else ''}{row.name}", version, devices, state]
        table.add_row(*(cell.replace("[", "\\[") for cell in cells))
    Console().print(table)
    if problem:
        Console(stderr=True).print(problem.replace("[", "\\["))
        return 1
    return 0
