"""Models of very many layers, and layers within layers without end."""

from __future__ import annotations

import copy
import functools
import pickle
import tempfile
from pathlib import Path

import numpy as np

import unidl
from tests.abuse.case import right, told
from unidl import layers, models, ops, tree

X, Y = np.ones((4, 2), "float32"), np.zeros((4, 2), "float32")
MANY = 1_100  # beyond Python's limit of nested calls


def shift():
    """A layer that costs little to build; a chain of them adds up."""
    return layers.Rescaling(1.0, 1.0)


def sequential(count=MANY):
    return unidl.Sequential([unidl.Input((2,)), *(shift() for _ in range(count))])


def functional(count=MANY):
    x = inputs = unidl.Input((2,))
    for _ in range(count):
        x = shift()(x)
    return unidl.Model(inputs, x)


def of_functions(count=MANY):
    x = inputs = unidl.Input((2,))
    for _ in range(count):
        x = x + 1.0
    return unidl.Model(inputs, x)


def residual(count):
    x = inputs = unidl.Input((2,))
    for _ in range(count):
        x = layers.Add()([x, shift()(x)])
    return unidl.Model(inputs, layers.Rescaling(2.0**-count)(x))


def wide(count=MANY):
    x = unidl.Input((2,))
    return unidl.Model(x, layers.Add()([shift()(x) for _ in range(count)]))


def trained(make):
    model = make(400)
    dense = unidl.Sequential([unidl.Input((2,)), layers.Dense(2)])
    both = unidl.Model(dense.inputs, dense(model(dense.inputs[0])))
    both.compile("sgd", "mse")
    both.fit(X, Y, batch_size=4, verbose=0)
    return float(both.optimizer.iterations)


def trained_dense(count, lazy=False):
    """A step of a chain of layers with weights, saved and loaded."""
    row = [layers.Dense(2, use_bias=False, kernel_initializer="identity") for _ in range(count)]
    model = unidl.Sequential(row if lazy else [unidl.Input((2,)), *row])
    model.compile("sgd", "mse")
    model.fit(X, X, batch_size=4, verbose=0)  # the loss is zero, and so are the gradients
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deep.weights.h5"
        model.save_weights(path)
        model.set_weights([w * 0 for w in model.get_weights()])
        model.load_weights(path)
    return model.predict(X, verbose=0)


def text_of(model):
    lines = []
    model.summary(print_fn=lambda text, *_, **__: lines.append(text))
    return len("\n".join(lines).splitlines()) > MANY


def predicted(model):
    return model.predict(X, verbose=0)


COPIES = {
    "JSON": lambda model: models.model_from_json(model.to_json()),
    "config": lambda model: type(model).from_config(model.get_config()),
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "clone_model": models.clone_model,
}

KINDS = {"Sequential": sequential, "functional": functional, "functions": of_functions}


def within(count, known=True):
    """Models within models."""
    first = [unidl.Input((2,))] if known else []
    model = unidl.Sequential([*first, layers.Dense(2)])
    for _ in range(count):
        model = unidl.Sequential([*first, model])
    return model


def functional_within(count):
    model = unidl.Sequential([unidl.Input((2,)), layers.Dense(2)])
    for _ in range(count):
        x = unidl.Input((2,))
        model = unidl.Model(x, model(x))
    return model


def wrapped(make, count):
    layer = layers.Dense(2)
    for _ in range(count):
        layer = make(layer)
    return layer


def holding_each_other():
    one, other = layers.Dense(2), layers.Dense(3)
    one.other, other.other = other, one
    return one


def holder_of_itself(hold):
    layer = layers.Dense(2)
    layer.held_here = hold(layer)


def add_itself(known):
    model = unidl.Sequential([unidl.Input((2,)), layers.Dense(2)] if known else [])
    model.add(model)


def add_each_other():
    one, other = unidl.Sequential(), unidl.Sequential()
    one.add(other)
    other.add(one)


def add_through_wrapper():
    model = unidl.Sequential()
    model.add(layers.TimeDistributed(layers.Dense(2)))
    model.add(layers.TimeDistributed(model))


def nested_list(count):
    return functools.reduce(lambda inner, _: [inner], range(count), 1.0)


def list_in_itself():
    items = []
    items.append(items)
    return items


def simple():
    model = unidl.Sequential([unidl.Input((2,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


TOO_DEEP = "are nested 51 deep.*one after the other"
NO_END = "nested calls.*contains itself"

CASES = [
    *(
        right(
            f"deep: {kind} predicts",
            lambda m=make: predicted(m()),
            X + MANY,
            slow=make is not sequential,
        )
        for kind, make in KINDS.items()
    ),
    *(
        right(
            f"deep: {kind} by {how}",
            lambda m=make, c=copied: predicted(c(m())),
            X + MANY,
            slow=True,
        )
        for kind, make in KINDS.items()
        for how, copied in COPIES.items()
    ),
    *(
        right(f"deep: {kind} trains", lambda m=make: trained(m), 1.0, slow=True)
        for kind, make in KINDS.items()
    ),
    *(
        right(f"deep: summary of {kind}", lambda m=make: text_of(m()), True, slow=True)
        for kind, make in (("Sequential", sequential), ("functional", functional))
    ),
    right("deep: 1,000 Dense, fit, save, load", lambda: trained_dense(1_000), X, slow=True),
    right("deep: 1,000 Dense, built by fit", lambda: trained_dense(1_000, lazy=True), X, slow=True),
    right("deep: residual chain", lambda: predicted(residual(20)), 2 * X - 2.0**-20),
    right("deep: long residual chain", lambda: residual(600).count_params(), 0),
    right("wide: branches", lambda: predicted(wide(200)), 400.0 * X, slow=True),
    right("wide: many branches", lambda: predicted(wide()), 2.0 * MANY * X, slow=True),
    right("wide: by JSON", lambda: predicted(COPIES["JSON"](wide())), 2.0 * MANY * X, slow=True),
    told("nested: 1,000 models", lambda: within(1_000), TOO_DEEP, ValueError),
    told("nested: 1,000 models without input", lambda: within(1_000, False), TOO_DEEP, ValueError),
    told(
        "nested: 1,000 functional models",
        lambda: functional_within(1_000),
        TOO_DEEP,
        ValueError,
    ),
    told(
        "nested: 1,000 wrappers",
        lambda: wrapped(layers.TimeDistributed, 1_000),
        TOO_DEEP,
        ValueError,
    ),
    *(
        right(
            f"nested: 40 models, {how}",
            lambda c=use: c(within(40)),
            expected,
            slow=how != "predict",
        )
        for how, use, expected in (
            ("predict", lambda m: predicted(m).shape, (4, 2)),
            ("weights", lambda m: len(m.weights), 2),
            ("deepcopy", lambda m: len(copy.deepcopy(m).weights), 2),
            ("pickle", lambda m: len(COPIES["pickle"](m).weights), 2),
            ("JSON", lambda m: len(COPIES["JSON"](m).weights), 2),
            ("clone_model", lambda m: len(models.clone_model(m).weights), 2),
        )
    ),
    told("cycle: layer holds itself", lambda: holder_of_itself(lambda x: x), "or contains it"),
    told("cycle: list of itself", lambda: holder_of_itself(lambda x: [x, x]), "or contains it"),
    told("cycle: dict of itself", lambda: holder_of_itself(lambda x: {"a": x}), "or contains it"),
    told("cycle: two layers hold each other", holding_each_other, "or contains it"),
    told("cycle: model.add(model)", lambda: add_itself(False), "contain itself", ValueError),
    told("cycle: built model.add(model)", lambda: add_itself(True), "contain itself", ValueError),
    told("cycle: a.add(b), b.add(a)", add_each_other, "contain itself", ValueError),
    told("cycle: through a wrapper", add_through_wrapper, "contain itself", ValueError),
    told("nested: list into a layer", lambda: layers.Dense(2)(nested_list(2_000)), NO_END),
    told("cycle: list into a layer", lambda: layers.Dense(2)(list_in_itself()), NO_END),
    told("cycle: fit on a list in itself", lambda: simple().fit(list_in_itself(), Y), NO_END),
    told("cycle: predict of it", lambda: simple().predict(list_in_itself()), NO_END),
    *(
        told(f"{kind}: tree.{name}", lambda m=make, u=use: u(m()), NO_END)
        for kind, make in (
            ("nested", lambda: nested_list(2_000)),
            ("cycle", list_in_itself),
        )
        for name, use in {
            "flatten": tree.flatten,
            "flatten_with_path": tree.flatten_with_path,
            "map_structure": lambda nest: tree.map_structure(ops.negative, nest),
            "map_structure_up_to": lambda nest: tree.map_structure_up_to(nest, id, nest),
            "map_shape_structure": lambda nest: tree.map_shape_structure(id, nest),
            "traverse": lambda nest: tree.traverse(lambda _: None, nest),
            "lists_to_tuples": tree.lists_to_tuples,
            "assert_same_structure": lambda nest: tree.assert_same_structure(nest, nest),
            "pack_sequence_as": lambda nest: tree.pack_sequence_as(nest, [1]),
            "instances": lambda nest: tree.instances(str, nest),
            "has_instance": lambda nest: tree.has_instance(str, nest),
            "map_instances": lambda nest: tree.map_instances(id, str, nest),
        }.items()
    ),
]
