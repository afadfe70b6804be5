"""Model: a layer that can be trained, saved and summarised; by subclassing, or from a functional
graph."""

from __future__ import annotations

import json
import numbers
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

from unidl import tree
from unidl.backend import dtypes
from unidl.layers.base.config import shapes_in
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.layer import Layer
from unidl.layers.base.signature import call_signature
from unidl.layers.base.structures import (
    has_shape,
    leaves,
    shapes_as_given,
    shapes_of,
    tensors_of,
)
from unidl.models.export import export_model
from unidl.models.plan import Plan
from unidl.models.summary import print_summary
from unidl.saving.custom_objects import CustomObjectScope
from unidl.saving.model_files import save_model
from unidl.saving.object_registration import serialize_keras_object
from unidl.saving.state_tree import HasStateTree
from unidl.saving.weights import load_weights, save_weights
from unidl.tracing import KerasTensor, graph
from unidl.tracing.sizes import as_given
from unidl.training import sharing
from unidl.training.trainer import Trainer
from unidl.typing import Config, CustomObjects, Nest, PolicyLike, TensorLike, any_arguments
from unidl.utils.arguments import public_method
from unidl.utils.constructors import made_from
from unidl.utils.habits import OF_MODELS, with_habits
from unidl.utils.suggestions import did_you_mean

if TYPE_CHECKING:
    from os import PathLike

    from typing_extensions import Self


@with_habits(OF_MODELS)
class Model(Trainer, HasStateTree, Layer):
    """A network.

    There are three ways to build one: `Model(inputs, outputs)` from symbolic tensors, a subclass
    with `call()`, or `Sequential`.

    Args:
        inputs, outputs: KerasTensors, alone or in lists and dicts: the results of `Input` and of
            layers called on them.
        name: of the model; by default derived from the class.
        trainable: whether optimizers update the weights.
        dtype: name of a dtype or policy ("float64", "mixed_float16"); default: the global policy.

    Examples:
        >>> x = unidl.Input((4,))
        >>> model = unidl.Model(x, unidl.layers.Dense(1)(unidl.layers.Dense(8, "relu")(x)))
        >>> model.compile("adam", "mse", metrics=["mae"])
        >>> history = model.fit(np.ones((32, 4)), np.ones((32, 1)), epochs=2, verbose=0)
        >>> sorted(history.history)
        ['loss', 'mae']
        >>> model.predict(np.ones((3, 4)), verbose=0).shape
        (3, 1)
    """

    keras_module = "keras"
    _plan: Any

    _untracked = Layer._untracked | {"optimizer", "_plan", "_steps"}

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls is Model and (args or "inputs" in kwargs or "outputs" in kwargs):
            cls = Functional  # type: ignore[assignment]
        return super().__new__(cls, *args, **kwargs)

    @overload
    def __init__(
        self,
        inputs: Nest,
        outputs: Nest,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: PolicyLike = None,
    ) -> None: ...
    @overload
    def __init__(
        self, *, name: str | None = None, trainable: bool = True, dtype: PolicyLike = None
    ) -> None: ...

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        inputs, outputs = kwargs.pop("inputs", None), kwargs.pop("outputs", None)
        ends = list(args)
        inputs = ends.pop(0) if ends and inputs is None else inputs
        outputs = ends.pop(0) if ends and outputs is None else outputs
        super().__init__(**kwargs)
        self._plan = None
        if inputs is not None or outputs is not None:
            self._use_graph(Plan(inputs, outputs, f"{type(self).__name__} {self.name!r}"))

    def _use_graph(self, plan: Any) -> None:
        self._plan = plan
        self._graph_layers = plan.layers
        self.backend = plan.layers[0].backend if plan.layers else self.backend
        sharing.note(self, plan.layers)
        self.built = True
        self.input_spec = None

    # -- calling a functional model
    # -----------------------------------------------------------------

    @any_arguments
    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if self._plan is None:
            raise NotImplementedError(
                f"{type(self).__name__} {self.name!r} has no call(). "
                "Define def call(self, inputs): ..., or build it from a graph: Model(inputs, "
                "outputs)." + self._hint_at_forward()
            )
        return self._plan.run(self._match_inputs(inputs))

    def _match_inputs(self, inputs: TensorLike) -> Any:
        """The given tensors in the order of the graph's inputs; checks number, names and shapes."""
        plan = self._plan
        values = _by_name(plan.inputs, inputs, self._who())
        if len(values) != len(plan.input_tensors):
            raise ValueError(
                f"{self._who()}: expected {len(plan.input_tensors)} inputs "
                f"({', '.join(t.name for t in plan.input_tensors)}), got {len(values)}."
            )
        matched: list[Any] = []
        for symbol, value in zip(plan.input_tensors, values, strict=True):
            if value is None:
                if not plan.is_optional(symbol):
                    raise ValueError(
                        f"{self._who()}, input {symbol.name!r}: got None. Give a tensor of the "
                        f"shape {symbol.shape}, or make the input with Input(..., optional=True)."
                    )
                matched.append(None)
                continue
            shape = (
                as_given(value.shape)
                if isinstance(value, KerasTensor)
                else self.backend.shape(value)
            )
            if len(shape) == len(symbol.shape) - 1 == 1 and symbol.shape[-1] == 1:
                from unidl import ops

                value, shape = ops.expand_dims(value, -1), (*shape, 1)
            # A size that was given for the batch binds the layers that need it, such as stateful
            # ones, which tell; all others take batches of any size.
            spec = InputSpec(shape=(None, *symbol.shape[1:]) if symbol.shape else ())
            problem = spec.problem(shape)
            if problem:
                raise ValueError(
                    f"{self._who()}, input {symbol.name!r}: {problem}; the input has shape "
                    f"{tuple(shape)}, "
                    f"expected {symbol.shape}.{self._advice(spec, tuple(shape))}"
                )
            matched.append(value)
        return matched

    def _match_arrays(self, x: TensorLike) -> Any:
        """Arrays given to fit, flat, in the order of the graph's inputs."""
        return _by_name(self._plan.inputs, x, self._who())

    def _check_form(self, x: TensorLike) -> None:
        """An error unless the model takes data like `x`."""
        if self._plan is None:
            self._symbolic_outputs_for(x)
        else:
            self._match_inputs(_symbols(x))

    def _build_from(self, x: TensorLike) -> None:
        """Make the weights of an unbuilt model for data like `x`, by one symbolic call."""
        self(_symbols(x))

    def _symbolic_outputs_for(self, x: TensorLike) -> Any:
        """The outputs as KerasTensors for data like `x`."""
        if self._plan is not None:
            return self._plan.outputs
        with graph.paused():
            return self(_symbols(x))

    def _is_unbuilt_subclass(self) -> bool:
        return self._plan is None and any(not layer.built for layer in self._flatten_layers())

    @property
    def _casts_to(self) -> Any:
        """That of the graph's inputs; the layers behind cast to what they compute in."""
        return super()._casts_to if self._plan is None else self._plan.float_dtype

    def compute_mask(self, inputs: Any, previous_mask: TensorLike) -> Any:
        return None  # the layers inside note the masks of the outputs themselves

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self.objective is not None

    # -- structure
    # ----------------------------------------------------------------------------------

    def _essentials(self) -> dict[str, Any]:
        return super()._essentials() | {"layers": len(self.layers)}

    @property
    def layers(self) -> list[Layer]:
        """Direct sublayers; of a functional model those of the graph, by depth."""
        return list(self._layers)

    @property
    def inputs(self) -> Any:
        return None if self._plan is None else self._plan.input_tensors

    @property
    def outputs(self) -> Any:
        return None if self._plan is None else self._plan.output_tensors

    @property
    def input(self) -> Any:
        return self._one_plan().inputs

    @property
    def output(self) -> Any:
        return self._one_plan().outputs

    def _one_plan(self) -> Any:
        if self._plan is None:
            raise AttributeError(
                f"{self._who()} has no symbolic input yet. Call it on unidl.Input(shape=...) or "
                "give its first layer an input_shape."
            )
        return self._plan

    input_shape = property(lambda self: _shape_of(self.input))
    output_shape = property(lambda self: _shape_of(self.output))
    input_names = property(lambda self: [t.name for t in self._one_plan().input_tensors])

    @property
    def output_names(self) -> list[str]:
        """For each output, the name of the layer that produced it."""
        return [t.history[0].operation.name for t in self._one_plan().output_tensors]

    @public_method
    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A direct sublayer by its name or index."""
        layers = self.layers
        if (index is None) == (name is None):
            raise ValueError(
                f"{self._who()}: get_layer() takes either a name or an index, got name={name!r} "
                f"and index={index!r}."
            )
        if not isinstance(name, str | None) or not isinstance(index, numbers.Integral | None):
            raise TypeError(
                f"{self._who()}: get_layer() takes a name (a string) or an index (an integer), got "
                f"name={name!r}, index={index!r}. Write get_layer(index=0)."
            )
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"{self._who()} has {len(layers)} layers; there is no layer number {index}."
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in layers]
        raise ValueError(
            f"{self._who()} has no layer {name!r}.{did_you_mean(name, names)} Its layers: "
            f"{', '.join(names)}."
        )

    @public_method
    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
        kernels: bool = False,
        cost: bool = False,
    ) -> None:
        """Print a table of layers, output shapes and parameters.

        Args:
            line_length: characters per line; by default the width of the terminal.
            positions: where each column ends, as fractions of the line, [0.5, 0.8, 1.0], or in
                characters; by default it depends on their contents.
            print_fn: called with the text, instead of printing.
            expand_nested: also show the layers of nested models.
            show_trainable: show which layers are trainable.
            layer_range: names of the first and the last layer to show, or patterns (`re.match`).
            kernels: show what each layer runs on.
            cost: show floating point operations and memory, as `utils.model_cost` counts them.
        """
        print_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range,
            kernels, cost,
        )  # fmt: skip

    @public_method
    def save(
        self, filepath: str | PathLike[str], overwrite: bool = True, zipped: bool | None = None
    ) -> None:
        """Write the whole model to a ".keras" file; `saving.save_model` describes its contents."""
        save_model(self, filepath, overwrite, zipped)

    @public_method
    def export(
        self,
        filepath: str | PathLike[str],
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Write what the model computes in inference as a program of another runtime, which needs
        no unidl, from whichever backend the model is on.

        The file is loaded again and compared with the model for three batch sizes; a difference is
        a warning, and NAME_proof.txt beside the file tells what was compared. What a runtime cannot
        express is refused with the layers' paths, and nothing is written.

        Args:
            filepath: of the new file or folder.
            format: "tf_saved_model", a folder for TensorFlow and what serves it (`serve` and the
                signature "serving_default"); "onnx", NAME.onnx; "torch", NAME.pt2 for
                `torch.export.load`; "litert", NAME.tflite; "openvino", NAME.xml with NAME.bin
                beside it; "mxnet", NAME-symbol.json with NAME-0000.params. A package that is needed
                and missing is an ImportError that names it.
            verbose: whether to print what was written, and how it compares with the model.
            input_signature: shapes and dtypes of the inputs, see `unidl.port.export_model`, which
                also returns what was written.
            **kwargs: `verify=False` leaves the comparison out. For "onnx": `opset_version` and
                `external_data` of `unidl.port.to_onnx`. For "tf_saved_model": `save_options`, a
                `tf.saved_model.SaveOptions`. For "litert": attributes of
                `tf.lite.TFLiteConverter`, such as `optimizations`, and `enable_select_tf_ops`.
        """
        export_model(self, filepath, format, verbose, input_signature, kwargs)

    @public_method
    def save_weights(
        self,
        filepath: str | PathLike[str],
        overwrite: bool = True,
        max_shard_size: float | None = None,
    ) -> None:
        """Write the weights to a ".weights.h5" file in Keras' layout, to a ".safetensors" file, or,
        with `max_shard_size` in GB, to several files beside a ".weights.json" file."""
        save_weights(self, filepath, overwrite, max_shard_size)

    @public_method
    def load_weights(self, filepath: str | PathLike[str], skip_mismatch: bool = False) -> None:
        """Read the weights from a ".weights.h5" file of the same architecture, from a whole model's
        ".keras" file, unidl's or Keras', from a ".safetensors" file or the ".weights.json" file of
        shards; with `skip_mismatch` only those of layers that fit."""
        load_weights(self, filepath, skip_mismatch)

    @any_arguments
    def build(self, input_shape: Any = None) -> None:
        """Create the weights for inputs of `input_shape` (with batch axis) by one symbolic call."""
        if (
            self._plan is None
            and not self.built
            and input_shape is not None
            and type(self).call is not Model.call
            and not self._building
        ):
            self._building = True
            try:
                self.compute_output_shape(input_shape)
            finally:
                self._building = False
            self.built = True

    _building = False

    def _ensure_built(self, args: Any, kwargs: Any) -> None:
        # A subclassed model's layers build themselves as call() reaches them.
        if type(self).build is Model.build:
            if not self.built:
                names = call_signature(type(self)).names
                given = dict(zip(names, args, strict=False)) | kwargs
                self._build_shapes = {
                    f"{name}_shape": shapes_as_given(shapes_of(value))
                    for name, value in given.items()
                    if leaves(value) and all(map(has_shape, leaves(value)))
                }
                self.path = self.name
                self.built = True
            return
        super()._ensure_built(args, kwargs)

    # -- config
    # -------------------------------------------------------------------------------------

    def get_config(self) -> Config:
        if self._plan is None and type(self) is not Model:
            return (
                super().get_config()
                if type(self).__init__ is not Model.__init__
                else {"name": self.name, "trainable": self.trainable}
            )
        from unidl.models.graph_config import graph_to_config

        return graph_to_config(self)

    def get_build_config(self) -> Config | None:
        """The shapes of the inputs, as JSON values; None for a model that is not built."""
        if self._plan is not None:  # a graph has its shapes in its config
            return {"input_shape": None}
        return super().get_build_config()

    def build_from_config(self, config: Config) -> None:
        """Create all weights for the shapes in a dict from `get_build_config`, of unidl or Keras,
        with one symbolic call."""
        if type(self).build is not Model.build:
            super().build_from_config(config)
            return
        names = call_signature(type(self)).names
        shapes = shapes_in(config, f"{names[0]}_shape") if names else {}
        if not self.built and shapes:
            self.compute_output_spec(
                **{
                    name.removesuffix("_shape"): tensors_of(shape, self.compute_dtype)
                    for name, shape in shapes.items()
                }
            )
            self.built = True

    @public_method
    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON text, for `models.model_from_json`; `kwargs` are those of
        `json.dumps`."""
        return json.dumps(serialize_keras_object(self), **kwargs)

    @classmethod
    def from_config(cls, config: Any, custom_objects: CustomObjects | None = None) -> Self:
        with CustomObjectScope(custom_objects):
            if "input_layers" in made_from(cls, config):
                from unidl.models.graph_config import graph_from_config

                return graph_from_config(cls if cls is not Model else Functional, config)
            return super().from_config(config)


class Functional(Model):
    """What `Model(inputs, outputs)` returns.

    Examples:
        >>> x = unidl.Input((4,))
        >>> isinstance(unidl.Model(x, unidl.layers.Dense(1)(x)), unidl.Functional)
        True
    """

    keras_module = "keras.src.models.functional"


def _symbols(x: TensorLike) -> Any:
    """KerasTensors like the arrays in `x`, with an open batch axis."""
    return tree.map_structure(
        lambda a: (
            None
            if a is None  # of an optional input
            else KerasTensor(
                (None, *a.shape[1:]), a.dtype.name if a.dtype.kind in "biu" else dtypes.floatx()
            )
        ),
        x,
    )


def _shape_of(structure: Any) -> Any:
    return graph.map_tensors(lambda t: t.shape, structure)


def _by_name(expected: Any, given: Any, who: str) -> list[Any]:
    """Flat list of the values in `given`, in the order of the symbolic structure `expected`; dicts
    match by key, or by the names of the inputs."""
    if isinstance(given, dict) and not isinstance(expected, dict):
        expected = {t.name: t for t in graph.flatten_tensors(expected)}
    if isinstance(given, dict):
        missing = [n for n in expected if n not in given]
        if missing:
            raise ValueError(
                f"{who}: the inputs lack {', '.join(map(repr, missing))}; given: "
                f"{', '.join(map(repr, given))}."
            )
        return [v for n, part in expected.items() for v in _by_name(part, given[n], who)]
    if not isinstance(given, list | tuple):
        return [given]
    if isinstance(expected, list | tuple) and len(expected) == len(given):
        pairs = zip(expected, given, strict=True)
        return [v for part, value in pairs for v in _by_name(part, value, who)]
    return [v for value in given for v in _by_name([], value, who)]
