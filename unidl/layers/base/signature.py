"""What a layer's `call` and `build` accept, read once for each class."""

from __future__ import annotations

import inspect
from functools import cache


class CallSignature:
    """
    Attributes:
        names: parameters of `call` in order, without self.
        mask_of: for each tensor parameter the parameter that takes its mask: "mask" for the first, "<name>_mask" else.
        masks: the parameters that take masks.
        has_training: whether `call` takes `training`.
        shapes_of_build, required_shapes: parameters of `build`, and those without a default.
    """

    def __init__(self, cls):
        parameters = inspect.signature(cls.call).parameters
        self.names = [
            n
            for n, p in parameters.items()
            if n != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self.has_training = "training" in self.names
        self.takes_any = takes_any
        self.mask_of = {n: f"{n}_mask" for n in self.names if f"{n}_mask" in self.names}
        if "mask" in self.names and self.names[0] not in self.mask_of:
            self.mask_of[self.names[0]] = "mask"
        self.masks = frozenset(self.mask_of.values())
        of_build = {n: p for n, p in inspect.signature(cls.build).parameters.items() if n != "self"}
        self.shapes_of_build = list(of_build)
        self.required_shapes = [n for n, p in of_build.items() if p.default is p.empty]


@cache
def call_signature(cls) -> CallSignature:
    return CallSignature(cls)


@cache
def constructor_arguments(cls) -> dict[str, object]:
    """Names and defaults of all arguments that the constructors of `cls` and its bases take, own ones first."""
    arguments: dict[str, object] = {}
    for base in cls.__mro__:
        if "__init__" in vars(base) and base is not object:
            for name, parameter in inspect.signature(base.__init__).parameters.items():
                if name != "self" and parameter.kind not in (
                    parameter.VAR_POSITIONAL,
                    parameter.VAR_KEYWORD,
                ):
                    arguments.setdefault(name, parameter.default)
    return arguments
