"""Segments, divisors, neighbours, bits, Bessel's function, factorizations, Fourier transforms,
CTC."""

from __future__ import annotations

import numpy as np

from unidl import ops
from unidl.conformance.case import Case, integers, normal, positive_definite, uniform
from unidl.conformance.cases.functions_public import public

INF = np.inf
IDS = np.array([0, 2, 2, -1, 5, 0], "int32")


def _segments(name, label, x, ids=IDS, count=4, **options):
    return Case(
        name,
        label,
        lambda B, x, ids: getattr(B, name)(x, ids, count),
        {"x": x, "ids": ids},
        **options,
    )


SEGMENTS = [
    *(
        _segments(f"segment_{name}", "", normal(6, 2), kind="noise" if name == "prod" else "linear")
        for name in ("sum", "prod")
    ),
    *(_segments(f"segment_{name}", "", normal(6, 2), kind="exact") for name in ("max", "min")),
    *(
        _segments(f"segment_{name}", "integers", integers(-9, 9, 6, 2))
        for name in ("sum", "prod", "max", "min")
    ),
    *(
        _segments(f"segment_{name}", "vector, int64 ids", normal(6), IDS.astype("int64"))
        for name in ("sum", "max")
    ),
    *(
        _segments(
            f"segment_{name}",
            "ties",
            [1.0, 3.0, 3.0, 3.0, 7.0, 1.0],
            [0, 1, 1, 1, 2, 0],
            3,
            kind="exact",
        )
        for name in ("max", "min")
    ),
    _segments("segment_prod", "zeros", [1.0, 0.0, 3.0, 0.0, 0.0, 2.0], [0, 1, 1, 2, 2, 0], 3),
    *(
        _segments(
            f"segment_{name}", "no rows", np.zeros((0, 2)), np.zeros(0, "int32"), 3, traced=False
        )
        for name in ("sum", "max", "prod")
    ),
    *(
        public(
            f"segment_{name}",
            "number of segments from the ids",
            data=normal(6, 2),
            ids=IDS,
            traced=False,
        )
        for name in ("sum", "max", "min", "prod")
    ),
]

SPECIAL = [
    Case(
        "gcd",
        "",
        lambda B, x, y: B.gcd(x, y),
        {"x1": integers(-999, 999, 20), "x2": integers(-999, 999, 20)},
        also=("abs",),
    ),
    Case(
        "nextafter",
        "",
        lambda B, x, y: B.nextafter(x, y),
        {"x1": [0.5, -3.0, 1e10, INF, 1.0, 4.0], "x2": [1.0, 2.0, -INF, 0.0, 1.0, -1.0]},
        kind="exact",
        gradients=False,
        dtypes=("float64",),
    ),
    Case("i0", "", lambda B, x: B.i0(x), {"x": uniform(-20, 20, 30)}),
    Case("i0", "zero, large", lambda B, x: B.i0(x), {"x": [0.0, 80.0, -1e-6]}),
    Case(
        "bitcast",
        "",
        lambda B, x: B.bitcast(x, "float32"),
        {"x": integers(1 << 29, 1 << 30, 2, 3)},
        traced=False,
    ),
    *(
        Case("lu_factor", label, lambda B, x: B.lu_factor(x), {"x": normal(*shape)})
        for label, shape in (
            ("", (3, 3)),
            ("batch", (2, 4, 4)),
            ("tall", (5, 3)),
            ("wide", (3, 5)),
            ("one", (1, 1)),
        )
    ),
    Case(
        "eig",
        "values",
        lambda B, x: B.sort(B.eig(x)[0], -1),
        {"x": positive_definite(2, 3, 3)},
        traced=False,
    ),
    Case(
        "eig",
        "projections",
        lambda B, x: _projections(B, *B.eig(x)),
        {"x": [[4.0, 1.0, 0.5], [0.5, 2.0, 0.25], [0.0, 0.5, -1.0]]},
        traced=False,
    ),
]


def _projections(B, values, vectors):
    """exp of a matrix, which has no choice of sign or order in it."""
    return B.matmul(B.multiply(vectors, B.expand_dims(B.exp(values), -2)), B.inv(vectors))


FOURIER = [
    *(
        Case(
            "fft",
            f"{n}{', inverse' if inverse else ''}",
            lambda B, x, y, i=inverse: B.fft(x, y, i),
            {"real": normal(2, n), "imag": normal(2, n)},
        )
        for n in (1, 5, 8)
        for inverse in (False, True)
    ),
    *(Case("rfft", str(n), lambda B, x: B.rfft(x), {"x": normal(2, n)}) for n in (1, 2, 5, 8)),
    *(
        Case(
            "irfft",
            str(n),
            lambda B, x, y, n=n: B.irfft(x, y, n),
            {"real": normal(2, n // 2 + 1), "imag": normal(2, n // 2 + 1)},
        )
        for n in (2, 5, 8)
    ),
    public("fft", "", lambda x, y: ops.fft((x, y)), real=normal(3, 4), imag=normal(3, 4)),
    public("fft2", "", lambda x, y: ops.fft2((x, y)), real=normal(3, 4), imag=normal(3, 4)),
    public("ifft2", "", lambda x, y: ops.ifft2((x, y)), real=normal(2, 3, 4), imag=normal(2, 3, 4)),
    public("rfft", "cut and filled", lambda x: [*ops.rfft(x, 4), *ops.rfft(x, 9)], x=normal(2, 6)),
    public(
        "irfft",
        "cut and filled",
        lambda x, y: [ops.irfft((x, y), 4), ops.irfft((x, y), 9)],
        real=normal(2, 4),
        imag=normal(2, 4),
    ),
    *(
        public(
            "stft",
            f"{window}, center {center}",
            lambda x, w=window, c=center: ops.stft(x, 6, 3, 8, w, c),
            x=normal(2, 20),
        )
        for window in ("hann", "hamming", None)
        for center in (True, False)
    ),
    *(
        public(
            "istft",
            f"{window}, center {center}",
            lambda x, y, w=window, c=center: ops.istft((x, y), 8, 3, 8, None, w, c),
            real=normal(2, 5, 5),
            imag=normal(2, 5, 5),
        )
        for window, center in (("hann", True), ("hamming", True), ("hamming", False), (None, False))
    ),
    public(
        "istft",
        "length, window of its own",
        lambda x, y, w: ops.istft((x, y), 6, 2, 8, 7, w),
        real=normal(5, 5),
        imag=normal(5, 5),
        window=uniform(0.5, 1, 6),
    ),
]


def _ctc(label, target, lengths, moments, **options):
    target = np.array(target, "int32")
    shape = (target.shape[0], max(moments), 5)
    inputs = {
        "target": target,
        "output": normal(*shape),
        "target_length": np.array(lengths, "int32"),
        "output_length": np.array(moments, "int32"),
    }
    return public("ctc_loss", label, **inputs, **options)


CTC = [
    _ctc("", [[1, 2, 3], [4, 1, 0]], [3, 2], [7, 5]),
    _ctc("repeated labels", [[1, 1, 2], [2, 2, 2]], [3, 3], [7, 6]),
    _ctc("just enough moments", [[1, 2], [1, 1]], [2, 2], [2, 3]),
    _ctc("no label", [[0, 0], [3, 0]], [0, 1], [3, 4]),
    _ctc("does not fit", [[1, 1, 2], [1, 0, 0]], [3, 1], [3, 3]),
    public(
        "ctc_loss",
        "another blank",
        lambda t, o, a, b: ops.ctc_loss(t, o, a, b, mask_index=4),
        target=[[0, 1, 3]],
        output=normal(1, 6, 5),
        target_length=[3],
        output_length=[6],
    ),
    public(
        "ctc_decode",
        "greedy",
        args=(np.array([6, 4], "int32"),),
        x=normal(2, 6, 4),
        gradients=False,
    ),
    public(
        "ctc_decode",
        "greedy, with repetitions",
        lambda x: ops.ctc_decode(x, np.array([6, 4], "int32"), merge_repeated=False),
        x=normal(2, 6, 3),
        gradients=False,
    ),
    public(
        "ctc_decode",
        "beams",
        args=(np.array([6, 4], "int32"), "beam_search", 10, 3),
        x=normal(2, 6, 4),
        gradients=False,
        traced=False,
    ),
]

CASES = [*SEGMENTS, *SPECIAL, *FOURIER, *CTC]
