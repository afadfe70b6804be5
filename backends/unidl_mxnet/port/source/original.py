"""A HybridBlock as the proof asks it."""

from __future__ import annotations

import warnings

from unidl_mxnet.files.symbol import parse_symbol
from unidl_mxnet.port.original import MXNetOriginal, limits_of, mx


class GluonOriginal(MXNetOriginal):
    """`block`, in float64, as one graph and without dropout.

    Its names are those of `save_parameters`.
    """

    def __init__(self, block, weights, inputs):
        self._parameters = block._collect_params_with_prefix()
        given = {n for w in weights for n in w.names}
        self._trained = sorted(
            n for n, p in self._parameters.items() if n in given and p.grad_req != "null"
        )
        block.apply(_silence)
        self._block = block
        self.budget, self.left_out = limits_of(_graph(block, len(inputs)), self._parameters)
        block.hybridize()


def _silence(block):
    if isinstance(block, mx.gluon.nn.Dropout):
        block._rate = 0.0


def _graph(block, count):
    inputs = [mx.sym.var(f"data{i}") for i in range(count)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = block(*inputs)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return parse_symbol(mx.sym.Group(list(outputs)).tojson())
