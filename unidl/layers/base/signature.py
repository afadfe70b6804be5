"""What a layer's `call` and `build` accept, read once for each class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast


class CallSignature:
    """
    Attributes:
        names: parameters of `call` in order, without self.
        takes_nothing: whether `call` has no parameter of any kind.
        mask_of: for each tensor parameter the parameter that takes its mask: "mask" for the first,
            "<name>_mask" else.
        masks: the parameters that take masks.
        has_training: whether `call` takes `training`.
        shapes_of_build, required_shapes: parameters of `build`, and those without a default.
        shapes_of_rule: parameters of `compute_output_shape`.
    """

    def __init__(self, cls: Any) -> None:
        parameters = _without_self(cls.call)
        self.names = [
            n for n, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        self.takes_nothing = not parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self.has_training = "training" in self.names
        self.takes_any = takes_any
        self.mask_of = {n: f"{n}_mask" for n in self.names if f"{n}_mask" in self.names}
        if "mask" in self.names and self.names[0] not in self.mask_of:
            self.mask_of[self.names[0]] = "mask"
        self.masks = frozenset(self.mask_of.values())
        of_build = _without_self(cls.build)
        self.shapes_of_build = list(of_build)
        self.required_shapes = [n for n, p in of_build.items() if p.default is p.empty]
        self.shapes_of_rule = list(_without_self(cls.compute_output_shape))


def _without_self(method: Any) -> Any:
    """The parameters of a method but the first, whatever it is called."""
    return dict(list(inspect.signature(method).parameters.items())[1:])


F = TypeVar("F", bound=Callable[..., Any])


def _cached(function: F) -> F:
    """`functools.cache`, with the function's own signature: mypy holds classes for unhashable."""
    return cast(F, cache(function))


@_cached
def call_signature(cls: Any) -> CallSignature:
    return CallSignature(cls)
