"""`unidl convert`: from a file of one framework to the source of another.

Exit status 0: converted, and equal where it was compared; 1: converted, but different; 2: not
converted.
"""

from __future__ import annotations

import argparse
import os
import sys
from pkgutil import resolve_name
from typing import Any

EQUAL, DIFFERENT, NOT_CONVERTED = 0, 1, 2

_EPILOG = """
  unidl convert model.keras --to torch -o converted/
  unidl convert net-symbol.json --params net-0000.params --input-shape 3,224,224 --to keras -o out/

In the folder are then NAME.py, which needs no unidl, NAME.safetensors with the weights,
NAME_check.safetensors, which `python NAME.py` computes again, and NAME_proof.txt; or files of the
framework's own format in the place of safetensors.

  unidl convert model.keras --to tf_saved_model -o served/

writes a program for another runtime instead: onnx, tf_saved_model, litert, openvino, mxnet, or
torch_export, what torch.export.load reads.

Exit status: 0 converted and equal, 1 converted but different, 2 not converted.
"""


def add_command(commands: Any) -> None:
    """Register `convert` among the subcommands of `unidl`."""
    parser = commands.add_parser(
        "convert",
        help="turn a model file into source of another framework, and prove that it is equal",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", help="what model.save() of unidl or Keras wrote, .onnx or -symbol.json"
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="FRAMEWORK",
        help="such as numpy, for source; or a format for other runtimes: onnx, tf_saved_model, ...",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="FOLDER", help="made if it is not there"
    )
    parser.add_argument("--params", metavar="FILE", help="the weights beside a -symbol.json")
    parser.add_argument(
        "--input-shape",
        action="append",
        type=_shape,
        metavar="N,N,...",
        help="of one sample, where the file does not tell it; can be repeated",
    )
    parser.add_argument("--no-verify", action="store_true", help="do not compare")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from unidl.port.exports.export import export_model, format_named
    from unidl.port.source.export import to_source
    from unidl.port.source.names import identifier

    name = os.path.basename(os.path.normpath(arguments.file))
    stem = identifier(name.partition(".")[0].removesuffix("-symbol"))
    try:
        with Console(stderr=True).status(f"Reading {name}") as status:
            model = _read(arguments)
            status.update(f"Writing {arguments.to}{'' if arguments.no_verify else ', comparing'}")
            os.makedirs(arguments.output, exist_ok=True)
            verify, path = not arguments.no_verify, os.path.join(arguments.output, stem)
            format = _format(arguments.to)
            if format is not None:
                end = ".onnx" if format == "onnx" else format_named(format).suffix
                found: Any = export_model(model, f"{path}{end}", format, verify=verify)
            else:
                found = to_source(model, arguments.to, f"{path}.py", verify=verify)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"unidl convert: {error}", file=sys.stderr)
        return NOT_CONVERTED
    print(found)
    return EQUAL if found.proof is None or found.proof.passed else DIFFERENT


def _format(wanted: str) -> str | None:
    """The format that `--to` asks for, None for source. It is called NAME_export where there is
    source of that name, too."""
    from unidl.backend import registry
    from unidl.port.exports.export import formats
    from unidl.utils.suggestions import did_you_mean

    sources = {name for spec in registry.specs().values() for name in spec.source}
    found = {f"{n}_export" if n in sources else n: n for n in ("onnx", *formats())}
    known = sorted({*sources, *found})
    if wanted not in known:
        raise ValueError(
            f"--to must be one of {', '.join(known)}, got {wanted!r}.{did_you_mean(wanted, known)}"
        )
    return found.get(wanted)


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not sizes like 3,224,224") from None


def _read(arguments: argparse.Namespace) -> Any:
    import numpy as np

    from unidl.backend import registry
    from unidl.saving import load_model

    homes = {end: home for spec in registry.specs().values() for end, home in spec.files.items()}
    for end, home in homes.items():
        if arguments.file.endswith(end):
            if not arguments.params or not arguments.input_shape:
                raise ValueError(f"a {end} file needs --params and --input-shape")
            examples = [np.zeros((1, *shape), "float32") for shape in arguments.input_shape]
            read = resolve_name(home)
            return read(arguments.file, examples, arguments.params, verify=False).model
    if arguments.file.endswith(".onnx") and not arguments.params:
        from unidl.port.onnx_model import from_onnx

        shapes = [(None, *shape) for shape in arguments.input_shape or []]
        return from_onnx(arguments.file, shapes, verify=False).model
    if arguments.params or arguments.input_shape:
        raise ValueError(
            f"--params and --input-shape are for files that end in {', '.join(homes)}, the latter "
            "for .onnx, too"
        )
    return load_model(arguments.file)
