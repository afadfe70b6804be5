"""Gradients of eager functions, by mxnet.autograd."""

from __future__ import annotations

from unidl.backend import contract
from unidl.backend.errors import UnsupportedError
from unidl.backend.frame import standing_in
from unidl.backend.variable import commit
from unidl_mxnet.backward import teach
from unidl_mxnet.in_place import allow_while_recording
from unidl_mxnet.load import mx
from unidl_mxnet.registry import ndarray, numpy_shape
from unidl_mxnet.traced import current_trace


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


def check_scalar(value, shape):
    if shape != ():
        raise ValueError(
            "A gradient is taken of one number, but the function returned a tensor of shape "
            f"{shape}. "
            "Reduce it first, e.g. with ops.mean(...) or ops.sum(...)."
        )


allow_while_recording()
teach()


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
