"""`unidl port`: scripts and notebooks for other frameworks become those for unidl.

Exit status 0: everything is ported, 1: some lines were kept, 2: a file cannot be read or written.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import Any

from unidl.port.scripts.files import CannotRead, Script, is_notebook, read, scripts_in
from unidl.port.scripts.ported import Ported

WHOLE, KEPT, UNREADABLE = 0, 1, 2

_EPILOG = """
Comments and layout stay. A line that cannot be ported is kept, with the reason in a comment above
it, and listed. Without -o or --in-place the new script goes to standard output. In a notebook the
code cells are ported; magics stay, and outputs go.

  unidl port train.py -o ported.py
  unidl port train.ipynb -o ported.ipynb
  unidl port train.py --diff
  unidl port --in-place experiments/

Exit status: 0 everything is ported, 1 some lines were kept, 2 a file cannot be read or written.
"""


def add_command(commands: Any) -> None:
    """Register `port` among the subcommands of `unidl`."""
    parser = commands.add_parser(
        "port",
        help="rewrite scripts for other frameworks as scripts for unidl",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="FILE", help="scripts, notebooks, or folders")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-o", "--output", metavar="FILE", help="write the new script there")
    where.add_argument("--in-place", action="store_true", help="overwrite the scripts")
    where.add_argument("--diff", action="store_true", help="show what would change")
    where.add_argument("--check", action="store_true", help="only tell what would be kept")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """One script after the other; returns the exit status of the worst."""
    try:
        paths = list(scripts_in(arguments.paths))
        if arguments.output and len(paths) != 1:
            raise CannotRead("-o takes one script. For several write --in-place")
        if arguments.output and Path(arguments.output).resolve() == paths[0].resolve():
            raise CannotRead("-o is the script itself. To overwrite it write --in-place")
        if not paths:
            raise CannotRead("there is no script in it")
        if arguments.output and is_notebook(Path(arguments.output)) != is_notebook(paths[0]):
            raise CannotRead("of a notebook comes a notebook, NAME.ipynb, and of a script a script")
    except CannotRead as error:
        return _refused(" ".join(arguments.paths), error)
    several = len(paths) > 1
    if several and not (arguments.in_place or arguments.diff or arguments.check):
        why = CannotRead("there are several scripts. Write --in-place, --diff or --check")
        return _refused(" ".join(arguments.paths), why)
    return max(_one(path, arguments) for path in paths)


def _one(path: Path, arguments: argparse.Namespace) -> int:
    from unidl.port.scripts import port_notebook, port_source

    try:
        script = read(path)
        ported = (port_notebook if script.is_notebook else port_source)(script.text)
    except CannotRead as error:
        return _refused(path, error)
    except ImportError as error:
        return _refused(path, error)
    except SyntaxError as error:
        why = f"line {error.lineno}: {error.msg}. Is it Python 3? From Python 2, run 2to3 first"
        return _refused(path, why)
    except (RecursionError, MemoryError):  # MemoryError: how Python's parser says the same
        return _refused(path, "an expression in it is nested too deeply")
    try:
        _write(script, ported, arguments)
    except OSError as error:
        return _refused(error.filename or path, error.strerror or error)
    _tell(path, ported)
    return WHOLE if ported.whole else KEPT


def _write(script: Script, ported: Ported, arguments: argparse.Namespace) -> None:
    if arguments.diff:
        texts = [script.text, ported.text]
        if script.is_notebook:
            from unidl.port.scripts.notebooks import code_of

            texts = [code_of(text) for text in texts]
        old, new = (text.splitlines(keepends=True) for text in texts)
        name = str(script.path)
        sys.stdout.writelines(difflib.unified_diff(old, new, name, f"{name} (ported)"))
    elif arguments.output:
        script.write(ported.text, Path(arguments.output))
    elif arguments.in_place:
        if ported.changed:
            script.write(ported.text, script.path)
    elif not arguments.check:
        sys.stdout.write(ported.text)


def _tell(path: Path, ported: Ported) -> None:
    """The summary, on standard error, since the script may be on standard output."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if not ported.calls and not ported.kept and not ported.changed:
        console.print(f"{path}: nothing to port")
        return
    share = f"{ported.ported} of {ported.calls} calls ported"
    console.print(
        f"{path}: {share}, {len(ported.kept)} kept" if ported.kept else f"{path}: {share}"
    )
    for kept in ported.kept:
        cell = "" if kept.cell is None else f"cell {kept.cell}, "
        console.print(f"  {cell}line {kept.line}: {kept.name}: {kept.reason}")


def _refused(path: Any, why: Any) -> int:
    print(f"unidl port: {path}: {why}", file=sys.stderr)
    return UNREADABLE
