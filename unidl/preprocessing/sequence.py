"""Sequences of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.utils import pad_sequences
from unidl.utils.namespaces import namespace

__all__ = ["pad_sequences"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
