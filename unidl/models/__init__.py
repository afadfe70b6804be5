"""Models: Sequential, the functional Model, summaries, copies, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.models.cloning import clone_model, model_from_json
from unidl.models.model import Functional, Model
from unidl.models.sequential import Sequential
from unidl.saving.model_files import load_model, save_model
from unidl.utils.namespaces import namespace

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
