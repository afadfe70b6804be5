"""Models: Sequential, the functional Model, summaries."""

from unidl.models.model import Functional, Model
from unidl.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
