"""Models whose inputs are optional, nested, or several in a Sequential; copies of models."""

import numpy as np
import pytest

import unidl
from tests.written_for_keras.both import X, Y, agree, dense


def _choice(k):
    class Choice(k.layers.Layer):
        def call(self, a, b=None):
            return a if b is None else b if a is None else a + b

        def compute_output_shape(self, a_shape, b_shape=None):
            return a_shape or b_shape

    return Choice()


def _with_an_optional_input(k, first=False):
    a = k.Input((3,), name="a", optional=first)
    b = k.Input((3,), name="b", optional=not first)
    model = k.Model([a, b], dense(k)(_choice(k)(a, b)))
    model.compile("sgd", "mse")
    return model


def optional_inputs(k):
    model, other = _with_an_optional_input(k), _with_an_optional_input(k, first=True)
    return (
        model([X, None]),
        model([X, X]),
        model.fit([X, None], Y, verbose=0, shuffle=False).history,
        model.evaluate([X, None], Y, verbose=0),
        model.predict([X, None], verbose=0),
        model.predict([X, X], verbose=0),
        model.predict_on_batch([X, None]),
        other.fit([None, X], Y, verbose=0, shuffle=False).history,
        other.predict({"a": None, "b": X}, verbose=0),
        model.layers[1].get_config()["optional"],
    )


def nested_inputs(k):
    a, b, c = (k.Input((3,), name=name) for name in "abc")
    model = k.Model([a, {"x": b, "y": (c,)}], dense(k)(a + 2 * b + 3 * c))
    given = [X, {"x": X, "y": (2 * X,)}]
    return model(given), model.predict(given, verbose=0)


def more_than_is_asked_for(k):
    a = k.Input((3,), name="a")
    model = k.Model({"a": a}, dense(k)(a))
    return model({"a": X, "other": X}), k.Model(a, dense(k)(a))([X])


def shapes_with_the_batch(k):
    return k.Input(batch_shape=(2, 3)).shape[0], k.Input(batch_shape=[None, 3]).shape[1]


def _added(k):
    class Added(k.layers.Layer):
        def call(self, x):
            return x["a"] + x["b"]

    return k.Sequential([Added(), dense(k, 2), dense(k)])


def rows_of_several_inputs(k):
    model, other = _added(k), k.Sequential([k.layers.Concatenate(), dense(k)])
    model.compile("sgd", "mse")
    other.compile("sgd", "mse")
    return (
        model({"a": X, "b": X}),
        model.fit({"a": X, "b": X}, Y, verbose=0, shuffle=False).history,
        model.predict({"a": X, "b": 2 * X}, verbose=0),
        other.predict([X, X], verbose=0),
        other.fit([X, X], Y, verbose=0, shuffle=False).history,
        other([X, 2 * X]),
    )


def rows_of_several_outputs(k):
    class Both(k.layers.Layer):
        def call(self, x):
            return x, x * 2

    class Named(k.layers.Layer):
        def call(self, x):
            return {"a": x, "b": x * 2}

    return (
        k.Sequential([k.Input((3,)), Both()])(X),
        k.Sequential([k.Input((3,)), Both(), k.layers.Add()])(X),
        k.Sequential([Named()]).predict(X, verbose=0),
    )


def batches_of_another_size(k):
    start = k.Input(batch_shape=(2, 3))
    model, row = k.Model(start, dense(k)(start)), k.Sequential([dense(k, 2), dense(k)])
    row.build((7, 3))
    return model(X), row(X), model.predict(X, verbose=0), row.predict(X, verbose=0)


def fewer_targets_than_outputs(k):
    start = k.Input((3,))
    hidden = dense(k, 2, name="hidden")(start)
    model = k.Model(start, [hidden, dense(k, name="out")(hidden)])
    model.compile(k.optimizers.SGD(0.01), [None, "mse"])
    return (
        model.fit(X, Y, epochs=2, verbose=0, shuffle=False).history,
        model.evaluate(X, [Y], verbose=0, return_dict=True),
        model.train_on_batch(X, Y, return_dict=True),
    )


def copies(k):
    class Own(k.Model):
        def __init__(self, units=2, **kwargs):
            super().__init__(**kwargs)
            self.units, self.inner = units, dense(k, units)

        def call(self, x):
            return self.inner(x)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    class Graph(k.Model):
        def five(self):
            return 5

    start = k.Input((3,))
    model = Own(3)
    model(X)
    row = k.Sequential([k.Input((3,)), dense(k)])
    row.compile(k.optimizers.SGD(0.25), "mse", metrics=["mae"])
    copy = k.models.clone_model(row)
    copy.set_weights(row.get_weights())
    begun = k.models.clone_model(row, input_tensors=k.Input((3,), name="new"))
    return (
        k.models.clone_model(model)(X),
        k.models.clone_model(Graph(start, dense(k)(start))).five(),
        copy.compiled,
        float(copy.optimizer.learning_rate),
        copy.fit(X, Y, verbose=0, shuffle=False).history,
        type(begun).__name__,
        begun.inputs[0].name,
    )


def copies_of_models_within_models(k):
    inner = k.Sequential([k.Input((3,)), dense(k, 2, name="within")], name="inner")
    start = k.Input((3,))
    model = k.Model(start, dense(k, name="out")(inner(start)))
    met = {"flat": [], "deep": [], "called": []}

    def noting(where):
        def clone(layer):
            met[where].append(layer.name)
            return layer.__class__.from_config(layer.get_config())

        return clone

    def call(layer, *args, **kwargs):
        met["called"].append(layer.name)
        return layer(*args, **kwargs)

    k.models.clone_model(model, clone_function=noting("flat"))
    k.models.clone_model(model, clone_function=noting("deep"), recursive=True)
    other = k.models.clone_model(model, call_function=call)
    return met, other.output_shape


@pytest.mark.parametrize(
    "program",
    [
        optional_inputs, nested_inputs, more_than_is_asked_for, shapes_with_the_batch,
        rows_of_several_inputs, rows_of_several_outputs, copies, copies_of_models_within_models,
        fewer_targets_than_outputs, batches_of_another_size,
    ],
)  # fmt: skip
def test_as_in_keras(backend, program):
    agree(program)


def test_none_for_an_input_that_is_not_optional():
    model = _with_an_optional_input(unidl)
    for call in (model, lambda x: model.predict(x, verbose=0)):
        with pytest.raises(ValueError, match=r"input 'a': got None\. .* optional=True"):
            call([None, X])


def test_an_optional_input_stays_so_in_a_copy(backend):
    model = _with_an_optional_input(unidl)
    assert [unidl.models.clone_model(model).layers[i].optional for i in (0, 1)] == [False, True]


def test_rows_of_several_inputs_are_built_copied_and_written(backend):
    model = _added(unidl)
    model.build({"a": (None, 3), "b": (None, 3)})
    assert len(model.weights) == 4
    given = {"a": X, "b": 2 * X}
    expected = model.predict(given, verbose=0)
    copy = unidl.models.clone_model(model)
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(given, verbose=0), expected)
    row = unidl.Sequential([unidl.layers.Add(), dense(unidl, 2)])
    row([X, X])
    read = unidl.models.model_from_json(row.to_json())
    assert len(read.weights) == 2
    read.set_weights(row.get_weights())
    np.testing.assert_array_equal(read.predict([X, X], verbose=0), row.predict([X, X], verbose=0))
    row.add(dense(unidl))
    assert row.output_shape == (None, 1)
    row.pop()
    assert row.output_shape == (None, 2)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"call_function": print}, "a sequence of layers without calls"),
        ({"recursive": "yes"}, "recursive must be True or False"),
        (
            {"input_tensors": [unidl.KerasTensor((2, 3)), unidl.KerasTensor((2, 3))]},
            "one input tensor",
        ),
    ],
)
def test_what_clone_model_cannot_do(arguments, text):
    row = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    with pytest.raises((TypeError, ValueError), match=text):
        unidl.models.clone_model(row, **arguments)
