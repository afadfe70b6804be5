"""Indices out of range, of a wrong dtype, of a wrong rank, or none at all: every function that
takes some."""

from __future__ import annotations

import numpy as np

from tests.abuse.case import right, told
from unidl import ops

X = np.arange(12, dtype="float32").reshape(4, 3)
P = np.full((2, 3), 1 / 3, "float32")
ROW = np.ones((1, 3), "float32")
LABELS = np.array([[1, 2], [1, 1]])
LOGITS = np.zeros((2, 5, 4), "float32")


def ints(*values):
    return np.array(values, "int32")


def native(values, dtype="int32"):
    return ops.convert_to_tensor(np.array(values, dtype))


# name: (call of a list of indices, one size, whether negative ones count from the end)
LOOKUPS = {
    "take": (lambda i: ops.take(X, i, axis=0), 4, True),
    "take, axis 1": (lambda i: ops.take(X, i, axis=1), 3, True),
    "take, axis -1": (lambda i: ops.take(X, i, axis=-1), 3, True),
    "take, flattened": (lambda i: ops.take(X, i), 12, True),
    "get_item": (lambda i: ops.get_item(X, i), 4, True),
    "take_along_axis": (lambda i: ops.take_along_axis(X, _like(i, (-1, 1)), axis=0), 4, True),
    "take_along_axis, axis 1": (
        lambda i: ops.take_along_axis(X[:1], _like(i, (1, -1)), axis=1),
        3,
        True,
    ),
    "take_along_axis, flattened": (lambda i: ops.take_along_axis(X, i), 12, True),
    "scatter": (lambda i: ops.scatter(_like(i, (-1, 1)), np.ones(len(i), "f4"), (5,)), 5, False),
    "scatter, rows": (
        lambda i: ops.scatter(_like(i, (-1, 1)), np.ones((len(i), 3), "f4"), (5, 3)),
        5,
        False,
    ),
    **{
        f"scatter_update, {reduction}": (
            lambda i, r=reduction: ops.scatter_update(
                np.zeros(6, "f4"), _like(i, (-1, 1)), np.ones(len(i), "f4"), r
            ),
            6,
            False,
        )
        for reduction in (None, "add", "max", "min", "mul")
    },
    "unravel_index": (lambda i: ops.unravel_index(i, (2, 3)), 6, False),
    "in_top_k": (lambda i: ops.in_top_k(i, np.zeros((len(i), 3), "f4"), 1), 3, False),
    **{
        f"sparse_categorical_crossentropy, {'logits' if logits else 'probabilities'}": (
            lambda i, logits=logits: ops.sparse_categorical_crossentropy(
                i, np.full((len(i), 3), 1 / 3, "f4"), from_logits=logits
            ),
            3,
            False,
        )
        for logits in (False, True)
    },
    "ctc_loss, labels": (
        lambda i: ops.ctc_loss(_like(i, (1, -1)), LOGITS[:1], ints(len(i)), ints(5)),
        4,
        False,
    ),
}


def _like(indices, shape):
    if isinstance(indices, list):
        return np.reshape(np.array(indices), shape)
    return ops.reshape(indices, shape)


# Indices that are not there, and how the text names them.
WRONG = {
    "one too large": (lambda n, negative: [0, n], lambda n, negative: n),
    "far too large": (lambda n, negative: [10**8, 1], lambda n, negative: 10**8),
    "too large for int32": (lambda n, negative: [2**40, 1], lambda n, negative: 2**40),
    "negative": (
        lambda n, negative: [1, -n - 1 if negative else -1],
        lambda n, negative: -n - 1 if negative else -1,
    ),
    "very negative": (lambda n, negative: [-(10**8), 1], lambda n, negative: -(10**8)),
}


def _out_of_range():
    for name, (call, size, negative) in LOOKUPS.items():
        for what, (values, shown) in WRONG.items():
            indices = values(size, negative)
            text = rf"\b{shown(size, negative)}\b.*in \[{-size if negative else 0}, {size}\)"
            text = text.replace(r"\b-", "-")
            yield told(
                f"{name}: {what}", lambda c=call, i=indices: c(np.array(i)), text, ValueError
            )
        wrong = [0, size + 2]
        yield told(
            f"{name}: a native tensor with one too large",
            lambda c=call, i=wrong: c(native(i)),
            rf"\b{size + 2}\b",
            ValueError,
        )
        yield told(
            f"{name}: an int64 tensor with one negative beyond",
            lambda c=call, i=[0, -size - 3]: c(native(i, "int64")),
            rf"-{size + 3}\b",
            ValueError,
        )


def _of_wrong_dtype():
    for name, (call, _, _) in LOOKUPS.items():
        if not name.startswith(("sparse_cat", "ctc")):  # where Keras casts floats
            yield told(
                f"{name}: floats",
                lambda c=call: c(np.array([0.0, 1.0], "f4")),
                "integers, got float32",
                (TypeError, ValueError),
            )
            yield told(
                f"{name}: a native tensor of floats",
                lambda c=call: c(native([0, 1], "float32")),
                "integers, got float32",
                (TypeError, ValueError),
            )
        if name == "get_item":
            continue
        yield told(
            f"{name}: strings",
            lambda c=call: c(np.array(["a", "b"])),
            "str",
            (TypeError, ValueError),
        )
        yield told(
            f"{name}: objects",
            lambda c=call: c(np.array([None, 1], object)),
            "object",
            (TypeError, ValueError),
        )


CASES = [
    *_out_of_range(),
    *_of_wrong_dtype(),
    # -- negative ones that count from the end
    right("take: from the end", lambda: ops.take(X, [-1, -4], axis=0), X[[-1, -4]]),
    right("take_along_axis: from the end", lambda: ops.take_along_axis(X, [[-1] * 3], 0), X[[-1]]),
    # -- the second of two axes
    *(
        told(
            f"{name}: too large for the second axis",
            call,
            r"\b3\b.*\[-?\d, 3\)",
            ValueError,
        )
        for name, call in {
            "scatter": lambda: ops.scatter([[1, 3]], np.ones(1, "f4"), (5, 3)),
            "scatter_update": lambda: ops.scatter_update(X, [[1, 3]], [5.0]),
            "scatter_update, add": lambda: ops.scatter_update(X, [[1, 3]], [5.0], "add"),
            "scatter_update, max": lambda: ops.scatter_update(X, [[1, 3]], [5.0], "max"),
        }.items()
    ),
    # -- from and into nothing
    *(
        told(f"{name}: one from nothing", call, r"\b0\b.*empty", ValueError)
        for name, call in {
            "take": lambda: ops.take(np.zeros((0, 3), "f4"), [0], axis=0),
            "take, flattened": lambda: ops.take(np.zeros((0,), "f4"), [0]),
            "get_item": lambda: ops.get_item(np.zeros((0, 3), "f4"), [0]),
            "take_along_axis": lambda: ops.take_along_axis(np.zeros((0, 3), "f4"), [[0] * 3], 0),
            "scatter": lambda: ops.scatter([[0]], [1.0], (0,)),
            "scatter_update": lambda: ops.scatter_update(np.zeros(0, "f4"), [[0]], [1.0]),
        }.items()
    ),
    *(
        right(f"{name}: none", call, expected)
        for name, call, expected in [
            ("take", lambda: ops.take(X, [], axis=0), np.zeros((0, 3), "f4")),
            ("take of nothing", lambda: ops.take(X[:0], [], axis=0), np.zeros((0, 3), "f4")),
            ("get_item", lambda: ops.get_item(X, []), np.zeros((0, 3), "f4")),
            (
                "take_along_axis",
                lambda: ops.take_along_axis(X, np.zeros((0, 3), "int32"), 0),
                np.zeros((0, 3), "f4"),
            ),
            (
                "scatter",
                lambda: ops.scatter(np.zeros((0, 1), "int32"), np.zeros(0, "f4"), (3,)),
                np.zeros(3, "f4"),
            ),
            (
                "scatter_update",
                lambda: ops.scatter_update(X, np.zeros((0, 1), "int32"), np.zeros((0, 3), "f4")),
                X,
            ),
            (
                "scatter_update, max",
                lambda: ops.scatter_update(
                    X, np.zeros((0, 1), "int32"), np.zeros((0, 3), "f4"), "max"
                ),
                X,
            ),
            ("one_hot", lambda: ops.one_hot(ints(), 3), np.zeros((0, 3), "f4")),
            ("bincount", lambda: ops.bincount(ints(), minlength=2), np.zeros(2, "int32")),
            (
                "segment_sum",
                lambda: ops.segment_sum(np.zeros((0, 2), "f4"), ints(), 3),
                np.zeros((3, 2), "f4"),
            ),
            (
                "sparse_categorical_crossentropy",
                lambda: ops.sparse_categorical_crossentropy(ints(), P[:0]),
                np.zeros(0, "f4"),
            ),
        ]
    ),
    # -- a wrong rank
    told(
        "take_along_axis: fewer axes",
        lambda: ops.take_along_axis(X, ints(0, 1), 0),
        "take_along_axis.*as many axes",
        ValueError,
    ),
    told(
        "take_along_axis: other axes that do not fit",
        lambda: ops.take_along_axis(X, np.zeros((1, 2), "int32"), 0),
        "take_along_axis.*broadcast",
        ValueError,
    ),
    told(
        "scatter: indices of one axis",
        lambda: ops.scatter(ints(0, 1), np.ones(2, "f4"), (3,)),
        r"indices have the shape \(m, k\)",
        ValueError,
    ),
    told(
        "scatter: a single index",
        lambda: ops.scatter(np.int32(1), np.ones((), "f4"), (3,)),
        r"indices have the shape \(m, k\)",
        ValueError,
    ),
    told(
        "scatter: more columns than axes",
        lambda: ops.scatter([[0, 1]], np.ones(1, "f4"), (3,)),
        r"indices have the shape \(m, k\)",
        ValueError,
    ),
    told(
        "scatter: fewer values than indices",
        lambda: ops.scatter([[0], [1]], np.ones(1, "f4"), (3,)),
        "must have the shape",
        ValueError,
    ),
    told(
        "scatter: a shape that is negative",
        lambda: ops.scatter([[0]], np.ones(1, "f4"), (-3,)),
        "shape",
        ValueError,
    ),
    told(
        "scatter_update: indices of one axis",
        lambda: ops.scatter_update(X, ints(0), ROW),
        r"indices have the shape \(m, k\)",
        ValueError,
    ),
    told(
        "scatter_update: updates of another shape",
        lambda: ops.scatter_update(X, [[0]], np.ones((1, 4), "f4")),
        "must have the shape",
        ValueError,
    ),
    told(
        "scatter_update: updates that would broadcast",
        lambda: ops.scatter_update(X, [[0], [1]], np.ones((1, 3), "f4")),
        "must have the shape",
        ValueError,
    ),
    told(
        "scatter_update, max: updates of another shape",
        lambda: ops.scatter_update(X, [[0]], np.ones((1, 4), "f4"), "max"),
        "must have the shape",
        ValueError,
    ),
    told(
        "scatter_update, mul: fewer updates",
        lambda: ops.scatter_update(X, [[0], [1]], np.ones((1, 3), "f4"), "mul"),
        "must have the shape",
        ValueError,
    ),
    told(
        "scatter_update, add: more columns than axes",
        lambda: ops.scatter_update(X, [[0, 0, 0]], [1.0], "add"),
        r"indices have the shape \(m, k\)",
        ValueError,
    ),
    told(
        "in_top_k: another number of targets",
        lambda: ops.in_top_k(ints(0, 1, 2), P, 1),
        "in_top_k",
        ValueError,
    ),
    told("in_top_k: predictions of one axis", lambda: ops.in_top_k(ints(0), P[0], 1), "in_top_k"),
    told("in_top_k: k of 0", lambda: ops.in_top_k(ints(0, 1), P, 0), "in_top_k.*k.*0"),
    told("in_top_k: k a float", lambda: ops.in_top_k(ints(0, 1), P, 1.5), "in_top_k.*k.*1.5"),
    # -- axes
    *(
        told(f"{name}: axis {axis}", lambda c=call, a=axis: c(a), rf"axis {axis} is out of range")
        for name, call in {
            "take": lambda a: ops.take(X, [0], axis=a),
            "take_along_axis": lambda a: ops.take_along_axis(X, [[0] * 3], axis=a),
            "roll": lambda a: ops.roll(X, 1, axis=a),
            "flip": lambda a: ops.flip(X, axis=a),
            "sort": lambda a: ops.sort(X, axis=a),
            "argsort": lambda a: ops.argsort(X, axis=a),
            "argmax": lambda a: ops.argmax(X, axis=a),
            "repeat": lambda a: ops.repeat(X, 2, axis=a),
            "repeat, each": lambda a: ops.repeat(X, [1, 2, 3, 4], axis=a),
            "split": lambda a: ops.split(X, 2, axis=a),
            "unstack": lambda a: ops.unstack(X, axis=a),
            "cumsum": lambda a: ops.cumsum(X, axis=a),
            "diff": lambda a: ops.diff(X, axis=a),
            "quantile": lambda a: ops.quantile(X, 0.5, axis=a),
            "moveaxis": lambda a: ops.moveaxis(X, a, 0),
            "concatenate": lambda a: ops.concatenate([X, X], axis=a),
            "append": lambda a: ops.append(X, X, axis=a),
            "one_hot": lambda a: ops.one_hot(ints(0, 1), 3, axis=a),
            "multi_hot": lambda a: ops.multi_hot(ints(0, 1), 3, axis=a),
            "rot90": lambda a: ops.rot90(X, 1, axes=(0, a)),
            "norm": lambda a: ops.norm(X, axis=a),
            "softmax": lambda a: ops.softmax(X, axis=a),
            "logsumexp": lambda a: ops.logsumexp(X, axis=a),
            "trapezoid": lambda a: ops.trapezoid(X, axis=a),
            "average": lambda a: ops.average(X, axis=a),
            "sparse_categorical_crossentropy": lambda a: ops.sparse_categorical_crossentropy(
                ints(0, 1), P, axis=a
            ),
        }.items()
        for axis in (5, -6)
    ),
    # -- one_hot and multi_hot: nothing there is zeros, as Keras has it
    right(
        "one_hot: out of range",
        lambda: ops.one_hot(ints(-1, 3, 1, 10**8), 3),
        np.array([[0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0]], "f4"),
    ),
    right(
        "one_hot: int64 out of the range of int32",
        lambda: ops.one_hot(np.array([2**32, 1, -(2**32) + 1], "int64"), 3),
        np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], "f4"),
    ),
    right(
        "one_hot: uint8", lambda: ops.one_hot(np.array([255, 2], "uint8"), 3), [[0] * 3, [0, 0, 1]]
    ),
    right(
        "one_hot: int8 and 200 classes",
        lambda: ops.one_hot(np.array([-56, 5], "int8"), 200),
        np.stack([np.zeros(200, "f4"), np.eye(200, dtype="f4")[5]]),
    ),
    right("multi_hot: padding", lambda: ops.multi_hot(ints(0, 2, -1), 3), [1, 0, 1]),
    *(
        told(f"{name}: {what}", lambda c=call, v=value: c(v), f"{name}.*{text}")
        for name, call in {
            "one_hot": lambda n: ops.one_hot(ints(0, 1), n),
            "multi_hot": lambda n: ops.multi_hot(ints(0, 1), n),
        }.items()
        for what, value, text in [
            ("negative number of classes", -3, "num_classes.*-3"),
            ("a number of classes that is a float", 2.5, "num_classes.*2.5"),
            ("a number of classes that is a string", "3", "num_classes.*'3'"),
        ]
    ),
    right(
        "one_hot: floats",
        lambda: ops.one_hot(np.array([0.0, 1.5], "f4"), 3),
        np.array([[1, 0, 0], [0, 1, 0]], "f4"),
    ),
    right("multi_hot: floats", lambda: ops.multi_hot(np.array([0.0, 2.0]), 3), [1, 0, 1]),
    told("one_hot: strings", lambda: ops.one_hot(["a"], 3), "one_hot.*'a'"),
    # -- segments
    *(
        case
        for name in ("segment_sum", "segment_max", "segment_min", "segment_prod")
        for function in [getattr(ops, name)]
        for case in [
            told(
                f"{name}: an id too large",
                lambda f=function: f(X, ints(0, 1, 2, 3), 3),
                rf"{name}.*\b3\b.*num_segments",
                ValueError,
            ),
            told(
                f"{name}: an id far too large, native",
                lambda f=function: f(X, native([0, 1, 2, 10**8]), 3),
                rf"{name}.*\b100000000\b.*num_segments",
                ValueError,
            ),
            told(
                f"{name}: float ids",
                lambda f=function: f(X, np.zeros(4, "f4"), 3),
                f"{name}.*integers, got float32",
                TypeError,
            ),
            told(
                f"{name}: fewer ids than rows",
                lambda f=function: f(X, ints(0, 1), 3),
                f"{name}.*segment_ids",
                ValueError,
            ),
            told(
                f"{name}: ids of two axes",
                lambda f=function: f(X, np.zeros((4, 1), "int32"), 3),
                f"{name}.*segment_ids",
                ValueError,
            ),
            told(
                f"{name}: a negative number of segments",
                lambda f=function: f(X, ints(0, 0, 0, 0), -1),
                f"{name}.*num_segments.*-1",
                ValueError,
            ),
            told(
                f"{name}: a number of segments that is a float",
                lambda f=function: f(X, ints(0, 0, 0, 0), 2.5),
                f"{name}.*num_segments.*2.5",
                (TypeError, ValueError),
            ),
        ]
    ),
    right(
        "segment_sum: negative ids belong to none",
        lambda: ops.segment_sum(X, ints(0, -1, 1, -5), 2),
        X[[0, 2]],
    ),
    # -- bincount, top_k
    told("bincount: negative", lambda: ops.bincount(ints(1, -1)), r"bincount.*-1", ValueError),
    told("bincount: floats", lambda: ops.bincount(np.array([0.5, 1.0])), "integers, got float64"),
    told("bincount: two axes", lambda: ops.bincount(np.zeros((2, 2, 2), "int32")), "bincount"),
    told(
        "bincount: negative minlength",
        lambda: ops.bincount(ints(1), minlength=-2),
        "bincount.*minlength.*-2",
    ),
    told(
        "bincount: weights of another length",
        lambda: ops.bincount(ints(0, 1, 2), weights=np.ones(2, "f4")),
        "bincount.*weights",
    ),
    *(
        told(f"top_k: k of {k!r}", lambda k=k: ops.top_k(X, k), rf"top_k.*{k!r}")
        for k in (-1, 4, 10**9, 1.5, "2", None)
    ),
    told("top_k: of a number", lambda: ops.top_k(np.float32(1), 1), "top_k"),
    right("top_k: none", lambda: ops.top_k(X, 0)[0], np.zeros((4, 0), "f4")),
    # -- blocks
    *(
        told(f"slice: {what}", lambda s=start, n=sizes: ops.slice(X, s, n), rf"^slice: .*{text}")
        for what, start, sizes, text in [
            ("beyond the end", (2, 0), (5, 3), r"\(4, 3\)"),
            ("begins beyond the end", (9, 0), (1, 3), r"\(4, 3\)"),
            ("begins before the start", (-1, 0), (1, 3), r"\(4, 3\)"),
            ("ends beyond the second axis", (0, 1), (2, 3), r"\(4, 3\)"),
            ("a negative size", (0, 0), (-2, 3), r"\(-2, 3\)"),
            ("too few axes", (0,), (2,), r"\(4, 3\)"),
            ("too many axes", (0, 0, 0), (2, 1, 1), r"\(4, 3\)"),
            ("starts and sizes of different length", (0, 0), (2,), r"\(2,\)"),
            ("a start that is a float", (0.5, 0), (1, 1), "0.5"),
            ("a size that is a string", (0, 0), ("a", 1), "'a'"),
        ]
    ),
    right("slice: to the end", lambda: ops.slice(X, (3, 1), (-1, -1)), X[3:, 1:]),
    right("slice: of nothing at the end", lambda: ops.slice(X, (4, 0), (0, 3)), X[4:]),
    *(
        told(
            f"slice_update: {what}",
            lambda s=start, u=update: ops.slice_update(X, s, u),
            rf"^slice_update: .*{text}",
        )
        for what, start, update, text in [
            ("beyond the end", (3, 0), np.ones((2, 3), "f4"), "does not fit"),
            ("begins before the start", (-1, 0), ROW, "does not fit"),
            ("too few axes", (0,), np.ones(1, "f4"), "does not fit"),
            ("a start that is a float", (0.5, 0), ROW, "0.5"),
            ("another rank of the updates", (0, 0), np.ones(3, "f4"), "does not fit"),
        ]
    ),
    *(
        told(f"get_item: {key!r}", lambda k=key: ops.get_item(X, k), text, (IndexError, TypeError))
        for key, text in [
            (4, "index 4 is out of range"),
            (-5, "index -5 is out of range"),
            ((0, 3), "index 3 is out of range"),
            ((0, 0, 0), "3 indices"),
            (1.5, "float"),
            ("a", "str"),
            ((0, 1.5), "1.5"),
            ((0, "a"), "'a'"),
        ]
    ),
    # -- shapes of unravel_index
    told("unravel_index: an axis of size 0", lambda: ops.unravel_index([0], (2, 0)), "empty"),
    told("unravel_index: a negative size", lambda: ops.unravel_index([0], (2, -3)), "-3"),
    # -- repetitions and cuts
    told("repeat: negative", lambda: ops.repeat(X, -1, axis=0), "repeat.*-1", ValueError),
    told("repeat: one negative", lambda: ops.repeat(X, [1, 1, -1, 1], axis=0), "repeat.*-1"),
    told("repeat: too few", lambda: ops.repeat(X, [1, 2], axis=0), r"repeat.*4.*2", ValueError),
    told("repeat: too many", lambda: ops.repeat(X, [1] * 9, axis=0), r"repeat.*4.*9", ValueError),
    told("repeat: a float", lambda: ops.repeat(X, 1.5, axis=0), "repeat.*1.5"),
    told("tile: negative", lambda: ops.tile(X, (-1, 1)), "tile.*-1", ValueError),
    told("tile: a float", lambda: ops.tile(X, (1.5, 1)), "tile.*1.5"),
    told("split: into 0 parts", lambda: ops.split(X, 0), "split", ValueError),
    told("split: into -2 parts", lambda: ops.split(X, -2), "split", ValueError),
    told("split: by a float", lambda: ops.split(X, 1.5), "split.*1.5"),
    told("array_split: into 0 parts", lambda: ops.array_split(X, 0), "array_split", ValueError),
    told("roll: by a float", lambda: ops.roll(X, 1.5, axis=0), "roll.*1.5"),
    told("roll: by a string", lambda: ops.roll(X, "a", axis=0), "roll.*'a'"),
    told(
        "roll: another number of shifts",
        lambda: ops.roll(X, (1, 2, 3), axis=(0, 1)),
        "roll.*shift",
        ValueError,
    ),
    told("moveaxis: another number of places", lambda: ops.moveaxis(X, (0, 1), 0), "moveaxis"),
    told("transpose: an axis twice", lambda: ops.transpose(X, (0, 0)), "transpose", ValueError),
    told("squeeze: not of size 1", lambda: ops.squeeze(X, 0), "squeeze", ValueError),
    # -- CTC
    *(
        told(f"ctc_loss: {what}", call, text, ValueError)
        for what, call, text in [
            (
                "a label length beyond the labels",
                lambda: ops.ctc_loss(LABELS, LOGITS, ints(3, 1), ints(5, 5)),
                r"target_length.*\b3\b.*\[0, 3\)",
            ),
            (
                "a negative label length",
                lambda: ops.ctc_loss(LABELS, LOGITS, ints(-1, 1), ints(5, 5)),
                r"target_length.*-1\b.*\[0, 3\)",
            ),
            (
                "an output length beyond the moments",
                lambda: ops.ctc_loss(LABELS, LOGITS, ints(2, 1), ints(6, 5)),
                r"output_length.*\b6\b.*\[0, 6\)",
            ),
            (
                "a negative output length",
                lambda: ops.ctc_loss(LABELS, LOGITS, ints(2, 1), ints(-2, 5)),
                r"output_length.*-2\b.*\[0, 6\)",
            ),
            (
                "a native length beyond the moments",
                lambda: ops.ctc_loss(LABELS, LOGITS, ints(2, 1), native([9, 5])),
                r"output_length.*\b9\b.*\[0, 6\)",
            ),
            (
                "a label beyond the classes",
                lambda: ops.ctc_loss(np.array([[9, 2], [1, 1]]), LOGITS, ints(2, 1), ints(5, 5)),
                r"\b9\b.*\[0, 4\)",
            ),
            (
                "a blank beyond the classes",
                lambda: ops.ctc_loss(LABELS, LOGITS, ints(2, 1), ints(5, 5), mask_index=4),
                r"mask_index.*\b4\b.*\[-?\d, 4\)",
            ),
            (
                "too few lengths",
                lambda: ops.ctc_loss(LABELS, LOGITS, ints(2), ints(5, 5)),
                r"target_length",
            ),
            (
                "another number of targets",
                lambda: ops.ctc_loss(np.array([[1, 2]]), LOGITS, ints(2, 1), ints(5, 5)),
                r"target",
            ),
        ]
    ),
    *(
        told(f"ctc_decode, {strategy}: {what}", lambda c=call, s=strategy: c(s), text, ValueError)
        for strategy in ("greedy", "beam_search")
        for what, call, text in [
            (
                "a length beyond the moments",
                lambda s: ops.ctc_decode(LOGITS, ints(6, 5), s),
                r"sequence_lengths.*\b6\b.*\[0, 6\)",
            ),
            (
                "a negative length",
                lambda s: ops.ctc_decode(LOGITS, ints(-1, 5), s),
                r"sequence_lengths.*-1\b.*\[0, 6\)",
            ),
            (
                "too few lengths",
                lambda s: ops.ctc_decode(LOGITS, ints(5), s),
                r"sequence_lengths",
            ),
            (
                "a blank beyond the classes",
                lambda s: ops.ctc_decode(LOGITS, ints(5, 5), s, mask_index=7),
                r"mask_index.*\b7\b",
            ),
        ]
    ),
]
