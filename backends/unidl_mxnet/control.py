"""Branches and loops in compiled functions, and gradients of one's own.

MXNet's own control flow takes subgraphs without fused kernels or random keys; here both branches
are computed and one chosen.
"""

from __future__ import annotations

from unidl.backend import contract
from unidl.backend.dtypes import is_float
from unidl.backend.errors import UnsupportedError
from unidl.backend.variable import unassignable
from unidl_mxnet.autodiff import is_recomputed
from unidl_mxnet.load import mx
from unidl_mxnet.registry import ndarray, numpy_shape
from unidl_mxnet.traced import Traced
from unidl_mxnet.wanted import wanted_too


class Control(contract.Control):
    def cond(self, pred, true_fn, false_fn):
        if not isinstance(pred, Traced):
            return super().cond(pred, true_fn, false_fn)
        with unassignable("a branch"):
            return self._chosen(pred, true_fn(), false_fn())

    def _chosen(self, pred, taken, other):
        return [
            self.where(pred, self.asarray(a), self.asarray(b))
            for a, b in zip(taken, other, strict=True)
        ]

    def while_loop(self, condition, body, state, maximum_iterations=None):
        state = list(state)
        going = condition(*state)
        if not isinstance(going, Traced):
            return super().while_loop(condition, body, state, maximum_iterations)
        if maximum_iterations is None:
            raise UnsupportedError(
                "while_loop: in a compiled function of MXNet a loop is written out, so that its "
                "length must have a bound. Give "
                "maximum_iterations, use fori_loop with Python ints, or run eagerly "
                "(run_eagerly=True)."
            )
        with unassignable("a loop"):
            for i in range(maximum_iterations):
                state = self._chosen(going, body(*state), state)
                if i + 1 < maximum_iterations:
                    going = self.logical_and(going, condition(*state))
        return state

    def custom_gradient(self, function, tensors):
        if any(isinstance(x, Traced) for x in tensors):
            raise UnsupportedError(
                "custom_gradient: a compiled function of MXNet has only the gradients of its "
                "kernels. Run eagerly "
                "(run_eagerly=True), or write the gradient with ops.stop_gradient."
            )
        if not mx.autograd.is_recording():
            return list(function(*tensors)[0])
        if is_recomputed.get():
            raise UnsupportedError(
                "custom_gradient inside of remat: MXNet cannot call a gradient of one's own while "
                "it calls another. Take it out of the function that remat gets."
            )
        return self.with_gradient(function, tensors)

    def with_gradient(self, function, tensors):
        """`custom_gradient` of arrays, while gradients are recorded."""
        # MXNet writes the gradients of the inputs in order, up to the first that nobody wants. So
        # what can have none comes last, and of the others all are wanted as soon as one is.
        floats = [i for i, x in enumerate(tensors) if is_float(self.dtype(x)) and x.size]
        order = [*floats, *(i for i in range(len(tensors)) if i not in floats)]
        given = [tensors[i] for i in order]
        for place, i in enumerate(floats if len(floats) > 1 else ()):
            flat, others = self.reshape(tensors[i], (-1,)), [tensors[j] for j in floats if j != i]
            given[place] = self.reshape(wanted_too(self, [flat], others), tensors[i].shape)
        return list(_Custom(function, order)(*given))


class _Custom(mx.autograd.Function):
    """`function` on inputs that come in another order: the first is its argument `order[0]`."""

    def __init__(self, function, order):
        super().__init__()
        self._order = order
        places = [order.index(i) for i in range(len(order))]
        self._function = lambda *given: function(*(given[place] for place in places))

    def forward(self, *tensors):
        outputs, self._gradient = self._function(*tensors)
        return tuple(_own(y, tensors) for y in outputs)

    def backward(self, *upstream):
        return tuple(
            g.as_nd_ndarray() if g.ndim else _Number.of(g)
            for g in self._in_order(
                *(u.as_np_ndarray() if not isinstance(u, ndarray) else u for u in upstream)
            )
        )

    def _in_order(self, *upstream):
        gradients = self._gradient(*upstream)
        return [gradients[i] for i in self._order]


class _Number(mx.nd.NDArray):
    """A 0-d gradient: MXNet copies it in a thread of its own, where there are no such tensors
    unless the flag is set. (Of others it wants the very class NDArray.)"""

    __slots__ = ()

    @classmethod
    def of(cls, tensor):
        number = tensor.as_nd_ndarray()
        number.__class__ = cls
        return number

    def copyto(self, other):
        with numpy_shape():
            return super().copyto(other)


def _own(y, tensors):
    """`y`, a copy of it if it is one of the inputs."""
    return y.copy() if any(y is t for t in tensors) else y
