"""Models: Sequential, the functional Model, summaries, copies."""

from unidl.models.cloning import clone_model, model_from_json
from unidl.models.model import Functional, Model
from unidl.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "model_from_json"]
