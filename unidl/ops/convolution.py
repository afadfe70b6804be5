"""Convolution and pooling.

Channels last by default: (n, *spatial, c); "channels_first", (n, c, *spatial), is transposed around
the contract's functions. `strides`, `dilation_rate` and `pool_size` are an int, or one for each
spatial axis.
"""

from __future__ import annotations

from typing import Any

from unidl.ops.dispatch import call, call_promoted, explain, op, tensor_of
from unidl.typing import Sizes, Tensor, TensorLike


@op
def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Sizes | None = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Cross-correlation of (n, *spatial, c) with a kernel (*window, c / groups, filters) -> (n,
    *out, filters).

    The number of groups follows from the channels. padding "same": out = ceil(size / stride), the
    odd element after.

    Examples:
        >>> x, kernel = np.arange(5.0).reshape(1, 5, 1), np.ones((2, 1, 1))
        >>> unidl.ops.conv(x, kernel)[0, :, 0]
        array([1., 3., 5., 7.])
        >>> images, kernel = np.ones((1, 8, 8, 3)), np.ones((3, 3, 3, 6))
        >>> unidl.ops.conv(images, kernel, strides=2, padding="same").shape
        (1, 4, 4, 6)
    """

    def last(x: TensorLike, rank: Any) -> Any:
        groups = _groups(x, kernel)
        options = {
            "strides": _each(strides, rank),
            "padding": _padding("conv", padding),
            "dilation": _each(dilation_rate, rank),
        }
        _check_windows("conv", (x, kernel), _shape(kernel)[:-2], options | {"groups": groups})
        return call_promoted("conv", x, kernel, **options, groups=groups)

    return _channels_last(last, inputs, data_format)


def _check_windows(name: str, tensors: Any, window: Any, options: Any) -> None:
    """An error where a window is larger than an input that is not padded, for which frameworks give
    empty tensors or worse."""
    sizes, dilation = _shape(tensors[0])[1:-1], options.get("dilation", (1,) * len(window))
    extents = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=False)]
    if options["padding"] == "valid" and any(
        n is not None and n < k for n, k in zip(sizes, extents, strict=False)
    ):
        error = explain(name, [tensor_of(x)[1] for x in tensors], options)
        if error is not None:
            raise error


def _groups(x: TensorLike, kernel: TensorLike) -> Any:
    channels, each = _shape(x)[-1], _shape(kernel)[-2]
    if channels is None or each in (None, 0) or channels % each:
        return 1
    return channels // each


@op
def depthwise_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Sizes | None = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Each channel with its own filters: (n, *spatial, c), kernel (*window, c, m) -> (n, *out, c *
    m).

    Examples:
        >>> unidl.ops.depthwise_conv(np.ones((1, 8, 8, 3)), np.ones((3, 3, 3, 2))).shape
        (1, 6, 6, 6)
    """

    def last(x: TensorLike, rank: Any) -> Any:
        options = {
            "strides": _each(strides, rank),
            "padding": _padding("depthwise_conv", padding),
            "dilation": _each(dilation_rate, rank),
        }
        _check_windows("depthwise_conv", (x, kernel), _shape(kernel)[:-2], options)
        return call_promoted("depthwise_conv", x, kernel, **options)

    return _channels_last(last, inputs, data_format)


@op
def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Sizes | None = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """`depthwise_conv`, then `conv` with a kernel (1, ..., c * m, filters).

    Examples:
        >>> depthwise, pointwise = np.ones((3, 3, 3, 2)), np.ones((1, 1, 6, 4))
        >>> unidl.ops.separable_conv(np.ones((1, 8, 8, 3)), depthwise, pointwise).shape
        (1, 6, 6, 4)
    """
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, 1, "valid", data_format)


@op
def conv_transpose(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Sizes | None = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """The adjoint of `conv`: (n, *spatial, c), kernel (*window, filters, c) -> (n, *out, filters).

    With k = (window - 1) * dilation + 1, out is (n - 1) * stride + max(k, stride) for "valid" and n
    * stride for "same"; with `output_padding` p, (n - 1) * stride + k + p and (n - 1) * stride + k
      % 2 + p.

    Examples:
        >>> x, kernel = np.array([1.0, 10.0]).reshape(1, 2, 1), np.ones((2, 1, 1))
        >>> unidl.ops.conv_transpose(x, kernel, strides=2)[0, :, 0]
        array([ 1.,  1., 10., 10.])
    """

    def last(x: TensorLike, rank: Any) -> Any:
        window, sizes = _shape(kernel)[:rank], _shape(x)[1 : 1 + rank]
        steps, dilation = _each(strides, rank), _each(dilation_rate, rank)
        extra = (None,) * rank if output_padding is None else _each(output_padding, rank)
        cuts = [
            transposed_cut(n, k, s, d, _padding("conv_transpose", padding), p)
            for n, k, s, d, p in zip(sizes, window, steps, dilation, extra, strict=True)
        ]
        starts, outs = tuple(c[0] for c in cuts), tuple(c[1] for c in cuts)
        return call_promoted(
            "conv_transpose", x, kernel, strides=steps, dilation=dilation, starts=starts, sizes=outs
        )

    return _channels_last(last, inputs, data_format)


def transposed_cut(
    size: Any, window: Any, stride: Any, dilation: Any, padding: Any, output_padding: Any
) -> Any:
    """(start, number) of the elements that a transposed convolution keeps of its full result along
    one axis."""
    extent = (window - 1) * dilation + 1
    if padding == "valid":
        start, out = 0, max(extent, stride) if output_padding is None else extent + output_padding
    else:
        # What is too much is cut off at both ends, the odd element at the end, as "same" pads it
        # there.
        out = stride if output_padding is None else extent % 2 + output_padding
        start = max(0, extent - out) // 2
    return start, None if size is None else (size - 1) * stride + out


@op
def max_pool(
    inputs: TensorLike,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """Largest element of each window: (n, *spatial, c) -> (n, *out, c). Strides are `pool_size` by
    default.

    Examples:
        >>> x = np.array([1.0, 4.0, 2.0, 3.0, 9.0]).reshape(1, 5, 1)
        >>> unidl.ops.max_pool(x, 2)[0, :, 0]  # strides are the window by default
        array([4., 3.])
        >>> unidl.ops.max_pool(x, 2, strides=1)[0, :, 0]
        array([4., 4., 3., 9.])
    """
    return _pool("max_pool", inputs, pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: TensorLike,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """Mean of each window, padding not counted: (n, *spatial, c) -> (n, *out, c). Strides are
    `pool_size` by default.

    Examples:
        >>> x = np.array([1.0, 3.0, 5.0]).reshape(1, 3, 1)
        >>> unidl.ops.average_pool(x, 2, padding="same")[0, :, 0]  # padding does not count
        array([2., 5.])
    """
    return _pool("avg_pool", inputs, pool_size, strides, padding, data_format)


def _pool(
    name: str, inputs: TensorLike, pool_size: Any, strides: Any, padding: Any, data_format: Any
) -> Any:
    def last(x: TensorLike, rank: Any) -> Any:
        window = _each(pool_size, rank)
        steps = window if strides is None else _each(strides, rank)
        options = {"window": window, "strides": steps, "padding": _padding(name, padding)}
        _check_windows(name, (x,), window, options)
        return call(name, x, **options)

    return _channels_last(last, inputs, data_format)


@op
def adaptive_average_pool(
    inputs: TensorLike, output_size: Sizes, data_format: str | None = None
) -> Tensor:
    """Mean over `output_size` nearly equal, possibly overlapping ranges of each spatial axis.

    Examples:
        >>> unidl.ops.adaptive_average_pool(np.arange(6.0).reshape(1, 6, 1), 2)[0, :, 0]
        array([1., 4.])
        >>> unidl.ops.adaptive_average_pool(np.ones((1, 30, 20, 3)), (4, 5)).shape
        (1, 4, 5, 3)
    """
    return _adaptive("mean", inputs, output_size, data_format)


@op
def adaptive_max_pool(
    inputs: TensorLike, output_size: Sizes, data_format: str | None = None
) -> Tensor:
    """Maximum over `output_size` nearly equal, possibly overlapping ranges of each spatial axis.

    Examples:
        >>> unidl.ops.adaptive_max_pool(np.arange(6.0).reshape(1, 6, 1), 2)[0, :, 0]
        array([2., 5.])
    """
    return _adaptive("max", inputs, output_size, data_format)


def _adaptive(name: str, inputs: TensorLike, output_size: Any, data_format: Any) -> Any:
    def last(x: TensorLike, rank: Any) -> Any:
        for axis, count in enumerate(_each(output_size, rank), start=1):
            size = _shape(x)[axis]
            if size is None:
                raise ValueError(
                    f"adaptive pooling: axis {axis} of the shape {_shape(x)} must have a known "
                    "size."
                )
            before = (slice(None),) * axis
            bounds = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
            backend, x = tensor_of(x)
            x = backend.stack(
                [
                    getattr(backend, name)(backend.getitem(x, (*before, slice(a, b))), axis)
                    for a, b in bounds
                ],
                axis,
            )
        return x

    return _channels_last(last, inputs, data_format)


def _channels_last(function: Any, inputs: TensorLike, data_format: Any) -> Any:
    """`function(x, number of spatial axes)` on channels-last `inputs`, transposed there and back if
    they are not."""
    backend, x = tensor_of(inputs)
    rank = len(backend.shape(x)) - 2
    if rank < 1:
        raise ValueError(
            "Convolution and pooling need (n, *spatial, channels), got the shape "
            f"{backend.shape(x)}."
        )
    if data_format is None:
        from unidl.config import image_data_format

        data_format = image_data_format()
    if data_format == "channels_last":
        return function(x, rank)
    if data_format != "channels_first":
        raise ValueError(
            f'data_format must be "channels_last" or "channels_first", got {data_format!r}.'
        )
    y = function(backend.transpose(x, (0, *range(2, rank + 2), 1)), rank)
    return backend.transpose(y, (0, rank + 1, *range(1, rank + 1)))


def _each(value: Any, rank: Any) -> Any:
    """One int for each of `rank` spatial axes."""
    if hasattr(value, "__index__"):
        return (int(value),) * rank
    value = tuple(int(v) for v in value)
    if len(value) not in (1, rank):
        raise ValueError(f"Expected an int or {rank} ints, one for each spatial axis, got {value}.")
    return value * rank if len(value) == 1 else value


def _padding(name: str, padding: Any) -> Any:
    padding = padding.lower() if isinstance(padding, str) else padding
    if padding not in ("valid", "same"):
        raise ValueError(
            f'{name}: padding must be "valid" or "same", got {padding!r}. For other amounts call '
            "pad first."
        )
    return padding


def _shape(x: TensorLike) -> Any:
    backend, x = tensor_of(x)
    return tuple(backend.shape(x))
