"""Parameters of Gluon onto models of unidl that were written by hand."""

import subprocess
import sys

import numpy as np
import pytest

import unidl
from unidl import layers, ops, port

mx = pytest.importorskip("unidl_mxnet.load", exc_type=ImportError).load_mxnet()
nn, rnn = mx.gluon.nn, mx.gluon.rnn


def images():
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(4, 3, in_channels=2), nn.BatchNorm(in_channels=4), nn.PReLU(),
        nn.Dense(3, in_units=4 * 12),
    )  # fmt: skip
    model = unidl.Sequential([
        unidl.Input((6, 5, 2)), layers.Conv2D(4, 3), layers.BatchNormalization(epsilon=1e-5),
        layers.PReLU(shared_axes=[1, 2, 3]), layers.Flatten(), layers.Dense(3),
    ])  # fmt: skip
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 2)).astype("float32")
    return net, model, x, x.transpose(0, 3, 1, 2)


def sequences():
    net = nn.HybridSequential()
    net.add(rnn.GRU(4, 2, bidirectional=True, input_size=3, layout="NTC"),
            rnn.LSTM(2, input_size=8, layout="NTC"))  # fmt: skip
    both = [layers.Bidirectional(layers.GRU(4, return_sequences=True)) for _ in range(2)]
    model = unidl.Sequential([unidl.Input((5, 3)), *both, layers.LSTM(2, return_sequences=True)])
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    return net, model, x, x


@pytest.mark.parametrize("make", [images, sequences])
def test_parameters_and_files(make, tmp_path):
    net, model, x, theirs = make()
    net.initialize(mx.init.Uniform(0.5))
    wanted = net(mx.nd.array(theirs)).asnumpy()
    net.save_parameters(str(tmp_path / "m.params"))
    for given in (net.collect_params(), tmp_path / "m.params"):
        model.set_weights([np.zeros(w.shape, "float32") for w in model.weights])
        found = port.load_state_dict(model, given)
        np.testing.assert_allclose(ops.convert_to_numpy(model(x)), wanted, rtol=1e-4, atol=1e-5)
    assert not found.unmatched_arrays
    assert set(found.state()) == set(net._collect_params_with_prefix())


def test_files_without_mxnet(tmp_path):
    net = images()[0]
    net.initialize()
    net.save_parameters(str(tmp_path / "m.params"))
    code = f"""
import sys
sys.modules["mxnet"] = None
import unidl
from unidl import layers
model = unidl.Sequential([unidl.Input((6, 5, 2)), layers.Conv2D(4, 3)])
found = unidl.port.load_state_dict(model, {str(tmp_path / "m.params")!r}, strict=False)
print(found.matched[0].module)
"""
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "0"
