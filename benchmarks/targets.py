"""What unidl promises: the largest ratio of its time to the other's, by backend and rival.

`native-torch` is the loop with the fused Adam.
"""

from __future__ import annotations

IMAGES = {
    "native-torch": 1.0,
    "native-tensorflow": 1.0,
    "native-mxnet": 1.0,
    "keras-torch": 0.5,
    "keras-tensorflow": 0.95,
}

# workload -> rival -> ratio of the time of an epoch, where the backend is the rival's own.
FIT = {
    "mlp": {
        "native-torch": 0.85,
        "native-tensorflow": 0.5,
        "native-mxnet": 0.5,
        "keras-torch": 0.25,
        "keras-tensorflow": 0.4,
    },
    "cnn": IMAGES,
    "resnet": IMAGES,
    "transformer": {
        "native-torch": 1.0,
        "native-tensorflow": 1.0,
        "native-mxnet": 1.0,
        "keras-torch": 0.8,
        "keras-tensorflow": 0.8,
    },
    "lstm": {
        "native-torch": 0.95,
        "native-mxnet": 1.0,
        "native-tensorflow": 0.8,
        "keras-torch": 0.3,
        "keras-tensorflow": 0.6,
    },
}

# NumPy has no framework of its own to beat, so its rivals are eager torch and scikit-learn.
NUMPY_FIT = {"mlp": 1.0, "cnn": 1.5, "lstm": 3.0, "transformer": 3.0}

PREDICT_1 = {"native": 1.1, "keras": 0.2}
PEAK = {"native": 1.05, "keras": 0.9}


def target(backend, workload, rival, what):
    """The largest ratio allowed, or None where nothing is promised."""
    kind = rival.partition("-")[0]
    if backend.endswith("-jit"):
        return None
    if what == "fit":
        if backend == "numpy" and rival == "sklearn":
            return 1.0
        if backend == "numpy":
            return NUMPY_FIT.get(workload) if rival == "native-torch" else None
        return FIT.get(workload, {}).get(rival)
    if backend == "numpy":
        return None
    return {"predict_1": PREDICT_1, "peak_mb": PEAK}.get(what, {}).get(kind)
