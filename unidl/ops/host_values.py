"""Values on the host, for results whose shape depends on values."""

from __future__ import annotations

from unidl.ops.dispatch import tensor_of


def host_value(name, x, instead):
    """`x` as np.ndarray. Where it has no value (in a compiled function, or symbolic), an error that says what to do `instead`."""
    backend, x = tensor_of(x)
    try:
        return backend.to_numpy(backend.stop_gradient(x))
    except Exception as error:
        raise TypeError(
            f"{name}: the result's shape depends on values, which a tensor has neither in a compiled function nor in a functional model. "
            f"{instead} Or run eagerly: compile(run_eagerly=True)."
        ) from error
