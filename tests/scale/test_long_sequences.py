"""Sequences of 5,000 moments in bounded memory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.serial,
    pytest.mark.skipif(
        not Path("/proc/self/status").exists(),
        reason="reads the memory of the process as Linux tells it",
    ),
]

# A process of its own for each, since what counts is the most that it ever held.
_SCRIPT = """
import re, sys, numpy as np, unidl
from unidl import layers

def memory(which):
    return int(re.search(which + r":\\s+(\\d+)", open("/proc/self/status").read()).group(1)) / 1024

def model(moments, make):
    made = unidl.Sequential([unidl.Input((moments, 3)), make(), layers.Dense(1)])
    made.compile("sgd", "mse")
    made.fit(np.ones((4, moments, 3), "float32"), np.ones((4, 1), "float32"), verbose=0)
    return made

unidl.set_backend(sys.argv[1])
make = lambda: getattr(layers, sys.argv[2])(4, recurrent_dropout=0.3)
model(4, make)
before = memory("VmRSS")
model(5_000, make).predict(np.ones((4, 5_000, 3), "float32"), verbose=0)
print("grown by", memory("VmHWM") - before)
"""


@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_recurrent_dropout_over_5000_moments_holds_less_than_300_mb(backend, layer):
    run = subprocess.run(
        [sys.executable, "-c", _SCRIPT, backend.name, layer],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert float(re.search(r"grown by (\S+)", run.stdout).group(1)) < 300
