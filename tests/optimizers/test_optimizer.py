"""What optimizers have besides arithmetic: golden values, state, configs, errors."""

import copy
import json

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import Input, Sequential, layers, ops, optimizers, saving
from unidl.backend import Variable, use_backend
from unidl.optimizers import SGD, Adam, AdamW, RMSprop, schedules


def _after(optimizer, grads, start=1.0):
    v = Variable(np.float64(start), dtype="float64")
    optimizer.build([v])
    for g in grads:
        optimizer.apply([np.float64(g) * np.ones(())])
    return float(v.numpy())


def test_adam_epsilon_is_outside_the_root_and_not_corrected():
    # t = 1: m = (1 - b1) g, v = (1 - b2) g**2, step = lr sqrt(1 - b2) / (1 - b1) * m / (sqrt(v) +
    # eps)
    g, eps = 1e-3, 1e-2
    root = np.sqrt(0.001)
    assert _after(Adam(0.1, epsilon=eps), [g]) == pytest.approx(
        1 - 0.1 * root * g / (root * g + eps), rel=1e-13
    )


def test_default_epsilons_are_1e_7():
    assert Adam().epsilon == AdamW().epsilon == RMSprop().epsilon == 1e-7
    # With gradients of the size of epsilon a wrong epsilon changes the first digits.
    assert _after(Adam(0.1), [1e-7]) == pytest.approx(
        1 - 0.1 * 0.001**0.5 / (0.001**0.5 + 1), rel=1e-12
    )


def test_rmsprop_epsilon_is_inside_the_root():
    assert _after(RMSprop(0.1, epsilon=0.01), [0.2]) == pytest.approx(
        1 - 0.1 * 0.2 / np.sqrt(0.1 * 0.04 + 0.01), rel=1e-13
    )


def test_nesterov_looks_ahead():
    # v1 = -lr g, p1 = p + m v1 - lr g; v2 = m v1 - lr g, p2 = p1 + m v2 - lr g
    lr, m, g = 0.1, 0.9, 1.0
    v1 = -lr * g
    p1 = 1 + m * v1 - lr * g
    v2 = m * v1 - lr * g
    assert _after(SGD(lr, momentum=m, nesterov=True), [g, g]) == pytest.approx(
        p1 + m * v2 - lr * g, rel=1e-14
    )


def test_decay_is_decoupled_and_uses_the_rate():
    assert _after(AdamW(0.5, weight_decay=0.1), [0.0]) == pytest.approx(1 - 0.1 * 0.5, rel=1e-14)
    assert _after(AdamW(), [0.0]) == pytest.approx(1 - 0.004 * 0.001, rel=1e-14)


def test_excluded_variables_do_not_decay():
    a, bias = Variable(np.ones(2), name="kernel"), Variable(np.ones(2), name="bias")
    optimizer = AdamW(0.5, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([np.zeros(2), np.zeros(2)], [a, bias])
    np.testing.assert_allclose(a.numpy(), 0.95)
    np.testing.assert_array_equal(bias.numpy(), 1.0)


def test_the_order_of_variables_is_keras():
    a, b = Variable(np.ones(2), name="a"), Variable(np.ones(3), name="b")
    optimizer = Adam(amsgrad=True, name="adam")
    optimizer.build([a, b])
    with in_float64() as keras:
        theirs = keras.optimizers.Adam(amsgrad=True, name="adam")
        theirs.build([keras.Variable(np.ones(2), name="a"), keras.Variable(np.ones(3), name="b")])
        assert [v.name for v in optimizer.variables] == [v.name for v in theirs.variables]
        assert [v.path for v in optimizer.slot_variables] == [v.path for v in theirs.variables[2:]]


def test_state_moves_to_another_backend_and_on():
    grads = np.random.default_rng(0).standard_normal((6, 4))

    def run(hop):
        v = Variable(np.ones(4), dtype="float64", backend="numpy")
        optimizer = Adam(0.01)
        optimizer.build([v])
        for i, g in enumerate(grads):
            if hop and i == 3:
                v.to("torch")
                optimizer.to("torch")
            with use_backend(v.backend) as b:
                optimizer.apply([b.asarray(g)])
        return v.numpy()

    close(run(True), run(False), 1e-14)


def test_slots_left_behind_are_an_error():
    v = Variable(np.ones(4), backend="numpy")
    optimizer = Adam()
    optimizer.build([v])
    v.to("torch")
    with pytest.raises(ValueError, match=r"optimizer\.to\('torch'\)"):
        optimizer.apply([v.backend.asarray(np.ones(4))])


def test_save_and_restore_continues_exactly():
    first = Variable(np.ones(4))
    a = Adam(0.01)
    a.apply([np.arange(4.0)], [first])
    store = {}
    a.save_own_variables(store)
    second = Variable(first.numpy())
    b = Adam(0.5)
    b.build([second])
    b.load_own_variables(store)
    assert float(b.learning_rate) == 0.01
    assert int(b.iterations) == 1
    for optimizer, v in ((a, first), (b, second)):
        optimizer.apply([np.ones(4)], [v])
    np.testing.assert_array_equal(first.numpy(), second.numpy())
    with pytest.raises(ValueError, match="4 variables, got 3"):
        b.load_own_variables({k: store[k] for k in "012"})


# Without Lamb, whose config Keras 3.15 cannot read back itself.
@pytest.mark.parametrize(
    "name",
    [
        "SGD",
        "Adam",
        "AdamW",
        "RMSprop",
        "Adagrad",
        "Adadelta",
        "Adamax",
        "Nadam",
        "Lion",
        "Ftrl",
        "Adafactor",
        "Muon",
    ],
)
def test_configs_interchange_with_keras(name):
    with in_float64() as keras:
        ours = getattr(optimizers, name)(learning_rate=0.25, clipnorm=1.0)
        theirs = getattr(keras.optimizers, name)(learning_rate=0.25, clipnorm=1.0)
        config, expected = optimizers.serialize(ours), keras.optimizers.serialize(theirs)
        assert ours.name.split("_")[0] == theirs.name.split("_")[0]
        config["config"].pop("name"), expected["config"].pop("name")
        assert config == expected
        back = optimizers.deserialize(json.loads(json.dumps(expected)))
        assert type(back) is type(ours)
        assert type(keras.optimizers.deserialize(json.loads(json.dumps(config)))) is type(theirs)


def test_a_schedule_survives_the_config():
    optimizer = Adam(schedules.CosineDecay(0.1, 100, warmup_target=0.5, warmup_steps=10))
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert again.learning_rate == optimizer.learning_rate
    assert again._learning_rate.get_config() == optimizer._learning_rate.get_config()
    with pytest.raises(TypeError, match="CosineDecay"):
        again.learning_rate = 0.1


def test_get():
    assert type(optimizers.get("adam")) is Adam
    assert type(optimizers.get("RMSprop")) is RMSprop
    assert type(optimizers.get(SGD)) is SGD
    assert (
        optimizers.get({"class_name": "adamw", "config": {"learning_rate": 0.5}}).learning_rate
        == 0.5
    )
    with pytest.raises(ValueError, match=r"Did you mean .*'adam'"):
        optimizers.get("adma")
    with pytest.raises(ValueError, match="no optimizer"):
        optimizers.get(3)


def test_registered_optimizers_are_found():
    @saving.register_keras_serializable("mine")
    class Own(SGD):
        pass

    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(Own(0.5)))))
    assert type(again) is Own


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "only one gradient limit"),
        ({"use_ema": True, "ema_momentum": 2.0}, r"ema_momentum must be in \[0, 1\]"),
        ({"gradient_accumulation_steps": 1}, "int >= 2"),
        ({"learning_rate": "fast"}, "must be a finite number"),
        ({"momentum": 2.0}, r"momentum must be a number from 0 to 1"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SGD(**arguments)


def test_wrong_calls():
    v = Variable(np.ones(2))
    optimizer = SGD()
    with pytest.raises(ValueError, match="not built"):
        optimizer.apply([np.ones(2)])
    optimizer.build([v])
    with pytest.raises(ValueError, match="2 gradients for 1"):
        optimizer.apply([np.ones(2), np.ones(2)])
    with pytest.raises(ValueError, match="new optimizer for new variables"):
        optimizer.apply([np.ones(2)], [Variable(np.ones(2), name="other")])
    with pytest.raises(ValueError, match="no gradient"):
        optimizer.apply([None], [v])
    assert int(optimizer.iterations) == 0


def test_a_missing_gradient_leaves_the_variable():
    a, b = Variable(np.ones(2), name="a"), Variable(np.ones(2), name="b")
    with pytest.warns(UserWarning, match="no gradient for b"):
        SGD(0.5).apply([np.ones(2), None], [a, b])
    np.testing.assert_array_equal(a.numpy(), 0.5)
    np.testing.assert_array_equal(b.numpy(), 1.0)


def test_infinite_gradients_do_not_pass_global_clipping():
    v = Variable(np.ones(2))
    SGD(global_clipnorm=1.0).apply([np.array([np.inf, 1.0])], [v])
    assert np.isnan(v.numpy()).all()


def test_host_numbers():
    rate = Adam(0.5).learning_rate
    assert rate == 0.5
    assert rate < 1
    assert rate * 2 == 1.0
    assert f"{rate:.1f}" == "0.5"
    assert rate.assign(np.float32(0.25)).numpy() == 0.25
    with pytest.raises(ValueError, match="a finite number"):
        rate.assign([1, 2])


def test_nadam_is_its_formula(backend):
    """Dozat (2016), in plain NumPy. Keras rounds the schedule's 0.96 to float32, so it cannot judge
    float64."""
    draw = np.random.default_rng(0)
    p, m, v, product = draw.standard_normal(4), np.zeros(4), np.zeros(4), 1.0
    variable = Variable(p, dtype="float64")
    optimizer = optimizers.Nadam(2**-7, 0.875, 0.9375, 2**-12)
    for t in range(1, 8):
        if t == 5:  # state that comes from a file knows the number of the step alone
            state = [np.array(value.numpy()) for value in optimizer.variables]
            optimizer = optimizers.Nadam(2**-7, 0.875, 0.9375, 2**-12)
            optimizer.build([variable])
            optimizer.set_weights(state)
        g = draw.standard_normal(4)
        u, following = (0.875 * (1 - 0.5 * 0.96**i) for i in (t, t + 1))
        product *= u
        m, v = 0.875 * m + 0.125 * g, 0.9375 * v + 0.0625 * g * g
        ahead = following * m / (1 - product * following) + (1 - u) * g / (1 - product)
        p = p - 2**-7 * ahead / (np.sqrt(v / (1 - 0.9375**t)) + 2**-12)
        optimizer.apply([backend.asarray(g)], [variable])
    np.testing.assert_allclose(variable.numpy(), p, rtol=1e-13)
    np.testing.assert_allclose(optimizer.variables[-1].numpy(), product, rtol=1e-13)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: optimizers.Lion(beta_1=0.0), "beta_1"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "learning_rate_power"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), "l1_regularization_strength"),
    ],
)
def test_what_an_optimizer_cannot_use_is_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_the_learning_rate_is_a_number_on_either_side_of_an_operator():
    rate = optimizers.SGD(0.25).learning_rate
    steps = optimizers.SGD(0.25).iterations
    assert (1 - rate, rate - 1, 1 / rate, rate / 0.5, 2**rate) == (0.75, -0.75, 4.0, 0.5, 2**0.25)
    assert (rate**2, -rate, abs(-rate), rate + rate, rate * rate) == (
        0.0625,
        -0.25,
        0.25,
        0.5,
        0.0625,
    )
    assert (7 // (steps + 2), 7 % (steps + 4), steps // 2) == (3, 3, 0)
    assert rate == 0.25
    assert rate != 0.5
    assert rate > steps
    assert 0.25 <= rate <= 0.25
    assert len({rate, rate}) == 1
    np.testing.assert_array_equal(np.ones(2) - rate, [0.75, 0.75])


def test_a_learning_rate_that_is_a_variable(backend):
    """Whoever changes one of the two changes both, and the next step obeys."""
    rate = Variable(0.5)
    optimizer = SGD(learning_rate=rate)
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile(optimizer, "mae")
    x, y = np.ones((1, 1)), -100 * np.ones((1, 1))  # the gradient is 1
    weights = []
    for change in (0.5, 0.25, 0.125):
        before = model.get_weights()[0].item()
        model.fit(x, y, verbose=0)
        weights.append(before - model.get_weights()[0].item())
        assert weights[-1] == pytest.approx(change, rel=1e-4)
        rate.assign(change / 2)
        assert optimizer.learning_rate == change / 2
    optimizer.learning_rate = 0.75
    assert rate.numpy() == 0.75
    optimizer.learning_rate.assign(Variable(2.0))
    assert rate.numpy() == 2.0
    assert 1 - optimizer.learning_rate == -1.0
    assert optimizer.get_config()["learning_rate"] == 2.0
    assert repr(optimizer) == "<SGD learning_rate=2.0>"
    with pytest.raises(ValueError, match="0 or more"):
        optimizer.learning_rate = -1.0
    with pytest.raises(ValueError, match="finite number"):
        SGD(learning_rate=Variable([0.1, 0.2]))
    again = copy.deepcopy(optimizer)
    again.learning_rate = 0.25
    assert rate.numpy() == 2.0


def test_a_learning_rate_takes_what_holds_one_number(backend):
    optimizer = SGD(0.5)
    for value in (
        0.25,
        np.float32(0.25),
        np.array([0.25]),
        Variable(0.25),
        SGD(0.25).learning_rate,
    ):
        optimizer.learning_rate = value
        assert optimizer.learning_rate == 0.25
    optimizer.learning_rate = ops.convert_to_tensor(0.125)
    assert float(optimizer.learning_rate) == 0.125
    assert float(SGD(ops.convert_to_tensor(0.125)).learning_rate) == 0.125
    assert round(optimizer.learning_rate, 2) == 0.12
    assert divmod(1.0, optimizer.learning_rate) == (8.0, 0.0)
    optimizer.learning_rate *= 2
    assert optimizer.learning_rate == 0.25
