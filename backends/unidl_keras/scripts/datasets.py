"""`tf.data`: pipelines of arrays in memory become a class that the script gets a copy of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from unidl.port.scripts.calls import bound, code, expression
from unidl.port.scripts.rewriter import Rewriter
from unidl.port.scripts.source import NotPorted

PRELUDE = "unidl_keras.scripts.prelude"
CLASS = "TFDataset"
PIECES = frozenset({CLASS, "tf_structure", "tf_array", "tf_tensor"})
_DATASET = "tensorflow.data.Dataset"
# {function that makes a dataset: its arguments, with `-` behind what changes no values}.
_MAKERS = {"from_tensor_slices": "tensors name-", "zip": "datasets name-"}
_SPEED = "num_parallel_calls- deterministic- name-"
_METHODS = {
    "map": f"map_func {_SPEED}",
    "filter": "predicate name-",
    "batch": f"batch_size drop_remainder {_SPEED}",
    "shuffle": "buffer_size seed reshuffle_each_iteration name-",
    "repeat": "count name-",
    "concatenate": "dataset name-",
    "cardinality": "name-",
    "take": "count name-",
    "skip": "count name-",
    "cache": "",
    "prefetch": "buffer_size name-",
    "as_numpy_iterator": "",
}
# Others that datasets have, and arrays, models and lists have not.
_OTHERS = {
    "apply", "bucket_by_sequence_length", "enumerate", "flat_map", "group_by_window",
    "interleave", "padded_batch", "ragged_batch", "rejection_resample", "save", "scan", "shard",
    "snapshot", "sparse_batch", "take_while", "unbatch", "unique", "window", "with_options",
}  # fmt: skip
_NAMES = ", ".join(f".{name}" for name in _METHODS)
ADVICE = (
    f"of tf.data are ported Dataset.from_tensor_slices and zip, with {_NAMES}. Others stay: fit "
    "takes them as they are"
)
AUTOTUNE = ("tensorflow.data.AUTOTUNE", "tensorflow.data.experimental.AUTOTUNE")
# Functions of Keras whose results scripts treat as datasets.
_FOLDERS = (
    "image_dataset_from_directory", "text_dataset_from_directory", "audio_dataset_from_directory",
    "timeseries_dataset_from_array",
)  # fmt: skip


class Datasets(cst.CSTVisitor):
    """The names in a script that stand for datasets. folders: those of Keras' functions."""

    def __init__(self, full: Callable[[cst.CSTNode], str | None]) -> None:
        self._full = full
        self.names: set[str] = set()
        self.folders: set[str] = set()
        self._parameters: dict[str, list[str]] = {}
        self._giving: set[str] = set()  # functions that return datasets
        self._functions: list[str] = []

    def learn(self, module: cst.Module) -> None:
        """Until nothing new is found, since datasets go from function to function."""
        known = -1
        while known < len(self.names) + len(self._giving) + len(self.folders):
            known = len(self.names) + len(self._giving) + len(self.folders)
            module.visit(self)

    def is_dataset(self, node: cst.BaseExpression) -> bool:
        if self.is_folder(node) or code(node) in self.names:
            return True
        if not isinstance(node, cst.Call):
            return False
        if (self._full(node.func) or "").startswith(f"{_DATASET}."):
            return True
        if code(node.func) in self._giving:
            return True
        return isinstance(node.func, cst.Attribute) and (
            node.func.attr.value in _METHODS.keys() | _OTHERS and self.is_dataset(node.func.value)
        )

    def is_folder(self, node: cst.BaseExpression) -> bool:
        if isinstance(node, cst.Call):
            return (self._full(node.func) or "").rpartition(".")[2] in _FOLDERS
        return code(node) in self.folders - self.names

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._functions.append(node.name.value)
        self._parameters[node.name.value] = [one.name.value for one in node.params.params]

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._functions.pop()

    def visit_Return(self, node: cst.Return) -> None:
        if self._functions and node.value is not None and self.is_dataset(node.value):
            self._giving.add(self._functions[-1])

    def visit_Assign(self, node: cst.Assign) -> None:
        for assigned in node.targets:
            if self.is_folder(node.value):
                self.folders.add(code(assigned.target))
            elif self.is_dataset(node.value):
                self.names.add(code(assigned.target))

    def visit_Call(self, node: cst.Call) -> None:
        parameters = self._parameters.get(code(node.func), [])
        for place, argument in enumerate(node.args):
            if self.is_dataset(argument.value) and not self.is_folder(argument.value):
                named = argument.keyword.value if argument.keyword is not None else None
                self.names |= {*parameters[place : place + 1]} if named is None else {named}


def made(full: str, node: cst.Call, rewriter: Rewriter) -> cst.BaseExpression | None:
    """The call of a function below `tf.data`, ported. Raises NotPorted."""
    if not full.startswith("tensorflow.data."):
        return None
    name = full.removeprefix(f"{_DATASET}.")
    if name == "tensorflow.data.experimental.cardinality":
        (dataset,) = bound(node, ["dataset"], name).values()
        rewriter.need(CLASS, PRELUDE)
        return expression(f"{CLASS}.of({code(dataset)}).cardinality()")
    if name not in _MAKERS:
        raise NotPorted(ADVICE)
    rewriter.need(CLASS, PRELUDE)
    return _called(expression(f"{CLASS}.{name}"), node, _MAKERS[name], f"Dataset.{name}")


def method(
    node: cst.Call, updated: cst.Call, rewriter: Rewriter, known: Datasets
) -> cst.BaseExpression | None:
    """The call of a dataset's method, None for any other. Raises NotPorted."""
    function: Any = updated.func
    if not isinstance(node.func, cst.Attribute) or not known.is_dataset(node.func.value):
        return None
    name = node.func.attr.value
    if name not in _METHODS.keys() | _OTHERS:
        return None
    rewriter.count_call()
    if name in _OTHERS:
        raise NotPorted(ADVICE)
    if known.is_folder(node.func.value):
        rewriter.need(CLASS, PRELUDE)
        function = function.with_changes(value=expression(f"{CLASS}.of({code(function.value)})"))
    return _called(function, updated, _METHODS[name], name)


def _called(function: cst.BaseExpression, node: cst.Call, parameters: str, shown: str) -> cst.Call:
    """`function` of the arguments that mean something, where they stand."""
    words = parameters.split()
    given = bound(node, [word.rstrip("-") for word in words], shown)
    left_out = {word[:-1] for word in words if word.endswith("-")}
    kept = [argument for argument, key in zip(node.args, given, strict=True) if key not in left_out]
    if kept:
        kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    renamed = [
        one.with_changes(keyword=cst.Name("function"))
        if one.keyword is not None and one.keyword.value == "map_func"
        else one
        for one in kept
    ]
    return node.with_changes(func=function, args=renamed)
