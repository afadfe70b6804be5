"""Fused optimizer kernels against the default bodies."""

import numpy as np
import pytest
import torch

from unidl.backend import Backend

rng = np.random.default_rng(4)
SHAPES = [(3, 4), (7,), (), (2, 3, 5)]


def lists(count, dtype):
    return [
        [torch.tensor(np.abs(rng.standard_normal(s)) + 0.1, dtype=dtype) for s in SHAPES]
        for _ in range(count)
    ]


UPDATES = {
    "sgd": ("sgd_update", 0, {"learning_rate": 0.1, "momentum": 0.0, "nesterov": False}),
    "momentum": ("sgd_update", 1, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": False}),
    "nesterov": ("sgd_update", 1, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "adam": ("adam_update", 2, {"alpha": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
    "adam without momentum": (
        "adam_update",
        2,
        {"alpha": 0.01, "beta_1": 0.0, "beta_2": 0.5, "epsilon": 0.1},
    ),
    "rmsprop": ("rmsprop_update", 1, {"learning_rate": 0.1, "rho": 0.9, "epsilon": 1e-7}),
}


def run(function, name, params, grads, slots, arguments):
    if name == "sgd_update" and not slots:
        slots = [None]
    for _ in range(5):
        params, *slots = function(params, grads, *slots, **arguments)
    return [t for group in (params, *slots) if group is not None for t in group]


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize(("dtype", "budget"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
@pytest.mark.parametrize("case", UPDATES)
def test_update(backend, case, dtype, budget, as_tensor):
    name, count, arguments = UPDATES[case]
    if as_tensor:
        rate = "alpha" if "alpha" in arguments else "learning_rate"
        arguments = {**arguments, rate: torch.tensor(arguments[rate], dtype=torch.float64)}
    params, grads, *slots = lists(2 + count, dtype)
    kept = [g.clone() for g in grads]
    copies = [[t.clone() for t in group] for group in (params, *slots)]
    wanted = run(
        lambda *a, **k: getattr(Backend, name)(backend, *a, **k),
        name,
        copies[0],
        grads,
        copies[1:],
        arguments,
    )
    found = run(getattr(backend, name), name, params, grads, slots, arguments)
    for f, w in zip(found, wanted, strict=True):
        assert f.dtype == dtype
        assert ((f - w).abs() <= budget * (1 + w.abs())).all()
    assert all(map(torch.equal, grads, kept))


@pytest.mark.parametrize("case", UPDATES)
def test_gradients_and_slots_may_lie_in_memory_in_another_order(backend, case):
    name, count, arguments = UPDATES[case]
    made = [torch.tensor(np.abs(rng.standard_normal((4, 5))) + 0.1) for _ in range(2 + count)]
    twisted, *slots = ([t.t().contiguous().t()] for t in made[1:])
    plain = run(
        lambda *a, **k: getattr(Backend, name)(backend, *a, **k),
        name,
        [made[0]],
        [made[1]],
        [[t] for t in made[2:]],
        arguments,
    )
    found = run(getattr(backend, name), name, [made[0].clone()], twisted, slots, arguments)
    for f, w in zip(found, plain, strict=True):
        np.testing.assert_allclose(f, w, rtol=1e-14)


def test_the_memory_of_parameters_is_reused(backend):
    for name, count, arguments in UPDATES.values():
        params, grads, *slots = lists(2 + count, torch.float32)
        addresses = [p.data_ptr() for p in params]
        new, *_ = getattr(backend, name)(params, grads, *(slots or [None]), **arguments)
        assert [p.data_ptr() for p in new] == addresses


def test_no_parameters(backend):
    assert (
        backend.adam_update([], [], [], [], alpha=0.1, beta_1=0.9, beta_2=0.9, epsilon=1e-7)
        is not None
    )
