"""Nests: lists, tuples, named tuples and dicts of whatever else, which is a leaf.

A dict's children come in the order of its sorted keys (an OrderedDict's in its own), so that equal
dicts flatten equally however they were filled. Results have the types, and dicts the key order, of
the first structure.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from unidl.typing import Nest, TensorLike
from unidl.utils.namespaces import namespace
from unidl.utils.nesting import too_deep as _too_deep

_SEQUENCES = (list, tuple, deque)
_F = TypeVar("_F", bound=Callable[..., Any])


class MAP_TO_NONE:
    """What the function of `traverse` returns to put None in a place, since None itself means "go
    on".

    Examples:
        >>> unidl.tree.traverse(lambda x: unidl.tree.MAP_TO_NONE if x == 2 else None, [1, 2])
        [1, None]
    """


def _told_if_too_deep(function: _F) -> _F:
    """`function`, for which a nest beyond Python's limit of nested calls is a wrong value."""

    @wraps(function)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except RecursionError:
            raise _too_deep() from None

    return cast(_F, told)


def is_nested(structure: Nest) -> bool:
    """Whether `structure` is a list, a tuple or a dict, and so no leaf.

    Examples:
        >>> [unidl.tree.is_nested(each) for each in ([1], {}, "text", np.ones(2))]
        [True, True, False, False]
    """
    return isinstance(structure, (*_SEQUENCES, dict))


def _children(structure: Any) -> Any:
    """[(key, child)] of a nest: keys of a dict, else positions."""
    if not isinstance(structure, dict):
        return list(enumerate(structure))
    keys = structure if isinstance(structure, OrderedDict) else sorted(structure)
    return [(key, structure[key]) for key in keys]


def _rebuild(structure: Any, by_key: Any) -> Any:
    """A nest like `structure` with the children of the dict `by_key`."""
    if isinstance(structure, dict):
        result = structure.copy()  # a defaultdict stays one
        result.update((key, by_key[key]) for key in structure)
        return result
    children = [by_key[i] for i in range(len(structure))]
    if hasattr(structure, "_fields"):
        return type(structure)(*children)
    return type(structure)(children)


def flatten(structure: Nest, is_leaf: Any = None) -> list:
    """The leaves; a nest for which `is_leaf(nest)` is true is one of them.

    Examples:
        >>> unidl.tree.flatten({"b": [1, (2, 3)], "a": 4})  # keys in order
        [4, 1, 2, 3]
    """
    if not is_nested(structure) or (is_leaf is not None and is_leaf(structure)):
        return [structure]
    try:
        return [leaf for _, child in _children(structure) for leaf in flatten(child, is_leaf)]
    except RecursionError:
        raise _too_deep() from None


@_told_if_too_deep
def flatten_with_path(structure: Nest) -> list:
    """[(path, leaf)], a path being the tuple of keys and positions on the way.

    Examples:
        >>> unidl.tree.flatten_with_path({"b": [1, 2], "a": 3})
        [(('a',), 3), (('b', 0), 1), (('b', 1), 2)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [
        ((key, *path), leaf)
        for key, child in _children(structure)
        for path, leaf in flatten_with_path(child)
    ]


def instances(kinds: Any, structure: Nest) -> list:
    """The objects of a class, or of any of several, in a nest; dicts in their own order.

    Examples:
        >>> unidl.tree.instances(str, [1, {"a": "text"}])
        ['text']
    """
    found: list = []
    try:
        _gather(kinds, structure, found)
    except RecursionError:
        raise _too_deep() from None
    return found


def _gather(kinds: Any, structure: Any, found: Any) -> None:
    if isinstance(structure, kinds):
        found.append(structure)
    elif isinstance(structure, _SEQUENCES):
        for child in structure:
            _gather(kinds, child, found)
    elif isinstance(structure, dict):
        for child in structure.values():
            _gather(kinds, child, found)


def has_instance(kinds: Any, structure: Nest) -> bool:
    """Whether a nest holds an object of a class, or of any of several.

    Examples:
        >>> unidl.tree.has_instance(str, [1, {"a": "text"}])
        True
    """
    if isinstance(structure, kinds):
        return True
    if isinstance(structure, dict):
        structure = structure.values()
    elif not isinstance(structure, _SEQUENCES):
        return False
    try:
        return any(has_instance(kinds, child) for child in structure)
    except RecursionError:
        raise _too_deep() from None


@_told_if_too_deep
def map_instances(func: Callable[..., Any], kinds: Any, structure: Nest) -> Any:
    """A nest with `func` of each object of a class, or of any of several, and all else as it is.

    Examples:
        >>> unidl.tree.map_instances(str.upper, str, [1, "text"])
        [1, 'TEXT']
    """
    if isinstance(structure, kinds):
        return func(structure)
    if isinstance(structure, dict):
        by_key = {key: map_instances(func, kinds, child) for key, child in structure.items()}
        return by_key if type(structure) is dict else _rebuild(structure, by_key)
    if isinstance(structure, _SEQUENCES):
        children = [map_instances(func, kinds, child) for child in structure]
        if hasattr(structure, "_fields"):
            return type(structure)(*children)
        return type(structure)(children)
    return structure


def map_structure(
    func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True, is_leaf: Any = None
) -> Any:
    """`func` of the leaves of all structures, place by place.

    With `none_is_leaf=False` None stays None. A nest of the first structure for which
    `is_leaf(nest)` is true is given to `func` whole, with what stands in its place in the others.

    Examples:
        >>> unidl.tree.map_structure(lambda a, b: a + b, [1, (2, 3)], [10, (20, 30)])
        [11, (22, 33)]
    """
    if not callable(func):
        raise TypeError(f"map_structure: the first argument must be a function, got {func!r}.")
    if not structures:
        raise TypeError("map_structure: give at least one structure after the function.")
    try:
        for other in structures[1:]:
            _assert_same(structures[0], other, is_leaf)
        return _map(func, structures, none_is_leaf, is_leaf)
    except RecursionError:
        raise _too_deep() from None


def _map(func: Any, structures: Any, none_is_leaf: Any, is_leaf: Any) -> Any:
    first = structures[0]
    if is_nested(first) and not (is_leaf is not None and is_leaf(first)):
        return _rebuild(
            first,
            {
                key: _map(func, [s[key] for s in structures], none_is_leaf, is_leaf)
                for key, _ in _children(first)
            },
        )
    if not none_is_leaf and all(s is None for s in structures):
        return None
    return func(*structures)


@_told_if_too_deep
def map_structure_up_to(shallow_structure: Nest, func: Callable[..., Any], *structures: Any) -> Any:
    """Like `map_structure`, but what lies deeper than the leaves of `shallow_structure` is passed
    to `func` whole.

    Examples:
        >>> unidl.tree.map_structure_up_to(["a", "b"], len, [[1, 2], {"c": 3}])
        [2, 1]
    """
    if not structures:
        raise TypeError("map_structure_up_to: give at least one structure after the function.")
    if not is_nested(shallow_structure):
        return func(*structures)
    for structure in structures:
        if not is_nested(structure) or _keys(structure) != _keys(shallow_structure):
            raise ValueError(
                f"map_structure_up_to: {structure!r} does not have the layout of "
                f"{shallow_structure!r}."
            )
    parts = {
        key: map_structure_up_to(child, func, *(s[key] for s in structures))
        for key, child in _children(shallow_structure)
    }
    return _rebuild(shallow_structure, parts)


@_told_if_too_deep
def traverse(func: Callable[..., Any], structure: Nest, top_down: bool = True) -> Any:
    """Map nests too: what `func(nest or leaf)` returns replaces it, None keeps it, `MAP_TO_NONE`
    replaces it by None.

    With `top_down` a nest is asked before its children, which are left alone if it is replaced;
    else after them.

    Examples:
        >>> unidl.tree.traverse(lambda x: x * 10 if isinstance(x, int) else None, [1, (2, 3)])
        [10, (20, 30)]
    """
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if is_nested(structure):
        structure = _rebuild(
            structure, {key: traverse(func, child, top_down) for key, child in _children(structure)}
        )
    if not top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    return structure


def pack_sequence_as(structure: Nest, flat_sequence: Iterable[Any]) -> Any:
    """The leaves of `flat_sequence`, in the order of `flatten`, in the nest of `structure`.

    Examples:
        >>> unidl.tree.pack_sequence_as({"b": [0, 0], "a": 0}, [1, 2, 3])
        {'b': [2, 3], 'a': 1}
    """
    flat = list(flat_sequence)
    expected = len(flatten(structure))
    if len(flat) != expected:
        raise ValueError(
            f"pack_sequence_as: the structure has {expected} leaves, the sequence {len(flat)}: "
            f"{structure!r}."
        )
    return _pack(structure, iter(flat))


def _pack(structure: Any, leaves: Any) -> Any:
    if not is_nested(structure):
        return next(leaves)
    return _rebuild(structure, {key: _pack(child, leaves) for key, child in _children(structure)})


def _keys(structure: Any) -> list:
    return (
        [key for key, _ in _children(structure)]
        if not isinstance(structure, dict)
        else sorted(structure)
    )


@_told_if_too_deep
def assert_same_structure(a: Nest, b: Nest) -> None:
    """Raise ValueError unless both are nested alike: the same types (all dicts count as one) with
    the same keys or lengths.

    Examples:
        >>> unidl.tree.assert_same_structure({"a": [1, 2]}, {"a": [3, 4]})
        >>> unidl.tree.assert_same_structure([1, 2], [1, [2]])
        Traceback (most recent call last):
            ...
        ValueError: The structures differ: 2 against [2].
    """
    _assert_same(a, b, None)


def _assert_same(a: TensorLike, b: TensorLike, is_leaf: Any) -> None:
    if is_leaf is not None and is_nested(a) and is_leaf(a):
        return
    if is_nested(a) != is_nested(b):
        raise ValueError(f"The structures differ: {a!r} against {b!r}.")
    if not is_nested(a):
        return
    kinds = [dict if isinstance(x, dict) else type(x) for x in (a, b)]
    if kinds[0] is not kinds[1]:
        raise ValueError(
            f"The structures differ: a {kinds[0].__name__}, {a!r}, against a {kinds[1].__name__}, "
            f"{b!r}."
        )
    if _keys(a) != _keys(b):
        raise ValueError(
            f"The structures differ: {_keys(a)} against {_keys(b)} in {a!r} and {b!r}."
        )
    for key, child in _children(a):
        _assert_same(child, b[key], is_leaf)


def assert_same_paths(a: Nest, b: Nest) -> None:
    """Raise ValueError unless both have leaves at the same paths; lists and tuples count as
    equal.

    Examples:
        >>> unidl.tree.assert_same_paths({"a": [1, 2]}, {"a": (3, 4)})
        >>> unidl.tree.assert_same_paths({"a": 1}, {"b": 1})
        Traceback (most recent call last):
            ...
        ValueError: The structures differ: only one has ["('a',)", "('b',)"].
    """
    paths = [{path for path, _ in flatten_with_path(x)} for x in (a, b)]
    if paths[0] != paths[1]:
        raise ValueError(
            f"The structures differ: only one has {sorted(map(str, paths[0] ^ paths[1]))}."
        )


def lists_to_tuples(structure: Nest) -> Any:
    """The structure with tuples for lists.

    Examples:
        >>> unidl.tree.lists_to_tuples([1, [2, {"a": [3]}]])
        (1, (2, {'a': (3,)}))
    """
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


@_told_if_too_deep
def map_shape_structure(func: Callable[..., Any], structure: Nest) -> Any:
    """`func` of every shape, a tuple or list of ints and Nones.

    Examples:
        >>> unidl.tree.map_shape_structure(len, {"a": (2, 3), "b": [None, 4, 5]})
        {'a': 2, 'b': 3}
    """
    if isinstance(structure, (list, tuple)) and all(
        x is None or isinstance(x, int) for x in structure
    ):
        return func(tuple(structure))
    if not is_nested(structure):
        raise ValueError(
            f"map_shape_structure: expected a shape such as (None, 3), got {structure!r}."
        )
    return _rebuild(
        structure, {key: map_shape_structure(func, child) for key, child in _children(structure)}
    )


__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "has_instance",
    "instances",
    "is_nested",
    "lists_to_tuples",
    "map_instances",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
