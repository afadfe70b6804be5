"""Several optimizers for one model, each for some of its variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from unidl.backend.variable import Variable
from unidl.optimizers.loss_scale_optimizer import LossScaleOptimizer
from unidl.optimizers.optimizer import Optimizer
from unidl.saving.serialization import deserialize_keras_object, serialize_keras_object
from unidl.tracing.feed import next_number
from unidl.typing import Config, CustomObjects, Tensor
from unidl.utils.naming import numbered, prefix_of

if TYPE_CHECKING:
    from typing_extensions import Self


class OptimizerMap(MutableMapping[str, Optimizer]):
    """Assigns optimizers to variables: a dict from variable paths, or patterns of paths, with a
    default optimizer for all others.

    Args:
        default_optimizer: for variables that match no key.
        optimizer_map: {path or regular expression of whole paths: `Optimizer`}.

    `map[path]` looks up the path itself, then the one expression that matches all of it.

    Examples:
        >>> slow, fast = unidl.optimizers.SGD(0.01), unidl.optimizers.Adam(0.1)
        >>> chosen = unidl.optimizers.OptimizerMap(slow, {"head/.*": fast})
        >>> chosen["head/kernel"] is fast, chosen["body/kernel"] is slow
        (True, True)
    """

    def __init__(
        self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None
    ) -> None:
        _check_inner("OptimizerMap: default_optimizer", default_optimizer)
        if not isinstance(optimizer_map, dict | None):
            raise TypeError(
                "OptimizerMap: optimizer_map must be a dict from variable paths to optimizers, got "
                f"{optimizer_map!r}."
            )
        self.default_optimizer = default_optimizer
        self._optimizer_map: dict[str, Optimizer] = {}
        self.update(optimizer_map or {})

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        fitting = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(fitting) > 1:
            raise ValueError(
                f"OptimizerMap: the variable {key!r} fits {' and '.join(map(repr, fitting))}. Make "
                "the expressions mutually exclusive, or use its path as a key."
            )
        return self._optimizer_map[fitting[0]] if fitting else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise ValueError(
                f"OptimizerMap: a key must be a variable path or a regular expression, got {key!r}."
            )
        if key in self._optimizer_map:
            raise ValueError(
                f"OptimizerMap: {key!r} has {self._optimizer_map[key].name!r} already. Delete it "
                "first."
            )
        try:
            re.compile(key)
        except re.error as error:
            raise ValueError(
                f"OptimizerMap: {key!r} is not a regular expression: {error}."
            ) from error
        _check_inner(f"OptimizerMap: the optimizer of {key!r}", optimizer)
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        return self[variable.path]

    def get_config(self) -> Config:
        return {
            "default_optimizer": serialize_keras_object(self.default_optimizer),
            "optimizer_map": serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(cls, config: Any, custom_objects: CustomObjects | None = None) -> Self:
        return cls(
            deserialize_keras_object(config["default_optimizer"], custom_objects),
            deserialize_keras_object(config["optimizer_map"], custom_objects),
        )


class MultiOptimizer(Optimizer):
    """Updates different variables with different optimizers.

    Args:
        optimizer_map: an `OptimizerMap`, or a function from a variable to its optimizer, which
            returns the same object for variables that share one.
        loss_scale_factor: that of all of them, replacing their own.
        name: by default the class name in snake case.

    It has no learning rate; its `optimizers` have.

    Examples:
        >>> model = unidl.Sequential(
        ...     [unidl.layers.Dense(3, name="body"), unidl.layers.Dense(1, name="head")]
        ... )
        >>> chosen = unidl.optimizers.OptimizerMap(
        ...     unidl.optimizers.SGD(0.0), {"head/.*": unidl.optimizers.Adam(0.1)}
        ... )
        >>> model.compile(unidl.optimizers.MultiOptimizer(chosen), "mse")
        >>> history = model.fit(np.ones((8, 2)), np.zeros((8, 1)), verbose=0)
        >>> [type(optimizer).__name__ for optimizer in model.optimizer.optimizers]
        ['Adam', 'SGD']
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(optimizer_map):
            raise TypeError(
                "MultiOptimizer: optimizer_map must be an OptimizerMap or a function from a "
                f"variable to its optimizer, got {optimizer_map!r}."
            )
        self._optimizer_map = optimizer_map
        self.optimizers: list[Optimizer] = []
        self._parts: list[list[int]] = []
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._take(optimizer)

    def _take(self, optimizer: Optimizer) -> int:
        """The number of an optimizer among `optimizers`, to which it may be new."""
        for i, known in enumerate(self.optimizers):
            if known is optimizer:
                return i
        optimizer.loss_scale_factor = self.loss_scale_factor
        self.optimizers.append(optimizer)
        return len(self.optimizers) - 1

    def _essentials(self) -> dict[str, Any]:
        return {"optimizers": self.optimizers}

    # -- state -------------------------------------------------------------------------------------

    @property
    def inner_optimizers(self) -> dict[str, Optimizer]:
        names = numbered(prefix_of(type(optimizer)) for optimizer in self.optimizers)
        return {f"optimizers/{k}": o for k, o in zip(names, self.optimizers, strict=True)}

    def build(self, variables: Sequence[Variable]) -> None:
        """Ask for the optimizer of each variable, and build each for its own."""
        if self.built:
            return
        variables = list(variables)
        chosen = []
        for variable in variables:
            optimizer = self._optimizer_map(variable)
            _check_inner(f"{self.name}: the optimizer of {variable.path!r}", optimizer)
            chosen.append(self._take(optimizer))
        self._parts = [
            [i for i, each in enumerate(chosen) if each == number]
            for number in range(len(self.optimizers))
        ]
        for optimizer, part in zip(self.optimizers, self._parts, strict=True):
            if part and not optimizer.built:
                optimizer.build([variables[i] for i in part])
        self._targets = variables
        self._index = {variable: i for i, variable in enumerate(variables)}
        self.built = True

    @property
    def learning_rate(self) -> Any:
        raise AttributeError(
            f"{self.name} has no learning rate of its own; its optimizers have one each. Write "
            "optimizer.optimizers[0].learning_rate."
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            f"{self.name} has no learning rate of its own; its optimizers have one each. Write "
            "optimizer.optimizers[0].learning_rate = 0.001."
        )

    # -- the step ----------------------------------------------------------------------------------

    def apply(
        self, grads: Sequence[Tensor | None], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """One step of each optimizer that has a gradient."""
        grads = list(grads)
        variables = self._variables_of_step(grads, trainable_variables)
        self._backend_of(variables)
        place = {self._index[variable]: i for i, variable in enumerate(variables)}
        for optimizer, part in zip(self.optimizers, self._parts, strict=True):
            own = [place[i] for i in part if i in place]
            if any(grads[i] is not None for i in own):
                optimizer.apply([grads[i] for i in own], [variables[i] for i in own])
        next_number(self._count_step)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        places = {self._index[variable]: variable for variable in var_list}
        for optimizer, part in zip(self.optimizers, self._parts, strict=True):
            optimizer.finalize_variable_values([places[i] for i in part if i in places])

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        for optimizer in self.optimizers:
            optimizer.exclude_from_weight_decay(var_list, var_names)

    # -- config ------------------------------------------------------------------------------------

    def get_config(self) -> Config:
        return {
            "optimizer_map": serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Any, custom_objects: CustomObjects | None = None) -> Self:
        config = dict(config)
        found = deserialize_keras_object(config.pop("optimizer_map"), custom_objects)
        return cls(found, **config)


def _check_inner(what: str, optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{what} must be an Optimizer, such as Adam(), got {optimizer!r}.")
    if isinstance(optimizer, LossScaleOptimizer | MultiOptimizer):
        raise ValueError(
            f"{what} is a {type(optimizer).__name__}, which contains optimizers itself. Put them "
            "all into one map, and scale the loss of the whole."
        )
