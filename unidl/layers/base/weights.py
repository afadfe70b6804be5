"""The variables of a layer and of all layers below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unidl import ops, tree
from unidl.backend.variable import Variable
from unidl.layers.base.tracking import Tracked
from unidl.ops.dispatch import has_values
from unidl.random import SeedGenerator
from unidl.utils.rules import FLAG


class HoldsWeights(Tracked):
    """Mixed into `Layer`."""

    _trainable: bool
    path: str

    if TYPE_CHECKING:

        def _who(self) -> str: ...

    @classmethod
    def overrides(cls, method: str) -> bool:
        """Whether the class has its own of what saves and loads weights, and says itself what its
        group in files holds."""
        return getattr(cls, method) is not getattr(HoldsWeights, method)

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: Any) -> None:
        if not FLAG.allows(value):
            raise ValueError(f"{self._who()}: trainable must be {FLAG.words}, got {value!r}.")
        for layer in self._flatten_layers():
            if layer._trainable is not bool(value):
                layer._trainable = bool(value)
                layer._count_change()

    @property
    def _layers(self) -> Any:
        """Direct sublayers in order of creation."""
        return self.held(HoldsWeights)

    def _flatten_layers(self) -> Any:
        """This layer and all below, depth first, without duplicates.

        A list of its own, not Python's stack: layers may hold each other, and in any depth.
        """
        found: dict[int, HoldsWeights] = {}
        waiting: list[HoldsWeights] = [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                waiting += reversed(layer._layers)
        return list(found.values())

    @property
    def _own_variables(self) -> list[Variable]:
        """Without those of the sublayers, trainable ones first."""
        return sorted(self.held(Variable), key=lambda v: not v.trainable)

    @property
    def weights(self) -> list[Variable]:
        """All variables: own trainable, own non-trainable, then those of the sublayers; no
        duplicates."""
        found: dict[int, Variable] = {}
        for layer in self._flatten_layers():
            for variable in layer._own_variables:
                found.setdefault(id(variable), variable)
        return list(found.values())

    # What a layer assigns in its call, and keeps to itself: no weights, and not saved.
    _state_variables: Any = ()

    @property
    def variables(self) -> list[Any]:
        """All state: for this layer and then for each below it, its weights, the variables that it
        keeps between calls, such as the states of a stateful LSTM, and the states of its random
        generators; no duplicates. The variables of metrics are in `metrics_variables`."""
        found: dict[int, Any] = {}
        generators = self._generators_by_layer()
        for layer in self._flatten_layers():
            states = (generator.state for generator in generators[id(layer)])
            for variable in (*layer._own_variables, *layer._state_variables, *states):
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def _device_variables(self) -> list[Variable]:
        """The variables without the states of generators, which the host holds: the weights, then
        what layers keep between calls."""
        return self.weights + [
            v for layer in self._flatten_layers() for v in layer._state_variables
        ]

    def _update(self, variable: Any, value: Any) -> None:
        """Assign a native tensor in a call; a symbolic call has no values to assign."""
        if has_values(value):
            variable.replace(ops.cast(ops.stop_gradient(value), variable.dtype))

    @property
    def trainable_weights(self) -> list[Variable]:
        frozen = {
            id(v)
            for layer in self._flatten_layers()
            if not layer._trainable
            for v in layer.held(Variable)
        }
        return [v for v in self.weights if v.trainable and id(v) not in frozen]

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        trainable = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def non_trainable_variables(self) -> list[Any]:
        """All state that a call may change, and weights that are not trained: those of `variables`
        that are not among `trainable_variables`, in the same order."""
        trainable = {id(v) for v in self.trainable_weights}
        return [v for v in self.variables if id(v) not in trainable]

    @property
    def _seed_generators(self) -> list[SeedGenerator]:
        """The random generators that this layer and those below hold in attributes."""
        return [g for held in self._generators_by_layer().values() for g in held]

    def _generators_by_layer(self) -> dict[int, list[SeedGenerator]]:
        """By the id of the layer that holds them first; their states get their paths."""
        seen: set[int] = set()
        found: dict[int, list[SeedGenerator]] = {}
        for layer in self._flatten_layers():
            own = found[id(layer)] = []
            for name, value in vars(layer).items():
                for i, generator in enumerate(tree.instances(SeedGenerator, [value])):
                    if id(generator) not in seen:
                        seen.add(id(generator))
                        own.append(generator)
                        place = f"{layer.path}/{name}{f'_{i}' if i else ''}"
                        generator.state.path = f"{place}/{generator.state.name}"
        return found

    def get_weights(self) -> list[np.ndarray]:
        """The weights' values as NumPy arrays, in the order of `weights`."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights from arrays in the order of `weights`; nothing changes unless all shapes
        fit."""
        own = self.weights
        if isinstance(weights, str | bytes) or not isinstance(weights, Sequence | np.ndarray):
            raise TypeError(
                f"{self._who()}: set_weights() expects a list of arrays, one for each of "
                f"{[v.path for v in own]}, got {weights!r} of type {type(weights).__name__}."
            )
        if len(own) != len(weights):
            raise ValueError(
                f"{self._who()}: set_weights() got {len(weights)} arrays, but there are {len(own)} "
                f"weights: {[v.path for v in own]}."
            )
        for variable, value in zip(own, weights, strict=True):
            found = tuple(getattr(value, "shape", ()))
            if found != tuple(variable.shape):
                raise ValueError(
                    f"{self._who()}: the weight {variable.path!r} has shape {variable.shape}, "
                    f"set_weights() got shape {found}."
                )
            if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
                raise TypeError(
                    f"{self._who()}: set_weights() got an array of dtype {value.dtype} for the "
                    f"weight {variable.path!r}. Weights must be real numbers."
                )
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)

    def save_own_variables(self, store: Any) -> None:
        """Put the layer's own variables, without those of its sublayers, into the mapping `store`
        under "0", "1" ...; what a layer of a user's own puts there, arrays or variables, is what
        its group in files holds."""
        store.update({str(i): v.numpy() for i, v in enumerate(self._own_variables)})

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote."""
        own = self._own_variables
        if len(store.keys()) != len(own):
            raise ValueError(
                f"{self._who()} has {len(own)} variables, {[v.path for v in own]}, the file has "
                f"{len(store.keys())} for it."
            )
        for i, variable in enumerate(own):
            variable.assign(store[str(i)])

    def count_params(self) -> int:
        """Number of elements in all weights."""
        return sum(math.prod(variable.shape) for variable in self.weights)
