"""`python -m unidl.conformance`: certify the installed backends."""

from __future__ import annotations

import argparse
import sys

from unidl.conformance import report
from unidl.conformance.known import known_failures


def main(argv=None) -> int:
    """Exit status 0 if every record passed or is a known failure."""
    parser = argparse.ArgumentParser(prog="unidl.conformance", description="Run every case of the contract on a backend.")
    parser.add_argument("--backend", action="append", help="name of a backend; may be repeated; by default all that are installed")
    parser.add_argument("--match", default="", help="only cases whose name contains this text")
    parser.add_argument("--device", help='"cpu", "gpu" ...; by default the best of each backend')
    parser.add_argument("--json", action="store_true", help="print JSON, with each record")
    arguments = parser.parse_args(argv)
    show = None if arguments.json or not sys.stderr.isatty() else _show
    results = report.run_suite(arguments.backend or report.installed(), arguments.match, arguments.device, progress=show)
    if show:
        print(end="\r\033[K", file=sys.stderr)
    (report.print_json if arguments.json else report.print_table)(results)
    return int(any(report.summary(records, known_failures(name))["problems"] for name, records in results.items()))


def _show(name, done, of):
    print(f"\r{name}: {done} of {of}", end="\033[K", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
