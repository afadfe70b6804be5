"""Keras' `preprocessing`, of Keras 2: what unidl has of it stands in `utils` too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.preprocessing import image, sequence
from unidl.utils.datasets.image_folder import image_dataset_from_directory
from unidl.utils.datasets.text_folder import text_dataset_from_directory
from unidl.utils.datasets.time_series import timeseries_dataset_from_array
from unidl.utils.namespaces import namespace

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
