"""Pictures of images with what is known of them: boxes, masks and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unidl.utils.namespaces import namespace

_HOMES = {
    "draw_bounding_boxes": "unidl.visualization.boxes",
    "draw_segmentation_masks": "unidl.visualization.masks",
    "plot_bounding_box_gallery": "unidl.visualization.galleries",
    "plot_image_gallery": "unidl.visualization.galleries",
    "plot_segmentation_mask_gallery": "unidl.visualization.galleries",
}

if TYPE_CHECKING:
    from unidl.visualization.boxes import draw_bounding_boxes
    from unidl.visualization.galleries import (
        plot_bounding_box_gallery,
        plot_image_gallery,
        plot_segmentation_mask_gallery,
    )
    from unidl.visualization.masks import draw_segmentation_masks
else:
    __getattr__, __dir__ = namespace(__name__, _HOMES, _HOMES)

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]
