"""`to_source` and `to_native`: out of unidl, with the weights and a proof."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from unidl import Input, ops, tree
from unidl.backend import registry
from unidl.layers.base.annotations import masks
from unidl.models.model import Functional, Model
from unidl.port.errors import PortError
from unidl.port.proof import Proof, as_list, in_float64, on_the_reference
from unidl.port.source.exported import Exported
from unidl.port.source.layout import tidy
from unidl.port.source.names import identifier
from unidl.port.source.record import Record
from unidl.port.source.writer import Writer
from unidl.port.twin import one_or_all, silence
from unidl.port.weight_rules import Weight
from unidl.saving.safetensors import Later
from unidl.utils.suggestions import did_you_mean
from unidl.utils.whole_file import place, whole_file
from unidl.verify.apart import apart
from unidl.verify.setup import random_inputs
from unidl.verify.snapshot import Snapshot

SAMPLES = 3


def to_source(
    model: Model,
    framework: str,
    path: str | os.PathLike[str],
    example_inputs: Any = None,
    verify: bool | Record = True,
) -> Exported:
    """Write `model` as one readable file of another framework, which needs no unidl.

    Beside it come NAME.safetensors with the weights, NAME_check.safetensors with inputs, outputs
    and gradients that `python NAME.py` computes again, and NAME_proof.txt. Where the framework has
    a format of its own that it alone reads, the first two end as its files do. Weights are written
    one by one; the check and the proof, which compute in float64, need several times the model.

    Args:
        model: a model, whose weights exist; a subclassed one with `example_inputs`.
        framework: where it goes, such as "numpy"; an error lists all.
        path: of the new file, NAME.py, in a folder that exists.
        example_inputs: an array, or a list of them, that the check and the proof use; by default
            they are drawn.
        verify: compare outputs, gradients and some steps of training with `model`, in float64.
            Without it nothing is computed, and there is no NAME_check.safetensors either. A
            `unidl.port.source.record.Record` of the model becomes the check, without a proof: what
            goes to several frameworks is computed once.

    Returns:
        An `unidl.port.Exported`.

    Raises:
        PortError: with every layer that has no counterpart, and the reason. Nothing is written.
        ValueError: there is no such framework, or `path` does not end in ".py".
        ImportError: the framework is not installed, and `verify` is not False.

    Examples:
        >>> model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(2, "tanh")])
        >>> found = unidl.port.to_source(model, "numpy", "/tmp/net.py")
        >>> found.proof.passed
        True
    """
    kind = _writer(framework, "to_source")
    target, _ = place(path)
    stem = Path(target).stem
    if not target.endswith(".py") or identifier(stem) != stem or stem in kind.reserved:
        raise ValueError(
            "to_source: path must be a file name that Python can import, such as 'net.py', and no "
            f"module that the file needs itself, got {os.fspath(path)!r}."
        )
    computes = verify is True
    if computes:
        kind.require("to_source with verify=True")
    model = _with_graph(model, example_inputs, "to_source")
    writer = kind(model)
    found = _exported(framework, writer, stem)
    check = verify.arrays(model, found.weights) if isinstance(verify, Record) else {}
    if computes:
        inputs = _inputs(model, example_inputs)
        with _twin(model, kind) as (twin, written):
            check = Record(twin, inputs).arrays(twin, _weights(written))
            found.proof = _proved(written, found.source, twin, inputs)
    base = os.path.join(os.path.dirname(os.path.abspath(path)), stem)
    found.files = [f"{base}.py", *_write(base, found, writer, check)]
    return found


def to_native(model: Model, framework: str, example_inputs: Any = None, verify: bool = True) -> Any:
    """`model` as a live object of another framework, made of the source that `to_source` writes.

    It trains in that framework's own loops. Where both keep their numbers in the memory of this
    process, weights whose layout is the same but for its order are shared: what one trains, the
    other has. All others are copies, and `exported.warnings` tells them. `bring_in` of the weights
    in `exported.weights` takes their numbers back.

    Args:
        model: a model, whose weights exist; a subclassed one with `example_inputs`.
        framework: where it goes, such as "torch"; an error lists all.
        example_inputs: see `to_source`.
        verify: compare it with `model`, in float64.

    Returns:
        The framework's model, with an `unidl.port.Exported` as its attribute `exported`.

    Raises:
        PortError: with every layer that has no counterpart, and the reason.
        ValueError: there is no such framework.
        ImportError: the framework is not installed.

    Examples:
        >>> import torch
        >>> model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(2, "tanh")])
        >>> module = unidl.port.to_native(model, "torch")
        >>> tuple(module(torch.ones(1, 3)).shape)
        (1, 2)
        >>> module.exported.proof.passed
        True
    """
    kind = _writer(framework, "to_native")
    kind.require("to_native")
    model = _with_graph(model, example_inputs, "to_native")
    writer = kind(model)
    found = _exported(framework, writer, identifier(model.name))
    if verify:
        inputs = _inputs(model, example_inputs)
        with _twin(model, kind) as (twin, written):
            found.proof = _proved(written, found.source, twin, inputs)
    return writer.native(found)


def _writer(framework: str, who: str) -> type[Writer]:
    specs = registry.specs().values()
    homes = {name: home for spec in specs for name, home in spec.source.items()}
    if framework not in homes:
        raise ValueError(
            f"{who}: framework must be one of {', '.join(sorted(homes))}, got {framework!r}."
            f"{did_you_mean(framework, homes)}"
        )
    return resolve_name(homes[framework])


def _with_graph(model: Any, examples: Any, who: str) -> Any:
    """`model`, or a functional model around a subclassed one, for inputs like these."""
    if not isinstance(model, Model):
        raise TypeError(f"{who}: takes a model of unidl, got {type(model).__name__}.")
    if not model.built:
        raise ValueError(
            f"{who}: {model._who()} has no weights yet. Give it an Input, call it on data, or "
            "train it first."
        )
    if model._plan is not None:
        return model
    if examples is None:
        raise ValueError(
            f"{who}: {model._who()} has no graph that tells its inputs. Give example_inputs: an "
            "array, or a list of them, as it takes them."
        )
    arrays = [ops.convert_to_numpy(x) for x in as_list(examples)]
    symbols = [Input(tuple(x.shape[1:]), dtype=str(x.dtype)) for x in arrays]
    calls = len(model._inbound)
    around = Functional(symbols, model(one_or_all(symbols)), name=model.name)
    del model._inbound[calls:]  # the model itself knows nothing of it
    return around


def _exported(framework: str, writer: Writer, stem: str) -> Exported:
    weights = _weights(writer)
    return Exported(framework, tidy(writer.file_text(stem)), [], weights, list(writer.warnings))


def _weights(writer: Writer) -> list[Weight]:
    found = (e for e in writer.entries if not isinstance(e.variable, np.ndarray))
    return [Weight(e.names, e.variable, e.rule) for e in found]


def _inputs(model: Any, given: Any) -> list[np.ndarray]:
    if given is None:
        drawn = zip(tree.flatten(random_inputs(model, "to_source")), _is_open(model), strict=True)
        return [x[:SAMPLES] if is_open else x for x, is_open in drawn]
    found = [ops.convert_to_numpy(x) for x in as_list(given)]
    if len(found) != len(model.inputs):
        raise ValueError(
            f"to_source: {model._who()} has {len(model.inputs)} inputs, got {len(found)} arrays in "
            "example_inputs."
        )
    return [_several(x) if o else x for x, o in zip(found, _is_open(model), strict=True)]


def _is_open(model: Any) -> list[bool]:
    """Whether the inputs take batches of any size."""
    return [t.shape[0] is None for t in tree.flatten(model.input)]


def _several(x: np.ndarray) -> np.ndarray:
    """At least two samples: normalization over a batch of one is no test."""
    return np.concatenate([x, x / 2 if x.dtype.kind == "f" else x]) if len(x) == 1 else x


@contextmanager
def _twin(model: Any, kind: type[Writer]) -> Iterator[tuple[Any, Writer]]:
    """(a copy in float64 on the default backend; what writes it)."""
    with apart(model, "to_source") as copier, on_the_reference():
        twin = copier.copy
        snapshot = Snapshot(twin)
        snapshot.place(registry.get_backend(), "float64")
        _note_masks(model, twin)
        yield twin, kind(twin)


def _note_masks(model: Any, twin: Any) -> None:
    """Tensors of a copy have the masks of the model's, which a writer asks for."""
    for one, other in zip(model._flatten_layers(), twin._flatten_layers(), strict=True):
        if getattr(one, "_plan", None) is not None:
            for node, copied in zip(one._plan.nodes, other._plan.nodes, strict=True):
                pairs = zip(
                    (*node.inputs, *node.outputs), (*copied.inputs, *copied.outputs), strict=True
                )
                for tensor, new in pairs:
                    if (mask := masks.get(tensor)) is not None:
                        masks.set(new, mask)


def _proved(written: Writer, source: str, twin: Any, inputs: list[np.ndarray]) -> Proof:
    if written.trains:
        silence(twin)
    try:
        return written.prove(source, twin, _weights(written), in_float64(inputs))
    except Exception as error:  # whatever the framework raises
        lines = str(error).strip().split("\n")
        told = [line for line in lines if not line.startswith(("Traceback", "  File"))]
        reason = "".join(told[:1]) or type(error).__name__
        raise PortError(
            twin.name,
            [("", f"what is written does not run here ({reason}). verify=False writes it anyway")],
        ) from error


def _later(writer: Writer) -> Iterator[tuple[str, np.ndarray | Later]]:
    """What `writer.arrays` gives, each made when it is written."""
    for names, variable, rule in writer.entries:
        if isinstance(variable, np.ndarray):
            yield names[0], writer.kept(variable)
            continue
        weight = Weight(names, variable, rule)
        empty = np.broadcast_to(np.zeros((), str(variable.dtype)), tuple(variable.shape))
        for name, part in weight.taken_out(empty).items():
            yield name, Later(part.dtype, part.shape, partial(_part, weight, name))


def _part(weight: Weight, name: str) -> np.ndarray:
    return weight.take_out()[name]


def _write(base: str, found: Exported, writer: Writer, check: dict) -> Iterator[str]:
    given: list[tuple[str, Any]] = [(base, _later(writer))]
    given += [(f"{base}_check", check.items())] if check else []
    for name, arrays in given:
        with whole_file(f"{name}{writer.suffix}") as file:
            writer.write(file, arrays)
        yield f"{name}{writer.suffix}"
    with whole_file(f"{base}_proof.txt") as file:
        file.write(f"{found}\n".encode())
    yield f"{base}_proof.txt"
    with whole_file(f"{base}.py") as file:  # the last, so that it finds the others
        file.write(found.source.encode())
