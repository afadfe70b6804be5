"""How a module of public names answers: what `dir()` lists, what loads later, what is missing.

A package binds it behind `if not TYPE_CHECKING:`, since a type checker that sees a module's
`__getattr__` takes every misspelt name for a good one.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from opcode import opmap
from typing import Any


def namespace(
    module: str, public: Collection[str], homes: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """(`__getattr__`, `__dir__`) of a module.

    Args:
        module: its `__name__`.
        public: its `__all__`, which is what `dir()` lists.
        homes: {name: the module to take it from on first use}, or a submodule of that name itself.
    """
    places = homes or {}

    def __getattr__(name: str) -> Any:
        if name in places:
            home = import_module(places[name])
            value = home if places[name] == f"{module}.{name}" else getattr(home, name)
            setattr(sys.modules[module], name, value)
            return value
        message = f"module {module!r} has no attribute {name!r}{_advice(module, public, name)}"
        if _is_from_import(sys._getframe(1)):
            raise ImportError(message, name=module)
        # With `obj` Python would add a suggestion of its own, which knows nothing of Keras.
        raise AttributeError(message, name=name, obj=None)

    def __dir__() -> list[str]:
        return sorted(public)

    return __getattr__, __dir__


def _is_from_import(frame: Any) -> bool:
    """Whether a frame stands at `from module import name`, which drops an AttributeError's text."""
    return frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]


def _advice(module: str, public: Collection[str], name: str) -> str:
    """What follows "has no attribute": why Keras' name is missing, else names that look alike."""
    if name.startswith("__"):  # Python and its tools ask for these, and expect to find none
        return ""
    reason = missing_names().get(".".join([*module.split(".")[1:], name]))
    if reason is not None:
        yet = " yet" if reason.startswith("Later") else ""
        return f": Keras' {name} is not in unidl{yet}. {reason}"
    # Here and below: what only errors need costs `import unidl` nothing.
    from unidl.utils.suggestions import did_you_mean

    hint = did_you_mean(name, public, 2)
    return f".{hint}" if hint else ""


@functools.cache
def missing_names() -> dict[str, str]:
    """{"layers.TextVectorization": reason} of what Keras has and unidl has not.

    `make coverage` writes the file.
    """
    import json
    from pathlib import Path

    text = Path(__file__).with_name("missing_names.json").read_text(encoding="utf-8")
    names: dict[str, str] = json.loads(text)
    return names
