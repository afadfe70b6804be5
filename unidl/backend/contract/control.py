"""Branches and loops that depend on values, functions with a gradient of their own, products with a
Jacobian."""

from __future__ import annotations

from abc import ABC

from unidl.backend.errors import UnsupportedError


class Control(ABC):
    """The bodies run in Python and read values on the host; backends that trace override them."""

    def cond(self, pred, true_fn, false_fn):
        """The list of tensors that true_fn() returns if the 0-d bool `pred` is true, else that of
        false_fn().

        Both return tensors of the same shapes and dtypes.
        """
        return true_fn() if bool(self.to_numpy(pred)) else false_fn()

    def while_loop(self, condition, body, state, maximum_iterations=None):
        """state = body(*state), a list of tensors, while condition(*state), a 0-d bool, at most
        `maximum_iterations` times."""
        state, count = list(state), 0
        while (maximum_iterations is None or count < maximum_iterations) and bool(
            self.to_numpy(condition(*state))
        ):
            state = list(body(*state))
            count += 1
        return state

    def custom_gradient(self, function, tensors):
        """The outputs of function(*tensors) -> (list of tensors, gradient), with gradients by
        gradient(*upstream).

        `gradient` takes a tensor for each output and returns a list of one for each of the
        `tensors`.
        """
        raise UnsupportedError(
            f"custom_gradient: the backend {self.name!r} does not support functions with a custom "
            "gradient."
        )

    def jvp(self, function, primals, tangents):
        """(outputs, their derivatives along `tangents`): function(*primals) gives a list of
        tensors.

        For frameworks with forward mode. For the others `unidl.ops.jvp` takes one gradient for each
        number of the outputs.
        """
        raise UnsupportedError(
            f"jvp: the backend {self.name!r} has no forward mode. Call unidl.ops.jvp, which takes "
            "one "
            "gradient for each number of the outputs instead."
        )
