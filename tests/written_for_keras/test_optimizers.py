"""Optimizers that Keras' users write: `build` adds state, `update_step` assigns; twenty steps of
`fit`, in one compiled step and eagerly."""

import numpy as np
import pytest

from tests.written_for_keras.both import agree, dense

X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.random.default_rng(1).normal(size=(20, 1))


def momentum(k):
    class Momentum(k.optimizers.Optimizer):
        def __init__(self, learning_rate=0.0625, friction=0.5, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.friction = friction

        def build(self, variables):
            super().build(variables)
            self.momentums = [
                self.add_variable_from_reference(v, name="momentum") for v in variables
            ]

        def update_step(self, gradient, variable, learning_rate):
            rate = k.ops.cast(learning_rate, variable.dtype)
            m = self.momentums[self._get_variable_index(variable)]
            self.assign(m, m * (1 - self.friction) - gradient * rate)
            self.assign_add(variable, m)

        def get_config(self):
            return {**super().get_config(), "friction": self.friction}

    return Momentum


def counting(k):
    """Adam's first moment with the bias correction that needs the number of the step, and a count
    of its own that is no slot of a variable."""

    class Counting(k.optimizers.Optimizer):
        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.means, self.squares = self.add_optimizer_variables(variables, ["m", "v"])
            self.seen = self.add_variable((), initializer="zeros", dtype="float64", name="seen")

        def update_step(self, gradient, variable, learning_rate):
            i = self._get_variable_index(variable)
            m, v, dtype = self.means[i], self.squares[i], variable.dtype
            step = k.ops.cast(self.iterations + 1, dtype)
            rate = k.ops.cast(learning_rate, dtype) / (
                1 - k.ops.power(k.ops.cast(0.5, dtype), step)
            )
            self.assign(m, 0.5 * m + 0.5 * gradient)
            self.assign_add(v, (k.ops.square(gradient) - v) * 0.25)
            self.assign_sub(variable, rate * m / (k.ops.sqrt(v) + 0.125))
            self.assign_add(self.seen, 1.0)

    return Counting


EACH = {
    "plain": (momentum, {}),
    "of its own": (momentum, {"friction": 0.25, "name": "mine"}),
    "decay and clipping": (momentum, {"weight_decay": 0.125, "clipnorm": 0.5}),
    "accumulation": (momentum, {"gradient_accumulation_steps": 3}),
    "averages": (momentum, {"use_ema": True, "ema_momentum": 0.75}),
    "count": (counting, {"learning_rate": 0.0625}),
    "count and accumulation": (
        counting,
        {"learning_rate": 0.0625, "gradient_accumulation_steps": 2, "global_clipnorm": 1.0},
    ),
}


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("eagerly", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_as_in_keras(backend, name, eagerly):
    make, arguments = EACH[name]

    def program(k):
        model = k.Sequential([k.Input((3,)), dense(k, 4, activation="tanh"), dense(k)])
        optimizer = make(k)(**arguments)
        model.compile(optimizer, "mse", run_eagerly=eagerly)
        losses = model.fit(X, Y, batch_size=4, epochs=4, shuffle=False, verbose=0).history["loss"]
        variables = [np.array(k.ops.convert_to_numpy(v)) for v in optimizer.variables]
        return {"losses": losses, "weights": model.get_weights(), "variables": variables}

    agree(program)


def test_a_schedule_reaches_it(backend):
    def program(k):
        model = k.Sequential([k.Input((3,)), dense(k)])
        schedule = k.optimizers.schedules.PiecewiseConstantDecay([3, 7], [0.25, 0.125, 0.0625])
        model.compile(momentum(k)(learning_rate=schedule), "mse")
        model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    agree(program)


def test_its_state_goes_on_from_a_file(backend, tmp_path):
    def program(k):
        path = tmp_path / f"{k.__name__}.keras"
        k.saving.register_keras_serializable("tests")(made := momentum(k))
        model = k.Sequential([k.Input((3,)), dense(k)])
        model.compile(made(), "mse")
        model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
        model.save(path)
        model = k.models.load_model(path, custom_objects={"Momentum": made})
        model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
        return model.get_weights()

    agree(program)
