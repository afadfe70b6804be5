"""All cases of wrong use: each module of this folder has a list `CASES`."""

from __future__ import annotations

import importlib
import pkgutil

ALL_CASES = [
    case
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name)
    for case in importlib.import_module(f"{__name__}.{module.name}").CASES
]
