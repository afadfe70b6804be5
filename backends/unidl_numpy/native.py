"""What a variable holds is the array itself; NumPy's warnings about infinities are off."""

from __future__ import annotations

import numpy as np

from unidl.backend import contract
from unidl_numpy.tape import plain

# glibc takes the largest array that was freed, up to 32 MB, for the measure of what it keeps
# instead of handing it back to the kernel, which clears every page anew: a fifth of the time of a
# step whose arrays have some megabytes. No page of this is used.
np.empty((32 << 20) - (1 << 16), np.uint8)


class Native(contract.Native):
    def devices(self):
        return ["cpu:0"]

    def scope(self):
        """Infinities and NaN are values here as on every backend, not warnings."""
        return np.errstate(all="ignore")

    def copy(self, x):
        return np.array(plain(x))

    def write(self, store, value):
        """Takes `value` over unless it is a view, of which somebody else may hold the whole."""
        value = plain(value)
        return value if value.base is None and value.flags.writeable else value.copy()
