"""`unidl conformance`: certify backends."""

from __future__ import annotations

import faulthandler
import sys
from pathlib import Path

from unidl.backend import BackendError, get_backend, registry
from unidl.conformance import html, report, suite
from unidl.conformance.engine import DTYPES
from unidl.conformance.journal import Journal, JournalError
from unidl.utils.whole_file import write_text


def add_command(commands) -> None:
    """The subcommand, among those of `unidl`."""
    parser = commands.add_parser(
        "conformance", help="run every case of the contract on backends and report the errors"
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--backend",
        action="append",
        help="name of a backend; can be repeated; default: all installed backends",
    )
    parser.add_argument(
        "--device", help='"cpu", "gpu", "gpu:1"; default: the best device of each backend'
    )
    parser.add_argument(
        "--dtype",
        action="append",
        choices=DTYPES,
        help=(
            "only this dtype; can be repeated. Cases without float inputs run if float64 or "
            "float32 is included"
        ),
    )
    parser.add_argument("--match", default="", help="only cases whose name contains this text")
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=Path,
        help=(
            "write all records as a list; during the run they are in FILE.partial, with the name "
            "of the running case in the last line"
        ),
    )
    parser.add_argument(
        "--isolate",
        action="store_true",
        help="run the cases in a child process: a crash of the framework is one failed case",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help=(
            "continue from the FILE.partial that an unfinished --json run left; the case in which "
            "it stopped runs again, in a child process"
        ),
    )
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help=("write the records as an HTML page")
    )


def run(arguments) -> int:
    """Exit status 0 if every record of every backend passed or is a known failure.

    2 where nothing ran, since a backend, a device or a file is missing; else 1.
    """
    names = arguments.backend or report.installed()
    dtypes = tuple(arguments.dtype or DTYPES)
    try:
        device = (
            registry.standardize_device(arguments.device)
            if arguments.device
            else registry.current_device()
        )
        problem = next(filter(None, (lacking(get_backend(name), device) for name in names)), None)
        problem = problem or _no_place(arguments)
        journal = None if problem else _journal(arguments, names, device, dtypes)
    except (BackendError, ValueError, JournalError) as error:
        problem = str(error)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    if not faulthandler.is_enabled():
        faulthandler.enable()  # a crash shows where in Python it was
    progress = _show if sys.stderr.isatty() else None
    records = suite.run_suite(
        names, arguments.match, device, dtypes, progress, journal, arguments.isolate
    )
    if progress:
        print(end="\r\033[K", file=sys.stderr)
    if not records:
        print(f"No case's name contains {arguments.match!r}.", file=sys.stderr)
    if journal is not None:
        report.write_json(records, arguments.json)
        journal.remove()
    report.print_table(records)
    for text in suite.not_run(records, names, arguments.match, dtypes):
        print(text)
    if arguments.html and records:
        write_text(arguments.html, html.page(records))
    untested = set(names) - {record.backend for record in records}
    return int(bool(untested) or any(record.is_problem for record in records))


def _no_place(arguments):
    """What to say where a file cannot be written at the end of the run, else None."""
    for path in filter(None, (arguments.json, arguments.html)):
        if path.is_dir() or not path.absolute().parent.is_dir():
            return f"{path} cannot be written: give a file in an existing directory."
    if arguments.resume and not arguments.json:
        return "--resume continues from the file of --json FILE: give the same file again."
    return None


def _journal(arguments, names, device, dtypes):
    if not arguments.json:
        return None
    settings = {
        "backends": {name: get_backend(name).version for name in names},
        "match": arguments.match,
        "device": device,
        "dtypes": list(dtypes),
    }
    return Journal(f"{arguments.json}.partial", settings, arguments.resume)


def lacking(backend, device) -> str | None:
    """What to say where `backend` has no such device, else None."""
    if device is None or device in backend.devices():
        return None
    return (
        f"The backend {backend.name!r} has no device {device!r} here, it has: "
        f"{', '.join(backend.devices())}. "
        "Name one of these, or install a build of the framework that sees the device."
    )


def _show(name, case, done, of):
    text = f"{name}: {done} of {of}: {case}"
    print(f"\r{text[:100]}", end="\033[K", file=sys.stderr, flush=True)
