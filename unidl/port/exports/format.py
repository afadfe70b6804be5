"""A format of exported files. Those of frameworks are in the packages of the backends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from unidl.port.exports.endpoint import Endpoint
from unidl.port.exports.proof import Runtime


class Format(ABC):
    """
    Attributes:
        suffix: with which the path ends; "" for a folder.
        takes_stem: whether the path may also be given without it.
        options: names of the arguments that this format alone takes; they become attributes.
    """

    suffix: ClassVar[str] = ""
    takes_stem: ClassVar[bool] = False
    options: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **options: Any) -> None:
        for name in self.options:
            setattr(self, name, options.get(name))

    @classmethod
    def check(cls, options: dict[str, Any], who: str) -> None:
        """Whether these arguments are known.

        Raises:
            TypeError: one is not.
        """
        unknown = [name for name in options if name not in cls.options]
        if unknown:
            known = ", ".join((*cls.options, "verify"))
            raise TypeError(
                f"{who}: got {unknown[0]}={options[unknown[0]]!r}. Options of this format are "
                f"{known}."
            )

    @abstractmethod
    def write(self, endpoints: list[Endpoint], path: str) -> None:
        """Write the file, or into the folder that is there, at `path`.

        Raises:
            PortError: with all that cannot be written.
        """

    @abstractmethod
    def runtime(self, path: str, endpoint: Endpoint) -> Runtime:
        """What runs `endpoint` of the file, without unidl."""
