"""Training that begins with gluon.Trainer and goes on in unidl, and back."""

import numpy as np
import pytest

from unidl import port

mx = pytest.importorskip("unidl_mxnet.load", exc_type=ImportError).load_mxnet()
nn, rates = mx.gluon.nn, mx.lr_scheduler


def scheduled(scheduler):
    return "sgd", {"learning_rate": 0.1, "lr_scheduler": scheduler, "momentum": 0.9}


TRAINERS = {
    "SGD": ("sgd", {"learning_rate": 0.1, "wd": 0.1}),
    "momentum": ("sgd", {"learning_rate": 0.1, "wd": 0.1, "momentum": 0.9, "clip_gradient": 0.3}),
    "NAG": ("nag", {"learning_rate": 0.1, "momentum": 0.9}),
    "Adam": ("adam", {"learning_rate": 0.01, "wd": 0.1}),
    "RMSProp": ("rmsprop", {"learning_rate": 0.01, "wd": 0.1}),
    "RMSProp, centered": ("rmsprop", {"learning_rate": 0.01, "centered": True}),
    "AdaGrad": ("adagrad", {"learning_rate": 0.1, "wd": 0.1}),
    "AdaDelta": ("adadelta", {"wd": 0.01}),
    "Adamax": ("adamax", {"learning_rate": 0.01, "wd": 0.1}),
    "FactorScheduler": scheduled(rates.FactorScheduler(3, 0.5, base_lr=0.1)),
    "MultiFactorScheduler": scheduled(rates.MultiFactorScheduler([2, 6], 0.5, base_lr=0.1)),
    "PolyScheduler": scheduled(rates.PolyScheduler(20, 0.1)),
    "CosineScheduler": scheduled(rates.CosineScheduler(20, 0.1, 0.01)),
}


class Training:
    def __init__(self, kind, options):
        mx.random.seed(0)
        self.block = nn.HybridSequential()
        self.block.add(
            nn.Conv2D(3, 3, in_channels=2, activation="tanh"),
            nn.Dense(4, activation="tanh", in_units=12), nn.Dense(3, in_units=4),
        )  # fmt: skip
        self.block.initialize(mx.init.Uniform(0.5))
        self.kind, self.options = kind, options
        self.trainer = self.new_trainer()
        drawn = np.random.default_rng(0)
        self.x = drawn.normal(size=(6, 2, 4, 4)).astype("float32")
        self.y = drawn.normal(size=(6, 3)).astype("float32")

    def new_trainer(self):
        return mx.gluon.Trainer(self.parameters(), self.kind, dict(self.options))

    def parameters(self):
        return self.block.collect_params()

    def go(self, steps):
        for _ in range(steps):
            with mx.autograd.record():
                loss = ((self.block(mx.nd.array(self.x)) - mx.nd.array(self.y)) ** 2).mean(axis=1)
            loss.backward()
            self.trainer.step(6)

    def go_on(self, found, steps):
        found.model.compile(found.optimizer, "mse")
        for _ in range(steps):
            found.model.train_on_batch(self.x, self.y)
        self.go(steps)
        state = found.state()
        for parameter in self.parameters().values():
            np.testing.assert_allclose(state[parameter.name], parameter.data().asnumpy(), atol=1e-5)


@pytest.mark.parametrize("name", TRAINERS)
def test_training_goes_on_there_and_back(name, tmp_path):
    run = Training(*TRAINERS[name])
    run.go(5)
    found = port.from_gluon(run.block, run.x, trainer=run.trainer)
    assert found.proof.passed, str(found.proof)
    assert sum("more steps" in row.what for row in found.proof.rows) == 6
    run.go_on(found, 3)
    (tmp_path / "states").write_bytes(found.optimizer_state())
    run.trainer = run.new_trainer()
    run.trainer.load_states(str(tmp_path / "states"))
    run.go_on(found, 2)


def test_multipliers_are_groups():
    run = Training("sgd", {"learning_rate": 0.1, "wd": 0.1, "momentum": 0.9})
    for name, parameter in run.parameters().items():
        if name.endswith("bias"):
            parameter.lr_mult, parameter.wd_mult = 2.0, 0.0
    run.go(3)
    found = port.from_gluon(run.block, run.x, trainer=run.trainer)
    assert found.proof.passed, str(found.proof)
    assert len(found.optimizer.optimizers) == 2
    run.go_on(found, 3)


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("ftrl", {}, "Ftrl has no counterpart; SGD, NAG"),
        ("nag", {"momentum": 0.9, "wd": 0.1}, "NAG with wd"),
        ("adam", {"clip_gradient": 1.0, "wd": 0.1}, "clip_gradient together with wd"),
        ("rmsprop", {"clip_weights": 1.0}, "clip_weights"),
        (*scheduled(rates.CosineScheduler(20, 0.1, warmup_steps=3)), "warmup_steps"),
    ],
)
def test_what_is_refused(kind, options, told):
    run = Training(kind, options)
    run.go(1)
    with pytest.raises(port.PortError, match=told):
        port.from_gluon(run.block, run.x, trainer=run.trainer)


def test_files_have_no_trainer():
    run = Training("sgd", {})
    with pytest.raises(TypeError, match=r"must be a gluon\.Trainer, got str"):
        port.from_gluon(run.block, run.x, trainer="sgd")
    with pytest.raises(ValueError, match="a trainer needs its block"):
        port.from_gluon("m-symbol.json", run.x, params="m.params", trainer=run.trainer)
