"""The way of most calls: a built layer, given native tensors that need no conversion and no cast.

What `Layer.__call__` does for other calls, and errors, are not repeated here: whatever is unusual
about a call sends it the general way.
"""

from __future__ import annotations

from unidl.backend.dtypes import FLOATS
from unidl.layers.base import call_context
from unidl.layers.base.call_context import CallContext
from unidl.layers.base.input_spec import InputSpec
from unidl.ops.dispatch import dtype_name, takes
from unidl.utils import scopes

_PLAIN = (type(None), bool, int, float, str)


class CallsBuilt:
    """Mixed into `Layer`."""

    _converts = False  # whether `_convert` does more to a tensor than `Layer` does

    def _is_ready(self, args, kwargs):
        """Whether the layer can compute with these arguments as they are."""
        if not self.built or self._converts or not args:
            return False
        for value in args:
            if not self._computes_with(value):
                return False
        for value in kwargs.values():
            if not self._computes_with(value):
                return False
        spec = self.input_spec
        return spec is None or (
            type(spec) is InputSpec
            and takes(self.backend, args[0])
            and spec.problem(self.backend.shape(args[0])) is None
        )

    def _computes_with(self, value):
        """Whether `_convert` would give back `value`, or a list or tuple like it."""
        if takes(self.backend, value):
            dtype = dtype_name(self.backend, value)
            return dtype == self.dtype_policy.compute_dtype or (
                dtype not in FLOATS or not self.autocast
            )
        cls = type(value)
        if cls is list or cls is tuple:
            return all(map(self._computes_with, value))
        return cls in _PLAIN

    def _call_ready(self, context, args, kwargs):
        """`_run` inside of what holds during a call: the layer's backend, its path, and a context."""
        with self._own_backend():
            path = scopes.push((*scopes.current_path(), self.name))
            try:
                if context is not None:
                    return self._run(context, args, kwargs)
                context = CallContext(training=kwargs.get("training"))
                before = call_context.push(context)
                try:
                    outputs = self._run(context, args, kwargs)
                finally:
                    call_context.pop(before)
            finally:
                scopes.pop(path)
        if context.losses or self._losses:
            self._losses = context.losses
        return outputs
