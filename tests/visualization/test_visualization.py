"""Images with boxes, masks and labels."""

import sys

import keras
import numpy as np
import pytest

from unidl import ops, visualization

Image = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (2, 40, 60, 3)).astype("uint8")
BLACK = np.zeros((1, 40, 60, 3), "uint8")
RED = (255, 0, 0)

# One box from (10, 4) to (30, 20) in an image 60 wide and 40 high.
BOXES = {
    "xyxy": (10, 4, 30, 20),
    "yxyx": (4, 10, 20, 30),
    "xywh": (10, 4, 20, 16),
    "center_xywh": (20, 12, 20, 16),
    "center_yxhw": (12, 20, 16, 20),
    "rel_xyxy": (1 / 6, 0.1, 0.5, 0.5),
    "rel_yxyx": (0.1, 1 / 6, 0.5, 0.5),
    "rel_xywh": (1 / 6, 0.1, 1 / 3, 0.4),
    "rel_center_xywh": (1 / 3, 0.3, 1 / 3, 0.4),
}


def box(values, label=0, **more):
    return {"boxes": np.array([[values]], "float32"), "labels": np.array([[label]])} | more


@pytest.mark.parametrize("kind", BOXES)
def test_boxes_of_all_formats(kind):
    drawn = visualization.draw_bounding_boxes(
        BLACK, box(BOXES[kind]), kind, color=RED, line_thickness=1
    )
    rows, columns = np.nonzero(drawn[0, ..., 0])
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (10, 4, 30, 20)
    assert len(rows) == 2 * 21 + 2 * 15
    assert not drawn[..., 1:].any()


def test_boxes_on_any_backend_and_in_any_form(backend):
    plain = visualization.draw_bounding_boxes(BLACK, box(BOXES["xyxy"]), "xyxy", color=RED)
    tensors = {name: ops.convert_to_tensor(value) for name, value in box(BOXES["xyxy"]).items()}
    first = ops.convert_to_tensor(BLACK.transpose(0, 3, 1, 2) / np.float32(255))
    other = visualization.draw_bounding_boxes(
        first, tensors, "xyxy", color=RED, data_format="channels_first"
    )
    np.testing.assert_array_equal(other.transpose(0, 2, 3, 1), plain)
    gray = visualization.draw_bounding_boxes(BLACK[..., :1], box(BOXES["xyxy"]), "xyxy", color=RED)
    np.testing.assert_array_equal(gray[..., 0], plain[..., 0])


def test_texts_and_boxes_that_are_none():
    values = BOXES["xyxy"]
    bare = visualization.draw_bounding_boxes(BLACK, box(values), "xyxy")
    named = visualization.draw_bounding_boxes(
        BLACK, box(values, confidences=np.array([[0.25]])), "xyxy", {0: "cat"}, font_scale=0.5
    )
    assert (named > 0).sum() > (bare > 0).sum()
    assert not visualization.draw_bounding_boxes(BLACK, box(values, -1), "xyxy").any()
    assert not BLACK.any()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"blend": False}, {"num_classes": 3, "alpha": 0.3}, {"ignore_index": 1, "num_classes": 4},
     {"color_mapping": {i: (i, 9, 99) for i in range(4)}}],
    ids=repr,
)  # fmt: skip
def test_masks_are_those_of_keras(data_format, arguments):
    masks = RNG.integers(0, 4, (2, 40, 60, 1))
    images = IMAGES
    if data_format == "channels_first":
        images, masks = images.transpose(0, 3, 1, 2), masks.transpose(0, 3, 1, 2)
    mine = visualization.draw_segmentation_masks(
        images, masks, data_format=data_format, **arguments
    )
    theirs = keras.visualization.draw_segmentation_masks(
        images, masks, data_format=data_format, **arguments
    )
    theirs = np.asarray(theirs)
    assert mine.dtype == theirs.dtype
    # Rounding of a float32 product may lie on either side of a whole number.
    np.testing.assert_allclose(mine.astype(float), theirs.astype(float), atol=1)
    assert (mine != theirs).mean() < 0.01


@pytest.mark.parametrize("count", [1, 2, 5])
def test_galleries(tmp_path, count):
    pytest.importorskip("matplotlib").use("agg")
    path = tmp_path / "x.png"
    images = np.repeat(IMAGES, 3, 0)[:count]
    labels = np.arange(count) % 2
    visualization.plot_image_gallery(
        images, y_true=labels, y_pred=labels, label_map={0: "cat"}, path=path
    )
    with Image.open(path) as picture:
        assert len(picture.convert("RGB").getcolors(1_000_000)) > 1000


def test_galleries_of_boxes_and_masks(tmp_path):
    pytest.importorskip("matplotlib").use("agg")
    boxes = {"boxes": np.full((2, 1, 4), 9.0), "labels": np.zeros((2, 1))}
    visualization.plot_bounding_box_gallery(
        IMAGES / 255, "xywh", boxes, boxes, value_range=(0, 1), legend=True,
        class_mapping={0: "cat"}, path=tmp_path / "b.png",
    )  # fmt: skip
    masks = RNG.integers(0, 3, (2, 40, 60))
    visualization.plot_segmentation_mask_gallery(
        IMAGES, 3, y_true=masks, y_pred=masks[..., None], path=tmp_path / "m.png"
    )
    for name in ("b.png", "m.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 100


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: visualization.draw_bounding_boxes(BLACK[0], {}, "xyxy"), r"images\[None\]"),
        (lambda: visualization.draw_bounding_boxes(BLACK, {"boxes": 1}, "xyxy"), "'labels'"),
        (lambda: visualization.draw_bounding_boxes(BLACK, box((1, 2, 3, 4)), "xyxx"),
         "Did you mean 'yxyx'"),
        (lambda: visualization.draw_bounding_boxes(IMAGES, box((1, 2, 3, 4)), "xyxy"),
         "2 images need boxes"),
        (lambda: visualization.draw_segmentation_masks(BLACK, np.zeros((1, 40, 60))),
         r"masks\.argmax\(-1\)"),
        (lambda: visualization.draw_segmentation_masks(BLACK, np.zeros((1, 4, 6), "int32")),
         "masks have the shape"),
        (lambda: visualization.draw_segmentation_masks(
            BLACK, np.ones((1, 40, 60), "int32"), 2, {0: RED}), "no colour for class 1"),
        (lambda: visualization.plot_image_gallery(IMAGES, y_true=[0, 1]), "label_map="),
        (lambda: visualization.plot_image_gallery(IMAGES, path="x.png", show=True), "not both"),
    ],
)  # fmt: skip
def test_wrong_use(call, told):
    pytest.importorskip("matplotlib")
    with pytest.raises((TypeError, ValueError), match=told):
        call()


def test_what_is_missing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"needs Matplotlib.*unidl-framework\[plots\]"):
        visualization.plot_image_gallery(IMAGES)
