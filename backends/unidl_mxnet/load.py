"""Import of MXNet 1.9.1 on a NumPy that is younger than it, with no trace left in NumPy.

MXNet reads `np.bool` (removed in NumPy 1.24) while it is imported, and three of its modules read it again when they are
used. For the import the name is put back; those three modules get a view of NumPy of their own in which it exists.
"""

from __future__ import annotations

import builtins
import importlib.util
import sys
import types

import numpy as np

_READ_NP_BOOL_WHEN_USED = ("mxnet.numpy.multiarray", "mxnet.ndarray.numpy._op", "mxnet.symbol.numpy._symbol")


class _NumPyWithBool(types.ModuleType):
    """NumPy as MXNet knew it: every attribute is NumPy's own, and `bool` is there."""

    bool = builtins.bool

    def __getattr__(self, name):
        return getattr(np, name)


def load_mxnet():
    """The module `mxnet`."""
    if "mxnet" in sys.modules:
        return sys.modules["mxnet"]
    if int(np.__version__.partition(".")[0]) >= 2:
        raise ImportError(
            f"MXNet 1.9.1 cannot run on NumPy {np.__version__}: it needs numpy<2. "
            "Install both together: pip install 'mxnet==1.9.1' 'numpy<2' setuptools"
        )
    if importlib.util.find_spec("distutils") is None:
        raise ImportError("MXNet 1.9.1 imports `distutils`, which this Python has only through setuptools: pip install setuptools")
    if "bool" in np.__dict__:
        return importlib.import_module("mxnet")
    np.bool = builtins.bool
    try:
        mxnet = importlib.import_module("mxnet")
    finally:
        del np.bool
    for name in _READ_NP_BOOL_WHEN_USED:
        sys.modules[name]._np = _NumPyWithBool("numpy")
    return mxnet


mx = load_mxnet()
