"""The functions that run on every batch, handed to the backend to be compiled."""

from __future__ import annotations

from unidl import ops, tree
from unidl.backend import dtypes
from unidl.layers import call_context
from unidl.layers.call_context import CallContext


class Step:
    """A compiled function of batches; the batch's structure is fixed when it is first seen.

    `body(x, y, sample_weight)` becomes a function of a flat list of tensors, one compiled unit for each structure.
    """

    def __init__(self, model, compile_flat, before_run=None):
        self._model, self._compile_flat, self._before_run = model, compile_flat, before_run
        self._compiled = {}

    def __call__(self, x, y, sample_weight):
        flat = tree.flatten((x, y, sample_weight))
        present = tuple(leaf is not None for leaf in flat)
        structure = _describe((x, y, sample_weight))
        run = self._compiled.get((structure, present))
        if run is None:
            template = (x, y, sample_weight)
            run = self._compiled[structure, present] = self._compile_flat(lambda *leaves: _restore(template, present, leaves))
        if self._before_run is not None:
            self._before_run()
        return run(*[self._tensor(leaf) for leaf in flat if leaf is not None])

    def _tensor(self, leaf):
        backend = self._model.backend
        tensor = leaf if isinstance(leaf, backend.tensor_types) and type(leaf).__module__ != "numpy" else backend.asarray(leaf)
        dtype = backend.dtype(tensor)
        if dtypes.is_float(dtype) and dtype != self._model.compute_dtype:
            return backend.cast(tensor, self._model.compute_dtype)
        return tensor


def _describe(structure):
    """A hashable picture of a nest's structure."""
    if isinstance(structure, dict):
        return ("dict", *((k, _describe(v)) for k, v in sorted(structure.items())))
    if isinstance(structure, list | tuple):
        return ("list", *map(_describe, structure))
    return None


def _restore(template, present, leaves):
    leaves = iter(leaves)
    return tree.pack_sequence_as(template, [next(leaves) if there else None for there in present])


def make_train_step(model):
    backend, objective, optimizer = model.backend, model.objective, model.optimizer

    def compile_flat(unflatten):
        def forward(*leaves):
            x, y, sample_weight = unflatten(*leaves)
            with call_context.entered(CallContext(training=True, trusted=True, keep_logits=True)) as context:
                y_pred = model(x)
                loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
            for extra in [*context.losses, *model.weight_losses()]:
                loss = ops.add(loss, extra)
            objective.update(x, y, y_pred, sample_weight, loss)
            return optimizer.scale_loss(loss), []

        def update(gradients):
            optimizer.apply(gradients, trainable)

        if model.run_eagerly:
            return _eager(backend, forward, update, trainable)
        return backend.compile_step(forward, update, trainable, model._state(), jit_compile=model.jit_compile)

    trainable = model.trainable_variables
    return Step(model, compile_flat, before_run=optimizer.begin_step)


def _eager(backend, forward, update, trainable):
    """The step as plain Python on any backend."""

    def step(*tensors):
        value, gradients = backend.value_and_grad(lambda: forward(*tensors), trainable, has_aux=True)
        update(gradients)
        return value

    return step


def make_test_step(model):
    objective = model.objective

    def compile_flat(unflatten):
        def body(*leaves):
            x, y, sample_weight = unflatten(*leaves)
            with call_context.entered(CallContext(training=False, trusted=True, keep_logits=True)) as context:
                y_pred = model(x)
                loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)
            for extra in [*context.losses, *model.weight_losses()]:
                loss = ops.add(loss, extra)
            objective.update(x, y, y_pred, sample_weight, loss)
            return loss

        return body if model.run_eagerly else model.backend.compile(body, model._state(), jit_compile=model.jit_compile)

    return Step(model, compile_flat)


def make_predict_step(model):
    structures = {}

    def compile_flat(unflatten):
        def body(*leaves):
            x, _, _ = unflatten(*leaves)
            with call_context.entered(CallContext(training=False, trusted=True)):
                y_pred = model(x)
            structures["output"] = tree.map_structure(lambda _: 0, y_pred)
            return tree.flatten(y_pred)

        eager = getattr(model, "run_eagerly", False)
        run = body if eager else model.backend.compile(body, model._state(), jit_compile=getattr(model, "jit_compile", False))

        def restored(*leaves):
            flat = list(run(*leaves))  # the first run traces, and so finds the structure
            return tree.pack_sequence_as(structures["output"], flat)

        return restored

    return Step(model, compile_flat)


MAKERS = {"train": make_train_step, "test": make_test_step, "predict": make_predict_step}
