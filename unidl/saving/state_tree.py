"""The state of a model as nested dicts of arrays, by the parts of the variables' paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unidl.utils.suggestions import did_you_mean

_FORMATS = ("backend_tensor", "numpy_array")


class HasStateTree:
    """Mixed into `Model`."""

    def get_state_tree(self: Any, value_format: str = "backend_tensor") -> dict[str, Any]:
        """All state: {"trainable_variables", "non_trainable_variables", "optimizer_variables",
        "metrics_variables": nested dicts, a level for each part of a variable's path}.

        Args:
            value_format: "backend_tensor" for native tensors, "numpy_array" for arrays of the host.

        Raises:
            ValueError: for another format, and if two variables have one path.
        """
        if value_format not in _FORMATS:
            raise ValueError(
                f"{self._who()}: get_state_tree() takes value_format='backend_tensor' or "
                f"'numpy_array', got {value_format!r}."
            )
        as_numpy = value_format == "numpy_array"
        return {
            name: _nested(self._who(), variables, as_numpy)
            for name, variables in _groups(self).items()
        }

    def set_state_tree(self: Any, state_tree: dict[str, Any]) -> None:
        """Assign what `get_state_tree` returned, or a part of it.

        Args:
            state_tree: nested dicts as `get_state_tree` makes them; groups and variables that are
                not in them stay as they are. Nothing changes unless all of it fits.

        Raises:
            ValueError: for a group or path that the model has not, and for a value of another
                shape than its variable.
        """
        who = f"{self._who()}: set_state_tree()"
        if not isinstance(state_tree, dict):
            raise TypeError(
                f"{who} takes the dict that get_state_tree() returns, got "
                f"{type(state_tree).__name__}."
            )
        found, unfit = fitting(who, self, state_tree)
        if unfit:
            raise ValueError(f"{who}: {'; '.join(words for *_, words in unfit)}. Nothing is set.")
        for variable, value in found:
            variable.assign(value)


def fitting(who: str, model: Any, state_tree: dict[str, Any]) -> tuple[list, list]:
    """([(variable, value)], what does not fit: [(group, path, words that say why)]).

    Raises:
        ValueError: for a group that no model has.
    """
    groups = _groups(model)
    found, unfit = [], []
    for name, values in state_tree.items():
        if name not in groups:
            raise ValueError(
                f"{who}: there is no group {name!r}.{did_you_mean(name, list(groups))} The groups "
                f"are {', '.join(groups)}."
            )
        by_path = {variable.path: variable for variable in groups[name]}
        for path, value in flat(values):
            variable, shape = by_path.get(path), tuple(getattr(value, "shape", ()))
            if variable is None:
                hint = did_you_mean(path, list(by_path)).strip().rstrip("?")
                words = f"{name} has no variable {path!r}{f' ({hint}?)' if hint else ''}"
                unfit.append((name, path, words))
            elif shape != tuple(variable.shape):
                own = tuple(variable.shape)
                unfit.append((name, path, f"{path!r} has the shape {own}, its value {shape}"))
            else:
                found.append((variable, value))
    return found, unfit


def _groups(model: Any) -> dict[str, list[Any]]:
    optimizer = model.optimizer
    return {
        "trainable_variables": model.trainable_variables,
        "non_trainable_variables": model.non_trainable_variables,
        "optimizer_variables": [] if optimizer is None else optimizer.variables,
        "metrics_variables": model.metrics_variables,
    }


def _nested(who: str, variables: list[Any], as_numpy: bool) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for variable in variables:
        *parts, last = variable.path.split("/")
        inner = tree
        for part in parts:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                break
        if not isinstance(inner, dict) or last in inner:
            raise ValueError(
                f"{who}: get_state_tree() finds the path {variable.path!r} twice. Give layers, "
                "metrics and optimizers names of their own."
            )
        inner[last] = variable.numpy() if as_numpy else variable.value
    return tree


def flat(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of the leaves of nested dicts."""
    if not isinstance(tree, dict):
        yield path, tree
        return
    for name, inner in tree.items():
        yield from flat(inner, f"{path}/{name}" if path else name)
