"""SpectralNormalization: a layer's kernel kept at spectral norm 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from unidl import initializers, ops
from unidl.layers.base.input_spec import InputSpec
from unidl.layers.base.options import LayerOptions
from unidl.layers.base.validate import positive_int
from unidl.layers.core.simple_layers import Wrapper
from unidl.typing import TensorLike

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from unidl.layers.base.layer import Layer


class SpectralNormalization(Wrapper):
    """Divides the kernel of `layer` by an estimate of its spectral norm at each call in training
    (Miyato et al., arXiv:1802.05957).

    The kernel as a matrix W (-1, channels) and the vector u (1, channels) that is kept between
    calls: v = u @ W^T / |u @ W^T|, u = v @ W / |v @ W|, kernel = kernel / (v @ W @ u^T). The kernel
    itself is assigned the quotient, and gradients are those of the quotient. A kernel of zeros is
    left unchanged.

    Args:
        layer: has a weight `kernel` or `embeddings`.
        power_iterations: how often v and u are computed at each call.

    Weights: the kernel, vector_u (1, channels), which is not trained, then the others of `layer`.

    Examples:
        >>> dense = unidl.layers.Dense(3, kernel_initializer="ones")
        >>> layer = unidl.layers.SpectralNormalization(dense)
        >>> x = np.ones((1, 3))
        >>> layer(x)
        array([[3., 3., 3.]], dtype=float32)
        >>> layer(x, training=True)  # the kernel, of norm 3, has been divided
        array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(
        self, layer: Layer, power_iterations: int = 1, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = positive_int(self, "power_iterations", power_iterations)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        self._weight = next(
            (name for name in ("kernel", "embeddings") if hasattr(self.layer, name)), None
        )
        if self._weight is None:
            raise ValueError(
                f"{self._who()}: the layer {self.layer.name!r} has no weight named 'kernel' or "
                "'embeddings' to normalize."
            )
        self.kernel = getattr(self.layer, self._weight)
        start = initializers.TruncatedNormal(stddev=0.02)
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]),
            start,
            dtype=self.kernel.dtype,
            trainable=False,
            name="vector_u",
        )

    def call(self, inputs: TensorLike, training: bool | None = False) -> Any:
        if not training:
            return self.layer(inputs)
        kernel = self.kernel.value
        u, normalized = self._normalized(ops.stop_gradient(kernel))
        # The quotient by value, the kernel by gradient.
        with _lent(
            self.layer,
            self._weight,
            ops.add(kernel, ops.stop_gradient(ops.subtract(normalized, kernel))),
        ):
            outputs = self.layer(inputs)
        self._update(self.vector_u, u)
        self._update(self.kernel, normalized)
        return outputs

    def _normalized(self, kernel: TensorLike) -> Any:
        """(next u, quotient)."""
        matrix = ops.reshape(kernel, (-1, self.kernel.shape[-1]))
        u = before = self.vector_u.value
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(matrix)))
            u = ops.normalize(ops.matmul(v, matrix))
        sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))
        zero = ops.all(ops.equal(kernel, 0))
        sigma = ops.where(zero, ops.ones_like(sigma), sigma)
        return ops.where(zero, before, u), ops.divide(kernel, ops.reshape(sigma, ()))


@contextmanager
def _lent(layer: Any, name: Any, value: Any) -> Iterator[Any]:
    """Inside, the attribute `name` of `layer` is `value`; the layer does not notice."""
    own = getattr(layer, name)
    object.__setattr__(layer, name, value)
    try:
        yield
    finally:
        object.__setattr__(layer, name, own)
