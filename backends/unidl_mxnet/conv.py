"""Convolution and pooling. MXNet's CPU kernels are channels-first, so tensors are transposed on the
way in and out."""

from __future__ import annotations

import math

import numpy as np

from unidl.backend import contract
from unidl.backend.contract.conv import explicit_padding
from unidl_mxnet import layout
from unidl_mxnet.op import op
from unidl_mxnet.transfer import from_numpy


def _before_relu(x):
    """What the traced `x` is the ReLU of; None if it is none."""
    base, axes = getattr(x, "origin", None) or (x, None)
    name, inputs, attrs = getattr(base, "node", None) or (None, None, None)
    if name != "relu" and not (
        name == "LeakyReLU" and attrs["act_type"] == "elu" and attrs.get("slope") == 0.0
    ):
        return None
    return inputs[0] if axes is None else layout.transpose(op, inputs[0], axes)


class Conv(contract.Conv):
    def _channels_first(self, x):
        rank = len(x.shape)
        return self.transpose(x, (0, rank - 1, *range(1, rank - 1)))

    def _channels_last(self, x):
        rank = len(x.shape)
        return self.transpose(x, (0, *range(2, rank), 1))

    def _padded(self, x, pairs, value=0.0):
        """(channels-first `x`, what is left for the kernel to pad): kernels pad alike on both sides
        only."""
        if all(before == after for before, after in pairs) and value == 0.0:
            return x, tuple(before for before, _ in pairs)
        if len(pairs) == 2 and value == 0.0:  # one pass, where `pad` makes two and blocks of zeros
            widths = tuple(n for pair in ((0, 0), (0, 0), *pairs) for n in pair)
            return op("Pad", x, mode="constant", pad_width=widths, constant_value=0.0), (0, 0)
        return self.pad(x, ((0, 0), (0, 0), *pairs), constant_values=value), (0,) * len(pairs)

    def conv(self, x, kernel, strides, padding, dilation, groups=1):
        if self.dtype(x) == "float16":  # no kernel
            y = self.conv(
                self.cast(x, "float32"),
                self.cast(kernel, "float32"),
                strides,
                padding,
                dilation,
                groups,
            )
            return self.cast(y, "float16")
        rank = len(strides)
        window, filters = kernel.shape[:rank], kernel.shape[-1]
        if x.shape[-1] != kernel.shape[-2] * groups:
            raise ValueError(
                f"conv: an input of shape {x.shape} has {x.shape[-1]} channels, but a kernel of "
                f"shape {kernel.shape} "
                f"with groups={groups} takes {kernel.shape[-2] * groups}."
            )
        pairs = explicit_padding(padding, x.shape[1:-1], window, strides, dilation)
        sizes = self._output_sizes(x, window, strides, pairs, dilation)
        if 0 in x.shape or 0 in sizes:
            return self.full((x.shape[0], *sizes, filters), 0, self.dtype(x))
        x, pad = self._padded(self._channels_first(x), pairs)
        weight = self.transpose(kernel, (rank + 1, rank, *range(rank)))
        options = {
            "kernel": window,
            "stride": tuple(strides),
            "dilate": tuple(dilation),
            "pad": pad,
        }
        options |= {"num_filter": filters, "num_group": groups, "no_bias": True}
        return self._channels_last(op("Convolution", x, weight, **options))

    @staticmethod
    def _output_sizes(x, window, strides, pairs, dilation):
        sizes = []
        for n, k, s, (before, after), d in zip(
            x.shape[1:-1], window, strides, pairs, dilation, strict=True
        ):
            size = (n + before + after - (k - 1) * d - 1) // s + 1
            if size < 0 or (size == 0 and n):
                raise ValueError(
                    f"A window of {k} (dilation {d}) does not fit into {n + before + after} "
                    f"elements of an input of shape {x.shape}."
                )
            sizes.append(size)
        return tuple(sizes)

    def conv_transpose(self, x, kernel, strides, dilation, starts, sizes):
        """A product with the kernel and one `col2im`. `Deconvolution` is out of the question: its
        oneDNN gradient fails with "could not execute a primitive" wherever the weights are the
        result of another operator, here a transpose.
        """
        rank = len(strides)
        if rank == 1:  # col2im knows planes only
            x, kernel = self.expand_dims(x, 1), self.expand_dims(kernel, 0)
            return self.squeeze(
                self.conv_transpose(
                    x, kernel, (1, *strides), (1, *dilation), (0, *starts), (1, *sizes)
                ),
                1,
            )
        if rank == 3:
            return super().conv_transpose(x, kernel, strides, dilation, starts, sizes)
        window, (filters, channels) = kernel.shape[:2], kernel.shape[2:]
        if 0 in x.shape:
            return self.full((x.shape[0], *sizes, filters), 0, self.dtype(x))
        full = tuple(
            (n - 1) * s + (k - 1) * d + 1
            for n, s, k, d in zip(x.shape[1:-1], strides, window, dilation, strict=True)
        )
        weight = self.reshape(self.transpose(kernel, (3, 2, 0, 1)), (channels, -1))
        columns = self.matmul(self.reshape(x, (x.shape[0], -1, channels)), weight)
        y = op(
            "col2im",
            self.transpose(columns, (0, 2, 1)),
            output_size=full,
            kernel=window,
            stride=tuple(strides),
            dilate=tuple(dilation),
        )
        y = self.getitem(
            y,
            (
                slice(None),
                slice(None),
                *(slice(a, a + n) for a, n in zip(starts, sizes, strict=True)),
            ),
        )
        short = tuple((0, n - have) for n, have in zip(sizes, y.shape[2:], strict=True))
        return self._channels_last(self.pad(y, ((0, 0), (0, 0), *short)))

    def max_pool(self, x, window, strides, padding):
        pairs = explicit_padding(padding, x.shape[1:-1], window, strides)
        raw = _before_relu(x)
        if raw is not None:
            # The same numbers and gradients, of as many ReLUs as windows instead of as inputs.
            y = self._pool(raw, window, strides, pairs, -math.inf, pool_type="max")
            return self.relu(self._channels_last(y))
        y = self._pool(x, window, strides, pairs, -math.inf, pool_type="max")
        # A window of nothing but -inf comes out as the lowest finite number, twice which is -inf.
        lowest = float(np.finfo(self.dtype(x)).min)
        missing = self.multiply(op("_lesser_equal_scalar", y, scalar=lowest), lowest)
        return self._channels_last(op("_npi_add", y, self.stop_gradient(missing)))

    def avg_pool(self, x, window, strides, padding):
        pairs = explicit_padding(padding, x.shape[1:-1], window, strides)
        y = self._channels_last(
            self._pool(x, window, strides, pairs, 0.0, pool_type="avg", count_include_pad=True)
        )
        if not any(before or after for before, after in pairs):
            return y
        share = np.ones((1,))
        for n, k, s, (before, _), out in zip(
            x.shape[1:-1], window, strides, pairs, y.shape[1:-1], strict=True
        ):
            start = np.arange(out) * s - before
            real = np.minimum(start + k, n) - np.maximum(start, 0)
            share = share[..., None] * (k / real)
        return self.multiply(y, from_numpy(share[..., None].astype(self.dtype(x))))

    def _pool(self, x, window, strides, pairs, value, **options):
        """(n, c, *out)"""
        sizes = self._output_sizes(x, window, strides, pairs, (1,) * len(window))
        if 0 in x.shape or 0 in sizes:
            return self.full((x.shape[0], x.shape[-1], *sizes), 0, self.dtype(x))
        x, pad = self._padded(self._channels_first(x), pairs, value)
        return op("Pooling", x, kernel=tuple(window), stride=tuple(strides), pad=pad, **options)
