"""What Keras' own tests or backends leave open: logits, large classes, weights of lower rank,
names, errors."""

import numpy as np
import pytest

import unidl
from unidl import losses, ops
from unidl.backend import Variable, use_backend


def test_weights_do_not_change_the_divisor():
    loss = losses.MeanSquaredError()
    value = loss(np.zeros((4, 1)), np.ones((4, 1)), sample_weight=np.array([2.0, 0.0, 0.0, 0.0]))
    assert float(value) == 0.5


def test_label_smoothing_golden_values():
    p = np.array([[0.7, 0.2, 0.1]])
    expected = -(0.9 * np.log(0.7) + 0.1 / 3 * np.log(p).sum())
    found = losses.categorical_crossentropy(np.array([[1.0, 0.0, 0.0]]), p, label_smoothing=0.1)
    np.testing.assert_allclose(found, [expected], rtol=1e-13)
    found = losses.binary_crossentropy(np.array([[1.0]]), np.array([[0.7]]), label_smoothing=0.2)
    np.testing.assert_allclose(found, [-(0.9 * np.log(0.7) + 0.1 * np.log(0.3))], rtol=1e-13)


def test_probabilities_are_normalised_then_clipped():
    found = losses.sparse_categorical_crossentropy(
        np.array([0, 1]), np.array([[2.0, 2.0], [4.0, 0.0]])
    )
    np.testing.assert_allclose(found, [np.log(2), -np.log(1e-7)], rtol=1e-13)


@pytest.mark.parametrize(
    "name", ["SparseCategoricalCrossentropy", "CategoricalCrossentropy", "BinaryCrossentropy"]
)
def test_logits_are_exact_where_the_activation_saturates(backend, name):
    with use_backend(backend) as b:
        loss = getattr(losses, name)(dtype="float64")
        logits = np.array([[80.0, 0.0]])
        y = {"S": np.array([1]), "C": np.array([[0.0, 1.0]]), "B": np.array([[0.0, 0.0]])}[name[0]]
        v = Variable(logits, dtype="float64")
        p = np.array([[1.0, 0.0]])
        value, (gradient,) = b.value_and_grad(lambda: loss(y, b.asarray(p), logits=v.value), [v])
        expected, slope = {
            "B": ((80 + np.log(2)) / 2, [[0.5, 0.25]]),
            "S": (80.0, [[1.0, -1.0]]),
            "C": (80.0, [[1.0, -1.0]]),
        }[name[0]]
        np.testing.assert_allclose(b.to_numpy(value), expected, rtol=1e-14)
        np.testing.assert_allclose(b.to_numpy(gradient), slope, rtol=1e-14)
        clipped = b.to_numpy(loss(y, b.asarray(p)))
        assert clipped < 17


def test_which_activation_a_loss_goes_with():
    assert losses.SparseCategoricalCrossentropy().logits_of == "softmax"
    assert losses.CategoricalCrossentropy().logits_of == "softmax"
    assert losses.BinaryCrossentropy().logits_of == "sigmoid"
    assert losses.CategoricalCrossentropy(from_logits=True).logits_of is None
    assert losses.CategoricalCrossentropy(axis=1).logits_of is None
    assert losses.MeanSquaredError().logits_of is None
    assert losses.resolve("categorical_crossentropy").logits_of == "softmax"
    with pytest.raises(NotImplementedError, match="not computed from logits"):
        losses.MeanSquaredError()(np.ones(2), np.ones(2), logits=np.ones(2))


def test_class_numbers_beyond_float32_keep_their_value():
    found = losses.SparseCategoricalCrossentropy(ignore_class=2**24 + 1, reduction="none")(
        np.array([2**24 + 1, 1]), np.array([[0.5, 0.5], [0.25, 0.75]])
    )
    np.testing.assert_allclose(found, [0, -np.log(0.75)], rtol=1e-6)


def test_weights_of_samples_hold_for_all_their_steps():
    values = np.arange(6.0).reshape(3, 2, 1) ** 0.5
    found = losses.MeanSquaredError(reduction="none", dtype="float64")(
        0 * values, values, sample_weight=np.array([1.0, 2.0, 3.0])
    )
    np.testing.assert_allclose(found, [[0, 1], [4, 6], [12, 15]], rtol=1e-12)


def test_an_empty_mask_gives_zero():
    value = losses.MeanSquaredError()(np.zeros((2, 1)), np.ones((2, 1)), mask=np.zeros(2, bool))
    assert float(value) == 0.0


def test_custom_losses():
    class Own(losses.Loss):
        def call(self, y_true, y_pred):
            return np.abs(y_true - y_pred)[:, 0]

    assert float(Own()(np.zeros((2, 1)), np.array([[1.0], [3.0]]))) == 2.0
    assert Own(name="mine").get_config() == {"name": "mine", "reduction": "sum_over_batch_size"}

    def cubic(y_true, y_pred):
        return (y_true - y_pred)[:, 0] ** 3

    wrapped = losses.resolve(cubic)
    assert wrapped.name == "cubic"
    assert float(wrapped(np.zeros((2, 1)), np.array([[-1.0], [-2.0]]))) == 4.5


def test_get_and_resolve():
    assert losses.get("mse") is losses.mean_squared_error
    assert type(losses.get("MeanSquaredError")) is losses.MeanSquaredError
    assert losses.get(None) is None
    assert type(losses.resolve("mse")) is losses.MeanSquaredError
    assert losses.resolve("mse").name == "mse"
    kinds = [
        type(losses.resolve("crossentropy", *s)).__name__
        for s in (((4,), (4, 3)), ((4, 3), (4, 3)), ((4, 1), (4, 1)))
    ]
    assert kinds == [
        "SparseCategoricalCrossentropy",
        "CategoricalCrossentropy",
        "BinaryCrossentropy",
    ]
    with pytest.raises(ValueError, match="Did you mean 'categorical_crossentropy'"):
        losses.get("categorical_crosentropy")
    with pytest.raises(ValueError, match="reduction must be one of"):
        losses.MeanSquaredError(reduction="average")


@pytest.mark.parametrize(
    ("function", "true", "pred", "message"),
    [
        (losses.sparse_categorical_crossentropy, (4, 3), (4, 3), "looks one-hot"),
        (losses.sparse_categorical_crossentropy, (5,), (4, 3), r"must have the shape \(4,\)"),
        (losses.categorical_crossentropy, (4,), (4, 3), "looks like class numbers"),
        (losses.categorical_crossentropy, (4, 1), (4, 3), r"to_categorical\(y, 3\)"),
        (losses.categorical_crossentropy, (4, 2), (4, 3), "same shape"),
        (losses.mean_squared_error, (4,), (4, 3), "y_pred"),
        (losses.binary_crossentropy, (4, 2), (4, 3), "as many units"),
    ],
)
def test_shape_errors_teach(function, true, pred, message):
    with pytest.raises(ValueError, match=message):
        function(np.zeros(true), np.full(pred, 0.5))


@pytest.mark.parametrize(
    ("loss", "y", "pred", "message"),
    [
        (
            "sparse_categorical_crossentropy",
            [0, 3],
            (None, 3),
            "there is the class 3, but the model has 3 outputs",
        ),
        ("sparse_categorical_crossentropy", [1, 2, 3], (None, 3), "Subtract 1"),
        ("sparse_categorical_crossentropy", [-1, 2], (None, 3), "class -1"),
        ("sparse_categorical_crossentropy", [0.5, 1], (None, 3), "there is 0.5"),
        ("sparse_categorical_crossentropy", [[1, 0, 0]], (None, 3), "looks one-hot"),
        ("categorical_crossentropy", [0, 1], (None, 3), "class numbers"),
        ("binary_crossentropy", [[0], [2]], (None, 1), "from 0 to 1, but there is 2"),
    ],
)
def test_targets_are_checked_on_the_host(loss, y, pred, message):
    with pytest.raises(ValueError, match=message):
        losses.check_targets(losses.resolve(loss), np.array(y), pred, "model 'm'")


def test_right_targets_pass_the_check():
    losses.check_targets(
        losses.SparseCategoricalCrossentropy(ignore_class=255), np.array([0, 2, 255]), (None, 3)
    )
    losses.check_targets(
        losses.SparseCategoricalCrossentropy(), np.array([[0.0], [2.0]]), (None, 3)
    )
    losses.check_targets(losses.BinaryCrossentropy(), np.array([[0], [1]]), (None, 1))
    losses.check_targets(losses.MeanSquaredError(), np.array([5.0]), (None, 1))


def _circle_of_the_paper(labels, embeddings, gamma, margin):
    """Equation 7 of arXiv:2002.10857 with similarities s = 1 - d, for rows that have equals and
    others."""
    s = embeddings @ embeddings.T
    equal = labels[:, None] == labels[None]
    found = []
    for i in range(len(labels)):
        positive = [
            -gamma * max(1 + margin - s[i, j], 0) * (s[i, j] - (1 - margin))
            for j in range(len(labels))
            if equal[i, j] and i != j
        ]
        negative = [
            gamma * max(s[i, j] + margin, 0) * (s[i, j] - margin)
            for j in range(len(labels))
            if not equal[i, j]
        ]
        found.append(np.log1p(np.exp(positive).sum() * np.exp(negative).sum()))
    return np.array(found)


UNIT = np.random.default_rng(3).standard_normal((5, 4))
UNIT /= np.linalg.norm(UNIT, axis=1, keepdims=True)


def test_circle_is_the_papers_and_lonely_rows_count_nothing(backend):
    labels = np.array([0, 1, 0, 1, 2])  # 2 has no equal
    v = Variable(UNIT, dtype="float64")
    loss = losses.Circle(gamma=2.0, margin=0.25, dtype="float64")
    value, (gradient,) = backend.value_and_grad(lambda: loss(labels, v.value), [v])
    # The fifth is another to the four, so that it is part of their sums.
    expected = _circle_of_the_paper(labels, UNIT, 2.0, 0.25)
    np.testing.assert_allclose(
        backend.to_numpy(losses.circle(labels, v.value, gamma=2.0, margin=0.25)),
        [*expected[:4], 0],
        rtol=1e-13,
    )
    np.testing.assert_allclose(backend.to_numpy(value), expected[:4].mean(), rtol=1e-13)
    assert np.isfinite(backend.to_numpy(gradient)).all()
    alone, (gradient,) = backend.value_and_grad(
        lambda: losses.Circle(dtype="float64")(np.arange(5), v.value), [v]
    )
    assert backend.to_numpy(alone) == 0
    np.testing.assert_array_equal(backend.to_numpy(gradient), 0)


def test_generalized_cross_entropy_lies_between_cross_entropy_and_error(backend):
    p = np.array([[0.7, 0.3], [0.2, 0.8]])
    found = losses.categorical_generalized_cross_entropy(
        np.array([[0], [0]]), backend.asarray(p), q=0.5
    )
    np.testing.assert_allclose(backend.to_numpy(found), (1 - np.sqrt([0.7, 0.2])) / 0.5, rtol=1e-14)
    with pytest.raises(ValueError, match="q must lie between 0 and 1"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.0)


def test_ctc_sums_over_all_alignments(backend):
    """Two moments, the label 1: it is there first, second, or both times."""
    logits = np.array([[[0.5, -1.0, 0.25], [1.0, 2.0, -0.5]]])
    p = np.exp(logits[0]) / np.exp(logits[0]).sum(-1, keepdims=True)
    expected = -np.log(p[0, 1] * p[1, 0] + p[0, 0] * p[1, 1] + p[0, 1] * p[1, 1])
    found = losses.CTC(dtype="float64")(np.array([[1, 0]]), backend.asarray(logits))
    np.testing.assert_allclose(backend.to_numpy(found), expected, rtol=1e-13)
    with pytest.raises(ValueError, match=r"y_true must have shape \(n, labels\)"):
        losses.ctc(np.array([1, 0]), backend.asarray(logits))


@pytest.mark.parametrize(
    ("loss", "shape", "y"),
    [
        ("circle", (4,), np.array([0, 1, 0, 1, 2, 0])),
        ("ctc", (7, 4), np.array([[1, 2], [1, 0], [3, 3], [2, 1], [0, 0], [3, 1]])),
        (losses.CategoricalGeneralizedCrossEntropy(0.25), (4,), np.array([0, 1, 2, 3, 0, 1])),
    ],
)
def test_losses_of_class_numbers_train(backend, loss, shape, y):
    import unidl

    unidl.utils.set_random_seed(0)
    last = {"circle": unidl.layers.UnitNormalization(), "ctc": unidl.layers.Identity()}.get(
        loss, unidl.layers.Softmax()
    )
    model = unidl.Sequential([unidl.Input(shape), unidl.layers.Dense(4), last])
    x = np.random.default_rng(0).standard_normal((6, *shape)).astype("float32")
    wanted = float(losses.resolve(loss)(y, model(backend.asarray(x))))
    model.compile(unidl.optimizers.SGD(0.01), loss)
    history = model.fit(x, y, epochs=5, batch_size=6, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(history[0], wanted, rtol=1e-5)
    assert history[-1] < history[0]


def test_ctc_counts_samples_with_any_step_left_after_masking(backend):
    x = np.random.default_rng(0).normal(size=(4, 7, 3)).astype("float32")
    x[0, 5:], x[2] = 0, 0  # the mask leaves out two steps of one sample, and all of another
    y = np.array([[1, 2], [1, 0], [2, 2], [1, 1]])
    inputs = unidl.Input((7, 3))
    hidden = unidl.layers.Masking()(inputs)
    model = unidl.Model(inputs, unidl.layers.Dense(4)(hidden))
    model.compile("sgd", "ctc")
    outputs = ops.convert_to_numpy(model(x))
    each = ops.convert_to_numpy(losses.ctc(y, backend.asarray(outputs)))
    expected = each[[0, 1, 3]].mean()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-4)
    assert model.train_on_batch(x, y) == pytest.approx(expected, rel=1e-4)
    mask = backend.asarray(np.any(x != 0, -1))
    assert float(ops.convert_to_numpy(losses.CTC()(y, outputs, mask=mask))) == pytest.approx(
        expected, rel=1e-4
    )


def test_a_mask_with_more_axes_than_the_losses_names_the_loss(backend):
    y = np.zeros((4, 7), "float32")
    with pytest.raises(ValueError, match=r"MeanSquaredError 'mean_squared_error': the mask has"):
        losses.MeanSquaredError()(y, backend.asarray(y), mask=backend.asarray(y + 1))
