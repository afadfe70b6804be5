"""Training that goes on: an optimizer with the state that the original's has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unidl.models import Model
from unidl.optimizers import MultiOptimizer, Optimizer, OptimizerMap
from unidl.port.errors import PortError
from unidl.port.weight_rules import Weight


@dataclass
class Trained:
    """Parameters that the original trains alike.

    Attributes:
        names: of their arrays.
        make: the optimizer, with its learning rate times a factor and its decays divided by it.
        slots: {slot of that optimizer: {name: array}}, in the original's layout. What lacks is as
            in a new optimizer.
        is_linear: whether the step is linear in gradient and parameter.
        l2: whether the parameter is in the gradient.
    """

    names: list[str]
    make: Callable[[float], Optimizer]
    slots: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    is_linear: bool = False
    l2: bool = False


class _Chosen:
    """The weights of a group, all with one factor on the learning rate."""

    def __init__(self, group: Trained, factor: int) -> None:
        self.group, self.factor = group, factor
        self.optimizer = group.make(float(factor))
        self.weights: list[Weight] = []


def carried_over(
    name: str, model: Any, weights: list[Weight], groups: list[Trained], steps: int
) -> tuple[Optimizer, list[str]]:
    """(an optimizer built for `model`, with all slots and `steps` done; warnings). Weights whose
    arrays nobody trains are no longer trainable.

    Raises:
        PortError: with each weight that cannot be trained as before.
    """
    owner = {each: i for i, group in enumerate(groups) for each in group.names}
    chosen: dict[tuple[int, int], _Chosen] = {}
    refused: list[tuple[str, str]] = []
    still: list[Any] = []
    trainable = {id(v) for v in model.trainable_weights}
    for weight in weights:
        if id(weight.variable) not in trainable:
            continue
        owners = [owner.get(each) for each in weight.names]
        reason = _why_not(weight, owners, groups)
        if reason:
            refused.append((" + ".join(weight.names), reason))
        elif owners[0] is None:
            still.append(weight.variable)
        else:
            key = owners[0], sum(each is not None for each in owners)
            if key not in chosen:
                chosen[key] = _Chosen(groups[key[0]], key[1])
            chosen[key].weights.append(weight)
    if not chosen and not refused:
        refused.append(("", "its optimizer trains nothing of it"))
    if refused:
        raise PortError(name, refused)
    warnings = [
        f"not trained, since the optimizer has not got it: {text}" for text in freeze(model, still)
    ]
    optimizer = _of_all(list(chosen.values()))
    optimizer.build(model.trainable_weights)
    for part in chosen.values():
        for weight in part.weights:
            _fill(part, weight)
        part.optimizer._steps.assign(steps)
    optimizer._steps.assign(steps)
    if isinstance(optimizer, MultiOptimizer):
        warnings.append(
            f"there are {len(chosen)} groups of weights, each with an optimizer and a learning "
            "rate of its own: see optimizer.optimizers"
        )
    return optimizer, warnings


def freeze(model: Any, variables: list[Any]) -> list[str]:
    """Make variables untrainable, by their layers where that means the same; their paths."""
    found = []
    still = {id(variable): variable for variable in variables}
    for layer in _layers_in_files(model):
        own = layer.weights
        # A normalization with moving statistics would use them instead of the batch's.
        if own and all(id(variable) in still for variable in own):
            layer.trainable = False
            found.append(", ".join(still.pop(id(variable)).path for variable in own))
    for variable in still.values():
        variable.trainable = False
    if still:
        paths = ", ".join(variable.path for variable in still.values())
        found.append(f"{paths}, which model files do not keep")
    return found


def _layers_in_files(model: Any) -> list[Any]:
    """The layers whose `trainable` is in the config of a model."""
    models = [layer for layer in model._flatten_layers() if isinstance(layer, Model)]
    found = {id(layer): layer for each in models for layer in each.layers}
    return [layer for layer in found.values() if not isinstance(layer, Model)]


def _why_not(weight: Weight, owners: list[int | None], groups: list[Trained]) -> str | None:
    """Why a weight, or two parameters that became one, cannot be trained as before."""
    lacking = _lacking(weight, owners, groups)
    if lacking:
        return f"{lacking} has no state in the optimizer, and others have"
    if len(owners) == 1:
        return None
    own = {each for each in owners if each is not None}
    if len(own) > 1:
        return "they are one weight here, and in two groups of the optimizer"
    if own and owners[0] is None:
        return "they are one weight here, of which the second part alone is trained"
    if not own:
        return None
    group = groups[own.pop()]
    if None in owners:
        return "they are one weight here, and the part that is trained decays" if group.l2 else None
    if group.is_linear:
        return None
    if group.l2:
        return "they are one weight here, and decay in the gradient of an adaptive optimizer"
    for arrays in group.slots.values():
        found = [arrays[each] for each in weight.names if each in arrays]
        if len(found) == 2 and not np.array_equal(found[0], found[1]):
            return "they are one weight here, and their states in the optimizer are not equal"
    return None


def _lacking(weight: Weight, owners: list[int | None], groups: list[Trained]) -> str | None:
    """A name without a state that others in its group have."""
    for name, owner in zip(weight.names, owners, strict=True):
        slots = {} if owner is None else groups[owner].slots
        if any(arrays and name not in arrays for arrays in slots.values()):
            return name
    return None


def _of_all(parts: list[_Chosen]) -> Optimizer:
    if len(parts) == 1:
        return parts[0].optimizer
    paths = {w.variable.path: part.optimizer for part in parts[1:] for w in part.weights}
    return MultiOptimizer(OptimizerMap(parts[0].optimizer, paths))


def _fill(part: _Chosen, weight: Weight) -> None:
    optimizer = part.optimizer
    place = optimizer._index[weight.variable]
    for slot, arrays in part.group.slots.items():
        found = [arrays[name] for name in weight.names if name in arrays]
        if not found:
            continue
        if weight.rule.is_sum:  # what both have in common, since the rate is twice as high
            value = sum(found) / len(found)
        else:
            value = weight.converted(arrays)
        optimizer._slots[slot][place].assign(value)


def slot_arrays(optimizer: Optimizer, weights: list[Weight], slot: str) -> dict[str, np.ndarray]:
    """{name: array} of a slot, in the original's layout."""
    blocks: dict[str, dict[int, np.ndarray]] = {}
    for weight in weights:
        own = _owner(optimizer, weight.variable)
        if own is None or slot not in own._slots:
            continue
        value = own._slots[slot][own._index[weight.variable]].numpy()
        if weight.rule.is_sum:
            found = dict.fromkeys(weight.names, value)
        else:
            back = weight.rule.back(value)
            found = dict(zip(weight.names, [back] if len(weight.names) == 1 else back, strict=True))
        for name, array in found.items():
            blocks.setdefault(name, {})[weight.block[0]] = array
    return {
        name: np.concatenate([found[i] for i in sorted(found)]) if len(found) > 1 else found[0]
        for name, found in blocks.items()
    }


def rate_of(optimizer: Optimizer, weights: list[Weight], names: set[str]) -> float | None:
    """The learning rate now of the parameters `names`; None if none of them is trained."""
    for weight in weights:
        own = _owner(optimizer, weight.variable)
        shared = [name for name in weight.names if name in names]
        if own is not None and shared:
            return float(own.learning_rate) / len(shared)
    return None


def _owner(optimizer: Optimizer, variable: Any) -> Optimizer | None:
    for each in optimizer.inner_optimizers.values() or [optimizer]:
        if variable in each._index:
            return each
    return None
