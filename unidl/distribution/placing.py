"""Where variables lie: split as the active distribution says, or like another one."""

from __future__ import annotations

import re
import warnings
from typing import Any

from unidl.backend.errors import UnsupportedError
from unidl.backend.variable import Variable, put_store, stores_of
from unidl.distribution.active import distribution
from unidl.distribution.distributions import ModelParallel
from unidl.distribution.splits import Split
from unidl.utils.traceback_filtering import user_stacklevel


def place(variable: Variable) -> None:
    """Split a new variable if the active distribution has a layout for it. Where it lies on all
    devices at once, it may also be laid out anew."""
    active = distribution()
    # A variable of another backend is told about by whoever trains it.
    if not isinstance(active, ModelParallel) or active.engine is not variable.backend:
        return
    layout, split = active.get_variable_layout(variable), variable.split
    if split is None or (active.spans_devices and not split.is_by(layout)):
        _place(variable, Split(variable.path, variable.shape, layout))


def place_like(slot: Variable, variable: Variable) -> None:
    """Split what is kept for `variable` as that is split, if it has its shape."""
    split = variable.split
    if split is not None and slot.split is not split and slot.shape == variable.shape:
        _place(slot, variable.split)


def _place(variable: Variable, split: Split) -> None:
    if split.is_whole or 0 in split.shape:
        return
    if variable.backend.spans_devices:
        with variable.backend.scope():
            put_store(variable, variable.backend.spread(stores_of((variable,))[0], split))
        variable.split = split
    else:
        variable.hold_part(split)


def is_split(model: Any) -> bool:
    """Whether this process holds only parts of the weights of `model`."""
    return any(variable.held is not variable for variable in model._device_variables)


def place_model(model: Any, optimizers: list[Any]) -> None:
    """Split what was made before the distribution was set, and warn of keys without a weight."""
    active = distribution()
    if not isinstance(active, ModelParallel):
        return
    variables = model._device_variables
    for variable in variables:
        place(variable)
    for optimizer in optimizers:
        optimizer.place_slots()
    if is_split(model) and getattr(model, "jit_compile", False):
        raise UnsupportedError(
            f"{model._who()}: jit_compile=True cannot put weights together that are split over "
            "processes. Leave it out; steps are compiled without it, too."
        )
    paths = [variable.path for variable in variables]
    idle = [key for key in active.layout_map if not any(re.fullmatch(key, path) for path in paths)]
    if idle:
        warnings.warn(
            f"{model._who()}: no weight is called like {idle[0]!r}, a key of the LayoutMap, which "
            f"has to match a whole path, such as {paths[0] if paths else 'dense/kernel'!r}.",
            stacklevel=user_stacklevel(),
        )
