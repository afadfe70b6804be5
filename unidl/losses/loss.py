"""The base class of losses, and the one that makes a loss of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from unidl import ops, tree
from unidl.backend import dtypes
from unidl.losses.reduction import check_reduction, reduce_weighted
from unidl.losses.tensors import as_float, loss_values, native, together
from unidl.ops.dispatch import backend_of
from unidl.saving.serialization import deserialize_keras_object, serialize_keras_object
from unidl.typing import Config, DType, Tensor, TensorLike
from unidl.utils.constructors import Constructed, made_from
from unidl.utils.naming import auto_name
from unidl.utils.rules import CALLABLE, TEXT, optional
from unidl.utils.watched import Watched

if TYPE_CHECKING:
    from typing_extensions import Self


class Loss(Watched, Constructed):
    """Subclass it: `call(self, y_true, y_pred)` returns one float for each sample, (n,), or for
    each step of it, (n, t).

    Args:
        name: by default the class name in snake case.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        dtype: of the computation, `floatx` by default; a policy's compute dtype.

    Examples:
        >>> class Largest(unidl.losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return unidl.ops.max(unidl.ops.abs(y_true - y_pred), axis=-1)
        >>> y_true, y_pred = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 5.0], [3.0, 3.0]])
        >>> Largest()(y_true, y_pred)  # the mean over the batch
        array(2., dtype=float32)
        >>> Largest(reduction="sum")(y_true, y_pred, sample_weight=np.array([1.0, 0.5]))
        array(3.5, dtype=float32)
    """

    # Which activation's input can take the place of its output in `call_on_logits`: "softmax",
    # "sigmoid", or None.
    logits_of: Any = None
    # Whether `call` is a user's.
    _may_return_anything = True

    _rules: ClassVar = {"name": optional(TEXT)}

    _set_by_base = "reduction"

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: DType | None = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.reduction = check_reduction(reduction)
        self.dtype = dtypes.standardize_dtype(getattr(dtype, "compute_dtype", dtype))

    def __call__(
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        sample_weight: TensorLike | None = None,
        mask: TensorLike | None = None,
        logits: TensorLike | None = None,
    ) -> Tensor:
        """The reduced loss.

        `mask` (n, ...) is 0 for values that do not count, by default where the mask is that y_pred
        carries. `logits`: what the activation `logits_of` made y_pred from, in a training step by
        default what is known of y_pred; the loss is then computed from it, which is exact where
        the activation saturates.
        """
        # Here and not where a step calls the loss: so a subclass may override the three arguments
        # of Keras, and what it hands on to this method is the same.
        from unidl.layers.base import annotations

        if mask is None:
            mask = annotations.masks.get(y_pred)
        if logits is None:
            kind, found = annotations.logits.get(y_pred) or (None, None)
            logits = found if kind == self.logits_of else None
        backend = backend_of(tree.flatten((y_pred, y_true)))
        with backend.scope():
            if logits is not None:
                values = self.call_on_logits(
                    self._targets(backend, y_true), as_float(backend, logits, self.dtype)
                )
            else:
                y_pred = tree.map_structure(lambda x: as_float(backend, x, self.dtype), y_pred)
                values = self.call(self._targets(backend, y_true), y_pred)
                if self._may_return_anything:
                    values = loss_values(f"The loss {self.name!r}", values)
            own = self.mask_of(y_true, values)
            parts = [as_float(backend, m, self.dtype) for m in (mask, own) if m is not None]
            parts = [self._fit_mask(m, values) for m in parts]
            mask = None if not parts else parts[0] if len(parts) == 1 else ops.multiply(*parts)
            weight = None if sample_weight is None else as_float(backend, sample_weight, self.dtype)
            return reduce_weighted(values, weight, mask, self.reduction)

    def _targets(self, backend: Any, y_true: TensorLike) -> Any:
        return tree.map_structure(lambda x: as_float(backend, x, self.dtype), y_true)

    def _fit_mask(self, mask: TensorLike, values: TensorLike) -> Any:
        """The float `mask` in the rank of `values`, or less."""
        found, wanted = tuple(mask.shape), tuple(values.shape)
        if len(found) <= len(wanted) or found == (*wanted, 1):
            return mask
        raise ValueError(
            f"{type(self).__name__} {self.name!r}: the mask has the shape {found}, the losses have "
            f"{wanted}: the loss reduces axes over which the mask selects. Give the model a layer "
            "that ends the mask, or write a Loss whose call() keeps these axes."
        )

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        raise NotImplementedError(
            f"{type(self).__name__} must implement call(self, y_true, y_pred)."
        )

    def call_on_logits(self, y_true: TensorLike, logits: TensorLike) -> Any:
        """`call` with the input of the activation `logits_of` for y_pred."""
        raise NotImplementedError(f"{type(self).__name__} is not computed from logits.")

    def mask_of(self, y_true: TensorLike, values: TensorLike) -> Any:
        """A mask of the shape of `values` that the loss itself imposes, or None."""
        return None

    def get_config(self) -> Config:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**made_from(cls, config))


class LossFunctionWrapper(Loss):
    """The loss of a function (y_true, y_pred, **kwargs) -> one float for each sample.

    Args:
        fn: the function; its other arguments are given by name.
        reduction: "sum_over_batch_size" or "mean" (the sum over the number of values), "sum",
            "mean_with_sample_weight" (the weighted sum over the sum of weights), "none" or None.
        name: of the loss.
        dtype: of the computation, `floatx` by default.

    Examples:
        >>> def powered(y_true, y_pred, power):
        ...     return unidl.ops.mean(unidl.ops.abs(y_true - y_pred) ** power, axis=-1)
        >>> loss = unidl.losses.LossFunctionWrapper(powered, power=3)
        >>> loss(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
        array(4., dtype=float32)
    """

    _rules: ClassVar = {"fn": CALLABLE}

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DType | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            name=name or getattr(fn, "__name__", None), reduction=reduction, dtype=dtype
        )
        self.fn = fn
        self._kwargs = kwargs

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        if not tree.is_nested(y_true) and not tree.is_nested(y_pred):
            y_true, y_pred = together(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._kwargs)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "fn": serialize_keras_object(self.fn),
            **serialize_keras_object(self._kwargs),
        }

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**deserialize_keras_object(made_from(cls, config)))


class NamedLoss(LossFunctionWrapper):
    """A `LossFunctionWrapper` whose function is known: the config holds the arguments named in
    `arguments` instead."""

    arguments: tuple[str, ...] = ()
    _may_return_anything = False

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The function's arguments, which the constructor makes attributes."""

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None,
        name: str | None,
        dtype: DType | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fn, reduction, name, dtype, **kwargs)
        for key, value in kwargs.items():
            setattr(self, key, value)

    def get_config(self) -> Config:
        return {**Loss.get_config(self), **{name: getattr(self, name) for name in self.arguments}}

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**made_from(cls, config))


class OfIntegers(NamedLoss):
    """A `NamedLoss` whose targets stay integers: float32 would confuse class numbers from 2**24
    on."""

    def _targets(self, backend: Any, y_true: TensorLike) -> Any:
        return native(backend, y_true)

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        return self.fn(y_true, y_pred, **self._kwargs)
