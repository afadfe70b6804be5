"""Nests, against keras.tree."""

from collections import OrderedDict, defaultdict, namedtuple

import pytest

from tests.reference import in_float64
from unidl import tree

Point = namedtuple("Point", "x y")
NESTS = [
    1,
    None,
    [],
    {},
    [1, 2, [3, (4, 5)]],
    {"b": 1, "a": [2, {"d": 3, "c": 4}]},
    OrderedDict([("b", 1), ("a", 2)]),
    Point(1, Point([2], 3)),
    [None, (None, 1)],
    (1, {"z": Point(2, 3), "y": ()}),
]


@pytest.mark.parametrize("nest", NESTS, ids=str)
def test_against_keras(nest):
    with in_float64() as keras:
        assert tree.is_nested(nest) == keras.tree.is_nested(nest)
        assert tree.flatten(nest) == keras.tree.flatten(nest)
        assert tree.flatten_with_path(nest) == keras.tree.flatten_with_path(nest)
        leaves = list(range(10, 10 + len(tree.flatten(nest))))
        ours, theirs = (
            tree.pack_sequence_as(nest, leaves),
            keras.tree.pack_sequence_as(nest, leaves),
        )
        assert ours == theirs
        assert type(ours) is type(theirs)
        double = [f.map_structure(lambda a, b: (a, b), nest, nest) for f in (tree, keras.tree)]
        assert double[0] == double[1]
        assert tree.lists_to_tuples(nest) == keras.tree.lists_to_tuples(nest)


def test_key_order_is_kept_and_dict_types_too():
    out = tree.map_structure(lambda v: v + 1, {"b": 1, "a": 2})
    assert list(out) == ["b", "a"]
    counts = defaultdict(int, b=1)
    assert isinstance(tree.map_structure(str, counts), defaultdict)
    assert type(tree.map_structure(str, Point(1, 2))) is Point


def test_none_leaves():
    assert tree.map_structure(lambda v: v is None, [None, 1]) == [True, False]
    assert tree.map_structure(lambda v: v + 1, [None, 1], none_is_leaf=False) == [None, 2]


def test_traverse():
    def stop_at_tuples(v):
        return tree.MAP_TO_NONE if isinstance(v, tuple) else v * 2 if isinstance(v, int) else None

    with in_float64() as keras:

        def theirs(v):
            return (
                keras.tree.MAP_TO_NONE
                if isinstance(v, tuple)
                else v * 2
                if isinstance(v, int)
                else None
            )

        nest = [1, (2, 3), {"a": 4}]
        for top_down in (True, False):
            assert tree.traverse(stop_at_tuples, nest, top_down) == keras.tree.traverse(
                theirs, nest, top_down
            )


def test_up_to():
    assert tree.map_structure_up_to([0, 0], len, [[1, 2], (3, 4, 5)]) == [2, 3]
    with pytest.raises(ValueError, match="layout"):
        tree.map_structure_up_to([0, 0], len, [[1, 2]])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1], (1,)),
        ([1], [1, 2]),
        ({"a": 1}, {"b": 1}),
        ([1], 1),
        (Point(1, 2), (1, 2)),
        ([1, [2]], [1, 2]),
    ],
)
def test_different_structures(a, b):
    with in_float64() as keras, pytest.raises(ValueError):
        keras.tree.assert_same_structure(a, b)
    with pytest.raises(ValueError, match="differ"):
        tree.assert_same_structure(a, b)
    with pytest.raises(ValueError, match="differ"):
        tree.map_structure(lambda x, y: x, a, b)


def test_paths():
    tree.assert_same_paths([1, (2,)], (1, [2]))
    tree.assert_same_structure({"a": 1}, OrderedDict(a=2))
    with pytest.raises(ValueError, match="differ"):
        tree.assert_same_paths({"a": 1}, {"b": 1})


def test_shapes():
    assert tree.map_shape_structure(lambda s: (*s, 1), {"a": (None, 3), "b": [(2,), ()]}) == {
        "a": (None, 3, 1),
        "b": [(2, 1), (1,)],
    }
    with pytest.raises(ValueError, match="shape"):
        tree.map_shape_structure(lambda s: s, "a")


def test_errors():
    with pytest.raises(ValueError, match="2 leaves, the sequence 3"):
        tree.pack_sequence_as([1, 2], [1, 2, 3])
    with pytest.raises(TypeError, match="function"):
        tree.map_structure(3, [1])


def test_leaves_that_are_nests():
    nest = {"b": [1, [2, 3]], "a": {"leaf": [4]}}

    def is_leaf(part):
        return part == [2, 3] or "leaf" in part

    assert tree.flatten(nest, is_leaf=is_leaf) == [{"leaf": [4]}, 1, [2, 3]]
    assert tree.map_structure(str, nest, is_leaf=is_leaf) == {
        "b": ["1", "[2, 3]"],
        "a": "{'leaf': [4]}",
    }
    paired = tree.map_structure(lambda a, b: (a, b), [[1, 2], 3], [[4], 5], is_leaf=len)
    assert paired == ([[1, 2], 3], [[4], 5])
    with pytest.raises(ValueError, match="differ"):
        tree.map_structure(lambda a, b: a, [[1, 2], 3], [[4], 5])


def test_objects_of_a_class_in_a_nest():
    Pair = namedtuple("Pair", "a b")
    nest = {"z": [1, "x"], "a": Pair(2.0, (True, None))}
    assert tree.instances(int, nest) == [1, True]  # in the order in which they stand
    assert tree.instances((int, float), nest) == [1, 2.0, True]
    assert tree.instances(Pair, nest) == [nest["a"]]
    assert tree.has_instance(float, nest)
    assert not tree.has_instance(bytes, nest)
    assert tree.has_instance(str, "x")
    mapped = tree.map_instances(lambda x: -x, float, nest)
    assert mapped == {"z": [1, "x"], "a": Pair(-2.0, (True, None))}
    assert list(mapped) == ["z", "a"]
    assert type(mapped["a"]) is Pair
    ordered = tree.map_instances(lambda x: x + 1, int, OrderedDict(b=1, a=2))
    assert type(ordered) is OrderedDict
    assert list(ordered.items()) == [("b", 2), ("a", 3)]
