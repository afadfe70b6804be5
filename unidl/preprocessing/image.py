"""Images in files, by Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.utils.images import array_to_img, img_to_array, load_img, save_img, smart_resize
from unidl.utils.namespaces import namespace

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
