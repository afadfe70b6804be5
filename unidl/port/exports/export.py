"""`export_model`: a model as a file, or a folder, of another runtime."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

from unidl.backend import registry
from unidl.port.errors import PortError
from unidl.port.exports.artifact import Artifact
from unidl.port.exports.endpoint import Endpoint, check_model, endpoint_of
from unidl.port.exports.format import Format
from unidl.port.exports.proof import prove, report
from unidl.port.exports.signature import signature_of
from unidl.port.onnx_out import to_onnx
from unidl.port.proof import Proof
from unidl.utils.suggestions import did_you_mean
from unidl.utils.whole_file import place, sync_folder, telling_of_the_folder
from unidl.utils.whole_folder import whole_folder

# Formats of no framework.
_OWN = {"openvino": "unidl.port.exports.openvino:OpenVino"}

_OF_FILES = (".onnx", ".pt2", ".tflite", ".xml", "-symbol.json")


def export_model(
    model: Any,
    path: str | os.PathLike[str],
    format: str,
    input_signature: Any = None,
    *,
    verify: bool = True,
    **options: Any,
) -> Any:
    """Write what `model` computes in inference as a program of another runtime, which needs no
    unidl.

    The model may be on any backend; what is written is made by the framework of the format. Open
    axes stay open: the program takes batches of any size.

    Args:
        model: a Model, whose weights exist.
        path: of the new file or folder, in a folder that exists. What was there is replaced when
            the new one is whole. Where several files share a beginning, as MXNet's do, that may be
            given alone.
        format: "tf_saved_model", "onnx", ...: an error lists all.
        input_signature: shapes and dtypes of the inputs, an `InputSpec` (or whatever has a shape
            and a dtype) for each argument of the call, where the model is no graph of layers, or to
            give sizes to open axes.
        verify: load the file again and compare what it computes with the model, for three batch
            sizes. The result is in `proof`, and in NAME_proof.txt beside the file.
        **options: of the format.

    Returns:
        An `unidl.port.Artifact`; for "onnx" an `unidl.port.OnnxFile`.

    Raises:
        PortError: with all that the runtime cannot express, by layer. Nothing is written.
        ValueError: there is no such format, the path ends with the name of another one, the model
            has no weights yet or does not say what it takes.
        ImportError: what writes the format is not installed.
        FileNotFoundError, PermissionError: the folder is not there, or may not be written into.

    Examples:
        >>> x = unidl.Input((4,))
        >>> model = unidl.Model(x, unidl.layers.Dense(2, "relu", name="hidden")(x), name="net")
        >>> found = unidl.port.export_model(model, "/tmp/net", "tf_saved_model")
        >>> found.proof.passed
        True
    """
    if format == "onnx":
        return to_onnx(model, path, input_signature, verify=verify, **options)
    who = f"export to {format}"
    kind = format_named(format)
    target = check_path(path, kind, who)
    kind.check(options, who)
    check_model(model, who)
    signature = signature_of(model, input_signature, who)
    endpoint = endpoint_of(model, signature, given=input_signature)
    return write(kind(**options), [endpoint], target, format, verify)


def write(
    writer: Format, endpoints: list[Endpoint], path: str, format: str, verify: bool
) -> Artifact:
    """Write the endpoints and compare them with their functions, whole or not at all."""
    proof: Proof | None = None

    def write_at(place: str) -> None:
        nonlocal proof
        writer.write(endpoints, place)
        if verify:
            proof = _proved(writer, endpoints, place)

    if writer.suffix:
        files = _write_files(path, write_at)
    else:
        files = [path]
        with whole_folder(path) as folder:
            write_at(str(folder))
    found = Artifact(path, format, files, {e.name: e.names for e in endpoints}, proof)
    if proof is not None:
        found.files.append(f"{path.removesuffix(writer.suffix)}_proof.txt")
        report(proof, path, found.files[-1])
    return found


def _proved(writer: Format, endpoints: list[Endpoint], path: str) -> Proof:
    try:
        return prove(endpoints, lambda endpoint: writer.runtime(path, endpoint))
    except Exception as error:  # whatever the runtime raises
        reason = " ".join(str(error).split())[:500] or type(error).__name__
        raise PortError(
            endpoints[0].owner,
            [("", f"what is written does not run here: {reason}. verify=False writes it anyway")],
        ) from error


def _write_files(path: str, write_at: Callable[[str], None]) -> list[str]:
    """Write `path` and what belongs beside it, first into a folder that is gone afterwards."""
    target, folder = place(path)
    with telling_of_the_folder(path, folder):
        apart = tempfile.TemporaryDirectory(dir=folder, prefix=".")
    with apart as new:
        main = os.path.basename(target)
        write_at(os.path.join(new, main))
        others = sorted(name for name in os.listdir(new) if name != main)
        for name in (*others, main):  # the last is the one that names the others
            os.replace(os.path.join(new, name), os.path.join(folder, name))
    sync_folder(folder)
    return [path, *(os.path.join(os.path.dirname(path), name) for name in others)]


def formats() -> dict[str, str]:
    """{format: "package.module:Class"}, beside "onnx"."""
    specs = registry.specs().values()
    return _OWN | {name: home for spec in specs for name, home in spec.export.items()}


def format_named(name: str) -> type[Format]:
    """The class that writes a format.

    Raises:
        ValueError: there is none.
        ImportError: its framework is not installed.
    """
    homes = formats()
    if name not in homes:
        known = sorted([*homes, "onnx"])
        raise ValueError(
            f"export: format must be one of {', '.join(known)}, got {name!r}."
            f"{did_you_mean(name, known) if isinstance(name, str) else ''}"
        )
    try:
        return resolve_name(homes[name])
    except ModuleNotFoundError as error:
        install = next(s.install for s in registry.specs().values() if name in s.export)
        raise ImportError(
            f"export(format={name!r}) needs {error.name}. Install it with: {install}"
        ) from error


def check_path(path: str | os.PathLike[str], kind: type[Format], who: str) -> str:
    """The path, if it is one for the format; errors begin with `who`."""
    text = os.path.normpath(os.fspath(path))
    is_whole = bool(kind.suffix) and text.endswith(kind.suffix)
    if not is_whole and (kind.takes_stem or not kind.suffix):
        if text.endswith(_OF_FILES):
            what = "files that are written add their own ends" if kind.suffix else "it is a folder"
            raise ValueError(
                f"{who}: {what}, and {path!r} is the name of a file of another format. Name that "
                'format, as in export("net.onnx", format="onnx"), or leave the end out.'
            )
        text += kind.suffix
    elif not is_whole:
        raise ValueError(
            f"{who}: the path must end with {kind.suffix}, got {path!r}. Write "
            f'"{os.path.splitext(text)[0]}{kind.suffix}".'
        )
    if kind.suffix and os.path.isdir(text):
        raise ValueError(f"{who}: {text} is a folder. Choose another name.")
    place(text)
    return text
