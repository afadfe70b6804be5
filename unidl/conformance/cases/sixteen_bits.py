"""Which cases run in float16 and bfloat16 too: the first of each method of the contract and of each
layer.

The edges are those of the formulas, which float64 and float32 try on all cases; 16 bits ask whether
a kernel adds up in enough digits, keeps the dtype, and whether a mixed policy casts what it should.
Random draws have no float inputs and stay out, and so do the functions of `unidl.ops`, which are
made of those of the contract, and the rare ones (Fourier transforms, segments, loops).
"""

from __future__ import annotations

from dataclasses import replace

from unidl.conformance.case import SIXTEEN_BITS

_LAPACK = "no framework has linear algebra in 16 bits: cast to float32 before and back after"

# Method of the contract, or layer -> why it does not run in 16 bits, on any backend.
NOT_IN_SIXTEEN_BITS = {
    **dict.fromkeys(
        ("cholesky", "qr", "svd", "eigh", "solve", "solve_triangular", "det", "inv"), _LAPACK
    ),
    "compile_step": "the losses of this run pass the largest number of float16",
    "normal": "Box and Muller's radius needs more digits: unidl.random draws in float32 and rounds",
    "amsgrad_update": "squares of small gradients vanish in float16: mixed policies keep weights "
    "and moments in float32",
}


def first_of_each(rows, key):
    """The set of the first row of each key."""
    first = {}
    for row in rows:
        first.setdefault(key(row), row)
    return set(first.values())


def with_sixteen_bits(cases):
    """`cases`, the first of each method with the dtypes of 16 bits besides."""
    rounding = [c for c in cases if c.kind != "exact" and len(c.dtypes) > 1 and c.inputs]
    first = first_of_each(rounding, lambda case: case.method)
    return [
        replace(
            case,
            dtypes=(*case.dtypes, *SIXTEEN_BITS),
            not_in_16_bits=NOT_IN_SIXTEEN_BITS.get(case.method, ""),
        )
        if case in first
        else case
        for case in cases
    ]
