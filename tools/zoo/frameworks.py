"""What differs between the frameworks that models come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl import port, tree


def varied(array: np.ndarray, drawn: Any) -> np.ndarray:
    """Arrays of one number (scales of 1, offsets of 0, layer scales of 1e-6) with numbers between,
    so that they hide nothing."""
    if array.dtype.kind != "f" or array.size == 0 or array.min() != array.max():
        return array
    low, high = (-0.3, 0.3) if array.flat[0] == 0 else (0.5, 1.5)
    return drawn.uniform(low, high, array.shape).astype(array.dtype)


class Torch:
    """`vary` gives the model's weights other numbers; `bring_in` is the importer; `outputs` what
    the original computes in inference, in float32."""

    @staticmethod
    def vary(model: Any) -> None:
        import torch

        drawn = np.random.default_rng(1)
        with torch.no_grad():
            for value in (*model.parameters(), *model.buffers()):
                if value.is_floating_point():
                    value.copy_(torch.from_numpy(varied(value.numpy().copy(), drawn)))

    @staticmethod
    def bring_in(model: Any, examples: tuple) -> Any:
        import torch

        return port.from_torch(model, tuple(map(torch.from_numpy, examples)))

    @staticmethod
    def outputs(model: Any, examples: tuple) -> list:
        import torch

        with torch.no_grad():
            found = model.eval()(*map(torch.from_numpy, examples))
        return [y.numpy() for y in tree.flatten(found)]


class Gluon:
    @staticmethod
    def vary(model: Any) -> None:
        from unidl_mxnet.load import load_mxnet

        array, drawn = load_mxnet().nd.array, np.random.default_rng(1)
        for parameter in model.collect_params().values():
            # As an array of MXNet: what a convolution has laid out anew takes no other.
            parameter.set_data(array(varied(parameter.data().asnumpy(), drawn)))

    @staticmethod
    def bring_in(model: Any, examples: tuple) -> Any:
        return port.from_gluon(model, examples)

    @staticmethod
    def outputs(model: Any, examples: tuple) -> list:
        from unidl_mxnet.load import load_mxnet

        array = load_mxnet().nd.array
        return [
            y.asnumpy() for y in tree.flatten(model(*(array(x, dtype=x.dtype) for x in examples)))
        ]


class Keras:
    @staticmethod
    def vary(model: Any) -> None:
        from keras.layers import Normalization

        drawn = np.random.default_rng(1)
        # What a Normalization has learned takes effect when a file is read, not when it is set.
        found = (each for each in model._flatten_layers() if isinstance(each, Normalization))
        kept = {id(v) for layer in found for v in layer.weights}
        for variable in model.weights:
            if id(variable) not in kept:
                variable.assign(varied(np.asarray(variable), drawn))

    @staticmethod
    def bring_in(model: Any, examples: tuple) -> Any:
        return port.from_keras(model, list(examples))

    @staticmethod
    def outputs(model: Any, examples: tuple) -> list:
        from unidl.port.twin import one_or_all

        return [
            np.asarray(y) for y in tree.flatten(model(one_or_all(list(examples)), training=False))
        ]


FRAMEWORKS = {"torch": Torch, "gluon": Gluon, "keras": Keras}
