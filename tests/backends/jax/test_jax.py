"""What is JAX's own: 64-bit mode, variables through transformed functions, compiled steps."""

import subprocess
import sys

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import unidl  # noqa: E402
from unidl import layers, ops, random  # noqa: E402
from unidl.backend import Variable, get_backend, use_backend  # noqa: E402


@pytest.fixture
def jax_backend():
    with use_backend("jax") as backend:
        yield backend


def test_64_bits_are_turned_on_when_asked_for_and_said_so():
    code = (
        "import warnings, jax, numpy as np, unidl\n"
        "b = unidl.get_backend('jax')\n"
        "b.asarray(np.ones(2, 'float32')); assert not jax.config.jax_enable_x64\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    assert b.dtype(b.asarray(np.ones(2))) == 'float64'\n"
        "    b.asarray(np.ones(2))\n"
        "assert len(caught) == 1 and '64-bit mode' in str(caught[0].message)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_tracer_stays_in_a_variable(jax_backend):
    w, moving = (Variable(np.ones(3, "float32")) for _ in range(2))

    def loss():
        moving.assign(ops.multiply(w, 2.0))
        return ops.sum(ops.square(w))

    value, (gradient,) = unidl.value_and_grad(loss, [w])
    assert float(value) == 3
    np.testing.assert_array_equal(gradient, [2, 2, 2])
    np.testing.assert_array_equal(moving.numpy(), [2, 2, 2])
    assert not isinstance(w.value, jax.core.Tracer)


def test_an_error_inside_leaves_variables_as_they_were(jax_backend):
    w = Variable(np.ones(3, "float32"))

    def loss():
        w.assign(ops.multiply(w, 2.0))
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        unidl.value_and_grad(loss, [w])
    np.testing.assert_array_equal(w.numpy(), [1, 1, 1])


def test_masks_differ_from_step_to_step_and_equal_numpys(jax_backend):
    masks = {}
    for name in ("jax", "numpy"):
        with use_backend(name) as backend:
            generator = random.SeedGenerator(5)
            run = backend.compile(lambda x, g=generator: random.dropout(x, 0.5, seed=g), [])
            x = backend.asarray(np.ones(40, "float32"))
            masks[name] = [backend.to_numpy(run(x)) for _ in range(3)]
    np.testing.assert_array_equal(masks["jax"], masks["numpy"])
    assert not np.array_equal(masks["jax"][0], masks["jax"][1])


def test_trains_and_moves():
    """Ten epochs here, ten on NumPy: the run that never moved."""
    x = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    y = (x.sum(axis=1) > 0).astype("int32")
    losses = {}
    for road in (("numpy", "numpy"), ("jax", "numpy"), ("numpy", "jax")):
        unidl.utils.clear_session(free_memory=False)
        unidl.utils.set_random_seed(1)
        with use_backend(road[0]):
            model = unidl.Sequential(
                [
                    unidl.Input((5,)),
                    layers.Dense(8, activation="relu"),
                    layers.BatchNormalization(),
                    layers.Dropout(0.2),
                    layers.Dense(2, activation="softmax"),
                ]
            )
            model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=10, batch_size=24, verbose=0)
        model.to(road[1])
        losses[road] = model.fit(x, y, epochs=10, batch_size=24, verbose=0).history["loss"]
        assert model.backend is get_backend(road[1])
    np.testing.assert_allclose(losses["jax", "numpy"], losses["numpy", "numpy"], rtol=1e-4)
    np.testing.assert_allclose(losses["numpy", "jax"], losses["numpy", "numpy"], rtol=1e-4)


def test_traces_of_one_second_lie_beside_each_other(jax_backend, tmp_path):
    from unidl.callbacks.batch_trace import BatchTrace

    trace = BatchTrace(str(tmp_path), 2, 2)
    for _ in range(2):
        trace.prepare(jax_backend)
        for batch in (1, 2, 3):
            trace.before(batch)
            ops.matmul(np.ones((3, 3)), np.ones((3, 3)))
            trace.after(batch)
        trace.end(3)
    runs = list((tmp_path / "plugins" / "profile").iterdir())
    assert len(runs) == 2
    for run in runs:
        assert {path.name.partition(".")[2] for path in run.iterdir()} == {
            "xplane.pb",
            "trace.json.gz",
        }
