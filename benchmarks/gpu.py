"""The reference MLP on a GPU, in float32 and bfloat16, small and large batches; `python -m
benchmarks.gpu` prints the figures.

unidl's fit on torch, with and without jit_compile, meets a native loop, torch.compile, and
torch.compile with CUDA graphs; on JAX it meets a jitted step. Each contestant's epochs follow one
another in one process; the figure is the median of a step's time. Where there is no GPU, nothing
runs.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
import time

import numpy as np

STEPS, EPOCHS = 100, 5
BATCHES = (32, 4096)


def measure():
    """[{"backend", "dtype", "batch", "contestant", "step_ms"}, ...]; empty without a GPU."""
    found = []
    for backend, contestants in (("torch", _torch), ("jax", _jax)):
        if importlib.util.find_spec(backend) is None or not _has_gpu(backend):
            continue
        for dtype in ("float32", "bfloat16"):
            for batch in BATCHES:
                x, y = _data(batch)
                for name, epoch in contestants(dtype, batch, x, y).items():
                    found.append(
                        {
                            "backend": backend,
                            "dtype": dtype,
                            "batch": batch,
                            "contestant": name,
                            "step_ms": _step_ms(epoch),
                        }
                    )
    return found


def _has_gpu(backend):
    if backend == "torch":
        import torch

        return torch.cuda.is_available()
    import jax

    return any(d.platform == "gpu" for d in jax.devices())


def _data(batch):
    rng = np.random.default_rng(0)
    return rng.normal(size=(STEPS * batch, 784)).astype("float32"), rng.integers(
        0, 10, STEPS * batch
    ).astype("int32")


def _step_ms(epoch):
    epoch()  # traces and compiles
    times = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        epoch()
        times.append((time.perf_counter() - start) / STEPS * 1e3)
    return statistics.median(times)


def _unidl(backend, dtype, batch, x, y, **options):
    import unidl
    from benchmarks import models
    from benchmarks.workloads import WORKLOADS

    policy = unidl.dtype_policies.dtype_policy()
    unidl.dtype_policies.set_dtype_policy("mixed_bfloat16" if dtype == "bfloat16" else "float32")
    try:
        with unidl.use_backend(backend):
            model = models.build(unidl, WORKLOADS["mlp"])
            model.compile(
                "adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"], **options
            )
    finally:
        unidl.dtype_policies.set_dtype_policy(policy)
    return lambda: model.fit(x, y, batch_size=batch, verbose=0)


def _torch(dtype, batch, x, y, device="cuda"):
    import torch

    def native(compile_options=None):
        inputs, labels = torch.from_numpy(x).to(device), torch.from_numpy(y).long().to(device)
        model = torch.nn.Sequential(
            torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
        ).to(device)
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        forward = model if compile_options is None else torch.compile(model, **compile_options)

        def epoch():
            order = torch.randperm(len(inputs), device=device)
            for start in range(0, len(order), batch):
                index = order[start : start + batch]
                optimizer.zero_grad()
                with torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16"):
                    loss = torch.nn.functional.cross_entropy(forward(inputs[index]), labels[index])
                loss.backward()
                optimizer.step()
                loss.item()  # as people do

        return epoch

    return {
        "unidl": _unidl("torch", dtype, batch, x, y),
        "unidl, jit_compile": _unidl("torch", dtype, batch, x, y, jit_compile=True),
        "native": native(),
        "torch.compile": native({}),
        "torch.compile, CUDA graphs": native({"mode": "reduce-overhead"}),
    }


def _jax(dtype, batch, x, y):
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    params = [
        jnp.asarray(rng.normal(size=s) * 0.05, "float32")
        for s in ((784, 64), (64,), (64, 10), (10,))
    ]
    state = [params, [jnp.zeros_like(p) for p in params], [jnp.zeros_like(p) for p in params], 0]

    def loss_of(params, x, y):
        w1, b1, w2, b2 = (p.astype(dtype) for p in params)
        logits = (jax.nn.relu(x.astype(dtype) @ w1 + b1) @ w2 + b2).astype("float32")
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()

    @jax.jit
    def step(params, m, v, t, x, y, index):
        loss, grads = jax.value_and_grad(loss_of)(params, x[index], y[index])
        m = [0.9 * a + 0.1 * g for a, g in zip(m, grads, strict=True)]
        v = [0.999 * a + 0.001 * g * g for a, g in zip(v, grads, strict=True)]
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return (
            [p - rate * a / (jnp.sqrt(b) + 1e-7) for p, a, b in zip(params, m, v, strict=True)],
            m,
            v,
            loss,
        )

    inputs, labels = jnp.asarray(x), jnp.asarray(y)

    def epoch():
        order = jnp.asarray(rng.permutation(len(x)).astype("int32"))
        for start in range(0, len(x), batch):
            state[3] += 1
            *state[:3], loss = step(
                *state[:3], float(state[3]), inputs, labels, order[start : start + batch]
            )
            float(loss)

    return {"unidl": _unidl("jax", dtype, batch, x, y), "native": epoch}


if __name__ == "__main__":
    rows = measure()
    print(
        json.dumps(rows, indent=1) if rows else "No GPU was found, so nothing was measured.",
        file=sys.stdout,
    )
