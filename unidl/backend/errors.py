"""Errors of the backend layer."""

from __future__ import annotations

from typing import Any


class BackendError(ImportError):
    """A backend that is unknown, not installed or cannot be loaded.

    Examples:
        >>> issubclass(unidl.backend.BackendError, ImportError)
        True
        >>> unidl.backend.get_backend("no such backend")
        Traceback (most recent call last):
            ...
        unidl.backend.errors.UnknownBackendError: There is no backend named...
    """


class UnknownBackendError(BackendError, ValueError):
    """A name that is no backend's."""


class UnsupportedError(NotImplementedError):
    """A function that one backend cannot offer.

    Examples:
        >>> issubclass(unidl.backend.UnsupportedError, NotImplementedError)  # what to catch
        True
    """


class UnsupportedDtypeError(UnsupportedError, TypeError):
    """A dtype that one backend does not have."""


class AroundError(UnsupportedError):
    """A function for `remat` that takes a tensor with a gradient from around it, where the
    framework would lose that gradient."""

    def __init__(self) -> None:
        super().__init__(
            "remat: the function takes a tensor from around it, and this backend would lose its "
            "gradient. Give it as an argument:\n"
            "  wrong:  unidl.remat(lambda x: x * h)(x)\n"
            "  right:  unidl.remat(lambda x, h: x * h)(x, h)"
        )


class ForeignTensorError(TypeError):
    """A call that got tensors of two backends, or of another one than its model's."""


class ArgumentError(Exception):
    """An error about an argument, which the public function that got it puts its name before."""

    function = ""

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.function}: {text}" if self.function else text


class NoTensorError(ArgumentError, TypeError):
    """An argument that is neither a number, an array of numbers nor a tensor."""


class OutOfRangeNumberError(ArgumentError, ValueError, OverflowError):
    """A number that a dtype does not hold: a ValueError, and an OverflowError as Python's own."""


class OutOfRangeError(ValueError, IndexError):
    """An index of an element that is not there: a ValueError as in Keras, and an IndexError as in
    Python."""


class JoinError(RuntimeError):
    """Processes that do not find each other, or that one waited for in vain.

    Examples:
        >>> issubclass(unidl.distribution.JoinError, RuntimeError)
        True
    """

    @classmethod
    def without_launcher(cls, engine: str) -> JoinError:
        """Nobody has told this process about others."""
        return cls(
            f"This process was not started with others ({engine} tells of none). Start the script "
            "by `unidl launch -n 2 script.py`, or give job_addresses, num_processes and process_id."
        )

    @classmethod
    def check(cls, engine: str, found: Any, asked: Any) -> None:
        """An error unless (processes, number) that were asked for are those that were found."""
        for what, there, wanted in zip(("num_processes", "process_id"), found, asked, strict=True):
            if wanted is not None and wanted != there:
                raise cls(f"initialize: {what}={wanted}, but {engine} says {there}.")

    @classmethod
    def of_waiting(cls, number: int | str, what: str, timeout: float) -> JoinError:
        """Others did not come."""
        return cls(
            f"Process {number} waits for the others in {what} in vain, for at most {timeout:g} s. "
            "One of them has ended, hangs, or does something else: look at their output."
        )
