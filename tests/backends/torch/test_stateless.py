"""Stateless calls under torch's own ways to gradients."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import unidl  # noqa: E402
from tests.training.test_stateless_loop import X, Y, network  # noqa: E402

INPUTS, TARGETS = torch.from_numpy(X), torch.from_numpy(Y).long()


@pytest.fixture
def model():
    with unidl.use_backend("torch"):
        yield network()


def values_of(model):
    return [[v.value for v in group] for group in
            (model.trainable_variables, model.non_trainable_variables)]  # fmt: skip


def test_func_grad_autograd_and_ours_agree(model):
    trainable, others = values_of(model)

    def loss(trainable):
        y, after = model.stateless_call(trainable, others, INPUTS, training=True)
        return torch.nn.functional.cross_entropy(y, TARGETS), after

    found, after = torch.func.grad(loss, has_aux=True)(trainable)
    (_, wanted_after), wanted = unidl.value_and_grad(loss, has_aux=True)(trainable)
    leaves = [t.detach().clone().requires_grad_() for t in trainable]
    loss(leaves)[0].backward()
    for a, b, c in zip(found, wanted, leaves, strict=True):
        torch.testing.assert_close(a, b)
        torch.testing.assert_close(c.grad, b)
    for a, b in zip(after, wanted_after, strict=True):
        torch.testing.assert_close(a, b)


def test_vmap_over_an_ensemble(model):
    trainable, others = values_of(model)
    stacked = [torch.stack([t, 2 * t]) for t in trainable]
    y = torch.func.vmap(lambda t: model.stateless_call(t, others, INPUTS)[0])(stacked)
    np.testing.assert_allclose(y[0].detach(), model(INPUTS).detach(), rtol=1e-5, atol=1e-6)
