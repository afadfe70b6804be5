"""Connectionist temporal classification: Graves, Fernandez, Gomez & Schmidhuber (ICML 2006)."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.backend import dtypes
from unidl.ops.activations import log_softmax
from unidl.ops.core import cast
from unidl.ops.core import shape as shape_of
from unidl.ops.dispatch import backend_of, call, convert, op
from unidl.ops.elementwise import (
    add,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_or,
    negative,
    not_equal,
    subtract,
)
from unidl.ops.host_values import host_value
from unidl.ops.index_checks import check_indices, whole_numbers
from unidl.ops.indexing import along_axis, argsort, where
from unidl.ops.joining import concatenate, stack
from unidl.ops.reductions import argmax
from unidl.ops.reductions import max as max_
from unidl.ops.reductions import sum as sum_
from unidl.ops.repeating import pad
from unidl.ops.shaping import expand_dims, reshape, transpose
from unidl.tracing import KerasTensor
from unidl.tracing.shapes.arithmetic import agree, one_int, shapes_agree
from unidl.tracing.sizes import is_open
from unidl.typing import Tensor, TensorLike

# log of a probability of 0: exp gives 0 in every dtype, and its rounding is small beside 1.
_NEVER = -1e5


@op
def ctc_loss(
    target: TensorLike,
    output: TensorLike,
    target_length: TensorLike,
    output_length: TensorLike,
    mask_index: int = 0,
) -> Tensor:
    """-log of the probability of each target over all its alignments, by the forward recursion of
    the paper's section 4.1.

    Args:
        target: (n, labels) integers, of which the first `target_length` (n,) count.
        output: (n, time, classes) logits, of which the first `output_length` (n,) moments count.
        mask_index: the class that stands for no label.

    Returns:
        (n,) floats; inf, with gradient 0, where the target does not fit into the moments.

    Examples:
        >>> target = np.array([[1, 2]])
        >>> output = 50 * np.eye(3)[[[1, 0, 2]]]  # logits of 3 steps that spell 1, blank, 2
        >>> unidl.ops.ctc_loss(target, output, np.array([2]), np.array([3]))
        array([-0.])
    """
    backend, target, output, target_length, output_length = _inputs(
        "ctc_loss", target, output, target_length, output_length
    )
    (n, labels), (_, time, classes) = backend.shape(target), backend.shape(output)
    if None in (labels, time):
        raise ValueError("ctc_loss: the number of labels and of time steps must be known.")
    mask_index = _blank("ctc_loss", mask_index, classes)
    target_length = _lengths("ctc_loss", "target_length", target_length, n, labels, "labels")
    output_length = _lengths("ctc_loss", "output_length", output_length, n, time, "moments")
    # What stands behind the labels that count may be anything.
    counts = less(np.arange(labels, dtype="int32"), expand_dims(target_length, -1))
    target = where(counts, target, mask_index)
    check_indices("ctc_loss", target, 0, classes, f"{classes} classes", "the label")
    target = cast(target, "int32")
    batch = -1 if n is None else n
    log_p = log_softmax(output)
    # A blank before, between and behind the labels.
    blanks = call("full_like", target, value=mask_index)
    last = call("full_like", expand_dims(target_length, -1), value=mask_index)
    path = (
        concatenate([reshape(stack([blanks, target], -1), (batch, 2 * labels)), last], 1)
        if labels
        else last
    )
    states = 2 * labels + 1
    chances = _chances(backend, log_p, path, batch, time, states)
    # A blank may be left out between two different labels.
    two_before = pad(path, ((0, 0), (2, 0)), constant_values=mask_index)
    two_before = call("getitem", two_before, key=(slice(None), slice(0, states)))
    may_skip = logical_and(np.arange(states) % 2 == 1, not_equal(path, two_before))
    start = where(np.arange(states) < 2, call("getitem", chances, key=(0,)), _NEVER)

    def step(state: Any, moment: TensorLike) -> Any:
        (alpha,), (chance, number) = state, moment
        shifted = [
            alpha,
            _shifted(alpha, 1, states),
            where(may_skip, _shifted(alpha, 2, states), _NEVER),
        ]
        grown = add(call("logsumexp", stack(shifted, 0), axis=0), chance)
        alpha = where(expand_dims(less(number, output_length), -1), grown, alpha)
        return (alpha,), call("getitem", alpha, key=(slice(None), 0))

    if time > 1:
        rest = call("getitem", chances, key=(slice(1, None),)), backend.arange(1, time, 1, "int32")
        (alpha,), _ = backend.scan(step, (start,), rest)
    else:
        alpha = start
    end = expand_dims(add(target_length, target_length), -1)
    has_labels = expand_dims(greater(target_length, 0), -1)
    in_label = where(
        has_labels, along_axis(alpha, where(has_labels, subtract(end, 1), 0), 1), _NEVER
    )
    total = call("logsumexp", concatenate([along_axis(alpha, end, 1), in_label], 1), axis=1)
    fits = less_equal(_needed(backend, target, target_length, labels), output_length)
    # Without a single moment there is one alignment, of no label.
    total = where(greater(output_length, 0), total, 0.0)
    return where(fits, negative(total), float("inf"))


def _needed(backend: Any, target: TensorLike, target_length: Any, labels: Any) -> Any:
    """Moments that the shortest alignment takes: one for each label, and one between equal
    neighbours. (n,)"""
    if labels < 2:
        return target_length
    before, after = (
        call("getitem", target, key=(slice(None), slice(0, -1))),
        call("getitem", target, key=(slice(None), slice(1, None))),
    )
    inside = less(np.arange(1, labels, dtype="int32"), expand_dims(target_length, -1))
    return add(target_length, sum_(cast(logical_and(equal(before, after), inside), "int32"), -1))


def _chances(backend: Any, log_p: Any, path: Any, batch: Any, time: Any, states: Any) -> Any:
    """(time, n, states): log of the probability of each state's class."""
    index = backend.broadcast_to(expand_dims(path, 1), (batch, time, states))
    return transpose(along_axis(log_p, index, 2), (1, 0, 2))


def _shifted(alpha: Any, places: Any, states: Any) -> Any:
    """`alpha` moved on by `places` states."""
    return call(
        "getitem",
        pad(alpha, ((0, 0), (places, 0)), constant_values=_NEVER),
        key=(slice(None), slice(0, states)),
    )


def _blank(name: str, mask_index: Any, classes: Any) -> int:
    """`mask_index` counted from the start."""
    index = one_int(name, "mask_index", mask_index)
    if is_open(classes):
        return index
    check_indices(name, index, -classes, classes, f"{classes} classes", "mask_index")
    return index % classes


def _lengths(name: str, what: str, lengths: Any, n: Any, most: Any, of: str) -> Any:
    """`lengths` as int32; an error unless they are `n` integers from 0 to `most`."""
    shape = shape_of(lengths)
    if not shapes_agree(shape, (n,)):
        raise ValueError(f"{name}: {what} needs the shape {(n,)}, got {tuple(shape)}.")
    end = most + 1 if type(most) is int else None
    check_indices(name, lengths, 0, end, f"{most} {of}", what)
    return cast(lengths, "int32")


def _inputs(
    name: str, target: TensorLike, output: TensorLike, target_length: Any, output_length: Any
) -> Any:
    names: tuple[str | None, ...] = ("target", None, "target_length", "output_length")
    if target is None:
        names = (None, None, None, "sequence_lengths")
    tensors = tuple(
        t if what is None else whole_numbers(name, t, what)
        for what, t in zip(names, (target, output, target_length, output_length), strict=True)
    )
    backend = backend_of(tensors)
    target, output, *lengths = (
        t if t is None else backend.asarray(convert(backend, t)) for t in tensors
    )
    if len(backend.shape(output)) != 3:
        raise ValueError(
            f"{name}: the output must be (n, time, classes), got the shape "
            f"{tuple(backend.shape(output))}."
        )
    if target is not None and len(backend.shape(target)) != 2:
        raise ValueError(
            f"{name}: the target must have shape (n, labels), got {tuple(backend.shape(target))}."
        )
    if backend.dtype(output) not in ("float32", "float64"):
        output = backend.cast(output, dtypes.result_type(backend.dtype(output), "float32"))
    if target is not None and not agree(backend.shape(target)[0], backend.shape(output)[0]):
        raise ValueError(
            f"{name}: target and output must have one row for each sample, got the shapes "
            f"{tuple(backend.shape(target))} and {tuple(backend.shape(output))}."
        )
    return backend, target, output, *lengths


@op
def ctc_decode(
    inputs: TensorLike,
    sequence_lengths: TensorLike,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """The labels that logits `inputs` (n, time, classes) stand for, of which the first
    `sequence_lengths` (n,) moments count.

    "greedy" takes the likeliest class of each moment, without repetitions (unless `merge_repeated`
    is False) and blanks (`mask_index`): int32 (1, n, time), filled with -1, and minus the sum of
    the logits chosen (n, 1). "beam_search" follows the `beam_width` likeliest beginnings: int32
    (top_paths, n, time) and the log of their probabilities (n, top_paths); it runs on the host.
    Without gradient.

    Examples:
        >>> output = np.eye(3)[[[1, 1, 0, 1, 2]]]  # 1 1 blank 1 2
        >>> labels, scores = unidl.ops.ctc_decode(output, np.array([5]))
        >>> labels  # repetitions are one, unless a blank stands between
        array([[[ 1,  1,  2, -1, -1]]], dtype=int32)
    """
    if strategy not in ("greedy", "beam_search"):
        raise ValueError(
            f'ctc_decode: strategy must be "greedy" or "beam_search", got {strategy!r}.'
        )
    backend, _, inputs, _, lengths = _inputs("ctc_decode", None, inputs, None, sequence_lengths)
    inputs = backend.stop_gradient(inputs)
    n, time, classes = backend.shape(inputs)
    mask_index = _blank("ctc_decode", mask_index, classes)
    lengths = _lengths("ctc_decode", "sequence_lengths", lengths, n, time, "moments")
    if strategy == "greedy":
        return _greedy(backend, inputs, lengths, merge_repeated, mask_index)
    shape = backend.shape(inputs)
    if not backend.has_values:
        return KerasTensor((top_paths, *shape[:2]), "int32"), KerasTensor(
            (shape[0], top_paths), inputs.dtype
        )
    log_p, lengths = (
        host_value("ctc_decode", x, 'Take strategy="greedy".')
        for x in (log_softmax(inputs), lengths)
    )
    paths = np.full((top_paths, *shape[:2]), -1, "int32")
    scores = np.full((shape[0], top_paths), -np.inf, log_p.dtype)
    for i, (moments, length) in enumerate(zip(log_p, lengths, strict=True)):
        for rank, (path, score) in enumerate(
            _beams(moments[:length], beam_width, mask_index)[:top_paths]
        ):
            paths[rank, i, : len(path)], scores[i, rank] = path, score
    return backend.asarray(paths), backend.asarray(scores)


def _greedy(
    backend: Any, inputs: TensorLike, lengths: Any, merge_repeated: Any, mask_index: Any
) -> Any:
    time, blank = backend.shape(inputs)[1], mask_index
    outside = greater_equal(np.arange(time, dtype="int32"), expand_dims(lengths, -1))
    best = where(outside, blank, argmax(inputs, -1))
    score = negative(sum_(where(outside, 0.0, max_(inputs, -1)), 1, keepdims=True))
    left_out = equal(best, blank)
    if merge_repeated:
        before = call(
            "getitem",
            pad(best, ((0, 0), (1, 0)), constant_values=-1),
            key=(slice(None), slice(0, time)),
        )
        left_out = logical_or(left_out, equal(best, before))
    order = argsort(cast(left_out, "int32"), -1)
    labels = along_axis(where(left_out, -1, best), order, 1)
    return expand_dims(labels, 0), score


def _beams(log_p: Any, width: Any, blank: Any) -> Any:
    """[(labels, log probability)], likeliest first: prefixes with the chances of ending in a blank
    and in a label."""
    beams = {(): (0.0, -np.inf)}
    for moment in log_p:
        grown: dict = {}

        def put(path: Any, place: Any, score: Any, grown: Any = grown) -> None:
            pair = grown.setdefault(path, [-np.inf, -np.inf])
            pair[place] = np.logaddexp(pair[place], score)

        for path, (in_blank, in_label) in beams.items():
            both = np.logaddexp(in_blank, in_label)
            put(path, 0, both + moment[blank])
            for label, chance in enumerate(moment):
                if label == blank:
                    continue
                if path and path[-1] == label:
                    put(path, 1, in_label + chance)
                    put((*path, label), 1, in_blank + chance)
                else:
                    put((*path, label), 1, both + chance)
        kept = sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]))[:width]
        beams = {path: tuple(pair) for path, pair in kept}
    return [
        (path, np.logaddexp(*pair))
        for path, pair in sorted(beams.items(), key=lambda item: -np.logaddexp(*item[1]))
    ]
