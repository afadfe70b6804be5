"""What a single call costs outside of a compiled step.

`python -m benchmarks.eager [BACKEND ...]` prints a table. The price of a small layer or function is
the Python around its kernel. Each is measured beside the framework's own way to the same result, on
one thread, in a process for each backend. They take turns, a few calls each, by the processor's
clock, and the ratio is the median of the rounds' ratios; below 1 unidl is faster.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

BATCH, FEATURES, SIDE, CHANNELS, FILTERS = 32, 64, 16, 8, 16
ROUNDS, CALLS = 300, 10
BACKENDS = ("numpy", "torch", "tensorflow", "mxnet")


def measure(backend):
    """[{"what", "native", "unidl_us", "native_us", "ratio"}, ...] of a backend, in this process."""
    import unidl

    found = []
    wait, natives = _NATIVES[backend](_inputs())
    with unidl.use_backend(backend):
        ours = _ours(unidl)
        for what, (native, call) in natives.items():
            times = _take_turns(ours[what], call, wait)
            best = [min(column) / CALLS * 1e6 for column in zip(*times, strict=True)]
            ratio = statistics.median(ours_s / native_s for ours_s, native_s in times)
            found.append(
                {
                    "what": what,
                    "native": native,
                    "unidl_us": best[0],
                    "native_us": best[1],
                    "ratio": ratio,
                }
            )
    return found


def _take_turns(ours, native, wait):
    """[(seconds of `ours`, of `native`), ...] of `CALLS` calls each; they must give one shape."""
    shapes = [[int(s) for s in _first(call()).shape] for call in (ours, native)]
    if sorted(shapes[0]) != sorted(shapes[1]):  # images may have their channels elsewhere
        raise AssertionError(f"The results have the shapes {shapes[0]} and {shapes[1]}.")
    return [(_seconds(ours, wait), _seconds(native, wait)) for _ in range(ROUNDS)]


def _first(result):
    return result[0] if isinstance(result, (list, tuple)) else result


def _seconds(call, wait):
    start = time.process_time()  # of a busy machine the share that others have does not count
    for _ in range(CALLS):
        call()
    wait()
    return time.process_time() - start


def _inputs():
    rng = np.random.default_rng(0)
    shapes = {
        "x": (BATCH, FEATURES),
        "kernel": (FEATURES, FEATURES),
        "wide": (FEATURES, 4 * FEATURES),
        "bias": (FEATURES,),
        "wide_bias": (4 * FEATURES,),
        "image": (BATCH, SIDE, SIDE, CHANNELS),
        "filters": (3, 3, CHANNELS, FILTERS),
        "filters_bias": (FILTERS,),
    }
    return {name: rng.standard_normal(shape).astype("float32") for name, shape in shapes.items()}


def _ours(unidl):
    ops, layers = unidl.ops, unidl.layers
    inputs = {name: ops.convert_to_tensor(value) for name, value in _inputs().items()}
    x, image = inputs["x"], inputs["image"]
    kernel = unidl.Variable(inputs["kernel"])
    dense, conv = layers.Dense(FEATURES), layers.Conv2D(FILTERS, 3, padding="same")
    cell = layers.LSTMCell(FEATURES)
    dense(x), conv(image), cell(x, [x, x])
    return {
        "Dense": lambda: dense(x),
        "Conv2D": lambda: conv(image),
        "LSTMCell": lambda: cell(x, [x, x]),
        "add": lambda: ops.add(x, x),
        "matmul with a Variable": lambda: ops.matmul(x, kernel),
        "relu": lambda: ops.relu(x),
    }


def _numpy(a):
    x, kernel, bias = a["x"], a["kernel"], a["bias"]

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def cell():
        i, f, g, o = np.split(x @ a["wide"] + x @ a["wide"] + a["wide_bias"], 4, axis=-1)
        c = sigmoid(f) * x + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    return lambda: None, {
        "Dense": ("x @ w + b", lambda: x @ kernel + bias),
        "LSTMCell": ("by hand", cell),
        "add": ("np.add", lambda: np.add(x, x)),
        "matmul with a Variable": ("np.matmul", lambda: np.matmul(x, kernel)),
        "relu": ("np.maximum", lambda: np.maximum(x, 0)),
    }


def _torch(a):
    import torch

    torch.set_num_threads(1)
    x, kernel = torch.from_numpy(a["x"]), torch.nn.Parameter(torch.from_numpy(a["kernel"]))
    image = torch.from_numpy(a["image"].transpose(0, 3, 1, 2).copy())
    dense, cell = torch.nn.Linear(FEATURES, FEATURES), torch.nn.LSTMCell(FEATURES, FEATURES)
    conv = torch.nn.Conv2d(CHANNELS, FILTERS, 3, padding="same")
    return lambda: None, {
        "Dense": ("nn.Linear", lambda: dense(x)),
        "Conv2D": ("nn.Conv2d", lambda: conv(image)),
        "LSTMCell": ("nn.LSTMCell", lambda: cell(x, (x, x))),
        "add": ("torch.add", lambda: torch.add(x, x)),
        "matmul with a Variable": ("torch.matmul", lambda: torch.matmul(x, kernel)),
        "relu": ("torch.relu", lambda: torch.relu(x)),
    }


def _tensorflow(a):
    import tensorflow as tf

    x, image = tf.constant(a["x"]), tf.constant(a["image"])
    variables = {name: tf.Variable(value) for name, value in a.items()}
    kernel, bias, wide = variables["kernel"], variables["bias"], variables["wide"]

    def conv():
        y = tf.nn.conv2d(image, variables["filters"], 1, "SAME")
        return tf.nn.bias_add(y, variables["filters_bias"])

    def cell():
        z = tf.nn.bias_add(tf.matmul(x, wide) + tf.matmul(x, wide), variables["wide_bias"])
        i, f, g, o = tf.split(z, 4, axis=-1)
        c = tf.sigmoid(f) * x + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    return lambda: None, {
        "Dense": ("matmul, bias_add", lambda: tf.nn.bias_add(tf.matmul(x, kernel), bias)),
        "Conv2D": ("conv2d, bias_add", conv),
        "LSTMCell": ("by hand", cell),
        "add": ("tf.add", lambda: tf.add(x, x)),
        "matmul with a Variable": ("tf.matmul", lambda: tf.matmul(x, kernel)),
        "relu": ("tf.nn.relu", lambda: tf.nn.relu(x)),
    }


def _mxnet(a):
    from unidl_mxnet.load import load_mxnet  # imports MXNet past what NumPy removed

    mx = load_mxnet()
    nd, nn = mx.nd, mx.gluon.nn
    x, kernel = nd.array(a["x"]), nd.array(a["kernel"])
    image = nd.array(a["image"].transpose(0, 3, 1, 2))
    dense = nn.Dense(FEATURES, in_units=FEATURES)
    conv = nn.Conv2D(FILTERS, 3, padding=1, in_channels=CHANNELS)
    cell = mx.gluon.rnn.LSTMCell(FEATURES, input_size=FEATURES)
    for block in (dense, conv, cell):
        block.initialize()
    return nd.waitall, {
        "Dense": ("gluon.nn.Dense", lambda: dense(x)),
        "Conv2D": ("gluon.nn.Conv2D", lambda: conv(image)),
        "LSTMCell": ("gluon.rnn.LSTMCell", lambda: cell(x, [x, x])),
        "add": ("nd.broadcast_add", lambda: nd.broadcast_add(x, x)),
        "matmul with a Variable": ("nd.dot", lambda: nd.dot(x, kernel)),
        "relu": ("nd.relu", lambda: nd.relu(x)),
    }


_NATIVES = {"numpy": _numpy, "torch": _torch, "tensorflow": _tensorflow, "mxnet": _mxnet}


def main(backends):
    print(f"{'':34}{'unidl':>10}{'native':>10}{'ratio':>8}   (microseconds, best round)")
    for backend in backends:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.eager", "--measure", backend],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            check=True,
        )
        for row in json.loads(answer.stdout):
            print(
                f"{backend:11}{row['what']:23}{row['unidl_us']:10.1f}{row['native_us']:10.1f}"
                f"{row['ratio']:8.2f}   {row['native']}"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        main(sys.argv[1:] or BACKENDS)
