"""`keras`, `tensorflow.keras` and the functions of TensorFlow beside it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import reduce
from typing import Any

import libcst as cst

import unidl
from unidl.port.scripts.calls import apply_rule, expression
from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.source import NotPorted, Source
from unidl_keras.scripts import datasets
from unidl_keras.scripts.names import BACKEND_FUNCTIONS, keras_target
from unidl_keras.scripts.tape import port_tapes
from unidl_keras.scripts.tensor_functions import ADVICE, DTYPES, FUNCTIONS

# Arguments of Keras 2: {what: {old: new, or None where it is gone without a counterpart}}.
_ARGUMENTS: dict[str, dict[str, str]] = {
    "layers.LeakyReLU": {"alpha": "negative_slope"},
    "layers.InputLayer": {"input_shape": "shape", "batch_input_shape": "batch_shape"},
}
_OPTIMIZERS = {"lr": "learning_rate"}


class KerasSource(Source):
    roots = ("keras", "tensorflow")
    # It makes a graph of a function; unidl captures steps by itself.
    dropped_decorators = ("tensorflow.function",)
    pieces = datasets.PIECES

    def prepare(self, rewriter: Rewriter, module: cst.Module) -> None:
        self._datasets = datasets.Datasets(rewriter.names.full)
        self._datasets.learn(module)

    def target(self, full: str) -> str | None:
        name = _within_keras(full)
        if name is not None:
            return keras_target(name) if name else ""
        name = full.partition(".")[2]
        if not name or name in ("math", "nn", "linalg", "random", "data"):
            return None
        if name == "__version__":
            return name
        if name in FUNCTIONS and name not in DTYPES:
            return FUNCTIONS[name].target
        for length in range(name.count(".") + 1, 0, -1):
            advice = ADVICE.get(".".join(name.split(".")[:length]))
            if advice:
                raise NotPorted(advice)
        raise NotPorted("not a part of Keras, and without a counterpart of the same meaning")

    def reference(self, full: str) -> str | None:
        if full in ("'KERAS_BACKEND'", '"KERAS_BACKEND"'):
            return full.replace("KERAS", "UNIDL")
        if full.startswith("tensorflow.") and full[11:] in DTYPES:
            return f'"{full[11:]}"'
        if full == "tensorflow.newaxis":
            return "None"
        if full in datasets.AUTOTUNE:
            return "-1"  # its value, which means nothing here
        found = FUNCTIONS.get(full[11:]) if full.startswith("tensorflow.") else None
        if found is not None and len([one for one in found.parameters.values() if one]) > 1:
            # Handed to something else, which calls it with TensorFlow's arguments.
            raise NotPorted("not called here, so its arguments cannot be renamed")
        return None

    def call(self, full: str, node: cst.Call, rewriter: Rewriter) -> cst.BaseExpression | None:
        name = _within_keras(full)
        if name is None:
            found = FUNCTIONS.get(full.partition(".")[2])
            return apply_rule(found, node, full) if found else datasets.made(full, node, rewriter)
        place, _, function = name.rpartition(".")
        if place == "backend" and function in BACKEND_FUNCTIONS:
            return apply_rule(BACKEND_FUNCTIONS[function], node, full)
        path = keras_target(name)
        if path:
            return _with_arguments_of_today(path, node, full, rewriter)
        return None

    def method(
        self, node: cst.Call, updated: cst.Call, rewriter: Rewriter
    ) -> cst.BaseExpression | None:
        function = node.func
        if (
            isinstance(function, cst.Attribute)
            and function.attr.value == "numpy"
            and not node.args
            and "tensorflow"
            in {full.partition(".")[0] for full in rewriter.names.bindings.values()}
        ):
            rewriter.count_call()
            return cst.Call(
                expression("unidl.ops.convert_to_numpy"),
                [cst.Arg(updated.func.value)],  # type: ignore[attr-defined]
            )
        return datasets.method(node, updated, rewriter, self._datasets)

    def block(self, body: Sequence[cst.BaseStatement], rewriter: Rewriter) -> None:
        port_tapes(body, rewriter)


def _within_keras(full: str) -> str | None:
    """What follows `keras` in a name, None for one of TensorFlow itself."""
    for start in ("tensorflow.keras", "tensorflow.python.keras", "keras.src", "keras.api", "keras"):
        if full == start:
            return ""
        if full.startswith(f"{start}."):
            return full[len(start) + 1 :]
    return None


def _with_arguments_of_today(
    path: str, node: cst.Call, full: str, rewriter: Rewriter
) -> cst.BaseExpression | None:
    """The call with arguments of Keras 2 renamed; one that unidl does not take is refused."""
    renamed = _OPTIMIZERS if path.startswith("optimizers.") else _ARGUMENTS.get(path, {})
    named = [argument.keyword.value for argument in node.args if argument.keyword is not None]
    if path.startswith("optimizers.") and "decay" in named:
        raise NotPorted(
            "the argument 'decay' is of Keras 2. Write learning_rate="
            "unidl.optimizers.schedules.InverseTimeDecay(learning_rate, 1, decay)"
        )
    made = reduce(getattr, path.split("."), unidl)
    if callable(made):
        _check_keywords(made, [renamed.get(name, name) for name in named], full)
    if not any(name in renamed for name in named):
        return None
    arguments = [
        argument.with_changes(keyword=cst.Name(renamed[argument.keyword.value]))
        if argument.keyword is not None and argument.keyword.value in renamed
        else argument
        for argument in node.args
    ]
    updated = node.with_changes(args=arguments)
    written = rewriter.written(full, node.func)
    return updated if written is None else updated.with_changes(func=written)


def _check_keywords(made: Any, named: list[str], full: str) -> None:
    try:
        parameters = inspect.signature(made).parameters
    except (TypeError, ValueError):  # some classes have none to show
        return
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return
    for name in named:
        if name not in parameters:
            raise NotPorted(f"the argument {name!r} has no counterpart in unidl")
