"""A process forked after TensorFlow had run says so, instead of waiting for ever."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

_SCRIPT = """
import os, signal, numpy as np, unidl
from unidl import layers, ops
x = np.ones((4, 2), "float32")
unidl.set_backend("tensorflow")
model = unidl.Sequential([unidl.Input((2,)), layers.Dense(2)])
model.compile("sgd", "mse")
model.fit(x, x, verbose=0)

def on_numpy():
    with unidl.use_backend("numpy"):
        return ops.add(1, 1)

for use in (lambda: model.predict(x, verbose=0), lambda: model.fit(x, x, verbose=0),
            lambda: model(x), lambda: ops.add(x, x), model.get_weights, on_numpy):
    child = os.fork()
    if not child:
        signal.alarm(60)
        try:
            use()
            print("done", flush=True)
        except RuntimeError as error:
            print(error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
print(model.predict(x, verbose=0).shape)
"""


def test_a_forked_process_is_told_to_spawn():
    run = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=400, check=True
    )
    *children, parent = run.stdout.strip().splitlines()
    assert all("spawn" in line for line in children[:4]), children
    assert children[4:] == ["done", "done"]  # weights are read; another backend works
    assert parent == "(4, 2)"
