"""Optimizer arithmetic on MXNet's fused kernels, in float32 and inside a compiled step.

The kernels take the learning rate as an attribute, so they cannot be nodes of a graph; they run
between its two parts, in place on the Variables (see graph.py). They hold attributes as float32:
float64 keeps the default bodies, and so do eager steps, whose tensors may belong to somebody else.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from unidl.backend import contract
from unidl_mxnet import layout
from unidl_mxnet.op import op
from unidl_mxnet.registry import Prepared
from unidl_mxnet.traced import HostNumber, current_trace


def _in_turn(calls, before=()):
    """A function of the learning rate that runs `before`, and then `calls` with it."""

    def run(rate):
        for call in before:
            call()
        rate = repr(rate).encode()
        for call in calls:
            call(rate)

    return run


class Updates(contract.Updates):
    def _call(self, function, lists, grads, number):
        """`function` on the arrays of `lists` (of equal length) and `grads` as a native call;
        lists, or None if impossible."""
        trace = current_trace()
        if trace is None or trace.differentiable or not isinstance(number, (HostNumber, float)):
            return None
        if any(self.dtype(x) != "float32" for x in (*lists[0], *grads)):
            return None
        rows = [
            layout.aligned(op, [trace.lift(x) for x in row])
            for row in zip(*lists, grads, strict=True)
        ]
        *lists, grads = zip(*(tensors for tensors, _ in rows), strict=True)
        results = trace.call(function, [x for xs in lists for x in xs], grads, number)
        if results is None:
            return None
        axes = itertools.cycle(axes for _, axes in rows)
        results = [
            x if a is None else layout.transpose(op, x, a)
            for x, a in zip(results, axes, strict=False)
        ]
        return [results[i : i + len(grads)] for i in range(0, len(results), len(grads))]

    def sgd_update(self, params, grads, velocities, *, learning_rate, momentum, nesterov):
        def plain(changed, grads):
            attrs = {"lr": 0.0, "wd": 0.0, "lazy_update": False}
            return _in_turn(
                [
                    Prepared("sgd_update", (p, g), attrs, p)
                    for p, g in zip(changed, grads, strict=True)
                ]
            )

        def heavy(changed, grads):
            n = len(grads)
            attrs = {"lr": 0.0, "momentum": momentum, "wd": 0.0, "lazy_update": False}
            triples = zip(changed[:n], grads, changed[n:], strict=True)
            return _in_turn(
                [Prepared("sgd_mom_update", arrays, attrs, arrays[0]) for arrays in triples]
            )

        results = None
        if velocities is None:
            results = self._call(plain, [params], grads, learning_rate)
        elif not nesterov:
            results = self._call(heavy, [params, velocities], grads, learning_rate)
        if results is None:
            return super().sgd_update(
                params,
                grads,
                velocities,
                learning_rate=learning_rate,
                momentum=momentum,
                nesterov=nesterov,
            )
        return results if len(results) == 2 else (results[0], None)

    def adam_update(self, params, grads, m, v, *, alpha, beta_1, beta_2, epsilon):
        """Two kernels a parameter. The Adam kernel alone would be wrong: it computes 1 - beta in
        float32, 1e-5 off for 0.999.

        So m is averaged by the SGD kernel, (1 - lr * wd) * m - lr * g with lr = beta_1 - 1 and wd =
        -1, whose constants are rounded once, and passes through Adam's with beta_1 = 1; and the
        gradients that Adam's squares are scaled by the root of what is wrong with its 1 - beta_2.
        """
        rest = float(np.float32(1) - np.float32(beta_2))
        scale = math.sqrt((1 - beta_2) / rest) if rest else 1.0
        average = {"lr": beta_1 - 1, "wd": -1.0, "lazy_update": False}
        kernel = {
            "beta1": 1.0,
            "beta2": beta_2,
            "epsilon": epsilon,
            "rescale_grad": scale,
            "lazy_update": False,
        }

        def call(changed, grads):
            n = len(grads)
            attrs = {"lr": 0.0, **kernel}
            averages = [
                Prepared("sgd_update", (a, g), average, a)
                for a, g in zip(changed[n : 2 * n], grads, strict=True)
            ]
            lists = zip(changed[:n], grads, changed[n : 2 * n], changed[2 * n :], strict=True)
            return _in_turn(
                [Prepared("adam_update", arrays, attrs, arrays[0]) for arrays in lists], averages
            )

        results = self._call(call, [params, m, v], grads, alpha)
        if results is None:
            return super().adam_update(
                params,
                grads,
                m,
                v,
                alpha=alpha,
                beta_1=beta_1,
                beta_2=beta_2,
                epsilon=epsilon,
            )
        return results
