"""Models as source of another framework: each layer, whole networks, and what is refused."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import unidl
from tests.port.source.cases import FUNCTIONS, LAYERS, NETWORKS, Residual
from unidl import layers, ops
from unidl.port import PortError, to_native, to_source
from unidl.port.source.record import Record

# flax has an environment of its own (`make test-jax`).
TARGETS = {
    "torch": "torch", "keras": "tensorflow", "gluon": "mxnet", "numpy": "numpy", "jax": "flax"
}  # fmt: skip
REFUSED = {
    ("numpy", "bilinear"): "interpolation='bilinear'",
    ("numpy", "adaptive pooling"): "ops.adaptive_max_pool has no counterpart",
    ("gluon", "conv2d, open sizes"): "padding='same' with strides, for a size that is open",
    ("gluon", "along axes"): "ops.take_along_axis has no counterpart",
}
CASES = {**LAYERS, **FUNCTIONS, **NETWORKS}


@pytest.fixture(params=list(TARGETS))
def target(request):
    if importlib.util.find_spec(TARGETS[request.param]) is None:
        pytest.skip(f"{TARGETS[request.param]} is not installed")
    return request.param


def _model(make):
    """With no weight as it began, so that none can be left out."""
    unidl.utils.set_random_seed(1)
    model = make()
    for i, variable in enumerate(model.weights):
        drawn = np.random.RandomState(i).uniform(0.01, 0.1, variable.shape)
        variable.assign(variable.numpy() + drawn)
    return model


# Keras writes all of its layers by one rule, and is slow to run them.
QUICK_OF_KERAS = {
    "dense", "conv2d", "bidirectional", "normalization", "products", "arrays", "equal numbers",
    "conv2d of one channel each", "a part of a vector",
    "names of functions", *NETWORKS,
}  # fmt: skip


def _cases():
    for target in TARGETS:
        for case in CASES:
            is_slow = target == "keras" and case not in QUICK_OF_KERAS
            marks = [pytest.mark.slow] * is_slow
            yield pytest.param(target, case, marks=marks, id=f"{target}-{case}")


@pytest.mark.parametrize(("target", "case"), _cases(), indirect=["target"])
def test_equal(target, case, tmp_path):
    model = _model(CASES[case])
    names = [v.path for v in model.weights]
    nodes = [len(layer._inbound) for layer in model._flatten_layers()]
    if (target, case) in REFUSED:
        with pytest.raises(PortError, match=REFUSED[target, case]):
            to_source(model, target, tmp_path / "net.py")
        return
    found = to_source(model, target, tmp_path / "net.py")
    assert found.proof.passed, str(found.proof)
    assert "import unidl" not in found.source
    assert max(map(len, found.source.splitlines())) <= 100
    assert set(found.names) == {n for n in names if not n.endswith("/count")} or target == "keras"
    assert [len(layer._inbound) for layer in model._flatten_layers()] == nodes


# A process that imports Keras takes five seconds.
@pytest.mark.parametrize(
    ("target", "case"),
    [
        pytest.param(
            target,
            case,
            marks=[pytest.mark.slow] * (target in ("keras", "gluon") or case != "transformer"),
            id=f"{target}-{case}",
        )
        for target in TARGETS
        for case in NETWORKS
    ],
    indirect=["target"],
)
def test_the_file_runs_by_itself(target, case, tmp_path):
    to_source(_model(NETWORKS[case]), target, tmp_path / "net.py")
    without = "import runpy, sys; sys.modules['unidl'] = None; "
    script = without + "runpy.run_path('net.py', run_name='__main__')"
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KERAS_BACKEND")}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "the largest relative difference is" in ran.stdout


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(target, marks=[pytest.mark.slow] * (target in ("keras", "gluon")))
        for target in TARGETS
    ],
    indirect=True,
)
def test_a_wrong_weight_is_seen(target, tmp_path):
    model = _model(NETWORKS["nested"])
    weights = to_source(model, target, tmp_path / "net.py").files[1]
    number = model.weights[0].numpy()[0, 0]
    content = Path(weights).read_bytes()
    assert content.count(number.tobytes()) == 1
    other = np.float32(number + 4)
    Path(weights).write_bytes(content.replace(number.tobytes(), other.tobytes()))
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KERAS_BACKEND")}
    ran = subprocess.run(
        [sys.executable, "net.py"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert ran.returncode != 0
    assert "does not compute what unidl computed" in ran.stderr


def test_repeated_blocks_are_a_loop(target, tmp_path):
    found = to_source(_model(NETWORKS["transformer"]), target, tmp_path / "net.py")
    if target == "keras":
        assert found.source.count("layers.MultiHeadAttention(") == 2
    else:
        assert found.source.count("class Block") == 1
        loop = "x = self.blocks(x)" if target == "gluon" else "for block in self.blocks:"
        assert loop in found.source


def test_equal_classes_are_written_once(target, tmp_path):
    found = to_source(_model(NETWORKS["own layers"]), target, tmp_path / "net.py")
    assert found.source.count("class Residual") == 1


def test_channels_stay_second_between_convolutions(tmp_path):
    for target, moved in (("torch", ".permute("), ("gluon", "F.transpose(")):
        pytest.importorskip(TARGETS[target])
        found = to_source(_model(NETWORKS["residual network"]), target, tmp_path / "net.py")
        assert found.source.count(moved) == 1


def test_every_reason_at_once_and_nothing_written(target, tmp_path):
    class Odd(layers.Layer):
        def call(self, inputs, training=None):
            return inputs * 2 if training else inputs

    class Counts(layers.Layer):
        def build(self, input_shape):
            self.count = self.add_weight((), "zeros", trainable=False)

        def call(self, inputs):
            self.count.assign_add(1.0)
            return inputs

    model = unidl.Sequential([unidl.Input((4,)), Odd(name="odd"), Counts(name="counts")])
    with pytest.raises(PortError, match="Nothing has been created") as caught:
        to_source(model, target, tmp_path / "net.py")
    # Without training there is nothing to say against the first.
    wanted = ["counts"] if target == "numpy" else ["odd", "counts"]
    assert [place for place, _ in caught.value.refused] == wanted
    assert os.listdir(tmp_path) == []


def test_inputs_of_the_users_choice(target, tmp_path):
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(2)])
    x = np.full((1, 4), 0.5, "float32")
    found = to_source(model, target, tmp_path / "net.py", example_inputs=x)
    assert found.proof.passed
    with pytest.raises(ValueError, match="1 inputs, got 2"):
        to_source(model, target, tmp_path / "net.py", example_inputs=[x, x])


def test_wrong_use(tmp_path):
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"one of .*numpy.*got 'nunpy'.*Did you mean.*numpy"):
        to_source(model, "nunpy", tmp_path / "net.py")
    for name in ("net", "my-net.py", "1.py", "class.py", "numpy.py"):
        with pytest.raises(ValueError, match="path must be a file name that Python can import"):
            to_source(model, "numpy", tmp_path / name)
    with pytest.raises(FileNotFoundError, match="no folder"):
        to_source(model, "numpy", tmp_path / "none" / "net.py")
    with pytest.raises(TypeError, match="takes a model of unidl, got Dense"):
        to_source(layers.Dense(2), "numpy", tmp_path / "net.py")
    with pytest.raises(ValueError, match="no weights yet"):
        to_source(unidl.Sequential([layers.Dense(2)]), "numpy", tmp_path / "net.py")

    with pytest.raises(ValueError, match="Give example_inputs"):
        to_source(_subclassed(), "numpy", tmp_path / "net.py")
    assert os.listdir(tmp_path) == []


def test_a_framework_that_is_missing_is_told(tmp_path, monkeypatch):
    from unidl_numpy.port.source.writer import NumpyWriter

    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(2)])
    monkeypatch.setattr(NumpyWriter, "needs", ("numpy", "no_such_package"))
    monkeypatch.setattr(NumpyWriter, "install", "pip install it")
    with pytest.raises(ImportError, match=r"to_native needs no_such_package.*pip install it"):
        to_native(model, "numpy")
    with pytest.raises(ImportError, match="to_source with verify=True needs no_such_package"):
        to_source(model, "numpy", tmp_path / "net.py")
    to_source(model, "numpy", tmp_path / "net.py", verify=False)


@pytest.mark.parametrize("case", NETWORKS)
def test_jax_is_written_without_jax(case, tmp_path):
    found = to_source(_model(NETWORKS[case]), "jax", tmp_path / "net.py", verify=False)
    compile(found.source, "net.py", "exec")
    assert "(nnx.Module)" in found.source
    assert max(map(len, found.source.splitlines())) <= 100


class Twice(unidl.Model):
    """A subclassed model, one of whose layers is used twice."""

    def __init__(self):
        super().__init__()
        self.wide, self.head = layers.Dense(4, "tanh"), layers.Dense(3)

    def call(self, inputs, training=None):
        return self.head(self.wide(self.wide(inputs)))


def _subclassed():
    model = Twice()
    model(np.ones((2, 4), "float32"))
    return model


def test_subclassed_models(target, tmp_path):
    x = np.random.RandomState(0).normal(size=(2, 4)).astype("float32")
    model = _subclassed()
    found = to_source(model, target, tmp_path / "net.py", example_inputs=x)
    assert found.proof.passed, str(found.proof)
    assert not model._inbound
    assert found.source.count("self.wide(") == (0 if target == "numpy" else 2)


def test_any_backend_goes_out(backend, tmp_path):
    unidl.utils.set_random_seed(0)
    model = unidl.Sequential([unidl.Input((4,)), Residual(4), layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    found = to_source(model, "numpy", tmp_path / "net.py")
    assert found.proof.passed, str(found.proof)
    native = to_native(model, "numpy")
    x = np.random.RandomState(0).normal(size=(3, 4)).astype("float32")
    np.testing.assert_allclose(native(x), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_cells_that_stand_one_on_the_other(target, tmp_path):
    """Each is a module of its own, with all its weights."""
    if target == "keras":
        pytest.skip("Keras has layers of several cells")
    cells = [layers.LSTMCell(3), layers.GRUCell(5)]
    model = unidl.Sequential([unidl.Input((4, 2)), layers.Masking(), layers.RNN(cells)])
    found = to_source(model, target, tmp_path / "net.py")
    assert found.proof.passed, str(found.proof)
    assert set(found.names) == {v.path for v in model.trainable_variables}


@pytest.mark.parametrize("masked", [False, True])
def test_states_of_several_cells(target, masked, tmp_path):
    if target == "keras":
        pytest.skip("Keras has layers of several cells")
    x, h, c, first = (unidl.Input(shape) for shape in [(4, 2), (3,), (3,), (5,)])
    y = layers.Masking()(x) if masked else x
    mask = {"mask": ops.any(ops.not_equal(x, 0.0), -1)} if masked else {}
    cells = layers.RNN([layers.LSTMCell(3), layers.GRUCell(5)], return_state=True, name="two")
    model = unidl.Model([x, h, c, first], cells(y, initial_state=[[h, c], first], **mask))
    found = to_source(model, target, tmp_path / "net.py")
    assert found.proof.passed, str(found.proof)


def test_masks_stay_masks_in_keras(tmp_path):
    pytest.importorskip("tensorflow")
    model = _model(
        lambda: unidl.Sequential(
            [unidl.Input((5,)), layers.Embedding(7, 3, mask_zero=True), layers.LSTM(2)]
        )
    )
    tokens = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 0]])
    found = to_source(model, "keras", tmp_path / "net.py", example_inputs=tokens)
    assert found.proof.passed, str(found.proof)


class TestTorchModule:
    """A live nn.Module with the weights of the model."""

    def test_native_loops_train_the_model(self):
        torch = pytest.importorskip("torch")
        unidl.utils.set_random_seed(0)
        model = unidl.Sequential([unidl.Input((4,)), layers.Dense(8, "tanh"), layers.Dense(2)])
        module = to_native(model, "torch")
        assert isinstance(module, torch.nn.Module)
        assert module.exported.proof.passed
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        x = np.random.RandomState(0).normal(size=(16, 4)).astype("float32")
        before = model.predict(x, verbose=0)
        for _ in range(3):
            optimizer.zero_grad()
            module(torch.from_numpy(x)).square().mean().backward()
            optimizer.step()
        after = model.predict(x, verbose=0)
        assert np.abs(after).mean() < np.abs(before).mean()
        found = module(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(found, after, atol=1e-5)

    def test_copies_are_told(self):
        pytest.importorskip("torch")
        model = _model(LAYERS["gru"])
        module = to_native(model, "torch")
        assert any("copies" in text and "weight_ih_l0" in text for text in module.exported.warnings)

    def test_state_dict_compile_and_copies(self):
        import copy

        torch = pytest.importorskip("torch")
        module = to_native(_model(NETWORKS["residual network"]), "torch").eval()
        x = torch.randn(2, 12, 12, 3)
        twin = copy.deepcopy(module)
        twin.load_state_dict(module.state_dict())
        assert torch.equal(twin(x), module(x))
        traced = torch.jit.trace(module, x)
        assert torch.allclose(traced(x), module(x), atol=1e-6)


def _mxnet():
    from unidl_mxnet.load import load_mxnet

    return load_mxnet()


@pytest.mark.skipif(importlib.util.find_spec("mxnet") is None, reason="mxnet is not installed")
class TestHybridBlock:
    """A live HybridBlock with the weights of the model."""

    def test_a_trainer_trains_it_as_unidl_does(self):
        mx = _mxnet()
        unidl.utils.set_random_seed(0)
        frozen = layers.Dense(8, "tanh", trainable=False, name="frozen")
        model = unidl.Sequential(
            [unidl.Input((4,)), frozen, layers.BatchNormalization(), layers.Dense(2)]
        )
        block = to_native(model, "gluon")
        assert isinstance(block, mx.gluon.HybridBlock)
        assert block.exported.proof.passed
        assert block.frozen.weight.grad_req == "null"
        block.hybridize()
        x = np.random.RandomState(0).normal(size=(16, 4)).astype("float32")
        trainer = mx.gluon.Trainer(block.collect_params(), "sgd", {"learning_rate": 0.1})
        model.compile(unidl.optimizers.SGD(0.1), "mse")
        for _ in range(3):
            with mx.autograd.record():
                loss = block(mx.nd.array(x)).square().mean(axis=1)
            loss.backward()
            trainer.step(len(x))
            model.train_on_batch(x, np.zeros((16, 2), "float32"))
        found = block(mx.nd.array(x)).asnumpy()
        np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-5)
        # What was trained here goes back by the same names.
        arrays = {n: p.data().asnumpy() for n, p in block._collect_params_with_prefix().items()}
        for weight in block.exported.weights:
            weight.bring_in(arrays)
        np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-6)

    def test_kernels_of_float32_compute_the_same(self):
        """Those of oneDNN, which the proof in float64 does not reach."""
        model = _model(NETWORKS["u-net"])
        block = to_native(model, "gluon", verify=False)
        x = np.random.RandomState(0).normal(size=(3, 8, 8, 2)).astype("float32")
        for hybrid in (False, True):
            block.hybridize(hybrid)
            found = block(_mxnet().nd.array(x)).asnumpy()
            np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-5)

    def test_save_parameters_and_load_parameters(self, tmp_path):
        mx = _mxnet()
        found = to_source(_model(NETWORKS["residual network"]), "gluon", tmp_path / "net.py")
        block = to_native(_model(NETWORKS["residual network"]), "gluon", verify=False)
        x = mx.nd.random.normal(shape=(2, 12, 12, 3))
        before = block(x).asnumpy()
        block.initialize(force_reinit=True)
        assert np.abs(block(x).asnumpy() - before).max() > 1e-3
        block.load_parameters(found.files[1])
        np.testing.assert_allclose(block(x).asnumpy(), before, atol=1e-6)


def test_to_every_framework(target):
    model = _model(lambda: unidl.Sequential([unidl.Input((4,)), layers.Dense(2, "tanh")]))
    native = to_native(model, target)
    assert native.exported.proof.passed
    x = np.random.RandomState(0).normal(size=(3, 4)).astype("float32")
    given = x
    if target == "torch":
        import torch

        given = torch.from_numpy(x)
    if target == "gluon":
        given = _mxnet().nd.array(x)
    found = native(given)
    if target == "gluon":
        found = found.asnumpy()
    found = found.detach().numpy() if target == "torch" else np.asarray(found)
    np.testing.assert_allclose(found, ops.convert_to_numpy(model(x)), atol=1e-5)


def test_lower_precision_is_told(target, tmp_path):
    found = to_source(_model(NETWORKS["mixed precision"]), target, tmp_path / "net.py")
    assert any(
        "float16" in text or "dtypes of layers" in text
        for text in (*found.warnings, *found.proof.left_out)
    )


@pytest.mark.slow  # a process that imports Keras
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_names_with_dots_in_keras(backend, tmp_path):
    """Keras on torch takes none, and modules of torch have them."""
    pytest.importorskip("tensorflow")
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(2, name="head.0")], name="net")
    found = to_source(model, "keras", tmp_path / "net.py")
    assert found.proof.passed, str(found.proof)
    env = {**os.environ, "KERAS_BACKEND": backend}
    ran = subprocess.run(
        [sys.executable, "net.py"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_a_record_becomes_the_check(target, tmp_path):
    model, x = _model(NETWORKS["nested"]), np.random.RandomState(0).normal(size=(3, 8))
    record = Record.of(model, x)
    proved = to_source(model, target, tmp_path / "net.py", example_inputs=x)
    found = to_source(model, target, tmp_path / "other.py", verify=record)
    assert found.proof is None
    assert Path(found.files[2]).read_bytes() == Path(proved.files[2]).read_bytes()


def test_without_a_proof_nothing_is_computed(tmp_path):
    found = to_source(_model(NETWORKS["bytes in"]), "numpy", tmp_path / "net.py", verify=False)
    assert found.proof is None
    assert "not compared" in str(found).lower()
    assert not (tmp_path / "net_check.safetensors").exists()
