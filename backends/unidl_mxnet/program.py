"""What runs for one combination of input shapes and dtypes."""

from __future__ import annotations

import numpy as np

from unidl_mxnet.autodiff import check_scalar, leaf
from unidl_mxnet.graph import Graph, VariableValue
from unidl_mxnet.load import mx


def specs_of(tensors):
    return [(t.shape, np.dtype(t.dtype).name) for t in tensors]


class Program:
    """A compiled function: one graph, whose last outputs go back into the Variables."""

    def __init__(self, backend, fn, variables, tensors, *, differentiable):
        def outputs(result):
            return result if isinstance(result, (list, tuple)) else [result]

        self.graph = Graph(backend, fn, variables, specs_of(tensors), differentiable=differentiable, outputs=outputs)
        self.container = type(self.graph.result) if isinstance(self.graph.result, (list, tuple)) else None

    def run(self, tensors):
        run = self.graph.start(tensors)
        results = self.graph.body(run.inputs())
        run.assign([x.detach() for x in results[self.graph.count :]])
        if self.container is None:
            return results[0]
        return self.container(results[: self.graph.count])


class StepProgram:
    """A compiled training step: the forward graph on the tape, its gradients, and the graph of the update."""

    def __init__(self, backend, forward, update, trainable, variables, tensors):
        def outputs(result):
            loss, others = result
            if not backend.is_tensor(loss):
                raise TypeError(f"The loss must be a scalar tensor, got {type(loss).__name__}.")
            check_scalar(loss, loss.shape)
            return [loss, *others]

        self.forward = Graph(backend, forward, variables, specs_of(tensors), differentiable=True, outputs=outputs, shortcuts=True)
        self.trainable = trainable
        self.leaves = [None] * len(trainable)
        self.stores = [None] * len(trainable)
        self.gradients = [None] * len(trainable)
        position = {id(v): i for i, v in enumerate(trainable)}
        self.places = [
            (place, position[id(source.variable)])
            for place, source in enumerate(self.forward.body.sources)
            if isinstance(source, VariableValue) and id(source.variable) in position
        ]
        self.is_differentiable = bool(self.places)
        grads = [(tuple(v.shape), v.dtype) for v in trainable]
        self.update = Graph(
            backend, lambda *gradients: update(list(gradients)), variables, grads, differentiable=False, outputs=lambda _: []
        )

    def run(self, tensors):
        run = self.forward.start(tensors)
        arrays = run.inputs()
        self._watch()
        for place, index in self.places:
            arrays[place] = self.leaves[index]
        with mx.autograd.record():
            results = self.forward.body(arrays)
        if self.is_differentiable:
            mx.autograd.backward([results[0]])
        results = [x.detach() for x in results]
        run.assign(results[self.forward.count :])
        update = self.update.start(self.gradients)
        update.assign(self.update.body(update.inputs()))
        return results[0], results[1 : self.forward.count]

    def _watch(self):
        """A leaf for each trainable Variable, made anew only where the Variable has other storage than at the last run."""
        for i, variable in enumerate(self.trainable):
            store = variable._store
            if store is not self.stores[i]:
                self.stores[i] = store
                self.leaves[i], self.gradients[i] = leaf(store)
