"""Layers that were made in a RematScope."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from unidl import tree
from unidl.backend import registry
from unidl.backend.frame import changed
from unidl.layers.base import call_context
from unidl.layers.base.call_context import CallContext
from unidl.layers.base.remat import remat
from unidl.layers.base.remat_scope import RematMode
from unidl.layers.base.signature import call_signature
from unidl.tracing import KerasTensor, graph
from unidl.utils.naming import is_of_unidl


class Recomputes:
    """Mixed into `Layer`."""

    _remat_mode: RematMode | None = None

    def rematerialized_call(self: Any, layer_call: Callable, *args: Any, **kwargs: Any) -> Callable:
        """`layer_call`, or what is called in its place for these arguments in the mode of the
        RematScope in which the layer was made."""
        mode = self._remat_mode
        if mode is None or mode.mode is None or graph.flatten_tensors((args, kwargs)):
            return layer_call
        if mode.mode == "activations":
            return self._with_activation_anew(layer_call)
        if mode.mode == "larger_than":
            chosen = self._size_of_outputs(args, kwargs) > mode.output_size_threshold
        else:
            chosen = mode.mode == "full" or self.name in mode.layer_names
        return remat(layer_call) if chosen else layer_call

    def recomputes_activation(self) -> bool:
        return self._remat_mode is not None and self._remat_mode.mode == "activations"

    def _with_activation_anew(self: Any, layer_call: Callable) -> Callable:
        """Ours ask for it where they activate; others call what stands in their attribute."""
        activation = getattr(self, "activation", None)
        if is_of_unidl(type(self)) or not callable(activation):
            return layer_call

        @functools.wraps(layer_call)
        def call(*args: Any, **kwargs: Any) -> Any:
            # Not by setattr, which would void the compiled step that is being made.
            vars(self)["activation"] = remat(activation)
            try:
                return layer_call(*args, **kwargs)
            finally:
                vars(self)["activation"] = activation

        return call

    def _size_of_outputs(self: Any, args: Any, kwargs: Any) -> int:
        """Numbers in all outputs for these arguments, once for each combination of shapes."""
        backend = registry.get_backend()

        def symbol(x: Any) -> Any:
            known = backend.is_tensor(x)
            return KerasTensor(backend.shape(x), backend.dtype(x)) if known else x

        args, kwargs = tree.map_structure(symbol, (args, kwargs))
        if call_signature(type(self)).has_training:
            kwargs["training"] = False  # so that no random number is used up
        key = tuple([(x.shape, x.dtype) for x in graph.flatten_tensors((args, kwargs))])
        sizes = vars(self).setdefault("_sizes_of_outputs", {})
        if key not in sizes:
            # The step that is being traced has no part in it.
            apart = changed(stand_ins=None, tracer=None, feed=None, draws=None, naming=None)
            inside = call_context.entered(CallContext(training=False))
            with apart, inside, registry.use_backend(self.backend):
                outputs = graph.flatten_tensors(self.compute_output_spec(*args, **kwargs))
            sizes[key] = sum(math.prod(x.shape) for x in outputs)
        return sizes[key]
