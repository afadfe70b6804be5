"""The way of most calls: a built layer, given native tensors that need no conversion and no cast.

It skips what only other calls need: to look for symbols, to convert, to walk through the shapes. It
reports nothing: whatever is unusual about a call, or wrong, sends it the general way.
"""

from __future__ import annotations

from typing import Any

from unidl.backend.dtypes import FLOATS
from unidl.layers.base import call_context
from unidl.layers.base.call_context import CallContext
from unidl.layers.base.input_spec import InputSpec
from unidl.ops.dispatch import dtype_name, takes
from unidl.utils import scopes

_PLAIN = (type(None), bool, int, float, str)


class CallsBuilt:
    """Mixed into `Layer`."""

    def _is_ready(self: Any, args: Any, kwargs: Any) -> bool:
        """Whether the layer can compute with these arguments as they are."""
        if not self.built or not args or self._noted_shapes is None:
            return False
        for value in args:
            if not (self._computes_with(value) or self._computes_with_all(value)):
                return False
        for value in kwargs.values():
            if not self._computes_with(value):
                return False
        spec = self.input_spec
        if spec is None:
            return True
        first = args[0]
        if type(spec) is not InputSpec or not takes(self.backend, first):
            return False
        return spec.problem(self.backend.shape(first)) is None

    def _computes_with(self: Any, value: Any) -> bool:
        """Whether `_convert` would give back `value` itself."""
        if not takes(self.backend, value):
            return type(value) in _PLAIN
        dtype = dtype_name(self.backend, value)
        return dtype == self.dtype_policy.compute_dtype or dtype not in FLOATS or not self.autocast

    def _computes_with_all(self: Any, values: Any) -> bool:
        """Whether `_convert` would only copy `values`, a list or tuple of tensors or None."""
        return (
            type(values) in (list, tuple)
            and len(values) > 0
            and all(v is None or (type(v) not in _PLAIN and self._computes_with(v)) for v in values)
        )

    def _call_ready(self: Any, context: Any, args: Any, kwargs: Any) -> Any:
        """`_run` inside of what holds during a call: the layer's backend, path and context."""
        if list in map(type, args):
            # Whatever `call` does to its list, the caller's stays as it is.
            args = tuple(value.copy() if type(value) is list else value for value in args)
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
            self._keep_losses(context.losses)
        return outputs
