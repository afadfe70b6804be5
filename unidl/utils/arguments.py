"""What to write instead of an argument that a function does not take."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from unidl.utils.suggestions import did_you_mean
from unidl.utils.traceback_filtering import shorten

F = TypeVar("F", bound=Callable[..., Any])


def unknown_arguments(given, known) -> str:
    """A sentence on the first of the names `given` that is none of `known`, "" if all are known."""
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known)
            return f"unknown argument {name!r}.{hint} It takes: {', '.join(sorted(known))}."
    return ""


def call_problem(function: Callable[..., Any], error: BaseException, given) -> str:
    """The sentence on an argument `given` that `function` does not take, "" if `error` is no error
    of calling it."""
    if type(error) is not TypeError or not str(error).startswith(f"{function.__qualname__}() got "):
        return ""
    return unknown_arguments(given, list(inspect.signature(function).parameters))


def public_function(function: F) -> F:
    """`function` with a short traceback, whose error on an unknown keyword says what was meant."""

    @functools.wraps(function)
    def called(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            problem = call_problem(function, error, kwargs)
            if problem:
                raise TypeError(f"{function.__name__}(): {problem}") from None
            shorten(error)
            raise

    return cast(F, called)


def public_method(method: F) -> F:
    """`method` with short tracebacks, whose error on an unknown keyword says what was meant."""
    known = [name for name in inspect.signature(method).parameters if name != "self"]

    @functools.wraps(method)
    def called(self, *args, **kwargs):
        try:
            return method(self, *args, **kwargs)
        except BaseException as error:
            # A traceback that ends here: the call itself failed, and nothing inside it.
            if type(error) is TypeError and getattr(error.__traceback__, "tb_next", None) is None:
                problem = unknown_arguments(kwargs, known)
                if problem:
                    raise TypeError(f"{self._who()}: {method.__name__}(): {problem}") from None
            shorten(error)
            raise

    return cast(F, called)
