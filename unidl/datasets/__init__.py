"""Small real data sets for examples and tests: `digits` comes with the package, `mnist` is downloaded once.

Each is a module with one function, `load_data()`, which returns `(x_train, y_train), (x_test, y_test)` as NumPy
arrays. The modules load on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unidl.datasets import digits, mnist

__all__ = ["digits", "mnist"]


def __getattr__(name):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"unidl.datasets has no data set {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return [*globals(), *__all__]
