"""What the import of MXNet may and may not change in the process. Each test is a fresh one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest


def run(code):
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_numpy_is_left_as_it_was():
    run("""
import os, signal, sys, threading, numpy as np
names = dict(np.__dict__)
def state():
    return (dict(os.environ), sys.excepthook, sys.getrecursionlimit(), threading.active_count(),
            [signal.getsignal(s) for s in signal.valid_signals()], np.geterr())
before = state()
from unidl_mxnet import load
assert before == state()
for name, value in np.__dict__.items():  # submodules of NumPy may have been imported, nothing else
    assert names.get(name, value) is value
    assert name in names or "numpy." + name in sys.modules or value.__name__ in sys.modules, name
assert not hasattr(np, "bool")
assert not load.mx.util.is_np_shape() and not load.mx.util.is_np_array()
x = load.mx.np.arange(3.0)
x[x > 1] = 7
assert x.asnumpy().tolist() == [0, 1, 7]
assert load.mx.np.full((2,), True).dtype == np.bool_
""")


def test_the_package_imports_no_framework():
    run(
        "import sys, unidl_mxnet; assert unidl_mxnet.spec.name == 'mxnet' and 'mxnet' not in "
        "sys.modules"
    )


def test_numpy_2_is_refused(monkeypatch):
    from unidl_mxnet import load

    monkeypatch.setattr(np, "__version__", "2.1.0")
    monkeypatch.delitem(sys.modules, "mxnet")
    with pytest.raises(ImportError, match="numpy<2"):
        load.load_mxnet()


@pytest.mark.slow
def test_gluon_of_the_user_still_works():
    run("""
from unidl_mxnet.adapter import MXNetBackend
b = MXNetBackend()
v = b.asarray(3.0)
assert b.to_numpy(b.add(v, 1)) == 4 and b.shape(b.full((0, 2), 1, "float32")) == (0, 2)
import mxnet as mx
net = mx.gluon.nn.HybridSequential()
net.add(mx.gluon.nn.Conv2D(4, 3), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Dense(2))
net.initialize()
net.hybridize()
trainer = mx.gluon.Trainer(net.collect_params(), "adam")
x = mx.nd.ones((2, 3, 8, 8))
with mx.autograd.record():
    loss = net(x).sum()
loss.backward()
trainer.step(2)
assert type(loss) is mx.nd.NDArray and loss.shape == (1,)
assert not mx.util.is_np_shape()
""")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_the_thread_count_of_other_libraries_is_kept():
    run("""
import os
os.environ.pop("OMP_NUM_THREADS", None)
import torch
torch.set_num_threads(2)
from unidl_mxnet import load
assert torch.get_num_threads() == 2, torch.get_num_threads()
""")
