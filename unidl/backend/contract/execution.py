"""Execution: a backend turns a whole function, or a whole training step, into one compiled unit.

What is compiled takes a flat tuple of native tensors, may read and assign Variables, and draws
random keys from `unidl.tracing.feed`. A backend that runs eagerly uses the bodies here. One that
traces records the function once for each combination of input shapes and dtypes (shapes are always
concrete, so a ragged last batch costs one more trace, not one an epoch) and takes random keys as an
input, see `keys.KeyFeed`.
"""

from __future__ import annotations

from abc import ABC

from unidl.backend.errors import UnsupportedError


class Execution(ABC):
    # Of how many combinations of shapes and dtypes a compiled function keeps what it made for them.
    programs_kept = 64

    # Whether a function that `compile` compiles may take gradients inside, by `value_and_grad`.
    compiles_gradients = True

    def signature(self, tensors):
        """What a compiled function is made for: shapes and dtypes of `tensors`, hashable.

        By the framework's own objects where they are hashable, which is quicker.
        """
        return tuple([(self.shape(t), self.dtype(t)) for t in tensors])

    # How many steps of a pass over data the backend likes to get at once, through `in_one_launch`.
    steps_per_launch = 1

    def compile(self, fn, variables, jit_compile=False):
        """A callable like `fn(*tensors)`, which returns a tensor, or a flat list or tuple of
        tensors.

        `variables` are all that `fn` reads or assigns.
        """
        return fn

    def compile_step(self, forward, update, trainable, variables, jit_compile=False):
        """A training step: step(*tensors) -> the outputs of `forward`.

        forward(*tensors) -> (scalar loss, flat list of other tensors); update(gradients) is called
        with the gradients of the loss for the variables in `trainable`, in order, and assigns.
        `variables` are all that either reads or assigns, `trainable` among them. Returns (loss,
        others) without waiting for the device.
        """

        def step(*tensors):
            value, gradients = self.value_and_grad(
                lambda: forward(*tensors), trainable, has_aux=True
            )
            update(gradients)
            return value

        return step

    def in_one_launch(self, step):
        """run(*stacked) -> the outputs of the last of several steps.

        `step` is what `compile` or `compile_step` returned, and `stacked` are its tensors with one
        axis more in front: run i gets element i of it, and numbers and variables become exactly
        what as many calls of `step` make of them.
        """

        def run(*stacked):
            for i in range(self.shape(stacked[0])[0]):
                outputs = step(*[self.getitem(t, (i,)) for t in stacked])
            return outputs

        return run

    def synchronize(self):
        """Wait until the device has done all that was asked of it."""

    # Whether the framework has a profiler of its own, which `profile` starts.
    profiles = False

    def profile(self, folder):
        """A context: what runs inside is traced by the framework's own profiler, which writes into
        `folder`, a path that exists, when the context ends, by an error too.

        The caller waits for the device (`synchronize`) before and at the end.
        """
        raise UnsupportedError(
            f"{self.name} has no profiler of its own, so no trace can be written. "
            "callbacks.Profiler() measures layers and phases on any backend."
        )
