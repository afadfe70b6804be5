"""Layers of a user's own, with Keras' signatures; constraints, initializers and regularizers."""

import numpy as np
import pytest

import unidl
from tests.written_for_keras.both import STEPS, X, Y, agree, dense


def lstm(k):
    ones = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}
    return k.layers.LSTM(1, **ones)


def masks_asked_for(k):
    q, known = np.ones((1, 2, 3)), [np.array([[True, False]]), np.array([[False, True]])]
    one = np.array([[[0.0], [1.0]]])
    return (
        k.layers.Attention().compute_mask([q, q], mask=known),
        k.layers.Masking(0.0).compute_mask(one),
        k.layers.Lambda(lambda x: x, mask=lambda x, mask: mask).compute_mask(q, mask=None),
        k.layers.Add().compute_mask([q, q], mask=known),
        k.layers.Concatenate(axis=1).compute_mask([q, q], mask=known),
        k.layers.GlobalAveragePooling1D().compute_mask(q, mask=known[0]),
    )


def mask_made_by_the_user(k):
    class Own(k.layers.Layer):
        def call(self, x):
            return x * 1

        def compute_mask(self, inputs, mask=None):
            return k.ops.any(k.ops.not_equal(inputs, 0), axis=-1)

    model = k.Sequential([k.Input((4, 1)), Own(), lstm(k)])
    return Own().supports_masking, model(STEPS), model.predict(STEPS, verbose=0)


def mask_of_a_list(k):
    class Own(k.layers.Layer):
        def call(self, inputs):
            return inputs[0] + inputs[1]

        def compute_mask(self, inputs, mask=None):
            return k.ops.not_equal(inputs[0][..., 0], 0) if mask[0] is None else mask[0]

    start = k.Input((4, 1))
    model = k.Model(start, lstm(k)(Own()([start, start])))
    return model(STEPS), model.predict(STEPS, verbose=0)


def mask_of_the_first_of_two(k):
    class Both(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, inputs):
            one, two = inputs
            return one + 2 * two

    one, two = k.Input((4, 1)), k.Input((4, 1))
    both = Both()([k.layers.Masking(0.0)(one), k.layers.Masking(2.0)(two)])
    model = k.Model([one, two], lstm(k)(both))
    return model.predict([STEPS, STEPS[::-1]], verbose=0)


def mask_of_a_sublayer(k):
    class Own(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking, self.inner = True, k.layers.Masking(2.0)

        def call(self, x):
            return self.inner(x)

    return lstm(k)(Own()(k.layers.Masking(0.0)(STEPS)))


def mask_of_a_lambda(k):
    own = k.layers.Lambda(lambda x: x * 1, mask=lambda x, mask: k.ops.not_equal(x[..., 0], 0))
    return k.Sequential([k.Input((4, 1)), own, lstm(k)])(STEPS)


def build_with_another_name(k):
    class Own(k.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1],), initializer="ones", name="w")

        def call(self, x):
            return x * self.w

    start = k.Input((3,))
    return k.Model(start, Own()(start)).predict(X, verbose=0)


def build_for_two(k):
    class Own(k.layers.Layer):
        def build(self, a_shape, b_shape):
            shape = a_shape[-1], b_shape[-1]
            self.w = self.add_weight(shape=shape, initializer="ones", name="w")

        def call(self, a, b):
            return k.ops.matmul(a, self.w) + b

        def compute_output_shape(self, a_shape, b_shape):
            return b_shape

    a, b = k.Input((3,)), k.Input((3,))
    return Own()(X, X), k.Model([a, b], Own()(a, b)).output_shape


def shape_as_a_list(k):
    class Own(k.layers.Layer):
        def call(self, x):
            return x[:, :2]

        def compute_output_shape(self, input_shape):
            return [input_shape[0], 2]

    start = k.Input((3,))
    model = k.Model(start, Own()(start))
    return model.output_shape, model.predict(X, verbose=0)


def table_without_a_shape(k):
    table = k.layers.Embedding(4, 2)
    table.build()
    return table.built, tuple(table.weights[0].shape)


def policies(k):
    layer = k.layers.Dense(2)
    layer.dtype_policy = "bfloat16"
    found = [layer.compute_dtype, layer.variable_dtype, layer.input_dtype]
    layer.dtype_policy = k.DTypePolicy("mixed_float16")
    layer.build((None, 3))
    return *found, layer.compute_dtype, layer.variable_dtype, layer.kernel.dtype


def rms_scaling(k):
    layer = k.layers.LayerNormalization(rms_scaling=True)
    return layer(X), len(layer.weights), layer.get_config()["rms_scaling"]


def vectors(k):
    layer = k.layers.EinsumDense("a,ab->b", output_shape=3, kernel_initializer="ones")
    return layer(X[0])


def specs(k):
    spec = k.layers.InputSpec(shape=(None, 3), axes={-1: 3})
    return k.layers.InputSpec.from_config(spec.get_config()).get_config()["shape"][1]


def symbols(k):
    x = k.KerasTensor((2, 1, 3))
    return x.reshape((6,)).shape, x.squeeze(1).shape


def what_a_kernel_is_made_with(k):
    class Grow(k.constraints.Constraint):
        def __call__(self, w):
            return k.ops.relu(w) + 1

    class Threes(k.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return k.ops.ones(shape, dtype=dtype) * 3

    class Sum(k.regularizers.Regularizer):
        def __call__(self, x):
            return 2 * k.ops.sum(x)

    layer = k.layers.Dense(
        1, kernel_initializer=Threes(), kernel_regularizer=Sum(), kernel_constraint=Grow()
    )
    model = k.Sequential([k.Input((3,)), layer])
    losses = [*layer.losses]
    model.compile("sgd", "mse")
    return losses, model.fit(X, Y, verbose=0, shuffle=False).history, layer.kernel


def metrics_inside(k):
    class Own(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.mean, self.inner = k.metrics.Mean(name="mean"), dense(k)

    layer = Own()
    return [m.name for m in layer.metrics], len(layer.metrics_variables)


@pytest.mark.parametrize(
    "program",
    [
        masks_asked_for, mask_made_by_the_user, mask_of_a_list, mask_of_the_first_of_two,
        mask_of_a_sublayer, mask_of_a_lambda, build_with_another_name, build_for_two,
        shape_as_a_list, table_without_a_shape, policies, vectors, specs, symbols,
        what_a_kernel_is_made_with, metrics_inside,
    ],
)  # fmt: skip
def test_as_in_keras(backend, program):
    agree(program)


def test_scaling_of_older_programs_as_in_keras(backend):
    with pytest.warns(UserWarning, match="RMSNormalization"):
        agree(rms_scaling)


def test_a_policy_that_there_is_not():
    with pytest.raises(ValueError, match="floot32"):
        unidl.layers.Dense(2).dtype_policy = "floot32"


def test_a_policy_set_on_a_model_that_has_run_is_obeyed(backend):
    model = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    before = model.predict(X, verbose=0)
    model.layers[0].dtype_policy = "float64"
    model.layers[0].built = False  # the weights are those of the old policy
    assert before.dtype == np.float32
    assert unidl.ops.dtype(model.layers[0](X)) == "float64"


def test_attention_without_a_kernel(backend):
    x = np.random.default_rng(0).normal(size=(2, 5, 4))
    unidl.utils.set_random_seed(1)
    fast = unidl.layers.MultiHeadAttention(2, 3)
    expected = unidl.ops.convert_to_numpy(fast(x, x))
    assert unidl.config.is_flash_attention_enabled() is None
    unidl.config.disable_flash_attention()
    try:
        assert unidl.config.is_flash_attention_enabled() is False
        slow = unidl.layers.MultiHeadAttention(2, 3)
        slow.build(x.shape, x.shape)
        slow.set_weights(fast.get_weights())
        assert slow.kernel_description() == (
            "composed of primitives: config.disable_flash_attention()"
        )
        np.testing.assert_allclose(
            unidl.ops.convert_to_numpy(slow(x, x)), expected, rtol=1e-5, atol=1e-6
        )
    finally:
        unidl.config.enable_flash_attention()
    assert unidl.config.is_flash_attention_enabled() is None
