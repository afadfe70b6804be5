"""The functions that run on every batch, handed to the backend to be compiled."""

from __future__ import annotations

from functools import cache

import numpy as np

from unidl import tree
from unidl.layers.base import call_context
from unidl.layers.base.call_context import CallContext
from unidl.tracing.pure import tracing_lock
from unidl.training.batch_loss import batch_loss
from unidl.training.distributed import (
    counting_begins,
    data_parallel,
    in_phases,
    on_own_rows,
    runs_in_shards,
    whole_states,
)
from unidl.training.host_batch import is_pair
from unidl.training.interrupts import whole_step
from unidl.utils.watched import changes

# Of how many shapes of one array a step remembers that they need no check.
_KNOWN = 256


class Step:
    """A compiled function of batches of NumPy arrays, one compiled unit for each structure that
    batches have.

    `compile_flat(unflatten)` makes it as a function of a batch's leaves; `unflatten(*leaves)` gives
    (x, y, sample_weight). `changes_state` tells whether a run assigns Variables, which no other
    thread may read meanwhile.
    """

    def __init__(self, model, kind, compile_flat, changes_state, before_run=None):
        self.kind = kind
        self._model, self._compile_flat, self._before_run = model, compile_flat, before_run
        self._changes_state = changes_state
        self._bound = {}
        self._known = {}
        self.seconds = None  # what one run took lately

    def on(self, batches):
        """run(count, batch) for what `batches.chunks` of `training.data` gives; returns what the
        last of the runs gives."""
        if batches.arrays is not None:
            return self._bind(batches.arrays)
        plain = None

        def run(count, batch):
            nonlocal plain
            if is_pair(batch):  # the most frequent form, for which no nest is walked
                plain = plain or self._bind(batch)
                return plain(count, list(batch[:2]))
            return self._bind(batch)(
                count, [leaf for leaf in tree.flatten(batch) if leaf is not None]
            )

        return run

    def _bind(self, batch):
        """run(count, leaves) for batches with the structure of `batch`; what is None there has no
        place in `leaves`."""
        present = tuple(leaf is not None for leaf in tree.flatten(batch))
        key = _describe(batch), present, data_parallel()
        if key not in self._bound:
            template = tree.map_structure(lambda leaf: None, batch)  # holds no data

            def make_run():
                return self._runner(lambda *leaves: _restore(template, present, leaves))

            self._bound[key] = on_own_rows(self._in_phases(make_run), self._model, self.kind)
        return self._bound[key]

    def _in_phases(self, make_run):
        """What sends gradients in some steps alone needs to be told in which."""
        optimizer = self._model.optimizer if self.kind == "train" else None
        divides = data_parallel() is not None and not runs_in_shards()
        if divides and optimizer is not None and optimizer.updates_next() is not None:
            return in_phases(make_run, optimizer)
        return make_run()

    def remember(self, x, batches):
        """After a pass over `batches` of the one array x, arrays like it need no check of shape and
        dtype."""
        if type(x) is np.ndarray:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[x.shape[1:], x.dtype, data_parallel()] = self.on(batches)

    def for_one_batch(self, x, batch_size):
        """run(count, leaves) for an array that is like one seen before and fits into one batch,
        else None."""
        if (
            type(x) is np.ndarray
            and type(batch_size) is int
            and x.ndim
            and 0 < len(x) <= batch_size
            and x.flags.c_contiguous
        ):
            return self._known.get((x.shape[1:], x.dtype, data_parallel()))
        return None

    def reset(self):
        """Before a pass: what it measures begins again."""
        self._model.objective.reset()
        counting_begins()

    def results(self, last, whole=True):
        """{name: number} of what was measured in this pass; `last` is what the last run gave.

        In a run of several processes all of them ask for the `whole`, at the same moment, or one
        of them for what it has measured itself.
        """
        objective = self._model.objective
        with whole_states(objective.variables if whole else []):
            return objective.results()

    def _runner(self, unflatten):
        model, before_run = self._model, self._before_run
        backend, float_dtype = model.backend, _float_dtype(model)
        changes_state, gate = self._changes_state, model._gate
        # (changes seen, changes of the model, function of one batch, of several)
        made = (None, None, None, None)

        def renewed():
            nonlocal made
            with tracing_lock:
                seen, found = changes(), model._changes()
                _, version, compiled, launch = made
                if compiled is None or found != version:
                    compiled = self._compile_flat(unflatten)
                    launch = backend.in_one_launch(compiled)
                made = seen, found, compiled, launch
            return made

        @cache
        def is_cast(dtype):
            return dtype.kind == "f" and dtype.name != float_dtype

        def tensor(leaf):
            value = backend.asarray(leaf)
            return backend.cast(value, float_dtype) if is_cast(leaf.dtype) else value

        def run(count, leaves, around=None):
            """`around(function, tensors)` calls the function."""
            seen, _, compiled, launch = made
            if seen != changes():
                _, _, compiled, launch = renewed()
            tensors, function = (
                [tensor(leaf) for leaf in leaves],
                compiled if count == 1 else launch,
            )
            if not changes_state:
                with gate.reading():
                    return function(*tensors) if around is None else around(function, tensors)
            with whole_step, gate.writing():
                if before_run is not None:
                    before_run()
                return function(*tensors) if around is None else around(function, tensors)

        return run


def _float_dtype(model):
    """The dtype in which floats of a batch come: the model's, but float64 for a model that takes
    it, whose layers would find rounded numbers."""
    inputs = [] if model._plan is None else model._plan.input_tensors
    wide = any(symbol.dtype == "float64" for symbol in inputs)
    return "float64" if wide else model.compute_dtype


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
            found = batch_loss(model, x, y, sample_weight, training=True)
            objective.update(x, y, sample_weight, found)
            return optimizer.scale_loss(found.loss), []

        def update(gradients):
            optimizer.apply(gradients, trainable)

        if model.run_eagerly or runs_in_shards():
            return _eager(backend, forward, update, trainable)
        return backend.compile_step(
            forward, update, trainable, model._state(), jit_compile=model.jit_compile
        )

    trainable = model.trainable_variables
    return Step(model, "train", compile_flat, changes_state=True, before_run=optimizer.begin_step)


def _eager(backend, forward, update, trainable):
    """The step as plain Python on any backend."""

    def step(*tensors):
        value, gradients = backend.value_and_grad(
            lambda: forward(*tensors), trainable, has_aux=True
        )
        update(gradients)
        return value

    return step


def make_test_step(model):
    objective = model.objective

    def compile_flat(unflatten):
        def body(*leaves):
            x, y, sample_weight = unflatten(*leaves)
            found = batch_loss(model, x, y, sample_weight, training=False)
            objective.update(x, y, sample_weight, found)
            return found.loss

        return (
            body
            if model.run_eagerly or runs_in_shards()
            else model.backend.compile(body, model._state(), jit_compile=model.jit_compile)
        )

    return Step(model, "test", compile_flat, changes_state=True)


def make_predict_step(model):
    """Its results are flat lists of outputs, which its `pack` puts into the structure of the
    model's outputs."""
    structures = {}

    def compile_flat(unflatten):
        def body(*leaves):
            x, _, _ = unflatten(*leaves)
            with call_context.entered(CallContext(training=False, trusted=True)):
                y_pred = model(x)
            structures["output"] = tree.map_structure(lambda _: 0, y_pred)
            return tree.flatten(y_pred)

        eager = getattr(model, "run_eagerly", False) or runs_in_shards()
        return (
            body
            if eager
            else model.backend.compile(
                body, model._state(), jit_compile=getattr(model, "jit_compile", False)
            )
        )

    keeps_states = any(layer._state_variables for layer in model._flatten_layers())
    step = Step(model, "predict", compile_flat, changes_state=keeps_states)
    step.pack = lambda flat: tree.pack_sequence_as(
        structures["output"], flat
    )  # the first run traced, and so found it
    return step


MAKERS = {"train": make_train_step, "test": make_test_step, "predict": make_predict_step}
