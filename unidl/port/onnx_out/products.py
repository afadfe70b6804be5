"""Writers: products of matrices, sums over indices."""

from __future__ import annotations

import string
from typing import Any

from unidl.port.errors import Refused
from unidl.port.onnx_out.table import writes


@writes("matmul")
def matmul(to: Any, spec: Any, x1: Any, x2: Any) -> str:
    return to.node("MatMul", x1, x2)


@writes("einsum")
def einsum(to: Any, spec: Any, subscripts: str, *operands: Any) -> str:
    """With small letters alone, which is what runtimes take."""
    letters: dict[str, str] = {}
    taken = set(subscripts)
    free = iter(c for c in string.ascii_lowercase if c not in taken)
    for letter in sorted(filter(str.isupper, taken)):
        letters[letter] = next(free)
    text = "".join(letters.get(c, c) for c in subscripts)
    return to.node("Einsum", *operands, equation=text)


@writes("det")
def det(to: Any, spec: Any, x: Any) -> str:
    return to.node("Det", x)


for _name in ("cholesky", "eig", "eigh", "inv", "qr", "solve", "solve_triangular", "svd"):

    def _refused(to: Any, spec: Any, *args: Any, name: str = _name, **kwargs: Any) -> Any:
        raise Refused(f"it calls {name}, and ONNX has no operator that factorizes matrices")

    writes(_name)(_refused)
