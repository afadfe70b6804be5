"""What a model is verified on: data, loss and optimizer; its own where it has them, chosen and said
where not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from unidl import losses, optimizers, tree
from unidl.activations import softmax
from unidl.backend import dtypes
from unidl.layers import Embedding, Softmax
from unidl.losses import crossentropy
from unidl.training.data import make_batches
from unidl.training.objective import Objective

BATCH = 32
_OPEN_AXIS = 8  # the size of an open axis in random inputs
_SEED = 20


@dataclass
class Setup:
    """
    x, y: a batch of at most `BATCH` samples, arrays in the structure of the model's inputs and
    outputs. batches: [(x, y)], equal in shape, that the training steps take in turn.
    loss, optimizer: in words. notes: what was chosen for the user, or left out.
    """

    x: object
    y: object
    batches: list
    loss: str
    optimizer: str
    notes: list = field(default_factory=list)
    given: tuple[object, object] = (None, None)
    own_losses: list = field(default_factory=list)

    def prepare(self, model):
        """Give a placed model an objective without metrics, and an optimizer if it has none."""
        for loss in self.own_losses:
            loss.dtype = dtypes.floatx()  # those of the model follow where it is placed
        model.objective = Objective(*self.given, None, None)
        if model.optimizer is None:
            model.optimizer = optimizers.get("adam")
        for name, value in (
            ("run_eagerly", False),
            ("jit_compile", False),
            ("steps_per_execution", 1),
        ):
            if not hasattr(model, name):
                setattr(model, name, value)
        model._forget_compiled()
        batches = make_batches(self.x, self.y, None, BATCH, False, None, None, "verify")
        model._check_data(batches, targets=True)

    def as_taken(self, model):
        """With inputs rounded as the model's graph takes them: the digits that its float32 inputs
        drop must not make the round in float64 another one."""
        if model._plan is None:
            return self

        dtype = model._plan.float_dtype

        def rounded(x):
            return tree.map_structure(
                lambda a: a if a is None or a.dtype.kind != "f" else a.astype(dtype), x
            )

        return replace(self, x=rounded(self.x), batches=[(rounded(x), y) for x, y in self.batches])

    def batch(self, step):
        return self.batches[step % len(self.batches)]


def make_setup(model, x, y, caller="verify") -> Setup:
    """Check the data, draw what was not given, and build the model if it is not built (the caller
    puts it back)."""
    notes = []
    if x is None:
        x = random_inputs(model, caller)
        notes.append("inputs: drawn at random by the model's input shapes")
    source = make_batches(x, None, None, BATCH, False, None, None, caller)
    x = _check_inputs(model, source.arrays[0], caller) if source.arrays is not None else None
    if x is None:
        raise TypeError(
            f"{caller}: x must be arrays (or lists and dicts of arrays), not an iterable of "
            "batches. Give one batch of it."
        )
    if not model.built or model._is_unbuilt_subclass():
        model._build_from(x)
        notes.append(
            "weights: the model was not built, so new ones were drawn; it is unbuilt again"
        )
    idle = [layer.name for layer in model._flatten_layers() if not layer.built]
    if idle:
        notes.append(f"not built, because call() does not reach them: {', '.join(idle)}")
    given, words, y = _objective(model, x, y, notes, caller)
    size = len(tree.flatten(x)[0])
    count = max(1, size // BATCH)
    batches = [_rows((x, y), slice(i * BATCH, (i + 1) * BATCH)) for i in range(count)]
    optimizer = model.optimizer
    if optimizer is None:
        notes.append("optimizer: Adam, since the model was not compiled")
    name = "Adam" if optimizer is None else type(optimizer).__name__
    objective = Objective(given[0], given[1], None, None)
    objective.check(model, x, y)  # every label, not only those of the first batch
    (first_x, first_y) = batches[0]
    own = (
        [loss for loss in tree.flatten(given[0]) if isinstance(loss, losses.Loss)]
        if model.objective is None
        else []
    )
    return Setup(first_x, first_y, batches, words, name, notes, given, own)


def _rows(structure, rows):
    return tree.map_structure(lambda a: None if a is None else a[rows], structure)


def random_inputs(model, caller):
    """A batch by the model's input shapes, in the structure of `model.input`."""
    if model.inputs is None:
        raise ValueError(
            f"{caller}: {model._who()} does not define its input shapes, so no inputs can be "
            f"drawn. Give data: {caller}(model, x), or for the command a factory that returns "
            "(model, x) or (model, x, y)."
        )
    generator = np.random.default_rng(_SEED)
    embeddings = [layer for layer in model._flatten_layers() if isinstance(layer, Embedding)]

    def draw(symbol):
        shape = (symbol.shape[0] or BATCH, *(size or _OPEN_AXIS for size in symbol.shape[1:]))
        if dtypes.is_float(symbol.dtype):
            return generator.normal(size=shape).astype("float32")
        ranges = [
            e.input_dim for e in embeddings if any(node.inputs[0] is symbol for node in e._inbound)
        ]
        below = (
            2 if symbol.dtype == "bool" else min(ranges or [e.input_dim for e in embeddings] or [2])
        )
        return generator.integers(0, below, shape).astype(symbol.dtype)

    arrays = {id(symbol): draw(symbol) for symbol in model.inputs}
    return tree.map_structure(lambda symbol: arrays[id(symbol)], model.input)


def _check_inputs(model, x, caller):
    for path, leaf in tree.flatten_with_path(x):
        if leaf.dtype.kind == "f" and np.isnan(leaf).any():
            where = f" at {path}" if path else ""
            raise ValueError(
                f"{caller}: the data x{where} already contains NaN. Remove those samples: nothing "
                "can be said about the results."
            )
    if model.inputs is None:
        return x
    names = iter(model.inputs)
    values = model._match_arrays(x)
    if len(values) != len(model.inputs):
        raise ValueError(
            f"{caller}: {model._who()} has {len(model.inputs)} inputs "
            f"({', '.join(model.input_names)}), got {len(values)} arrays."
        )
    for symbol, value in zip(names, values, strict=True):
        if (
            not dtypes.is_float(symbol.dtype)
            and value.dtype.kind == "f"
            and (value != np.floor(value)).any()
        ):
            raise TypeError(
                f"{caller}: the input {symbol.name!r} is {symbol.dtype}, but its data is "
                f"{value.dtype} with fractions "
                f"such as {value[value != np.floor(value)][0]}. Give integers: "
                f"x.astype({symbol.dtype!r})."
            )
    return x


def _objective(model, x, y, notes, caller):
    """((loss, loss_weights), the loss in words, y)."""
    first = tree.map_structure(lambda a: a[:1], x)
    predictions = model._symbolic_outputs_for(first)
    names = Objective._names(model, predictions)
    flat = (
        [predictions[n] for n in names]
        if isinstance(predictions, dict)
        else tree.flatten(predictions)
    )
    size = len(tree.flatten(x)[0])
    if y is not None:
        y = make_batches(x, y, None, BATCH, False, None, None, caller).arrays[1]
    if model.objective is not None:
        given = model.objective._given[:2]
        chosen = Objective._spread(given[0], names, "loss")
    else:
        targets = [None] * len(names)
        if y is not None:
            targets = Objective._pair(names, predictions, y, targets, model)[1]
        chosen = [
            _default_loss(model, i, t, p.shape)
            for i, (t, p) in enumerate(zip(targets, flat, strict=True))
        ]
        given = (dict(zip(names, chosen, strict=True)) if len(names) > 1 else chosen[0], None)
        notes.append(f"loss: {_in_words(names, chosen)}, since the model was not compiled")
    if y is None and any(loss is not None for loss in chosen):
        generator = np.random.default_rng(_SEED + 1)
        drawn = [
            None if loss is None else _draw_targets(generator, loss, (size, *p.shape[1:]))
            for loss, p in zip(chosen, flat, strict=True)
        ]
        y = (
            dict(zip(names, drawn, strict=True))
            if isinstance(predictions, dict)
            else drawn[0]
            if len(drawn) == 1
            else drawn
        )
        notes.append("targets: drawn at random")
    return given, _in_words(names, chosen), y


def _in_words(names, chosen):
    def word(loss):
        return (
            loss
            if isinstance(loss, str)
            else getattr(loss, "__name__", None) or type(loss).__name__
        )

    words = [word(loss) for loss in chosen]
    return (
        words[0]
        if len(set(words)) == 1
        else ", ".join(f"{n} {w}" for n, w in zip(names, words, strict=True))
    )


def _default_loss(model, index, target, shape):
    """Cross-entropy where the targets are class numbers, else the mean squared error."""
    counts = target is not None and target.dtype.kind in "iu" and shape[-1] not in (None, 1)
    if counts and (target.ndim < len(shape) or target.shape[-1] == 1):
        return losses.SparseCategoricalCrossentropy(from_logits=not _ends_in_softmax(model, index))
    return "mean_squared_error"


def _ends_in_softmax(model, index):
    last = model.outputs[index].history[0].operation if model.outputs is not None else None
    return isinstance(last, Softmax) or getattr(last, "activation", None) is softmax


def _draw_targets(generator, loss, shape):
    """Targets that suit the loss: class numbers, one-hot rows, zeros and ones, or normal
    numbers."""
    shape = tuple(size or _OPEN_AXIS for size in shape)
    function = getattr(losses.resolve(loss, shape, shape), "fn", None)
    if function is crossentropy.sparse_categorical_crossentropy:
        return generator.integers(0, shape[-1], shape[:-1])
    if function in (
        crossentropy.categorical_crossentropy,
        crossentropy.categorical_focal_crossentropy,
    ):
        return np.eye(shape[-1], dtype="float32")[generator.integers(0, shape[-1], shape[:-1])]
    if function in (crossentropy.binary_crossentropy, crossentropy.binary_focal_crossentropy):
        return generator.integers(0, 2, shape).astype("float32")
    return generator.normal(size=shape).astype("float32")
