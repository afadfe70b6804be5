"""The forward graph of a training step bound to arrays that stay where they are.

MXNet's executor plans forward and backward pass together and runs each by one call of a tenth of a
CachedOp's cost on a tape. In return it reads and writes always the same arrays: inputs are copied
into them, and the Variables that the step assigns or differentiates for live in them.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager

import numpy as np

from unidl.backend.variable import put_store
from unidl_mxnet.graph import VariableValue
from unidl_mxnet.laid import array_of, holds, stored
from unidl_mxnet.layout import inverse
from unidl_mxnet.transfer import context

from unidl_mxnet.load import mx  # isort: skip
from mxnet.base import _LIB, check_call

from unidl_mxnet.registry import Prepared, eager


def _zeros(shape, dtype):
    return eager(
        "_npi_zeros", (), {"shape": shape, "dtype": np.dtype(dtype).name, "ctx": context()}
    )


@contextmanager
def _quiet():
    """MXNet prints a line to stderr at every bind unless told not to at the first, which can be
    told in no other way than this.

    What the user has set stays; after the bind the environment is what it was.
    """
    name = "MXNET_SUBGRAPH_VERBOSE"
    if name in os.environ:
        yield
        return
    os.environ[name] = "0"
    try:
        yield
    finally:
        del os.environ[name]


class StepExecutor:
    """Attributes: `gradients`, the arrays of the loss' gradients for `trainable`; `outputs`, those
    of the graph's outputs."""

    def __init__(self, graph, trainable):
        self._graph = graph
        names = graph.group.list_inputs()
        sources = {
            name: s for name in names if isinstance(s := graph.trace.inputs[name], VariableValue)
        }
        # Copies, since what a Variable holds now may be shared with somebody.
        self._homes = {
            s: eager("_np_copy", (array_of(s.variable, s.axes),), {})
            for s in {*graph.assigned, *sources.values()}
        }
        self.layouts = [
            next((s.axes for s in sources.values() if s.variable is v), None) for v in trainable
        ]
        self.gradients = [
            _zeros(tuple(v.shape[a] for a in inverse(axes)) if axes else tuple(v.shape), v.dtype)
            for v, axes in zip(trainable, self.layouts, strict=True)
        ]
        gradient_of = {id(v): g for v, g in zip(trainable, self.gradients, strict=True)}
        arrays, gradients, self._loads = {}, {}, []
        for name in names:
            source = graph.trace.inputs[name]
            if name in sources:
                arrays[name] = self._homes[source]
                if id(source.variable) in gradient_of:
                    gradients[name] = gradient_of[id(source.variable)]
            elif name in graph.trace.specs:
                arrays[name] = _zeros(*graph.trace.specs[name])
                self._loads.append(
                    (source, Prepared("_np_copy", (arrays[name],), {}, arrays[name]))
                )
            else:
                arrays[name] = source
        self._kept = [(s, stored(home, s.axes)) for s, home in self._homes.items()]
        for source, store in self._kept:
            put_store(source.variable, store)
        self._bind(graph.group, arrays, gradients)
        new = self.outputs[graph.count :]
        self._stores = [
            Prepared("_np_copy", (x,), {}, self._homes[s])
            for s, x in zip(graph.assigned, new, strict=True)
        ]

    def _bind(self, group, arrays, gradients):
        def legacy(named, names):
            return [named[n].as_nd_ndarray() for n in names]

        names = group.list_arguments()
        self._has_gradients = bool(gradients)
        if not gradients:
            # MXNet takes an executor without gradients for inference, and fuses batch normalization
            # with other moments.
            gradients = {
                n: _zeros(arrays[n].shape, arrays[n].dtype)
                for n in names
                if np.dtype(arrays[n].dtype).kind == "f"
            }
        with _quiet():
            self._executor = group.bind(
                context(),
                legacy(arrays, names),
                args_grad={name: g.as_nd_ndarray() for name, g in gradients.items()},
                grad_req={name: "write" if name in gradients else "null" for name in names},
                aux_states=legacy(arrays, group.list_auxiliary_states()),
            )
        self._handle = self._executor.handle
        self.outputs = [x.as_np_ndarray() for x in self._executor._get_outputs()]

    def run(self, run):
        """One pass of a `Run` of the graph: forward, backward, and the new values of the
        Variables."""
        for source, store in self._kept:
            if not holds(source.variable, store):
                eager(
                    "_np_copy", (array_of(source.variable, source.axes),), {}, self._homes[source]
                )
                put_store(source.variable, store)
        for source, load in self._loads:
            load(first=run.fetch(source))
        check_call(_LIB.MXExecutorForward(self._handle, ctypes.c_int(1)))
        if self._has_gradients:
            check_call(
                _LIB.MXExecutorBackwardEx(self._handle, mx.base.mx_uint(0), None, ctypes.c_int(1))
            )
        for store in self._stores:
            store()
