"""The base class of metrics: sums kept on the device, read when asked for."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

from unidl import initializers, tree
from unidl.backend import dtypes
from unidl.backend.variable import Variable
from unidl.metrics.stateless import StatelessMetric
from unidl.tracing.keras_tensor import KerasTensor
from unidl.typing import Config, DType, InitializerLike, Shape, Tensor, any_arguments
from unidl.utils.constructors import Constructed, made_from
from unidl.utils.naming import auto_name
from unidl.utils.rules import TEXT, optional
from unidl.utils.watched import Watched

if TYPE_CHECKING:
    from typing_extensions import Self


class Metric(StatelessMetric, Watched, Constructed):
    """Subclass it: make variables in `__init__`, add to them in `update_state`, compute from them
    in `result`.

    `update_state` runs inside the compiled step, so it must not read a value on the host.

    Args:
        dtype: of the computation, `floatx` by default; a policy's compute dtype.
        name: by default the class' name in snake case.

    Examples:
        >>> class Positive(unidl.metrics.Metric):
        ...     def __init__(self, name="positive", **kwargs):
        ...         super().__init__(name=name, **kwargs)
        ...         self.count = self.add_variable((), "zeros", name="count")
        ...
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.count.assign_add(unidl.ops.sum(unidl.ops.cast(y_pred > 0, "float32")))
        ...
        ...     def result(self):
        ...         return self.count.value
        >>> metric = Positive()
        >>> metric.update_state(None, np.array([-1.0, 2.0, 3.0]))
        >>> metric.result()
        array(2., dtype=float32)
    """

    _set_by_base = "_own_variables"
    _rules: ClassVar = {"name": optional(TEXT)}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "update_state" in vars(cls):
            cls.update_state = _not_by_symbols(cls.update_state)  # type: ignore[method-assign]

    def __init__(self, dtype: DType | None = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.dtype = dtypes.standardize_dtype(getattr(dtype, "compute_dtype", dtype))
        self._own_variables: list[Variable] = []

    def add_variable(
        self,
        shape: Shape = (),
        initializer: InitializerLike = "zeros",
        dtype: DType | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A Variable that belongs to the metric, on the active backend. `aggregation` is part of
        Keras' signature."""
        variable = Variable(
            initializers.get(initializer or "zeros"),
            shape=shape,
            dtype=dtype or self.dtype,
            trainable=False,
            name=name,
        )
        variable.path = f"{self.name}/{variable.name}"
        self._own_variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Shape = (),
        initializer: InitializerLike | None = None,
        dtype: DType | None = None,
        name: str | None = None,
    ) -> Variable:
        """`add_variable` under its older name."""
        return self.add_variable(shape=shape, initializer=initializer, dtype=dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """Its own and those of metrics which it has as attributes."""
        inner = [
            v
            for metric in vars(self).values()
            if isinstance(metric, Metric)
            for v in metric.variables
        ]
        return [*self._own_variables, *inner]

    def build(self, y_true_shape: Shape, y_pred_shape: Shape) -> None:
        """Make variables whose shapes depend on the data; `compile` calls it before the step is
        compiled."""

    @property
    def _makes_variables_for_data(self) -> bool:
        return type(self).build is not Metric.build

    _built = False

    def build_for(self, y_true_shape: Shape, y_pred_shape: Shape) -> None:
        """`build`, unless it is done."""
        if not self._built:
            self.build(tuple(y_true_shape), tuple(y_pred_shape))
            self._built = True

    @any_arguments
    def update_state(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"{type(self).__name__} must implement update_state(self, y_true, y_pred, "
            "sample_weight=None)."
        )

    def result(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement result(self).")

    def reset_state(self) -> None:
        """Set the variables to 0."""
        for variable in self.variables:
            backend = variable.backend
            with backend.scope():
                variable.replace(backend.zeros(variable.shape, variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def to(self, backend: Any) -> Self:
        """Move to another backend; returns the metric."""
        for variable in self.variables:
            variable.to(backend)
        return self

    def get_config(self) -> Config:
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**made_from(cls, config))

    def _essentials(self) -> dict[str, Any]:
        return {"name": self.name}


def add_to(variable: Any, amount: Any) -> None:
    """Add a native scalar or tensor to a variable."""
    backend = variable.backend
    variable.replace(
        backend.add(variable.value, backend.cast(backend.asarray(amount), variable.dtype))
    )


def _not_by_symbols(update_state: Any) -> Any:
    """`update_state` of a metric that a layer's `call` may update: while only shapes are inferred
    there is nothing to add."""

    @wraps(update_state)
    def update(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not tree.has_instance(KerasTensor, (args, kwargs)):
            return update_state(self, *args, **kwargs)

    return update
