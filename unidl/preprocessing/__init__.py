"""Keras' `preprocessing`, of Keras 2: what unidl has of it stands in `utils` too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.preprocessing import image, sequence
from unidl.utils.namespaces import namespace

__all__ = ["image", "sequence"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
