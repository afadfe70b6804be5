"""`unidl conformance`: certify backends."""

from __future__ import annotations

import sys
from pathlib import Path

from unidl.backend import BackendError, get_backend, registry
from unidl.conformance import html, report
from unidl.conformance.engine import DTYPES


def add_command(commands) -> None:
    """The subcommand, among those of `unidl`."""
    parser = commands.add_parser(
        "conformance", help="run every case of the contract on backends and report the errors"
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--backend",
        action="append",
        help="name of a backend; may be repeated; by default all that are installed",
    )
    parser.add_argument(
        "--device", help='"cpu", "gpu", "gpu:1"; by default the best that each backend has'
    )
    parser.add_argument(
        "--dtype", action="append", choices=DTYPES, help="one dtype only; may be repeated"
    )
    parser.add_argument("--match", default="", help="only cases whose name contains this text")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write a list of all records")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page that shows them")


def run(arguments) -> int:
    """Exit status 0 if every record passed or is a known failure, 2 where a backend or a device is missing."""
    names = arguments.backend or report.installed()
    try:
        device = (
            registry.standardize_device(arguments.device)
            if arguments.device
            else registry.current_device()
        )
        problem = next(filter(None, (lacking(get_backend(name), device) for name in names)), None)
    except (BackendError, ValueError) as error:
        problem = str(error)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    progress = _show if sys.stderr.isatty() else None
    records = report.run_suite(
        names, arguments.match, device, tuple(arguments.dtype or DTYPES), progress
    )
    if progress:
        print(end="\r\033[K", file=sys.stderr)
    report.print_table(records)
    if arguments.json:
        report.write_json(records, arguments.json)
    if arguments.html:
        arguments.html.write_text(html.page(records), "utf-8")
    if not records:
        print(f"No case's name contains {arguments.match!r}.", file=sys.stderr)
    return int(not records or any(record.is_problem for record in records))


def lacking(backend, device) -> str | None:
    """What to say where `backend` has no such device, else None."""
    if device is None or device in backend.devices():
        return None
    return (
        f"The backend {backend.name!r} has no device {device!r} here, it has: {', '.join(backend.devices())}. "
        "Name one of these, or install a build of the framework that sees the device."
    )


def _show(name, done, of):
    print(f"\r{name}: {done} of {of}", end="\033[K", file=sys.stderr, flush=True)
