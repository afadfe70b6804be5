"""Layer: weights, a `build` that makes them, a `call` that uses them."""

from __future__ import annotations

import types
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

from unidl import constraints, dtype_policies, initializers, ops, regularizers, tree
from unidl.backend import callers, frame, registry
from unidl.backend.callers import layer_that_calls_itself
from unidl.backend.dtypes import is_float
from unidl.backend.variable import Variable, autocasting
from unidl.distribution.placing import place
from unidl.dtype_policies import DTypePolicy
from unidl.layers.base import call_context, weight_limit
from unidl.layers.base.annotations import masks
from unidl.layers.base.building import Builds, noting_that_it_is_built
from unidl.layers.base.call_context import CallContext
from unidl.layers.base.config import Configurable
from unidl.layers.base.eager_call import CallsBuilt
from unidl.layers.base.given import problem_with
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.mask_flow import PassesMasks, no_masks
from unidl.layers.base.recomputed import Recomputes
from unidl.layers.base.remat_scope import current_mode
from unidl.layers.base.signature import call_signature
from unidl.layers.base.stateless_call import CallsStateless
from unidl.layers.base.structures import has_shape, leaves
from unidl.layers.base.symbolic_call import InfersShapes
from unidl.layers.base.undrawn import initializer_now
from unidl.layers.base.weights import HoldsWeights
from unidl.metrics.metric import Metric
from unidl.tracing import graph
from unidl.typing import (
    ConstraintLike,
    DType,
    InitializerLike,
    PolicyLike,
    RegularizerLike,
    Shape,
    Tensor,
    TensorLike,
    any_arguments,
)
from unidl.utils import turns
from unidl.utils.arguments import call_problem, unknown_arguments
from unidl.utils.constructors import Constructed, constructor_arguments
from unidl.utils.descriptions import description
from unidl.utils.habits import OF_LAYERS, with_habits, without_habits
from unidl.utils.naming import auto_name, is_of_unidl, prefix_of
from unidl.utils.nesting import TooDeepError
from unidl.utils.rules import (
    AXIS,
    COUNTS,
    FLAG,
    NOT_NEGATIVE,
    NUMBER,
    SEED,
    SHARE,
    optional,
)
from unidl.utils.scopes import current_path, use_path
from unidl.utils.suggestions import closest
from unidl.utils.traceback_filtering import shorten

if TYPE_CHECKING:
    from typing_extensions import Self


_RUNS = {"_run": "call"}  # see `backend.callers`


@with_habits(OF_LAYERS)
class Layer(
    CallsBuilt, CallsStateless, Builds, InfersShapes, PassesMasks, Recomputes, Configurable,
    HoldsWeights, Constructed,
):  # fmt: skip
    """The base of all layers.

    A subclass creates its weights in `build(input_shape)` with `add_weight` (or in its constructor,
    if it knows the shapes) and computes in `call(inputs)` with `unidl.ops`; `call` may take
    `training` and `mask`. Sublayers in attributes, lists and dicts are found automatically.

    Args:
        activity_regularizer: penalty on each output, averaged over the batch and added to the loss.
        trainable: whether optimizers update the weights; False also means inference for
            normalization layers.
        dtype: name of a dtype or policy ("float64", "mixed_float16"); default: the global policy.
        autocast: cast floating inputs to the layer's compute dtype.
        name: unique in its model; by default derived from the class.

    The layer belongs to the backend that is active when it is created; `to(backend)` moves it.

    Examples:
        >>> class Scale(unidl.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")
        ...
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> layer = Scale()
        >>> layer(np.array([[2.0, 3.0]]))
        array([[2., 3.]], dtype=float32)
        >>> len(layer.trainable_weights)
        1
    """

    input_spec: Any  # an InputSpec, or one for each input
    activity_regularizer: Any
    _losses: list[Any]
    _inbound: list[Any]
    _build_shapes: Any
    _set_by_base = "_losses"
    _rules: ClassVar = {"trainable": FLAG, "autocast": FLAG}
    _rules_by_name: ClassVar = {
        name: rule
        for rule, names in {
            FLAG: (
                "use_bias", "return_sequences", "return_state", "go_backwards", "stateful",
                "unroll", "mask_zero", "use_scale", "reset_after", "center", "synchronized",
            ),
            SEED: ("seed",),
            NOT_NEGATIVE: ("epsilon",),
            NUMBER: ("mask_value",),
            SHARE: ("momentum",),
            optional(AXIS): ("axis",),
            COUNTS: ("target_shape", "dims"),
        }.items()
        for name in names
    }  # fmt: skip
    _made_in_call: Any = None  # the layer in whose `call` this one was made

    _untracked = frozenset(
        {
            "input_spec",
            "_arguments",
            "_build_shapes",
            "_losses",
            "_inbound",
            "_made_in_call",
            "_remat_mode",
        }
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = noting_that_it_is_built(cls.build)  # type: ignore[method-assign]
        if "compute_mask" in vars(cls) and not is_of_unidl(cls):
            cls._makes_mask = True  # it may return one where the inputs have none

    def __init__(
        self,
        *,
        activity_regularizer: RegularizerLike | None = None,
        trainable: bool = True,
        dtype: PolicyLike | None = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.name = name if name is not None else auto_name(prefix_of(type(self)))
        if not isinstance(self.name, str) or "/" in self.name:
            raise ValueError(
                f"{type(self).__name__}: name must be a string without '/', got {name!r}."
            )
        self.backend = registry.get_backend()
        self._dtype_policy = dtype_policies.get(dtype)
        self.autocast = autocast
        self._casts_inputs = False  # some input has another float dtype than the layer computes in
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.input_spec = None
        self.supports_masking = getattr(
            type(self), "supports_masking", type(self).compute_mask is not PassesMasks.compute_mask
        )
        self.built = False
        self.path = self.name
        self._trainable = trainable
        self._losses = []
        self._build_shapes = None
        self._inbound = []
        self._remat_mode = current_mode()
        if call_context.current() is not None:
            self._made_in_call = callers.layer_in_call()
        self._take_input_shape(kwargs)
        if kwargs:
            self._reject(kwargs)

    def _take_input_shape(self, kwargs: Any) -> None:
        """The first layer of a Sequential may say what it gets: `input_shape=`, `batch_shape=`,
        `input_dim=`."""
        batch = kwargs.pop("batch_size", None)
        shape = kwargs.pop("batch_shape", kwargs.pop("batch_input_shape", None))
        if "input_shape" in kwargs:
            given = kwargs.pop("input_shape")
            shape = (batch, *((given,) if isinstance(given, int) else given))
        elif "input_dim" in kwargs:
            shape = (batch, kwargs.pop("input_dim"))
        self._given_input_shape = None if shape is None else tuple(shape)

    def _reject(self, kwargs: Any) -> None:
        problem = unknown_arguments(kwargs, _known_arguments(type(self)))
        raise TypeError(f"{type(self).__name__}: {problem}")

    # -- for subclasses ----------------------------------------------------------------------------

    @any_arguments
    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of `input_shape`, a tuple with None for open axes (or a
        structure of such tuples)."""

    @any_arguments
    def call(self, inputs: TensorLike) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} has no call(). Define: def call(self, inputs): return ..."
            + self._hint_at_forward()
        )

    def _hint_at_forward(self) -> str:
        """A sentence on a method of another name that looks like the `call` that is missing."""
        own = [n for c in type(self).__mro__ if "unidl." not in c.__module__ for n in vars(c)]
        found = "forward" if "forward" in own else closest("call", own).strip("'")
        return f" It has {found}(); did you mean call()?" if found else ""

    def add_weight(
        self,
        shape: Shape | None = None,
        initializer: InitializerLike | None = None,
        dtype: DType | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: RegularizerLike | None = None,
        constraint: ConstraintLike | None = None,
        aggregation: str = "none",
        name: str | None = None,
        kernel_of: str | None = None,
    ) -> Variable:
        """Create a Variable of `shape` that belongs to this layer; Glorot uniform for floats and
        zeros for others by default.

        `kernel_of` is for speed alone, see `Variable`.
        """
        shape = () if shape is None else self._checked_shape(shape, name)
        if self._made_in_call is not None:
            raise ValueError(
                callers.advice_for(self._made_in_call, f"{self._who()} with its weight {name!r}")
            )
        if call_context.current() is not None:
            owner = callers.layer_in_call()
            if owner is not None:
                raise ValueError(callers.advice_for(owner, f"the weight {name!r}"))
        if any(size is None for size in shape):
            raise ValueError(
                f"{self._who()}: cannot make the weight {name!r} of shape {shape}: its size "
                "depends on an axis of unknown size in the input."
            )
        weight_limit.count(self._who(), shape)
        dtype = dtype or self.variable_dtype
        initializer = initializers.get(
            initializer or ("glorot_uniform" if is_float(dtype) else "zeros")
        )
        if not self.overrides("load_own_variables"):
            initializer = initializer_now(initializer)
        with registry.use_backend(self.backend):
            variable = Variable(
                initializer,
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                name=name,
                kernel_of=kernel_of,
            )
        variable.path = (
            "/".join((*current_path(), name or "variable"))
            if current_path()
            else f"{self.path}/{name or 'variable'}"
        )
        variable.autocast = autocast
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        place(variable)
        self._holders.setdefault("_weights", []).append(variable)
        return variable

    def _checked_shape(self, shape: Any, name: str | None) -> tuple[Any, ...]:
        """`shape` as a tuple of sizes, of which the open ones are told about later."""
        sizes_given = tuple(shape) if isinstance(shape, Iterable) else (shape,)
        for size in sizes_given:
            if size is not None and not (hasattr(size, "__index__") and size >= 0):
                raise ValueError(
                    f"{self._who()}: the shape of the weight {name!r} must be a tuple of "
                    f"non-negative integers, got {shape!r}."
                )
        return sizes_given

    def add_own_weight(
        self, name: str, shape: Shape, prefix: Any = None, **kwargs: Any
    ) -> Variable:
        """`add_weight` with the layer's `<name>_initializer`, `<name>_regularizer` and
        `<name>_constraint` (or `<prefix>_...`)."""
        given: dict[str, Any] = {
            kind: getattr(self, f"{prefix or name}_{kind}", None)
            for kind in ("initializer", "regularizer", "constraint")
        }
        return self.add_weight(shape, **(given | kwargs), name=name)

    def add_loss(self, loss: TensorLike) -> None:
        """Add a scalar tensor, or a list of them, computed in this call, to the training loss."""
        context = call_context.current()
        losses = list(loss) if isinstance(loss, list | tuple) else [loss]
        if context is not None:
            context.losses.extend(losses)
        elif (scope := frame.current().stateless) is not None:
            scope.keep_losses_of(self, [*scope.losses_of(self), *losses])
        else:
            self._losses.extend(losses)

    # -- calling -----------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        context = call_context.current()
        if context is None:
            turns.wait_to_call(self)
        if not args and call_signature(type(self)).names:
            first = call_signature(type(self)).names[0]
            if first not in kwargs:
                raise TypeError(f"{self._who()}: called without its input. Write: layer({first}).")
            args = (kwargs.pop(first),)
        if context is not None and context.trusted and self.built:
            if self._casts_inputs:
                args = tuple(self._convert(a) for a in args)
            return self._run(context, args, kwargs)
        try:
            if self._is_ready(args, kwargs):
                return self._call_ready(context, args, kwargs)
            if args and call_signature(type(self)).takes_nothing:
                raise TypeError(
                    f"{self._who()}: call() takes no inputs. Write: def call(self, inputs): ..."
                )
            if graph.flatten_tensors((args, kwargs)):
                return self._call_symbolic(args, kwargs)
            problem = problem_with(args[0], is_of_unidl(type(self))) if args else ""
            if problem:
                raise TypeError(f"{self._who()}: {problem}")
            with self._own_backend(), self._scope():
                args = tuple(self._convert(a) for a in args)
                kwargs = {
                    k: self._convert(v) if k not in ("training",) else v for k, v in kwargs.items()
                }
                self._ensure_built(args, kwargs)
                if context is not None:
                    outputs = self._run(context, args, kwargs)
                else:
                    context = CallContext(training=kwargs.get("training"))
                    with call_context.entered(context):
                        outputs = self._run(context, args, kwargs)
                    self._keep_losses(context.losses)
                if self._noted_shapes is None:
                    self._note_shapes(outputs)
                return outputs
        except (RecursionError, TooDeepError) as error:
            # Which of the two it is depends on what was running when the limit was reached.
            endless = layer_that_calls_itself(error) if call_context.current() is None else None
            if endless is not None:
                raise ValueError(
                    f"{endless._who()}: call() calls the layer itself, so it would never end. Call "
                    "another layer, or a function of unidl.ops, on its inputs."
                ) from None
            raise
        except BaseException as error:
            problem = call_problem(type(self).call, error, kwargs)
            if problem:
                raise TypeError(f"{self._who()}: call(): {problem}") from None
            shorten(error)
            raise

    def _run(self, context: Any, args: Any, kwargs: Any) -> Any:
        """`call` with training flag and masks filled in, on checked native inputs."""
        signature = call_signature(type(self))
        outer = context.training
        if signature.has_training and "training" not in kwargs:
            kwargs["training"] = outer
        elif "training" in kwargs and not signature.has_training and not signature.takes_any:
            # A flag given to a layer that does not use it itself still holds for the layers inside.
            context.training = kwargs.pop("training")
        elif kwargs.get("training") is not None:
            context.training = kwargs["training"]
        mask = self._fill_masks(signature, args, kwargs)
        policy = self.dtype_policy
        weights_read_as = (
            policy.compute_dtype if policy.compute_dtype != policy.variable_dtype else None
        )
        around, call = frame.current(), self.call
        if self._remat_mode is not None:
            call = self.rematerialized_call(call, *args, **kwargs)
        try:
            if weights_read_as == around.autocast and around.naming is None:
                outputs = call(*args, **kwargs)
            else:
                with autocasting(weights_read_as), self._named(around):
                    outputs = call(*args, **kwargs)
        finally:
            context.training = outer
        if outputs is None:
            raise ValueError(f"{self._who()}: call() returned None. End it with: return outputs.")
        if type(outputs) in (str, types.FunctionType) or isinstance(outputs, Layer):
            raise TypeError(
                f"{self._who()}: call() returned {getattr(outputs, '__name__', outputs)!r} of type "
                f"{type(outputs).__name__}. It must return tensors: call functions and layers on "
                "its inputs, e.g. return layer(inputs)."
            )
        if mask is not None:
            self._pass_mask_on(args[0] if args else None, mask, outputs)
        elif self._makes_mask and self.supports_masking:
            mask = self.compute_mask(args[0], no_masks(args[0]))
            self._note_mask(args[0], outputs, mask)
        if self.activity_regularizer is not None:
            for output in leaves(outputs):
                context.losses.append(
                    ops.divide(self.activity_regularizer(output), ops.shape(output)[0] or 1)
                )
        return outputs

    def _named(self, around: Any) -> Any:
        """A context in which what is recorded has the layer's path."""
        return nullcontext() if around.naming is None else around.naming(self.path)

    def _convert(self, value: Any) -> Any:
        """Native tensors of the layer's backend out of host data in `value`, floats in the compute
        dtype."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list | tuple) and _holds_tensors(value):
            return type(value)(self._convert(v) for v in value)
        if isinstance(value, dict):
            return {k: self._convert(v) for k, v in value.items()}
        if isinstance(value, Variable):
            value = value.value
        tensor = ops.convert_to_tensor(value)
        dtype = ops.dtype(tensor)
        if self.autocast and is_float(dtype) and dtype != self._casts_to:
            mask = masks.get(tensor)
            tensor = ops.cast(tensor, self._casts_to)
            if mask is not None:
                masks.set(tensor, mask)
        return tensor

    def _who(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def _scope(self) -> Any:
        return use_path((*current_path(), self.name))

    def _own_backend(self) -> Any:
        active = registry.get_backend()
        if active.absorbs:  # a tracer: what it captures belongs to it
            return nullcontext()
        return (
            nullcontext()
            if active is self.backend and call_context.current()
            else registry.use_backend(self.backend)
        )

    def to(self, backend: Any) -> Self:
        """Move all weights, in place, to another backend; returns the layer."""
        target = self._destination(backend)
        for layer in self._flatten_layers():
            for variable in layer.held(Variable):
                variable.to(target)
            layer.backend = target
        return self

    def _destination(self, backend: Any) -> Any:
        """The backend that `to` was given; None, which is the active one elsewhere, is not meant
        here."""
        if backend is None:
            raise ValueError(
                f"{self._who()}: to() takes the name of a backend, got None. Available: "
                f"{', '.join(row.name for row in registry.list_backends() if row.installed)}."
            )
        return registry.get_backend(backend)

    # -- losses, dtypes, symbols -------------------------------------------------------------------

    @property
    def losses(self) -> list[Tensor]:
        """Losses that layers added in the last call, then the weights' regularizers."""
        scope = frame.current().stateless
        return [
            loss
            for layer in self._flatten_layers()
            for loss in (layer._losses if scope is None else scope.losses_of(layer))
        ] + self.weight_losses()

    def _keep_losses(self, losses: list[Any]) -> None:
        """Keep the losses of a call for those who ask for them after it."""
        scope = frame.current().stateless
        if scope is None:
            self._losses = losses
        else:
            scope.keep_losses_of(self, losses)

    def weight_losses(self) -> list[Tensor]:
        """One scalar tensor for each regularized trainable weight."""
        with registry.use_backend(self.backend):
            return [
                v.regularizer(v.value) for v in self.trainable_weights if v.regularizer is not None
            ]

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes of computation and weights. It can be set, also by name, and then applies to
        calls and to weights created later."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: PolicyLike) -> None:
        self._dtype_policy = dtype_policies.get(value)
        self._casts_inputs = True
        self._count_change()  # a compiled step has computed by the old one

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self.compute_dtype

    @property
    def compute_dtype(self) -> str:
        return self.dtype_policy.compute_dtype

    @property
    def _casts_to(self) -> Any:
        """What float inputs are cast to."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self.dtype_policy.variable_dtype

    @property
    def dtype(self) -> str:
        return self.variable_dtype

    @property
    def metrics(self) -> list[Metric]:
        """The Metric objects in attributes of the layer and of the layers below."""
        kept = [v for layer in self._flatten_layers() for v in vars(layer).values()]
        found = [metric for value in kept for metric in _metrics_in(value)]
        return list({id(m): m for m in found}.values())

    @property
    def metrics_variables(self) -> list[Variable]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def kernel_description(self) -> str | None:
        """The native kernels that the layer's last build chose, for `summary(kernels=True)`."""
        return ""

    def _first_node(self) -> Any:
        if not self._inbound:
            raise AttributeError(
                f"{self._who()} was never called on a symbolic tensor, so it has no input and "
                "output. Call it on unidl.Input(shape=...), or put it into a model with a known "
                "input shape."
            )
        return self._inbound[0]

    @property
    def input(self) -> Any:
        """The symbolic input of the layer's first call; a list if there are several."""
        inputs = self._first_node().inputs
        return inputs[0] if len(inputs) == 1 else inputs

    @property
    def output(self) -> Any:
        """The symbolic output of the layer's first call."""
        outputs = self._first_node().outputs
        return outputs[0] if len(outputs) == 1 else outputs

    def __dir__(self) -> list[str]:
        return without_habits(type(self), super().__dir__())

    def __repr__(self) -> str:
        if self._set_by_base not in vars(self):
            return super().__repr__()
        return description(self, self._essentials(), {"built": self.built})

    def _essentials(self) -> dict[str, Any]:
        return {"name": self.name} | ({} if self.trainable else {"trainable": False})


def _metrics_in(value: Any) -> list[Metric]:
    """The Metrics that an attribute holds, in a list or dict too."""
    if isinstance(value, Metric):
        return [value]
    return tree.instances(Metric, value) if isinstance(value, list | tuple | dict) else []


def _known_arguments(cls: Any) -> Any:
    own = [name for name in constructor_arguments(cls) if not name.startswith("_")]
    return [*own, "batch_shape", "batch_size", "input_dim", "input_shape"]


def _holds_tensors(values: TensorLike) -> bool:
    return any(
        has_shape(v) or v is None or (isinstance(v, list | tuple | dict) and _holds_tensors(v))
        for v in values
    )


__all__ = ["InputSpec", "Layer"]
