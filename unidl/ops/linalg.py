"""Keras' `ops.linalg`: the functions of matrices, which stand in `unidl.ops` too."""

from __future__ import annotations  # isort: skip_file

from typing import TYPE_CHECKING

from unidl.ops import (
    cholesky, cholesky_inverse, det, eig, eigh, inv, jvp, lstsq, lu_factor, matrix_rank, norm,
    pinv, qr, solve, solve_triangular, svd,
)  # fmt: skip
from unidl.utils.namespaces import namespace

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "lstsq", "lu_factor",
    "matrix_rank", "norm", "pinv", "qr", "solve", "solve_triangular", "svd",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
