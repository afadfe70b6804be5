"""Batch normalization by the native kernel, in compiled float32 steps."""

from __future__ import annotations

import math

import unidl.backend.contract as contract
from unidl_mxnet.op import op
from unidl_mxnet.traced import current_trace


class Normalization:
    def batch_norm_training(self, x, gamma, beta, axes, epsilon):
        """The kernel is six times as fast as its parts, but it loses float32's digits where the mean is far from 0, and knows no
        gradient through its moments. So `x` is centred on its first sample before, and a step whose loss depends on the moments
        is recorded anew without the kernel (see `Trace.shortcuts`).
        """
        trace = current_trace()
        if trace is None or trace.shortcuts is None or self.dtype(x) != "float32" or 0 in x.shape:
            return contract.Backend.batch_norm_training(self, x, gamma, beta, axes, epsilon)
        (axis,) = set(range(len(x.shape))) - set(axes)
        first = int(axis == 0)  # an axis that takes the place of the batch
        order = (first, axis, *(a for a in range(len(x.shape)) if a not in (first, axis)))
        x = self.transpose(x, order)
        channels, spatial = x.shape[1], math.prod(x.shape[2:])
        x, centre = self._centred(x)
        flat = self.reshape(x, (x.shape[0], channels, spatial, 1))
        gamma = self.full((channels,), 1, "float32") if gamma is None else gamma
        beta = self.full((channels,), 0, "float32") if beta is None else beta
        unused = [self.full((channels,), 0, "float32") for _ in range(2)]  # moving moments, which belong to the layer
        options = {"eps": epsilon, "momentum": 1.0, "fix_gamma": False, "axis": 1, "output_mean_var": True}
        y, mean, scale = op("BatchNorm", flat, gamma, beta, *unused, **options)
        y = self.reshape(y, x.shape)
        mean, scale = self.stop_gradient(mean), self.stop_gradient(scale)  # 1 / sqrt(var + epsilon)
        var = self.maximum(self.subtract(self.divide(1.0, self.square(scale)), epsilon), 0.0)
        mean, var = self.stop_gradient(self.add(mean, centre)), self.stop_gradient(var)
        trace.shortcuts |= {mean.symbol.name, var.symbol.name}
        return self.transpose(y, tuple(order.index(a) for a in range(len(order)))), mean, var

    def _centred(self, x):
        """(x - centre, centre (c,)) for channels-first `x`, the centre being a mean over the first sample; no gradient in it."""
        node = getattr(x, "node", None)
        if node is not None and node[0] == "Convolution" and node[2]["no_bias"] is True:
            # The convolution subtracts it at no cost.
            _, (source, weight), options = node
            # Cut off from the tape here already: the backward kernel of a first sample's convolution fails beside strides.
            first, fixed = self.stop_gradient(self.getitem(source, (slice(0, 1),))), self.stop_gradient(weight)
            centre = self._first_mean(op("Convolution", first, fixed, **options))
            return op("Convolution", source, weight, self.negative(centre), **{**options, "no_bias": False}), centre
        centre = self._first_mean(self.getitem(x, (slice(0, 1),)))
        return self.subtract(x, self.reshape(centre, (1, -1, *(1,) * (len(x.shape) - 2)))), centre

    def _first_mean(self, sample):
        """(1, c, ...) -> (c,)"""
        rows = self.reshape(sample, (sample.shape[1], -1))
        return self.stop_gradient(self.mean(rows, (1,)))
