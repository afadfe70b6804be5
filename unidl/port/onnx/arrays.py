"""The arrays of a graph. Those in a file beside it are read whenever they are asked for: together
they may be as large as memory."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import numpy as np

from unidl.port.onnx.errors import onnx_package
from unidl.port.onnx.values import array_of


class Arrays(MutableMapping[str, np.ndarray]):
    """{name: array} of the initializers `protos`; those beside the file lie in `folder`."""

    def __init__(self, protos: Any, folder: str) -> None:
        is_beside = onnx_package().external_data_helper.uses_external_data
        self._folder = folder
        self._held = {t.name: t if is_beside(t) else array_of(t, folder) for t in protos}

    def __getitem__(self, name: str) -> np.ndarray:
        held = self._held[name]
        return held if isinstance(held, np.ndarray) else array_of(held, self._folder)

    def __setitem__(self, name: str, array: np.ndarray) -> None:
        self._held[name] = array

    def __delitem__(self, name: str) -> None:
        del self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)
