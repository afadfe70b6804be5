"""Training that begins in torch and goes on in unidl, and back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn, optim  # noqa: E402

import unidl  # noqa: E402
from unidl import optimizers, port  # noqa: E402

rates = optim.lr_scheduler

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1),
    "SGD, decay": lambda p: optim.SGD(p, 0.1, weight_decay=0.1),
    "momentum": lambda p: optim.SGD(p, 0.1, 0.9, dampening=0.3, weight_decay=0.1),
    "Nesterov": lambda p: optim.SGD(p, 0.1, 0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, 0.01, (0.8, 0.99), eps=1e-3),
    "Adam, decay, AMSGrad": lambda p: optim.Adam(p, 0.01, weight_decay=0.1, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, 0.01, weight_decay=0.1),
    "NAdam": lambda p: optim.NAdam(p, 0.01, weight_decay=0.1, decoupled_weight_decay=True),
    "Adamax": lambda p: optim.Adamax(p, 0.01, weight_decay=0.1, eps=1e-3),
    "RMSprop": lambda p: optim.RMSprop(p, 0.01, weight_decay=0.1, eps=1e-3),
    "RMSprop, centered": lambda p: optim.RMSprop(p, 0.01, momentum=0.9, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, 0.1, lr_decay=0.1, eps=1e-3, weight_decay=0.01),
    "Adadelta": lambda p: optim.Adadelta(p, 0.5, weight_decay=0.1),
}


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3))


class Training:
    """A run in torch, and its data."""

    def __init__(self, module, make, shape=(6, 2, 4, 4), scheduler=None, every=1):
        self.module, self.optimizer = module, make(module.parameters())
        self.scheduler = None if scheduler is None else scheduler(self.optimizer)
        self.every, self.steps = every, 0
        self.x = torch.randn(shape)
        self.y = torch.randn_like(module(self.x))

    def go(self, steps):
        for _ in range(steps):
            self.optimizer.zero_grad()
            ((self.module(self.x) - self.y) ** 2).mean().backward()
            self.optimizer.step()
            self.steps += 1
            if self.scheduler is not None and self.steps % self.every == 0:
                self.scheduler.step()

    def imported(self, **options):
        return port.from_torch(self.module, self.x, optimizer=self.optimizer, **options)

    def go_on(self, found, steps):
        """In both."""
        found.model.compile(found.optimizer, "mse")
        for _ in range(steps):
            found.model.train_on_batch(self.x.numpy(), self.y.numpy())
        self.go(steps)

    def difference(self, found):
        state = found.state()
        return max(np.abs(state[n] - p.detach().numpy()).max() for n, p in self.parameters())

    def parameters(self):
        return self.module.named_parameters()


def rows_of_training(found):
    return [row for row in found.proof.rows if "more steps of the optimizer" in row.what]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_there_and_back(name):
    run = Training(net(), OPTIMIZERS[name])
    run.go(5)
    found = run.imported()
    assert found.proof.passed, str(found.proof)
    assert len(rows_of_training(found)) == 4
    run.go_on(found, 5)
    assert run.difference(found) < 1e-5
    other = OPTIMIZERS[name](run.module.parameters())
    other.load_state_dict(found.optimizer_state())
    for parameter, state in run.optimizer.state.items():
        assert set(other.state[parameter]) == set(state)
        for key, value in state.items():
            np.testing.assert_allclose(other.state[parameter][key], value, rtol=1e-3, atol=1e-5)


@pytest.mark.quick_on("numpy")
@pytest.mark.parametrize("name", ["momentum", "AdamW", "RMSprop, centered"])
def test_on_all_backends(backend, name):
    run = Training(net(), OPTIMIZERS[name])
    run.go(5)
    found = run.imported(verify=False)
    run.go_on(found, 3)
    assert run.difference(found) < 1e-5


def test_from_the_first_step_on():
    run = Training(net(), OPTIMIZERS["momentum"])
    found = run.imported()
    assert found.proof.passed, str(found.proof)
    assert int(found.optimizer.iterations) == 0
    run.go_on(found, 3)
    assert run.difference(found) < 1e-5


SCHEDULERS = {
    "StepLR": (lambda o: rates.StepLR(o, 2, 0.5), 3),
    "MultiStepLR": (lambda o: rates.MultiStepLR(o, [1, 3, 3, 6], 0.5), 1),
    "ExponentialLR": (lambda o: rates.ExponentialLR(o, 0.9), 2),
    "ConstantLR": (lambda o: rates.ConstantLR(o, 0.3, 4), 2),
    "LinearLR": (lambda o: rates.LinearLR(o, 0.1, 1.0, 7), 1),
    "LinearLR, slowly": (lambda o: rates.LinearLR(o, 0.1, 1.0, 4), 2),
    "PolynomialLR": (lambda o: rates.PolynomialLR(o, 12, 2.0), 1),
    "CosineAnnealingLR": (lambda o: rates.CosineAnnealingLR(o, 12, 1e-3), 1),
    "CosineAnnealingLR, slowly": (lambda o: rates.CosineAnnealingLR(o, 6, 1e-3), 2),
}


@pytest.mark.parametrize("make", ["momentum", "AdamW"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers(name, make):
    scheduler, every = SCHEDULERS[name]
    run = Training(nn.Linear(4, 3), OPTIMIZERS[make], (6, 4), scheduler, every)
    run.go(6)
    found = run.imported(scheduler=run.scheduler, scheduler_steps=every)
    assert found.proof.passed, str(found.proof)
    run.go_on(found, 5)
    assert run.difference(found) < 1e-5
    rate = run.optimizer.param_groups[0]["lr"]
    assert found.optimizer_state()["param_groups"][0]["lr"] == pytest.approx(rate)


def test_the_interval_of_a_scheduler_is_found_or_asked_for():
    run = Training(nn.Linear(4, 3), OPTIMIZERS["AdamW"], (6, 4), SCHEDULERS["StepLR"][0], 3)
    run.go(6)
    found = run.imported(scheduler=run.scheduler, verify=False)
    assert any("changes every 3 steps" in text for text in found.warnings)
    run.go(1)
    with pytest.raises(port.PortError, match=r"called 2 times in 7 steps\. Give scheduler_steps="):
        run.imported(scheduler=run.scheduler)
    with pytest.raises(port.PortError, match="scheduler_steps=5, but the scheduler was called 2"):
        run.imported(scheduler=run.scheduler, scheduler_steps=5)
    run.optimizer.param_groups[0]["lr"] = 0.5
    with pytest.raises(port.PortError, match="would have set the learning rate"):
        run.imported(scheduler=run.scheduler, scheduler_steps=3)
    other = rates.ReduceLROnPlateau(run.optimizer)
    with pytest.raises(port.PortError, match="ReduceLROnPlateau has no counterpart"):
        run.imported(scheduler=other)


def test_groups_and_frozen_parameters():
    module = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 3))
    module[4].weight.requires_grad_(False)
    module[4].bias.requires_grad_(False)
    groups = [
        {"params": module[0].parameters(), "lr": 0.1},
        {"params": [module[2].weight], "weight_decay": 0.0},
    ]
    run = Training(module, lambda _: optim.AdamW(groups, 0.01), (6, 4))
    run.go(4)
    found = run.imported()
    assert found.proof.passed, str(found.proof)
    assert any("2/bias, which model files do not keep" in text for text in found.warnings)
    run.go_on(found, 4)
    assert run.difference(found) < 1e-5
    assert {type(each).__name__ for each in found.optimizer.optimizers} == {"CorrectedAdam"}
    assert not found.model.get_layer("4").trainable
    assert len(found.optimizer_state()["param_groups"]) == 2


def test_a_file_keeps_all_of_it(tmp_path):
    scheduler = SCHEDULERS["CosineAnnealingLR, slowly"][0]
    run = Training(nn.Linear(4, 3), OPTIMIZERS["momentum"], (6, 4), scheduler, 2)
    run.go(4)
    found = run.imported(scheduler=run.scheduler, scheduler_steps=2)
    run.go_on(found, 1)
    found.model.save(tmp_path / "m.keras")
    found.model = unidl.saving.load_model(tmp_path / "m.keras")
    assert type(found.model.optimizer) is type(found.optimizer)
    found.model.train_on_batch(run.x.numpy(), run.y.numpy())
    run.go(1)
    weights = found.model.get_weights()
    np.testing.assert_allclose(weights[0], run.module.weight.detach().numpy().T, atol=1e-6)


class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


def test_two_biases_that_became_one_move_twice_as_far():
    for name in ("momentum", "AdamW"):
        run = Training(Last(), OPTIMIZERS[name], (6, 5, 3))
        run.go(4)
        found = run.imported()
        assert found.proof.passed, str(found.proof)
        assert sum(" + " in row.what for row in rows_of_training(found)) == 1
    run = Training(Last(), lambda p: optim.Adam(p, weight_decay=0.1), (6, 5, 3))
    with pytest.raises(port.PortError, match=r"bias_ih_l0 \+ rnn.bias_hh_l0: they are one weight"):
        run.imported()


def test_attention_in_one_array_and_gradients_that_are_rounding():
    torch.manual_seed(0)
    run = Training(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), OPTIMIZERS["Adam"], (3, 5, 8)
    )
    run.go(3)
    found = run.imported()
    assert found.proof.passed, str(found.proof)
    assert "its gradients are 0 but for rounding" in str(found.proof)  # the bias of the keys
    other = optim.Adam(run.module.parameters())
    other.load_state_dict(found.optimizer_state())
    for parameter, state in run.optimizer.state.items():
        np.testing.assert_array_equal(other.state[parameter]["exp_avg"], state["exp_avg"])


REFUSED = {
    "another optimizer": (lambda p: optim.LBFGS(p), "LBFGS has no counterpart; SGD, Adam"),
    "maximize": (lambda p: optim.SGD(p, 0.1, maximize=True), "minimize the negative"),
    "another module": (
        lambda p: optim.SGD(nn.Linear(2, 2).parameters(), 0.1), "2 of its parameters are none of"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what):
    make, told = REFUSED[what]
    module = nn.Linear(4, 3)
    with pytest.raises(port.PortError, match=told):
        port.from_torch(module, torch.ones(2, 4), optimizer=make(module.parameters()))


def test_what_is_forgotten():
    with pytest.raises(ValueError, match="a scheduler needs its optimizer"):
        port.from_torch(nn.Linear(4, 3), torch.ones(2, 4), scheduler_steps=2)
    with pytest.raises(TypeError, match=r"must be one of torch\.optim, got str"):
        port.from_torch(nn.Linear(4, 3), torch.ones(2, 4), optimizer="adam")
    found = port.from_torch(nn.Linear(4, 3), torch.ones(2, 4), verify=False)
    with pytest.raises(ValueError, match="came without an optimizer"):
        found.optimizer_state()


def test_a_wrong_state_would_be_seen(monkeypatch):
    from unidl.port import training

    run = Training(net(), OPTIMIZERS["AdamW"])
    run.go(5)
    monkeypatch.setattr(training, "_fill", lambda part, weight: None)
    assert not run.imported().proof.passed


def test_plain_descent_is_keras_own():
    run = Training(nn.Linear(4, 3), OPTIMIZERS["SGD"], (6, 4))
    assert type(run.imported(verify=False).optimizer) is optimizers.SGD
