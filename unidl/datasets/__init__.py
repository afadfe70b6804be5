"""Small real data sets for examples and tests.

`digits` comes with the package, `mnist` is downloaded once. Each is a module with one function,
`load_data()`, which returns `(x_train, y_train), (x_test, y_test)` as NumPy arrays. The modules
load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.utils.namespaces import namespace

if TYPE_CHECKING:
    from unidl.datasets import digits, mnist
else:
    _HOMES = {name: f"{__name__}.{name}" for name in ("digits", "mnist")}
    __getattr__, __dir__ = namespace(__name__, _HOMES, _HOMES)

__all__ = ["digits", "mnist"]
