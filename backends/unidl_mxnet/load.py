"""Import of MXNet 1.9.1 on a NumPy that is younger than it, with no trace left in NumPy.

MXNet reads `np.bool` (removed in NumPy 1.24) while it is imported, and three of its modules read it
again when they are used. For the import the name is put back; those three modules get a view of
NumPy of their own in which it exists.
"""

from __future__ import annotations

import builtins
import ctypes
import importlib.util
import sys
import types
from contextlib import contextmanager

import numpy as np

_READ_NP_BOOL_WHEN_USED = (
    "mxnet.numpy.multiarray",
    "mxnet.ndarray.numpy._op",
    "mxnet.symbol.numpy._symbol",
)


class _NumPyWithBool(types.ModuleType):
    """NumPy as MXNet knew it: every attribute is NumPy's own, and `bool` is there."""

    bool = builtins.bool

    def __getattr__(self, name):
        return getattr(np, name)


@contextmanager
def _thread_count_kept():
    """MXNet halves OpenMP's thread count at its import, for every library in the process; this puts
    it back."""
    if sys.platform != "linux":
        yield
        return
    openmp = ctypes.CDLL("libgomp.so.1")  # the one MXNet links, already loaded or about to be
    count = openmp.omp_get_max_threads()
    try:
        yield
    finally:
        openmp.omp_set_num_threads(count)


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
        raise ImportError(
            "MXNet 1.9.1 imports `distutils`, which this Python has only through setuptools: pip "
            "install setuptools"
        )
    with _thread_count_kept():
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
