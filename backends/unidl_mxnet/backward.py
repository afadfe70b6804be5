"""`loss.backward()` of the user's own, whose error says what to write."""

from __future__ import annotations

from functools import wraps

from unidl_mxnet.load import mx


def _teaching(backward):
    @wraps(backward)
    def teaching(self, *args, **kwargs):
        try:
            return backward(self, *args, **kwargs)
        except mx.base.MXNetError as error:
            if "not in a computational graph" not in str(error):
                raise
            raise mx.base.MXNetError(
                "backward(): nothing that this depends on has a gradient attached, or it was not "
                "computed under mx.autograd.record(). A Variable of unidl has none of its own "
                "accord.\n"
                "  for all of a model:  loss, gradients = unidl.value_and_grad(function, "
                "model.trainable_variables)\n"
                "  MXNet's way:         v.value.attach_grad() for each v before record(), and "
                "v.value.grad afterwards"
            ) from error

    return teaching


def teach():
    """Give MXNet's arrays a `backward` whose error names the ways to the gradients of Variables."""
    mx.np.ndarray.backward = _teaching(mx.np.ndarray.backward)
