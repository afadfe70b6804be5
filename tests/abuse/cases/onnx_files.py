"""Models that go out as ONNX: what is not a model, not a file, not ready, or not expressible."""

from __future__ import annotations

import os
import tempfile

import numpy as np

import unidl
from tests.abuse.case import told
from unidl import layers, ops
from unidl.port import PortError


def net():
    return unidl.Sequential([unidl.Input((3,)), layers.Dense(2)], name="net")


class Own(unidl.Model):
    """Says nothing of what it takes; `function` is what it computes."""

    def __init__(self, function):
        super().__init__(name="own")
        self.function = function

    def call(self, x, y=None):
        return self.function(x)


def written(model, name="net.onnx", *args, **options):
    """The file of model(); nothing may be left where that raises."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return unidl.port.to_onnx(model(), os.path.join(folder, name), *args, **options)
        except (ValueError, TypeError, OSError) as error:
            assert os.listdir(folder) == [], "half a file"
            if isinstance(error, PortError):
                raise
            raise type(error)(str(error).replace(folder, "FOLDER")) from None


def _own(function, shape=(2, 3)):
    def make():
        model = Own(function)
        model(np.ones(shape, "float32"))
        return model

    return make


SPEC = layers.InputSpec(shape=(None, 3), dtype="float32")

CASES = [
    told("to_onnx of a layer", lambda: written(lambda: layers.Dense(2)),
         "expected a Model, got Dense.*unidl.Input"),
    told("to_onnx of a model without weights",
         lambda: written(lambda: unidl.Sequential([layers.Dense(2)])),
         "no weights yet.*Call it on data"),
    told("to_onnx into no folder", lambda: written(net, os.path.join("nowhere", "net.onnx")),
         "no folder.*Create it first", kind=FileNotFoundError),
    told("to_onnx with another ending", lambda: written(net, "net.keras"), "end with .onnx"),
    told("to_onnx without an ending", lambda: written(net, "net"), "end with .onnx"),
    told("to_onnx with an old opset", lambda: written(net, opset=11), "opset=11.*from 18 to"),
    told("to_onnx with an opset to come", lambda: written(net, opset=999), "opset=999.*newest"),
    told("to_onnx with a word for the opset", lambda: written(net, opset="latest"),
         "opset='latest'"),
    told("to_onnx with too many signatures", lambda: written(net, "net.onnx", [SPEC, SPEC]),
         "has 1 inputs.*2 entries"),
    told("to_onnx with an open rank",
         lambda: written(net, "net.onnx", layers.InputSpec(ndim=2)), "has no shape"),
    told("to_onnx of a factorization", lambda: written(_own(lambda x: ops.qr(x)[0])),
         "own: it calls qr", kind=PortError),
    told("to_onnx of random numbers",
         lambda: written(_own(lambda x: x + unidl.random.normal((2, 3)))),
         "own: .*random numbers", kind=PortError),
    told("to_onnx of a condition on values",
         lambda: written(_own(lambda x: x if float(ops.convert_to_numpy(ops.sum(x))) else -x)),
         "needs the value of a tensor", kind=(PortError, TypeError)),
    told("export in no format", lambda: net().export("net", "pickle"),
         "must be one of .*onnx.*got 'pickle'"),
    told("export of a file without its format", lambda: net().export("net.onnx"),
         'it is a folder.*format="onnx"'),
    told("export with an unknown option", lambda: net().export("net.onnx", "onnx", opset=20),
         "opset=20.*opset_version"),
]  # fmt: skip
