"""Values on the host, for results whose shape depends on values."""

from __future__ import annotations

from typing import Any

from unidl.ops.dispatch import tensor_of
from unidl.tracing.capture.symbol import NotCapturable
from unidl.typing import TensorLike


def host_value(name: str, x: TensorLike, instead: Any) -> Any:
    """`x` as np.ndarray. Where it has no value (in a compiled function, or symbolic), an error that
    says what to do `instead`."""
    backend, x = tensor_of(x)
    try:
        return backend.to_numpy(backend.stop_gradient(x))
    except NotCapturable:
        raise  # the function runs as plain Python then, where there are values
    except (TypeError, AttributeError, NotImplementedError) as error:
        raise TypeError(
            f"{name}: the result's shape depends on values, and tensors have no values in a "
            f"compiled function or a functional model. {instead} Or run eagerly: "
            "compile(run_eagerly=True)."
        ) from error
