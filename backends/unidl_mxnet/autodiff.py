"""Gradients of eager functions, by mxnet.autograd."""

from __future__ import annotations

from contextvars import ContextVar

from unidl.backend import contract
from unidl.backend.context import holding
from unidl.backend.dtypes import is_float
from unidl.backend.errors import AroundError, UnsupportedError
from unidl.backend.frame import standing_in
from unidl.backend.variable import commit
from unidl_mxnet.backward import teach
from unidl_mxnet.in_place import allow_while_recording
from unidl_mxnet.load import mx
from unidl_mxnet.op import op
from unidl_mxnet.registry import ndarray, numpy_shape
from unidl_mxnet.traced import Traced, current_trace


def leaf(x):
    """(view of `x` that autograd watches, its gradient buffer). `x` itself stays unknown to
    autograd."""
    view = x.detach()
    gradient = mx.np.zeros_like(view)
    mx.autograd.mark_variables([view], [gradient])
    return view, gradient


def detached(tree):
    """`tree` of lists, tuples, dicts and tensors, free of the tape."""
    if isinstance(tree, ndarray):
        return tree.detach()
    if isinstance(tree, dict):
        return {key: detached(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [detached(item) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return tree


def _is_on_tape(x):
    """Whether autograd knows how `x` was made."""
    handle = mx.base.SymbolHandle()
    found = mx.base._LIB.MXAutogradGetSymbol(x.handle, mx.base.ctypes.byref(handle)) == 0
    if found:
        mx.base.check_call(mx.base._LIB.NNSymbolFree(handle))
    return found


def check_scalar(value, shape):
    if shape != ():
        raise ValueError(
            "A gradient is taken of one number, but the function returned a tensor of shape "
            f"{shape}. "
            "Reduce it first, e.g. with ops.mean(...) or ops.sum(...)."
        )


allow_while_recording()
teach()

# Whether what runs is a function that `remat` lets run again.
is_recomputed: ContextVar[bool] = ContextVar("unidl_mxnet_recomputed", default=False)

# Whether such a function has run since gradients were taken last.
_has_recomputed: ContextVar[bool] = ContextVar("unidl_mxnet_has_recomputed", default=False)


class Autodiff(contract.Autodiff):
    nests = False

    def value_and_grad(self, fn, variables, has_aux=False):
        if current_trace() is not None:
            raise UnsupportedError(
                "value_and_grad: a compiled function of MXNet takes no gradients inside. Run "
                "eagerly (run_eagerly=True)."
            )
        with numpy_shape():
            pairs = [leaf(v.uncast) for v in variables]
            leaves = [view for view, _ in pairs]
            with standing_in(variables, leaves) as stand_ins, mx.autograd.record():
                result = fn()
            value = result[0] if has_aux else result
            if not self.is_tensor(value):
                raise TypeError(
                    "The function must return a scalar tensor to differentiate, got "
                    f"{type(value).__name__}."
                )
            check_scalar(value, value.shape)
            self._backward(value)
            if _has_recomputed.get():
                # What runs again does so in a thread of MXNet's, beside which this one must not
                # call MXNet.
                mx.nd.waitall()
                _has_recomputed.set(False)
        commit(*stand_ins.assigned())
        return detached(result), [gradient for _, gradient in pairs]

    @staticmethod
    def _backward(value):
        try:
            mx.autograd.backward([value])
        except mx.base.MXNetError as error:
            # A value that depends on no leaf at all: the gradients stay the zeros that they are.
            if "not in a computational graph" not in str(error):
                raise

    @staticmethod
    def remat_cut(x):
        return x if isinstance(x, Traced) else x.detach()

    def remat(self, function, tensors):
        trace = current_trace()
        if trace is not None:
            with trace.mirroring():
                outputs = function(*tensors)[0]
            # What is mirrored is kept nowhere, and so the outputs are copies that are not.
            return [op("_np_copy", y) if isinstance(y, Traced) else y for y in outputs]
        if not mx.autograd.is_recording():
            return function(*tensors)[0]
        if is_recomputed.get():
            # MXNet runs callbacks in threads of its own, and one that waits for another may wait
            # forever. So what is nested is kept while the function around it runs again: the first
            # run tells what it reads, and the second reads it with its gradient.
            read = function(*tensors)[1]
            return function(*tensors, *(v.uncast for v in read))[0]
        _has_recomputed.set(True)
        with holding(is_recomputed, True):
            return self._recomputed(function, tensors)

    def _recomputed(self, function, tensors):
        outputs, read = function(*(x.detach() for x in tensors))
        if any(_is_on_tape(y) for y in outputs):
            raise AroundError
        inputs = [*tensors, *(v.uncast for v in read)]
        # The tape around is cleared while a thread of MXNet's runs the function again.
        kept = [x.detach() for x in inputs]

        def gradient(*upstream):
            with numpy_shape():
                return self._recomputed_gradient(function, kept, upstream)

        return self.with_gradient(lambda *_: (outputs, gradient), inputs)

    def _recomputed_gradient(self, function, inputs, upstream):
        """The gradients for `inputs` of what function(*inputs) returns, given those `upstream`."""
        places = [i for i, x in enumerate(inputs) if is_float(self.dtype(x))]
        given = list(inputs)
        gradients = [mx.np.zeros_like(x) for x in inputs]
        for i in places:
            given[i], gradients[i] = leaf(inputs[i])
        with mx.autograd.record():
            outputs = function(*given)[0]
            # One number, since MXNet asks for the gradients of all outputs or of none.
            terms = [
                self.sum(self.multiply(y, g))
                for y, g in zip(outputs, upstream, strict=True)
                if is_float(self.dtype(y))
            ]
            total = sum(terms[1:], terms[0])
        self._backward(total)
        return gradients
