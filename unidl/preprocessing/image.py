"""Images in files, still to come: each of Keras' names says what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.utils.namespaces import namespace

__all__: list[str] = []

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
