"""Names of dtypes and devices on both sides."""

from __future__ import annotations

from functools import cache

import torch

from unidl.backend import dtypes, registry

TORCH_DTYPE = {name: getattr(torch, name) for name in dtypes.ALL if hasattr(torch, name)}
DTYPE_NAME = {dtype: name for name, dtype in TORCH_DTYPE.items()}


def torch_dtype(dtype):
    """torch.dtype of a name, or of anything that `standardize_dtype` knows."""
    return TORCH_DTYPE.get(dtype) or TORCH_DTYPE[dtypes.standardize_dtype(dtype)]


@cache
def _torch_device(name):
    if name is None:
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind == "cpu":
        return torch.device("cpu")
    if int(index) >= torch.cuda.device_count():
        raise ValueError(
            f"The device {name!r} does not exist: torch {torch.__version__} sees "
            f"{torch.cuda.device_count()} CUDA devices."
        )
    return torch.device(f"cuda:{index}")


def current_device():
    """The torch.device of new tensors: the one asked for, else CUDA where there is one."""
    return _torch_device(registry.current_device())
