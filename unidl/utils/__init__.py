"""Helpers for users' scripts."""

from unidl.utils.normalize import normalize
from unidl.utils.random_seed import set_random_seed
from unidl.utils.session import clear_session
from unidl.utils.to_categorical import to_categorical

__all__ = ["clear_session", "normalize", "set_random_seed", "to_categorical"]
