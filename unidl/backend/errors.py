"""Errors of the backend layer."""


class BackendError(ImportError):
    """A backend that is unknown, not installed or cannot be loaded."""


class UnknownBackendError(BackendError, ValueError):
    """A name that is no backend's."""


class UnsupportedError(NotImplementedError):
    """A function that one backend cannot offer."""


class UnsupportedDtypeError(UnsupportedError, TypeError):
    """A dtype that one backend does not have."""


class ForeignTensorError(TypeError):
    """A call that got tensors of two backends, or of another one than its model's."""
