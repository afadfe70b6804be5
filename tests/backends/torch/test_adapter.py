"""What the adapter says about torch as a whole."""

import numpy as np
import torch

import unidl
from unidl import layers


def test_full_precision_keeps_tf32_off_and_gives_the_switches_back(backend):
    switches = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for given in (True, False):
            for switch in switches:
                switch.allow_tf32 = given
            with backend.full_precision():
                assert [switch.allow_tf32 for switch in switches] == [False, False]
            assert [switch.allow_tf32 for switch in switches] == [given, given]
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value


def test_a_loop_of_torch_trains_the_weights_and_fit_goes_on(backend):
    with unidl.use_backend(backend):
        model = unidl.Sequential(
            [unidl.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(1)]
        )
        x, weights = torch.ones(5, 3), [v.value for v in model.trainable_variables]
        optimizer, losses = torch.optim.SGD([w.requires_grad_() for w in weights], 0.05), []
        for _ in range(5):
            loss = torch.mean((model(x) - 2.0) ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses == sorted(losses, reverse=True)
        _, expected = unidl.value_and_grad(
            lambda: unidl.ops.mean((model(x) - 2.0) ** 2), model.trainable_variables
        )
        optimizer.zero_grad()
        torch.mean((model(x) - 2.0) ** 2).backward()
        for weight, gradient in zip(weights, expected, strict=True):
            np.testing.assert_allclose(weight.grad.numpy(), gradient.detach().numpy(), rtol=1e-6)
            weight.requires_grad_(False)
        model.compile("sgd", "mse")
        model.fit(np.ones((5, 3)), np.full((5, 1), 2.0), verbose=0)
        assert model.evaluate(np.ones((5, 3)), np.full((5, 1), 2.0), verbose=0) < losses[-1]
