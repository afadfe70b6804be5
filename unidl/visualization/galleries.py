"""Several images in rows and columns, by Matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unidl import ops
from unidl.utils.arguments import public_function
from unidl.visualization.batches import channels_last
from unidl.visualization.boxes import draw_bounding_boxes
from unidl.visualization.masks import draw_segmentation_masks


def _pyplot(who: str) -> Any:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError(
            f"{who} needs Matplotlib. Install it with: pip install 'unidl-framework[plots]'"
        ) from None
    return pyplot


@public_function
def plot_image_gallery(
    images: Any,
    y_true: Any = None,
    y_pred: Any = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: tuple[float, float] = (0, 255),
    scale: float = 2,
    path: Any = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: int = 60,
    legend_handles: Any = None,
    data_format: str | None = None,
) -> None:
    """Show images, or write them into one file, with their labels and predictions.

    Args:
        images: (n, h, w, c).
        y_true, y_pred: (n,) integers, for which `label_map` has names.
        label_map: {label: name}.
        rows, cols: by default about as many columns as rows; images beyond them are left out.
        value_range: smallest and largest value of the images.
        scale: inches of an image.
        path: file to write; nothing is shown then.
        show: False to leave the figure to the caller.
        transparent: background of the file.
        dpi: dots per inch of the file.
        legend_handles: Matplotlib's patches for a legend.
        data_format: by default that of `config.image_data_format()`.

    Examples:
        >>> images = np.random.uniform(0, 255, (4, 8, 8, 3))
        >>> unidl.visualization.plot_image_gallery(  # doctest: +SKIP
        ...     images, y_true=[0, 1, 1, 0], label_map={0: "cat", 1: "dog"}, path="gallery.png"
        ... )
    """
    who = "plot_image_gallery"
    pyplot = _pyplot(who)
    if path is not None and show:
        raise ValueError(f"{who}: give path=... to write a file or show=True, not both.")
    labelled = [
        (title, ops.convert_to_numpy(labels))
        for title, labels in (("Label", y_true), ("Pred", y_pred))
        if labels is not None
    ]
    if labelled and label_map is None:
        raise ValueError(
            f"{who}: y_true and y_pred need the names of their classes: label_map={{0: 'cat', 1: "
            "'dog'}."
        )
    array, _ = channels_last(who, images, data_format)
    count = len(array)
    if rows is None:
        rows = math.ceil(math.sqrt(count)) if cols is None else math.ceil(count / cols)
    cols = math.ceil(count / rows) if cols is None else cols
    low, high = value_range
    array = np.clip((array.astype("float32") - low) / (high - low), 0, 1)
    figure, axes = pyplot.subplots(
        rows, cols, figsize=(cols * scale, rows * scale), frameon=False, layout="tight",
        squeeze=False,
    )  # fmt: skip
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    for i, axis in enumerate(axes.flat):
        axis.axis("off")
        if i >= count:
            continue
        axis.imshow(array[i], cmap="gray", vmin=0, vmax=1)
        titles = [
            f"{title}: {label_map.get(int(labels[i]), 'Unknown')}"
            for title, labels in labelled
            if label_map is not None and i < len(labels)
        ]
        if titles:
            axis.set_title("  ".join(titles), fontsize=8)
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
        pyplot.close(figure)
    elif show is None or show:
        pyplot.show()
        pyplot.close(figure)


@public_function
def plot_bounding_box_gallery(
    images: Any,
    bounding_box_format: str,
    y_true: Any = None,
    y_pred: Any = None,
    value_range: tuple[float, float] = (0, 255),
    true_color: Sequence[int] = (0, 188, 212),
    pred_color: Sequence[int] = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: Any = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """`plot_image_gallery` of images with boxes.

    Args:
        images: (n, h, w, c), values within `value_range`.
        bounding_box_format, line_thickness, text_thickness, font_scale: of `draw_bounding_boxes`.
        y_true, y_pred: dicts of boxes and labels, as `draw_bounding_boxes` takes them.
        true_color, pred_color: of the boxes.
        class_mapping: {label: name} of both, unless `ground_truth_mapping` or
            `prediction_mapping` say otherwise.
        legend: say which colour is which; `legend_handles`: patches of one's own instead.
        rows, cols, value_range, data_format, kwargs: of `plot_image_gallery`.

    Examples:
        >>> boxes = {"boxes": np.array([[[1, 1, 6, 6]]]), "labels": np.array([[0]])}
        >>> unidl.visualization.plot_bounding_box_gallery(  # doctest: +SKIP
        ...     np.zeros((1, 8, 8, 3)), "xyxy", y_true=boxes, path="boxes.png"
        ... )
    """
    who = "plot_bounding_box_gallery"
    _pyplot(who)
    if legend and legend_handles:
        raise ValueError(f"{who}: give legend=True or legend_handles=..., not both.")
    array, _ = channels_last(who, images, data_format)
    low, high = value_range
    drawn = (np.clip((array - low) / (high - low), 0, 1) * 255).round().astype("uint8")
    for boxes, colour, mapping in (
        (y_true, true_color, ground_truth_mapping or class_mapping),
        (y_pred, pred_color, prediction_mapping or class_mapping),
    ):
        if boxes is not None:
            drawn = draw_bounding_boxes(
                drawn, boxes, bounding_box_format, mapping, colour, line_thickness, text_thickness,
                font_scale, "channels_last",
            )  # fmt: skip
    if legend:
        from matplotlib.patches import Patch

        legend_handles = [
            Patch(color=np.array(colour) / 255, label=label)
            for colour, label in ((true_color, "Ground Truth"), (pred_color, "Prediction"))
        ]
    plot_image_gallery(
        drawn, rows=rows, cols=cols, legend_handles=legend_handles, data_format="channels_last",
        **kwargs,
    )  # fmt: skip


@public_function
def plot_segmentation_mask_gallery(
    images: Any,
    num_classes: int,
    value_range: tuple[float, float] = (0, 255),
    y_true: Any = None,
    y_pred: Any = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """`plot_image_gallery` with a row for each image: itself, with its mask, with the predicted
    one.

    Args:
        images: (n, h, w, 3), values within `value_range`.
        y_true, y_pred: masks, (n, h, w) or (n, h, w, 1).
        num_classes, color_mapping, blend, alpha, ignore_index: of `draw_segmentation_masks`.
        value_range, data_format, kwargs: of `plot_image_gallery`.

    Examples:
        >>> masks = np.random.randint(0, 3, (2, 8, 8))
        >>> unidl.visualization.plot_segmentation_mask_gallery(  # doctest: +SKIP
        ...     np.zeros((2, 8, 8, 3)), num_classes=3, y_true=masks, path="masks.png"
        ... )
    """
    who = "plot_segmentation_mask_gallery"
    array, first = channels_last(who, images, data_format)
    low, high = value_range
    array = np.clip((array - low) / (high - low), 0, 1) * 255
    how = (num_classes, color_mapping, alpha, blend, ignore_index, "channels_last")
    pictures = [array]
    for masks in (y_true, y_pred):
        if masks is not None:
            masks = ops.convert_to_numpy(masks).astype("int32")
            if masks.ndim == 4:
                masks = masks[:, 0] if first else masks[..., 0]
            pictures.append(draw_segmentation_masks(array, masks, *how))
    together = np.stack(pictures, axis=1).reshape(-1, *array.shape[1:])
    plot_image_gallery(
        together, rows=len(array), cols=len(pictures), data_format="channels_last", **kwargs
    )
