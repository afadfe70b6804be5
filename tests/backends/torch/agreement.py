"""How two computations of the same thing are compared."""

import numpy as np
import torch


def tensors(*arrays, dtype="float64"):
    """Leaves that require a gradient where they are floats."""
    made = []
    for a in arrays:
        t = torch.tensor(np.asarray(a))
        made.append(t.to(getattr(torch, dtype)).requires_grad_() if t.is_floating_point() else t)
    return made


def flat(result):
    return [t for t in (result if isinstance(result, list | tuple) else [result]) if t is not None]


def outputs_and_gradients(function, arrays, dtype):
    """NumPy arrays: the outputs of `function`, then the gradients of a fixed random mix of them."""
    leaves = tensors(*arrays, dtype=dtype)
    outputs = flat(function(*leaves))
    rng = np.random.default_rng(7)
    total = sum(
        (o * torch.tensor(rng.standard_normal(o.shape)).to(o.dtype)).sum()
        for o in outputs
        if o.requires_grad
    )
    wanted = [t for t in leaves if t.requires_grad]
    gradients = torch.autograd.grad(total, wanted, materialize_grads=True, allow_unused=True)
    return [t.detach().double().numpy() for t in (*outputs, *gradients)]


def relative_error(found, reference):
    """max |found - reference| / max |reference|; infinite where the shapes or the special values
    differ."""
    if found.shape != reference.shape or (np.isfinite(found) != np.isfinite(reference)).any():
        return np.inf
    if not found.size:
        return 0.0
    finite = np.isfinite(reference)
    scale = np.abs(reference[finite]).max(initial=0.0)
    difference = np.abs(found[finite] - reference[finite]).max(initial=0.0)
    return difference / scale if scale else difference


def assert_same(function, reference, arrays, float32=2e-5):
    """In float64 to 1e-12; the float32 of `function` within `float32` of the float64
    `reference`."""
    exact = outputs_and_gradients(reference, arrays, "float64")
    for found, wanted in zip(
        outputs_and_gradients(function, arrays, "float64"), exact, strict=True
    ):
        assert relative_error(found, wanted) <= 1e-12
    rounded = [
        a.astype("float32").astype("float64") if a.dtype == "float64" else a
        for a in map(np.asarray, arrays)
    ]
    exact = outputs_and_gradients(reference, rounded, "float64")
    for found, wanted in zip(
        outputs_and_gradients(function, rounded, "float32"), exact, strict=True
    ):
        assert relative_error(found, wanted) <= float32
