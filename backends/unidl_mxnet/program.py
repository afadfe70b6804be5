"""What runs for one combination of input shapes and dtypes."""

from __future__ import annotations

import numpy as np

from unidl_mxnet.autodiff import check_scalar
from unidl_mxnet.executor import StepExecutor
from unidl_mxnet.graph import Graph
from unidl_mxnet.registry import eager


def specs_of(tensors):
    return [(t.shape, np.dtype(t.dtype).name) for t in tensors]


class Program:
    """A compiled function: one graph, whose last outputs go back into the Variables."""

    def __init__(self, backend, fn, variables, tensors, *, differentiable):
        def outputs(result):
            return result if isinstance(result, (list, tuple)) else [result]

        self.graph = Graph(
            backend,
            fn,
            variables,
            specs_of(tensors),
            differentiable=differentiable,
            outputs=outputs,
        )
        self.container = (
            type(self.graph.result) if isinstance(self.graph.result, (list, tuple)) else None
        )

    def run(self, tensors):
        """One run; returns what `results` makes the function's results of."""
        run = self.graph.start(tensors)
        outputs = self.graph.body(run.inputs())
        run.assign([x.detach() for x in outputs[self.graph.count :]])
        return outputs

    def results(self, outputs):
        return outputs[0] if self.container is None else self.container(outputs[: self.graph.count])


class StepProgram:
    """A compiled training step: the executor of loss and gradients, and the graph of the update."""

    def __init__(self, backend, forward, update, trainable, variables, tensors):
        def outputs(result):
            loss, others = result
            if not backend.is_tensor(loss):
                raise TypeError(f"The loss must be a scalar tensor, got {type(loss).__name__}.")
            check_scalar(loss, loss.shape)
            return [loss, *others]

        self.forward = Graph(
            backend,
            forward,
            variables,
            specs_of(tensors),
            differentiable=True,
            outputs=outputs,
            of_step=True,
        )
        self.executor = StepExecutor(self.forward, trainable)
        self.update = Graph(
            backend, lambda *gradients: update(list(gradients)), variables,
            specs_of(self.executor.gradients), differentiable=False, outputs=lambda _: [],
            layouts=self.executor.layouts,
        )  # fmt: skip

    def run(self, tensors):
        """One step; returns the executor's own arrays, which the next step overwrites."""
        self.executor.run(self.forward.start(tensors))
        update = self.update.start(self.executor.gradients)
        update.assign(self.update.body(update.inputs()))
        return self.executor.outputs[: self.forward.count]

    def results(self, outputs):
        loss, *others = [eager("_np_copy", (x,), {}) for x in outputs]
        return loss, others
