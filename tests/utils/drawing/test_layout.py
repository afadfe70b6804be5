"""Boxes do not lie on each other, edges go from box to box, and little crosses."""

import itertools

import pytest

import unidl
from tests.zoo import MODELS
from unidl import layers
from unidl.utils.drawing.diagram import Shown, diagram_of
from unidl.utils.drawing.order import ranks, rows
from unidl.utils.drawing.scene import Path, Rect, scene_of


def residual(blocks):
    inputs = unidl.Input((8, 8, 2))
    h = layers.Conv2D(2, 1)(inputs)
    for block in range(blocks):
        side = layers.Conv2D(2, 1)(layers.ReLU()(layers.BatchNormalization()(h)))
        h = layers.Add()([layers.Conv2D(2, 1)(h) if block % 3 == 2 else h, side])
    return unidl.Model(inputs, layers.Dense(3)(layers.Flatten()(h)))


def dense(blocks):
    inputs = unidl.Input((4,))
    found = [layers.Dense(2)(inputs), layers.Dense(2)(inputs)]
    for _ in range(blocks):
        found.append(layers.Dense(2)(layers.Concatenate()(found)))
    return unidl.Model(inputs, found[-1])


def rects(scene, dashed=False):
    return [s for s in scene.shapes if isinstance(s, Rect) and s.dashed == dashed]


def touches(rect, point, slack=0.5):
    x, y = point
    inside = (
        rect.x - slack <= x <= rect.x + rect.width + slack
        and rect.y - slack <= y <= rect.y + rect.height + slack
    )
    sides = (x - rect.x, x - rect.x - rect.width, y - rect.y, y - rect.y - rect.height)
    return inside and min(map(abs, sides)) <= slack


DRAWN = {
    **MODELS,
    "30 layers": lambda k: residual(6),
    "150 layers": lambda k: residual(34),
    "all to all": lambda k: dense(12),
}


@pytest.mark.parametrize("rankdir", ["TB", "RL"])
@pytest.mark.parametrize("name", DRAWN)
def test_boxes_are_apart_and_edges_end_at_them(name, rankdir):
    diagram = diagram_of(DRAWN[name](unidl), Shown(shapes=True), expand_nested=True)
    scene = scene_of(diagram, "m", rankdir, "ortho")
    boxes, frames = rects(scene), rects(scene, dashed=True)
    assert len(boxes) == len(diagram.boxes())
    for a, b in itertools.combinations(boxes, 2):
        assert (
            a.x + a.width < b.x or b.x + b.width < a.x
            or a.y + a.height < b.y or b.y + b.height < a.y
        )  # fmt: skip
    for box in boxes + frames:
        assert 0 <= box.x <= box.x + box.width <= scene.width
        assert 0 <= box.y <= box.y + box.height <= scene.height
    paths = [s for s in scene.shapes if isinstance(s, Path)]
    for path in paths:
        for (x1, y1), (x2, y2) in itertools.pairwise(path.points):
            assert abs(x1 - x2) < 1e-6 or abs(y1 - y2) < 1e-6  # right angles
        if path.arrow:
            assert any(touches(box, path.points[-1]) for box in boxes)


def test_a_row_is_straight():
    scene = scene_of(diagram_of(residual(20), Shown(), True), "m", "TB", "ortho")
    straight = [s for s in scene.shapes if isinstance(s, Path) and len(s.points) == 2]
    assert len(straight) > 60  # of 20 blocks with three layers each


def test_ranks_and_edges_that_go_back():
    assert ranks(4, [(0, 1), (1, 2), (0, 2), (2, 3)]) == ([0, 1, 2, 3], set())
    rank, back = ranks(3, [(0, 1), (1, 2), (2, 1), (2, 2)])
    assert rank == [0, 1, 2]
    assert back == {2, 3}


def test_rows_are_ordered_without_crossings():
    # 0 and 1 above; 2, 3, 4 below, given in an order that crosses.
    links = [(0, 4, 0.0, 0.0), (0, 3, 0.0, 0.0), (1, 2, 0.0, 0.0)]
    upper, lower = rows([0, 0, 1, 1, 1], links)
    place = {item: i for i, item in enumerate(lower)}
    assert upper == [0, 1]
    assert max(place[3], place[4]) < place[2]


def test_inputs_of_an_inner_model_do_not_cross():
    # Both lead into item 2, the first at its right, the second at its left.
    links = [(0, 2, 0.0, 0.3), (1, 2, 0.0, -0.3)]
    assert rows([0, 0, 1], links) == [[1, 0], [2]]


@pytest.mark.slow
def test_hundreds_of_long_edges_take_seconds():
    scene = scene_of(diagram_of(dense(74), Shown(), True), "m", "TB", "ortho")
    assert len(rects(scene)) == 151
