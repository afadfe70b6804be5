"""Layers that move windows over one to three axes: convolutions and pooling."""

from __future__ import annotations

from unidl import layers as L
from unidl.conformance.cases.layer_rows import LayerCase, normal, spread


def _convolution():
    x = normal((2, 7, 4))
    yield LayerCase("Conv1D", lambda: L.Conv1D(3, 3), x)
    yield LayerCase("Conv1D, one channel", lambda: L.Conv1D(3, 2), normal((2, 7, 1)))
    yield LayerCase(
        "Conv1D, same, even", lambda: L.Conv1D(3, 4, padding="same", activation="tanh"), x
    )
    yield LayerCase(
        "Conv1D, strides, groups", lambda: L.Conv1D(4, 3, strides=2, padding="same", groups=2), x
    )
    yield LayerCase("Conv1D, causal", lambda: L.Conv1D(3, 3, padding="causal"), x)
    yield LayerCase(
        "Conv1D, causal, dilation",
        lambda: L.Conv1D(3, 2, padding="causal", dilation_rate=3, use_bias=False),
        x,
    )
    yield LayerCase(
        "Conv1D, causal, strides", lambda: L.Conv1D(3, 3, padding="causal", strides=2), x
    )
    yield LayerCase(
        "Conv1D, causal, channels first",
        lambda: L.Conv1D(3, 2, 1, "causal", "channels_first"),
        normal((2, 4, 7)),
    )
    x = normal((2, 4, 5, 4, 2))
    yield LayerCase("Conv3D", lambda: L.Conv3D(3, (2, 3, 1)), x)
    yield LayerCase(
        "Conv3D, strides, same",
        lambda: L.Conv3D(2, 2, strides=(2, 1, 3), padding="same", activation="relu"),
        x,
    )
    yield LayerCase(
        "Conv3D, groups, channels first",
        lambda: L.Conv3D(2, 2, 1, "same", "channels_first", 1, 2),
        normal((1, 2, 3, 4, 3)),
    )


def _transposed():
    x = normal((2, 4, 3))
    for padding in ("valid", "same"):
        yield LayerCase(
            f"Conv1DTranspose, {padding}", lambda p=padding: L.Conv1DTranspose(2, 3, padding=p), x
        )
        yield LayerCase(
            f"Conv1DTranspose, {padding}, strides",
            lambda p=padding: L.Conv1DTranspose(2, 4, strides=3, padding=p),
            x,
        )
        yield LayerCase(
            f"Conv1DTranspose, {padding}, long strides",
            lambda p=padding: L.Conv1DTranspose(2, 2, 3, p),
            x,
        )
        yield LayerCase(
            f"Conv1DTranspose, {padding}, dilation",
            lambda p=padding: L.Conv1DTranspose(2, 2, 1, p, dilation_rate=3),
            x,
        )
        yield LayerCase(
            f"Conv1DTranspose, {padding}, output padding",
            lambda p=padding: L.Conv1DTranspose(2, 3, 3, p, 1),
            x,
        )
    yield LayerCase(
        "Conv1DTranspose, one channel", lambda: L.Conv1DTranspose(2, 3), normal((2, 4, 1))
    )
    x = normal((2, 3, 4, 2))
    yield LayerCase("Conv2DTranspose", lambda: L.Conv2DTranspose(3, (3, 2), activation="tanh"), x)
    yield LayerCase(
        "Conv2DTranspose, strides, same",
        lambda: L.Conv2DTranspose(3, 4, strides=(2, 3), padding="same"),
        x,
    )
    yield LayerCase(
        "Conv2DTranspose, output padding",
        lambda: L.Conv2DTranspose(2, 3, (2, 3), "same", (1, 0), use_bias=False),
        x,
    )
    yield LayerCase(
        "Conv2DTranspose, channels first",
        lambda: L.Conv2DTranspose(2, 3, 2, data_format="channels_first"),
        normal((1, 2, 3, 4)),
    )
    x = normal((1, 2, 3, 2, 2))
    yield LayerCase("Conv3DTranspose", lambda: L.Conv3DTranspose(2, 2), x)
    yield LayerCase("Conv3DTranspose, strides, same", lambda: L.Conv3DTranspose(2, 3, 2, "same"), x)
    yield LayerCase(
        "Conv3DTranspose, output padding",
        lambda: L.Conv3DTranspose(2, 2, (2, 1, 3), "valid", None, (1, 0, 2)),
        x,
    )


def _depthwise():
    x = normal((2, 6, 3))
    yield LayerCase("DepthwiseConv1D", lambda: L.DepthwiseConv1D(3), x)
    yield LayerCase(
        "DepthwiseConv1D, two each, same",
        lambda: L.DepthwiseConv1D(2, 2, "same", 2, activation="tanh"),
        x,
    )
    yield LayerCase(
        "DepthwiseConv1D, dilation",
        lambda: L.DepthwiseConv1D(2, dilation_rate=2, use_bias=False),
        x,
    )
    yield LayerCase("SeparableConv1D", lambda: L.SeparableConv1D(4, 3), x)
    yield LayerCase(
        "SeparableConv1D, strides, two each",
        lambda: L.SeparableConv1D(2, 3, 2, "same", depth_multiplier=2),
        x,
    )
    yield LayerCase(
        "SeparableConv1D, dilation",
        lambda: L.SeparableConv1D(2, 2, dilation_rate=3, use_bias=False),
        x,
    )
    x = normal((2, 5, 6, 3))
    yield LayerCase("DepthwiseConv2D", lambda: L.DepthwiseConv2D((3, 2)), x)
    yield LayerCase(
        "DepthwiseConv2D, two each, strides", lambda: L.DepthwiseConv2D(3, 2, "same", 2), x
    )
    yield LayerCase(
        "DepthwiseConv2D, dilation, same",
        lambda: L.DepthwiseConv2D(2, 1, "same", dilation_rate=2),
        x,
    )
    yield LayerCase("SeparableConv2D", lambda: L.SeparableConv2D(4, (2, 3), activation="relu"), x)
    yield LayerCase(
        "SeparableConv2D, strides, two each",
        lambda: L.SeparableConv2D(2, 2, 2, "same", depth_multiplier=2),
        x,
    )
    yield LayerCase(
        "SeparableConv2D, dilation",
        lambda: L.SeparableConv2D(2, 2, dilation_rate=2, use_bias=False),
        x,
    )
    first = {"data_format": "channels_first"}
    yield LayerCase(
        "DepthwiseConv2D, channels first",
        lambda: L.DepthwiseConv2D(2, depth_multiplier=2, **first),
        normal((1, 2, 3, 4)),
    )
    yield LayerCase(
        "SeparableConv2D, channels first",
        lambda: L.SeparableConv2D(3, 2, **first),
        normal((1, 2, 3, 4)),
    )


def _pooling():
    line, volume = spread(2, 7, 3), spread(2, 4, 5, 3, 2)
    for kind in ("Max", "Average"):
        one, three = getattr(L, f"{kind}Pooling1D"), getattr(L, f"{kind}Pooling3D")
        yield LayerCase(f"{kind}Pooling1D", lambda c=one: c(2), line)
        yield LayerCase(f"{kind}Pooling1D, same", lambda c=one: c(3, 2, "same"), line)
        yield LayerCase(
            f"{kind}Pooling1D, channels first",
            lambda c=one: c(4, 1, "same", "channels_first"),
            spread(1, 3, 6),
        )
        yield LayerCase(f"{kind}Pooling3D", lambda c=three: c(2), volume)
        yield LayerCase(
            f"{kind}Pooling3D, same",
            lambda c=three: c((2, 3, 2), strides=(1, 2, 2), padding="same"),
            volume,
        )
        yield LayerCase(
            f"{kind}Pooling3D, channels first",
            lambda c=three: c(2, 1, "valid", "channels_first"),
            spread(1, 2, 3, 2, 3),
        )
    for kind in ("GlobalMax", "GlobalAverage"):
        for rank in (1, 2, 3):
            cls, shape = getattr(L, f"{kind}Pooling{rank}D"), (2, *range(3, 3 + rank), 2)
            if cls not in (L.GlobalAveragePooling1D, L.GlobalAveragePooling2D):
                yield LayerCase(f"{kind}Pooling{rank}D", lambda c=cls: c(), spread(*shape))
                yield LayerCase(
                    f"{kind}Pooling{rank}D, kept", lambda c=cls: c(keepdims=True), spread(*shape)
                )
                yield LayerCase(
                    f"{kind}Pooling{rank}D, channels first",
                    lambda c=cls: c("channels_first"),
                    spread(*shape),
                )


def _adaptive():
    for kind in ("AdaptiveAverage", "AdaptiveMax"):
        one, two, three = (getattr(L, f"{kind}Pooling{rank}D") for rank in (1, 2, 3))
        yield LayerCase(f"{kind}Pooling1D", lambda c=one: c(3), spread(2, 7, 2))
        yield LayerCase(f"{kind}Pooling1D, to one", lambda c=one: c(1), spread(1, 4, 2))
        yield LayerCase(
            f"{kind}Pooling1D, larger, channels first",
            lambda c=one: c((5,), "channels_first"),
            spread(2, 2, 3),
        )
        yield LayerCase(f"{kind}Pooling2D", lambda c=two: c(2), spread(2, 5, 4, 2))
        yield LayerCase(f"{kind}Pooling2D, axes", lambda c=two: c((3, 2)), spread(2, 3, 5, 2))
        yield LayerCase(
            f"{kind}Pooling2D, channels first",
            lambda c=two: c((2, 3), "channels_first"),
            spread(1, 2, 3, 4),
        )
        yield LayerCase(f"{kind}Pooling2D, empty batch", lambda c=two: c(2), normal((0, 3, 4, 2)))
        yield LayerCase(f"{kind}Pooling3D", lambda c=three: c(2), spread(1, 3, 2, 5, 2))
        yield LayerCase(
            f"{kind}Pooling3D, axes", lambda c=three: c((1, 2, 3)), spread(2, 2, 3, 4, 1)
        )
        yield LayerCase(
            f"{kind}Pooling3D, channels first",
            lambda c=three: c((2, 1, 2), "channels_first"),
            spread(1, 2, 3, 2, 3),
        )


FAMILIES = (_adaptive, _convolution, _transposed, _depthwise, _pooling)
