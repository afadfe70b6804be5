"""`unidl verify`: check a model from a shell or in CI.

Exit status 0: equal, 1: different, 2: wrong use, 3: incomplete, that is, nothing differs but not
all was compared, or the verification itself failed.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
import traceback

EQUAL, DIFFERENT, WRONG_USE, INCOMPLETE = 0, 1, 2, 3

_EPILOG = """
The factory is a function without arguments that returns a model, (model, x) or (model, x, y);
without x, random inputs with the model's input shapes are drawn. It may compile the model;
otherwise Adam and a loss that suits the targets are used. A file written by model.save(), of
unidl or Keras 3, can be given instead.

  unidl verify mypackage.nets:make_model --html report.html
  unidl verify model.keras
  unidl verify nets:make_model --backend torch --record before.run
                                        then, after an upgrade or on another machine,
  unidl verify nets:make_model --backend torch --record after.run
  unidl verify --compare before.run after.run
                                        which step and layer part, if any do

Exit status: 0 equal, 1 different, 2 wrong use, 3 incomplete (nothing differs, but not
everything was compared).
"""


def add_command(commands):
    """Register `verify` among the subcommands of `unidl`."""
    parser = commands.add_parser(
        "verify",
        help="compare a model on every backend with the float64 oracle",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "factory",
        nargs="?",
        metavar="package.module:make_model",
        help=("the function that creates the model"),
    )
    parser.add_argument(
        "--backend",
        action="append",
        help="name of a backend; can be repeated; default: all installed backends",
    )
    parser.add_argument(
        "--device", action="append", help='"cpu", "gpu:0" ...; can be repeated; default: all'
    )
    parser.add_argument("--steps", type=int, default=20, help="training steps (20)")
    parser.add_argument(
        "--seed", type=int, default=0, help=("the seed set before the factory runs (default: 0)")
    )
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON")
    parser.add_argument("--html", metavar="FILE", help="write the report as one HTML page")
    parser.add_argument(
        "--record", metavar="FILE", help="record a training run on one backend instead"
    )
    parser.add_argument(
        "--compare", nargs=2, metavar="FILE", help="compare two recorded runs instead"
    )
    parser.add_argument(
        "--dtype",
        choices=("float64", "float32"),
        help="with --record: train in this dtype instead of the model's own",
    )
    parser.add_argument(
        "--require-all",
        action="store_true",
        help="report INCOMPLETE unless the whole model runs on every backend and device",
    )
    parser.set_defaults(run=run)


def run(arguments) -> int:
    """What is wrong with the call, the model or its data, is said in a line, without a
    traceback."""
    from unidl.backend import BackendError

    # Of what the user's module raises. Python's own status would be that of a difference.
    failed = WRONG_USE
    try:
        if arguments.dtype and not arguments.record:
            raise _WrongUse("--dtype is for --record; verification always uses both dtypes.")
        if arguments.compare:
            return _compare(arguments)
        model, x, y = _make(arguments)
        failed = INCOMPLETE
        return (
            _record(arguments, model, x, y) if arguments.record else _verify(arguments, model, x, y)
        )
    except (_WrongUse, BackendError, ValueError, TypeError, OSError) as error:
        print(f"unidl verify: {error}", file=sys.stderr)
        return WRONG_USE
    except Exception:  # noqa: BLE001 - shown, with an exit status that is no verdict
        traceback.print_exc()
        return failed


class _WrongUse(Exception):
    pass


def _compare(arguments):
    from unidl.verify import compare

    if arguments.factory:
        raise _WrongUse("--compare takes two run files and no factory.")
    result = compare(*arguments.compare)
    print(result)
    return EQUAL if result.equal else DIFFERENT


def _verify(arguments, model, x, y):
    from unidl.verify import verify

    report = verify(
        model,
        x,
        y,
        arguments.backend,
        arguments.device,
        arguments.steps,
        arguments.require_all,
    )
    report.show()
    if arguments.json:
        report.to_json(arguments.json)
    if arguments.html:
        report.to_html(arguments.html)
    return {"equal": EQUAL, "different": DIFFERENT, "incomplete": INCOMPLETE}[report.verdict]


def _record(arguments, model, x, y):
    from unidl.verify import record

    dtype = arguments.dtype or model.compute_dtype
    record(model, x, y, arguments.steps, arguments.record, dtype)
    print(
        f"{arguments.steps} steps on {model.backend.name} in {dtype} recorded in {arguments.record}"
    )
    return EQUAL


def _make(arguments):
    """(model, x, y) of the factory, made on the first of the backends asked for."""
    import unidl

    if not arguments.factory:
        raise _WrongUse("what should be verified? Write: unidl verify package.module:make_model")
    if arguments.record and arguments.backend and len(arguments.backend) > 1:
        raise _WrongUse(
            "--record takes one --backend: record once on each, and --compare the files."
        )
    factory = _find(arguments.factory)
    with unidl.use_backend(arguments.backend[0] if arguments.backend else None):
        unidl.utils.set_random_seed(arguments.seed)
        made = factory() if not isinstance(factory, unidl.Layer) else factory
    parts = made if isinstance(made, tuple) else (made,)
    if not 1 <= len(parts) <= 3 or not isinstance(parts[0], unidl.Layer):
        raise _WrongUse(
            f"{arguments.factory} must return a model, (model, x) or (model, x, y); got "
            f"{type(made).__name__}."
        )
    return (*parts, None, None)[:3]


def _find(text):
    if os.path.isfile(text):
        from unidl.saving import load_model

        return functools.partial(load_model, text)
    name, colon, attribute = text.partition(":")
    if not colon or not name or not attribute:
        raise _WrongUse(
            f"{text!r} is not a factory. Write package.module:function, such as "
            "mypackage.nets:make_model."
        )
    # A module beside the user is found, as with `python -m`.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise _WrongUse(
                f"there is no module {error.name!r}. Is it installed, or below {os.getcwd()}?"
            ) from error
        raise
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise _WrongUse(f"{name} has no {attribute!r}.")
        found = getattr(found, part)
    if not callable(found):
        raise _WrongUse(f"{text} is not a function, but a {type(found).__name__}.")
    return found
