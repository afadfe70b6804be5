"""Layers that pad, cut, resize, repeat, join or disturb what they get, activations with arguments,
further normalizations."""

from __future__ import annotations

import numpy as np

from unidl import activations, initializers
from unidl import layers as L
from unidl.conformance.cases.layer_rows import (
    LayerCase,
    integers,
    normal,
    normal_list,
    rows,
    spread,
)

TRAIN = {"training": True}


def _edges():
    line, image, volume = normal((2, 5, 3)), normal((2, 4, 5, 2)), normal((1, 4, 3, 5, 2))
    yield LayerCase("ZeroPadding1D", lambda: L.ZeroPadding1D(), line)
    yield LayerCase("ZeroPadding1D, sides", lambda: L.ZeroPadding1D((0, 2)), line)
    yield LayerCase(
        "ZeroPadding1D, channels first", lambda: L.ZeroPadding1D((2, 1), "channels_first"), line
    )
    yield LayerCase("ZeroPadding2D", lambda: L.ZeroPadding2D(2), image)
    yield LayerCase("ZeroPadding2D, axes", lambda: L.ZeroPadding2D((0, 2)), image)
    yield LayerCase(
        "ZeroPadding2D, sides, channels first",
        lambda: L.ZeroPadding2D(((0, 1), (2, 0)), "channels_first"),
        image,
    )
    yield LayerCase("ZeroPadding3D", lambda: L.ZeroPadding3D(), volume)
    yield LayerCase("ZeroPadding3D, axes", lambda: L.ZeroPadding3D((0, 1, 2)), volume)
    yield LayerCase(
        "ZeroPadding3D, sides",
        lambda: L.ZeroPadding3D(((0, 1), (2, 0), (0, 0)), "channels_first"),
        normal((1, 2, 2, 1, 3)),
    )
    yield LayerCase("Cropping1D", lambda: L.Cropping1D(), line)
    yield LayerCase("Cropping1D, one side", lambda: L.Cropping1D((0, 4)), line)
    yield LayerCase("Cropping1D, nothing", lambda: L.Cropping1D(0), line)
    yield LayerCase("Cropping2D", lambda: L.Cropping2D(1), image)
    yield LayerCase("Cropping2D, sides", lambda: L.Cropping2D(((0, 1), (4, 0))), image)
    yield LayerCase(
        "Cropping2D, nothing, channels first",
        lambda: L.Cropping2D(data_format="channels_first"),
        image,
    )
    yield LayerCase("Cropping3D", lambda: L.Cropping3D(), volume)
    yield LayerCase("Cropping3D, sides", lambda: L.Cropping3D(((0, 1), (2, 0), (0, 0))), volume)
    yield LayerCase(
        "Cropping3D, channels first", lambda: L.Cropping3D((0, 1, 0), "channels_first"), volume
    )


def _repetition():
    image = normal((2, 3, 4, 2))
    yield LayerCase("UpSampling1D", lambda: L.UpSampling1D(), normal((2, 3, 2)))
    yield LayerCase("UpSampling1D, three", lambda: L.UpSampling1D(3), normal((2, 3, 2)))
    yield LayerCase("UpSampling1D, once", lambda: L.UpSampling1D(1), normal((1, 1, 2)))
    yield LayerCase("UpSampling2D", lambda: L.UpSampling2D(), image)
    yield LayerCase(
        "UpSampling2D, axes, channels first",
        lambda: L.UpSampling2D((1, 3), "channels_first"),
        image,
    )
    yield LayerCase(
        "UpSampling2D, bilinear", lambda: L.UpSampling2D((2, 3), interpolation="bilinear"), image
    )
    yield LayerCase(
        "UpSampling2D, bilinear, channels first",
        lambda: L.UpSampling2D(2, "channels_first", "bilinear"),
        image,
    )
    yield LayerCase(
        "UpSampling2D, bicubic", lambda: L.UpSampling2D((3, 2), interpolation="bicubic"), image
    )
    yield LayerCase("UpSampling3D", lambda: L.UpSampling3D(), normal((1, 2, 3, 1, 2)))
    yield LayerCase(
        "UpSampling3D, axes", lambda: L.UpSampling3D((1, 2, 3)), normal((2, 2, 1, 2, 2))
    )
    yield LayerCase(
        "UpSampling3D, channels first",
        lambda: L.UpSampling3D((2, 1, 3), "channels_first"),
        normal((1, 2, 2, 1, 2)),
    )
    yield LayerCase("Permute", lambda: L.Permute((2, 1)), normal((2, 3, 4)))
    yield LayerCase("Permute, three", lambda: L.Permute((3, 1, 2)), normal((2, 3, 4, 5)))
    yield LayerCase("Permute, one", lambda: L.Permute((1,)), normal((2, 3)))
    yield LayerCase("RepeatVector", lambda: L.RepeatVector(3), normal((2, 4)))
    yield LayerCase("RepeatVector, once", lambda: L.RepeatVector(1), normal((2, 4)))
    yield LayerCase("RepeatVector, empty batch", lambda: L.RepeatVector(2), normal((0, 4)))


def _merging():
    for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
        cls = getattr(L, name)
        if name != "Add":
            yield LayerCase(name, lambda c=cls: c(), normal_list((2, 3), (2, 3)))
            yield LayerCase(
                f"{name}, broadcast", lambda c=cls: c(), normal_list((2, 3, 1), (2, 1, 4))
            )
        yield LayerCase(f"{name}, other rank", lambda c=cls: c(), normal_list((2, 4), (2, 3, 4)))
        if name not in ("Add", "Subtract"):
            yield LayerCase(
                f"{name}, three", lambda c=cls: c(), normal_list((2, 3), (2, 3), (2, 3))
            )
    yield LayerCase("Dot", lambda: L.Dot(1), normal_list((3, 4), (3, 4)))
    yield LayerCase("Dot, cosine", lambda: L.Dot(-1, normalize=True), normal_list((3, 4), (3, 4)))
    yield LayerCase("Dot, matrices", lambda: L.Dot((1, 2)), normal_list((2, 3, 5), (2, 4, 3)))
    yield LayerCase(
        "Dot, last axes, cosine",
        lambda: L.Dot(2, normalize=True),
        normal_list((2, 3, 4), (2, 5, 4)),
    )
    yield LayerCase("Dot, vector", lambda: L.Dot((1, 2)), normal_list((2, 3), (2, 4, 3)))
    yield LayerCase("Dot, four axes", lambda: L.Dot((2, 1)), normal_list((2, 3, 4, 2), (2, 4, 3)))


def _activations():
    x = spread(3, 2, 4)
    yield LayerCase("LeakyReLU", lambda: L.LeakyReLU(), x)
    yield LayerCase("LeakyReLU, quarter", lambda: L.LeakyReLU(0.25), x)
    yield LayerCase("LeakyReLU, none", lambda: L.LeakyReLU(0.0), x)
    yield LayerCase("LeakyReLU, steep", lambda: L.LeakyReLU(negative_slope=1.5), x)
    yield LayerCase("ELU", lambda: L.ELU(), x)
    yield LayerCase("ELU, alpha", lambda: L.ELU(alpha=0.5), x)
    yield LayerCase("ELU, empty batch", lambda: L.ELU(2.0), normal((0, 3)))
    yield LayerCase("PReLU", lambda: L.PReLU(), x)
    yield LayerCase(
        "PReLU, shared", lambda: L.PReLU(initializers.Constant(0.25), shared_axes=[1]), x
    )
    yield LayerCase("PReLU, one for all", lambda: L.PReLU(shared_axes=[1, 2]), x)


def _small():
    steps = np.array([[[1.0, 0.0], [0.0, 0.0], [2.0, -1.0]], [[0.0, 0.0], [0.0, 3.0], [0.0, 0.0]]])
    yield LayerCase("Identity", lambda: L.Identity(), normal((2, 3)))
    yield LayerCase("Identity, scalars", lambda: L.Identity(), normal((2,)))
    yield LayerCase("Identity, empty batch", lambda: L.Identity(), normal((0, 3)))
    yield LayerCase("Masking", lambda: L.Masking(), lambda g: (steps,))
    yield LayerCase(
        "Masking, other value", lambda: L.Masking(mask_value=-1.0), lambda g: (steps - 1,)
    )
    yield LayerCase("Masking, empty batch", lambda: L.Masking(), normal((0, 3, 2)))
    yield LayerCase("Rescaling", lambda: L.Rescaling(1 / 4, offset=-0.5), normal((2, 3)))
    yield LayerCase(
        "Rescaling, each channel", lambda: L.Rescaling([2.0, 0.5], [0.0, 1.0]), normal((2, 3, 2))
    )
    yield LayerCase("Rescaling, empty batch", lambda: L.Rescaling(1 / 256), normal((0, 3)))
    yield LayerCase("Lambda", lambda: L.Lambda(activations.tanh), normal((2, 3)))
    yield LayerCase(
        "Lambda, arguments",
        lambda: L.Lambda(activations.softmax, arguments={"axis": 1}),
        normal((2, 3, 4)),
    )
    yield LayerCase(
        "Lambda, output shape", lambda: L.Lambda(activations.relu, output_shape=(3,)), spread(2, 3)
    )


def _noise():
    image, first = normal((6, 2, 3, 4)), {"data_format": "channels_first"}
    yield LayerCase(
        "SpatialDropout1D",
        lambda: L.SpatialDropout1D(0.4, seed=1),
        normal((6, 3, 4)),
        TRAIN,
        random=True,
    )
    yield LayerCase(
        "SpatialDropout2D", lambda: L.SpatialDropout2D(0.4, seed=1), image, TRAIN, random=True
    )
    yield LayerCase(
        "SpatialDropout2D, channels first",
        lambda: L.SpatialDropout2D(0.4, seed=1, **first),
        image,
        TRAIN,
        random=True,
    )
    yield LayerCase(
        "SpatialDropout3D",
        lambda: L.SpatialDropout3D(0.4, seed=1),
        normal((6, 2, 2, 1, 4)),
        TRAIN,
        random=True,
    )
    yield LayerCase(
        "SpatialDropout1D, all", lambda: L.SpatialDropout1D(1.0), normal((2, 3, 4)), TRAIN
    )
    yield LayerCase(
        "SpatialDropout3D, inference", lambda: L.SpatialDropout3D(0.3), normal((1, 2, 2, 1, 4))
    )
    yield LayerCase(
        "SpatialDropout3D, all", lambda: L.SpatialDropout3D(1.0), normal((2, 2, 2, 1, 4)), TRAIN
    )
    yield LayerCase(
        "GaussianNoise", lambda: L.GaussianNoise(0.5, seed=1), normal((5, 4)), TRAIN, random=True
    )
    yield LayerCase("GaussianNoise, none", lambda: L.GaussianNoise(0.0), normal((5, 4)), TRAIN)
    yield LayerCase(
        "GaussianDropout",
        lambda: L.GaussianDropout(0.4, seed=1),
        normal((5, 4)),
        TRAIN,
        random=True,
    )
    yield LayerCase("GaussianDropout, none", lambda: L.GaussianDropout(0), normal((5, 4)), TRAIN)
    yield LayerCase(
        "AlphaDropout", lambda: L.AlphaDropout(0.4, seed=1), normal((5, 4)), TRAIN, random=True
    )
    yield LayerCase(
        "AlphaDropout, noise shape",
        lambda: L.AlphaDropout(0.4, (None, 1), seed=1),
        normal((5, 4)),
        TRAIN,
        random=True,
    )
    for name in ("SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout"):
        yield LayerCase(f"{name}, inference", lambda n=name: getattr(L, n)(0.3), normal((2, 3, 4)))
    yield LayerCase(
        "SpatialDropout2D, inference", lambda: L.SpatialDropout2D(0.3), normal((2, 3, 1, 4))
    )
    yield LayerCase(
        "ActivityRegularization", lambda: L.ActivityRegularization(0.5, 0.25), normal((2, 3))
    )
    yield LayerCase(
        "ActivityRegularization, l1", lambda: L.ActivityRegularization(l1=0.5), normal((2, 3, 2))
    )
    yield LayerCase(
        "ActivityRegularization, none", lambda: L.ActivityRegularization(), normal((0, 3))
    )


def _normalization():
    image = normal((2, 3, 2, 4))
    yield LayerCase("GroupNormalization", lambda: L.GroupNormalization(2), image)
    yield LayerCase(
        "GroupNormalization, axis 1", lambda: L.GroupNormalization(3, axis=1, epsilon=0.25), image
    )
    yield LayerCase(
        "GroupNormalization, instances", lambda: L.GroupNormalization(-1, center=False), image
    )
    yield LayerCase(
        "GroupNormalization, one, no scale",
        lambda: L.GroupNormalization(1, scale=False),
        normal((3, 4)),
    )
    yield LayerCase("RMSNormalization", lambda: L.RMSNormalization(), normal((3, 4)))
    yield LayerCase(
        "RMSNormalization, two axes",
        lambda: L.RMSNormalization(axis=(1, 2), epsilon=0.25),
        normal((2, 3, 4)),
    )
    yield LayerCase(
        "RMSNormalization, axis 1", lambda: L.RMSNormalization(axis=[1]), normal((2, 3, 4))
    )
    yield LayerCase("UnitNormalization", lambda: L.UnitNormalization(), normal((3, 4)))
    yield LayerCase(
        "UnitNormalization, two axes", lambda: L.UnitNormalization(axis=[1, 2]), normal((2, 3, 4))
    )
    yield LayerCase(
        "UnitNormalization, axis 1", lambda: L.UnitNormalization(axis=1), normal((2, 3, 4))
    )


def _renormalization():
    def bn(**limits):
        return lambda: L.BatchNormalization(
            renorm=True, renorm_clipping=limits or None, renorm_momentum=0.75, momentum=0.5
        )

    image = normal((4, 2, 3))
    kept = {"positive": ("moving_variance", "moving_stddev", "renorm_stddev")}
    yield LayerCase("BatchNormalization, renorm", bn(), normal((6, 3)), TRAIN, **kept)
    yield LayerCase(
        "BatchNormalization, renorm, clipped",
        bn(rmin=0.75, rmax=1.25, dmax=0.5),
        normal((2, 3, 4, 3)),
        TRAIN,
        **kept,
    )
    yield LayerCase(
        "BatchNormalization, renorm, mask",
        bn(rmax=2.0),
        normal((2, 5, 3)),
        TRAIN | {"mask": rows(3, 5)},
        **kept,
    )
    yield LayerCase("BatchNormalization, renorm, inference", bn(), normal((6, 3)), **kept)
    plain = {"center": False, "scale": False}
    yield LayerCase(
        "BatchNormalization, renorm, neither",
        lambda: L.BatchNormalization(1, renorm=True, **plain),
        image,
        TRAIN,
        **kept,
    )
    yield LayerCase(
        "SpectralNormalization", lambda: L.SpectralNormalization(L.Dense(3)), normal((4, 5)), TRAIN
    )
    yield LayerCase(
        "SpectralNormalization, inference",
        lambda: L.SpectralNormalization(L.Dense(3, use_bias=False)),
        normal((4, 5)),
    )
    yield LayerCase(
        "SpectralNormalization, images",
        lambda: L.SpectralNormalization(L.Conv2D(2, 2), 3),
        normal((2, 4, 3, 2)),
        TRAIN,
    )
    yield LayerCase(
        "SpectralNormalization, one channel",
        lambda: L.SpectralNormalization(L.Dense(1)),
        normal((1, 2)),
        TRAIN,
    )


def _features():
    yield LayerCase(
        "Normalization, numbers",
        lambda: L.Normalization(None, mean=0.5, variance=4.0),
        normal((3, 4)),
    )
    yield LayerCase(
        "Normalization, each channel",
        lambda: L.Normalization(mean=[0.5, 1.0], variance=[4.0, 0.0]),
        normal((3, 2)),
    )
    yield LayerCase(
        "Normalization, inverted",
        lambda: L.Normalization(mean=[0.5, 1.0], variance=[4.0, 2.0], invert=True),
        normal((3, 5, 2)),
    )
    yield LayerCase(
        "Normalization, two axes",
        lambda: L.Normalization((1, -1), mean=[[1.0, 2.0]], variance=[[0.25, 3.0]]),
        normal((3, 1, 4, 2)),
    )
    yield LayerCase(
        "Normalization, by weights",
        lambda: L.Normalization(),
        normal((4, 3)),
        positive=("variance",),
    )
    yield LayerCase(
        "Normalization, empty batch",
        lambda: L.Normalization(1),
        normal((0, 2, 3)),
        positive=("variance",),
    )
    x = integers(5, 3, 4)
    yield LayerCase("ReversibleEmbedding", lambda: L.ReversibleEmbedding(5, 3), x)
    yield LayerCase(
        "ReversibleEmbedding, untied, masked",
        lambda: L.ReversibleEmbedding(5, 3, tie_weights=False, mask_zero=True),
        x,
    )
    back = {"reverse": True}
    yield LayerCase(
        "ReversibleEmbedding, back", lambda: L.ReversibleEmbedding(5, 3), normal((2, 4, 3)), back
    )
    yield LayerCase(
        "ReversibleEmbedding, back, capped",
        lambda: L.ReversibleEmbedding(5, 3, logit_soft_cap=2.0),
        normal((2, 3)),
        back,
    )
    yield LayerCase(
        "ReversibleEmbedding, back, untied",
        lambda: L.ReversibleEmbedding(5, 3, tie_weights=False),
        normal((1, 1, 3)),
        back,
    )


def _resizing():
    image = normal((2, 4, 6, 2))
    yield LayerCase("Resizing", lambda: L.Resizing(3, 5), image)
    yield LayerCase("Resizing, nearest", lambda: L.Resizing(5, 4, "nearest"), image)
    yield LayerCase("Resizing, bicubic", lambda: L.Resizing(7, 3, "bicubic"), image)
    yield LayerCase(
        "Resizing, lanczos3, antialias", lambda: L.Resizing(2, 9, "lanczos3", antialias=True), image
    )
    yield LayerCase("Resizing, lanczos5", lambda: L.Resizing(3, 8, "lanczos5"), image)
    yield LayerCase("Resizing, antialias", lambda: L.Resizing(2, 2, antialias=True), image)
    yield LayerCase(
        "Resizing, bicubic, antialias, channels first",
        lambda: L.Resizing(2, 3, "bicubic", antialias=True, data_format="channels_first"),
        image,
    )
    yield LayerCase(
        "Resizing, cropped",
        lambda: L.Resizing(3, 3, "nearest", crop_to_aspect_ratio=True),
        normal((2, 4, 7, 2)),
    )
    yield LayerCase(
        "Resizing, padded",
        lambda: L.Resizing(4, 3, "nearest", pad_to_aspect_ratio=True, fill_value=0.5),
        normal((1, 3, 6, 2)),
    )
    yield LayerCase("Resizing, one image", lambda: L.Resizing(3, 2, "nearest"), normal((4, 4, 2)))
    yield LayerCase("Resizing, one pixel", lambda: L.Resizing(2, 3), normal((1, 1, 1, 2)))
    yield LayerCase("Resizing, empty batch", lambda: L.Resizing(2, 3), normal((0, 3, 3, 1)))


FAMILIES = (
    _renormalization,
    _features,
    _resizing,
    _normalization,
    _edges,
    _repetition,
    _merging,
    _activations,
    _small,
    _noise,
)
