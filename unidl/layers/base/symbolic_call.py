"""Calls on symbolic tensors: the shapes of what a layer returns, and the node that the call leaves
in the graph.

As in Keras an overridden `compute_output_spec` decides, then an overridden `compute_output_shape`,
then `call` itself, run on tensors without values.
"""

from __future__ import annotations

from functools import partial

from unidl.backend.dtypes import is_float
from unidl.layers.base import abstract_call, call_context
from unidl.layers.base.annotations import masks
from unidl.layers.base.call_context import CallContext
from unidl.layers.base.signature import call_signature
from unidl.layers.base.structures import leaves, map_shapes, shapes_of, tensors_of
from unidl.tracing import KerasTensor, graph, sizes
from unidl.tracing.inference import infer, is_tensor
from unidl.tracing.keras_tensor import NoValue


class InfersShapes:
    """Mixed into `Layer`."""

    _shape_by_call = False  # run `call` on symbols although there is a `compute_output_shape`
    _noted_shapes = None  # of what the layer returned inside another one, for `summary`

    def _call_symbolic(self, args, kwargs):
        """Infer the outputs' shapes, building what is not built, and add a node to the graph."""
        context = call_context.current()
        with self._own_backend(), self._scope():
            self._ensure_built(args, kwargs)
            if type(self).compute_output_spec is not InfersShapes.compute_output_spec:
                with graph.paused():
                    outputs = self.compute_output_spec(*args, **kwargs)
                # The rule may give back its argument, which has a history.
                outputs = infer(self._who(), lambda given: given, outputs)
            else:
                outputs = self._infer(
                    args, kwargs, context.training if context else kwargs.get("training")
                )
        if not graph.recording():
            self._note_shapes(outputs)
            return outputs
        node = graph.Node(
            self,
            args,
            kwargs,
            graph.flatten_tensors((args, kwargs)),
            graph.flatten_tensors(outputs),
        )
        self._inbound.append(node)
        return outputs

    def _infer(self, args, kwargs, training):
        """The outputs as new symbolic tensors, by the layer's rule or its `call`."""
        given = graph.map_tensors(self._convert_symbol, (args, dict(kwargs)))
        by_rule = (
            type(self).compute_output_shape is not InfersShapes.compute_output_shape
            and not self._shape_by_call
        )
        with graph.paused():
            if by_rule and not self._builds_in_call():
                return self._follow_rule(given)
            outputs = infer(
                self._who(),
                partial(self._run_on_symbols, training),
                given,
                taken=lambda: {size for v in self.weights for size in v.shape},
                carry=_carry_mask,
            )
            return self._follow_rule(given) if by_rule else outputs

    def _builds_in_call(self):
        """Whether sublayers get their weights only as `call` reaches them."""
        from unidl.layers.base.layer import Layer

        return type(self).build is Layer.build and any(not child.built for child in self._layers)

    def _follow_rule(self, given):
        args, kwargs = given
        signature = call_signature(type(self))
        values = dict(zip(signature.names, args, strict=False)) | kwargs
        wanted = signature.shapes_of_rule
        if len(wanted) == 1:
            shape = self.compute_output_shape(
                shapes_of(args[0] if args else values[signature.names[0]])
            )
        else:
            shape = self.compute_output_shape(
                **{
                    f"{name}_shape": shapes_of(value)
                    for name, value in values.items()
                    if f"{name}_shape" in wanted
                }
            )
        if sizes.in_numbers():
            shape = map_shapes(sizes.numbered, shape)
        return tensors_of(shape, self.compute_dtype)

    def _run_on_symbols(self, training, given):
        args, kwargs = given
        with call_context.entered(CallContext(training=training)) as inner:
            try:
                outputs = self._run(inner, args, dict(kwargs))
            except abstract_call.FOREIGN as error:
                if isinstance(error, NoValue) and not error.of_framework:
                    raise error.within(f"{self._who()}, call()") from None
                if not abstract_call.met_foreign_code(error):
                    raise
                outputs = abstract_call.outputs(self, training, given, error)
        return outputs

    def _convert_symbol(self, tensor):
        """A symbol in the layer's compute dtype; a layer that needs a cast casts in trusted calls
        too."""
        if not self.autocast or not is_float(tensor.dtype) or tensor.dtype == self._casts_to:
            return tensor
        self._casts_inputs = True
        cast = KerasTensor(tensor.shape, self._casts_to)
        mask = masks.get(tensor)
        if mask is not None:
            masks.set(cast, mask)
        return cast

    def _note_shapes(self, outputs):
        """Keep the shapes for `summary`, with None where calls (or the runs of one) differ."""
        shapes = tuple(
            tuple(None if sizes.is_open(s) else s for s in leaf.shape)
            for leaf in leaves(outputs)
            if is_tensor(leaf)
        )
        before = self._noted_shapes
        if before is not None and [len(s) for s in before] == [len(s) for s in shapes]:
            shapes = tuple(
                tuple(a if a == b else None for a, b in zip(*pair, strict=True))
                for pair in zip(before, shapes, strict=True)
            )
        self._noted_shapes = shapes

    def compute_output_shape(self, input_shape):
        """Output shape for `input_shape`. A layer whose `call` needs values, or a framework's
        functions on a backend that
        cannot run them without values, has to define it."""
        return shapes_of(self.compute_output_spec(tensors_of(input_shape, self.compute_dtype)))

    def compute_output_spec(self, *args, **kwargs):
        """Outputs as KerasTensors for inputs given as KerasTensors."""
        with graph.paused():
            if type(self).compute_output_spec is InfersShapes.compute_output_spec:
                return self(*args, **kwargs)
            with self._own_backend(), self._scope():  # called by the one that overrides this
                self._ensure_built(args, kwargs)
                return self._infer(args, kwargs, kwargs.get("training"))

    def symbolic_call(self, *args, **kwargs):
        """`compute_output_spec` under Keras' other name: outputs as KerasTensors, of which the
        graph around keeps no note."""
        return self.compute_output_spec(*args, **kwargs)


def _carry_mask(old, new, like_new):
    mask = masks.get(old)
    if mask is not None:
        masks.set(new, like_new(mask) if isinstance(mask, KerasTensor) else mask)
