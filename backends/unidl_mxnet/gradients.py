"""Two tools for functions whose derivative differs from that of MXNet's kernel."""

from __future__ import annotations

from unidl_mxnet.load import mx
from unidl_mxnet.op import op
from unidl_mxnet.traced import current_trace


def needs_gradient() -> bool:
    """Whether what is computed now may be differentiated."""
    trace = current_trace()
    return mx.autograd.is_recording() if trace is None else trace.differentiable


def carrier(x):
    """Zeros with derivative 1: `stop_gradient(y) + slope * carrier(x)` is y with the derivative
    `slope`.

    Plain `x - stop_gradient(x)` would be NaN at infinities; the sign with a straight-through
    gradient is finite there.
    """
    sign = op("_contrib_sign_ste", x)
    return op("_npi_subtract", sign, op("BlockGrad", sign))
