"""Kernels of convolutions that take a short-time Fourier transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from unidl.initializers.initializer import Initializer, host_array
from unidl.ops.window_functions import window_of
from unidl.typing import Config, DType, TensorLike
from unidl.utils.rules import FLAG, one_of


class STFT(Initializer):
    """One side of a short-time Fourier transform as the kernel (t, 1, f) of a convolution.

    The value at moment n and frequency k is w[n] cos(2 pi n k / (2 (f - 1))), or with minus the
    sine for the imaginary side.

    Args:
        side: "real" or "imag".
        window: "hann", "hamming", "blackman", "boxcar", the t values w, or None for ones and no
            scaling.
        scaling: "density" divides by sqrt(sum of w**2), "spectrum" by the sum of |w|, None by
            nothing.
        periodic: whether a window by name leaves out the last value, which is the first of the next
            period.

    Examples:
        >>> unidl.initializers.STFT(side="real")((8, 1, 5)).shape
        (8, 1, 5)
    """

    _rules: ClassVar = {
        "side": one_of(("real", "imag")),
        "scaling": one_of(("density", "spectrum", None)),
        "periodic": FLAG,
    }

    def __init__(
        self,
        side: str = "real",
        window: str | TensorLike | None = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if isinstance(window, str):
            window_of("STFT", window, 1, periodic)  # an unknown name is an error here already
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        if len(shape) != 3 or shape[1] != 1 or shape[2] < 2:
            raise ValueError(
                "STFT: the shape must be (time steps, 1, frequencies) with at least two "
                f"frequencies, got {tuple(shape)}."
            )
        length, _, count = shape
        turns = np.arange(length)[:, None, None] * np.arange(count) / (2 * (count - 1))
        waves = np.cos(2 * np.pi * turns) if self.side == "real" else -np.sin(2 * np.pi * turns)
        if self.window is not None:
            waves = waves * self._window(length)[:, None, None]
        return host_array(waves, dtype)

    def _window(self, length: Any) -> Any:
        is_name = isinstance(self.window, str)
        window = (
            window_of("STFT", str(self.window), length, self.periodic)
            if is_name
            else np.asarray(self.window, "float64")
        )
        if window.shape != (length,):
            raise ValueError(
                f"STFT: the window must have one value for each of the {length} time steps, got "
                f"the shape {window.shape}."
            )
        if self.scaling == "density":
            return window / np.sqrt(np.sum(np.square(window)))
        return window / np.sum(np.abs(window)) if self.scaling == "spectrum" else window

    def get_config(self) -> Config:
        window = self.window.tolist() if isinstance(self.window, np.ndarray) else self.window
        return {
            "side": self.side,
            "window": window,
            "periodic": self.periodic,
            "scaling": self.scaling,
        }
