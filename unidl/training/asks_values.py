"""Losses and metrics of the user's own that ask for a tensor's value are told before they are
compiled, where each framework would say so in words of its own, or run them step by step."""

from __future__ import annotations

from unidl.backend.dtypes import floatx
from unidl.tracing import KerasTensor, graph
from unidl.tracing.feed import KeyFeed
from unidl.tracing.keras_tensor import NoValue
from unidl.utils.naming import is_of_unidl

_SAMPLES = 2


def check(backend, output, target, prediction):
    """An error if a function of `output` (an `Output` of the objective) needs values."""
    functions = [(f"loss {output.loss.name!r}", _function_of(output.loss))] if output.loss else []
    for name, metric in (*output.metrics, *output.weighted_metrics):
        functions.append((f"metric {name!r}", _function_of(metric)))
    for who, function in functions:
        if function is not None and not is_of_unidl(function):
            _try(backend, who, function, target, prediction)


def _function_of(owner):
    """The function (y_true, y_pred) of a loss or metric, None where there is no such."""
    function = getattr(owner, "fn", None) or getattr(owner, "_fn", None)
    if function is None and not is_of_unidl(type(owner)):
        function = getattr(owner, "call", None)
    return function if hasattr(function, "__module__") else None


def _try(backend, who, function, target, prediction):
    specs = [((_SAMPLES, *each.shape[1:]), floatx()) for each in (target, prediction)]
    symbols = [KerasTensor([2 if s is None else s for s in shape], dtype) for shape, dtype in specs]
    try:
        # A run that draws no random numbers from the streams of real ones.
        with graph.paused(), KeyFeed().tracing(lambda i: (0, 0), lambda i: 0.0):
            function(*symbols)
    except NoValue as error:
        if error.of_framework and _can_do(backend, function, symbols):
            return
        raise error.within(f"The {who}") from None
    except Exception:  # noqa: BLE001 - a framework's functions take its own tensors: see the step
        return


def _can_do(backend, function, symbols):
    """Whether the function runs on the framework's own tensors without values."""
    try:
        backend.abstract_call(
            lambda *given: [function(*given)], [(s.shape, s.dtype) for s in symbols]
        )
    except Exception:  # noqa: BLE001 - whatever it is, it is no
        return False
    return True
