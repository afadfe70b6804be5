"""Errors of the backend layer."""


class BackendError(ImportError):
    """A backend that is unknown, not installed or cannot be loaded."""


class UnsupportedError(NotImplementedError):
    """A function that one backend cannot offer."""


class UnsupportedDtypeError(UnsupportedError, TypeError):
    """A dtype that one backend does not have."""
