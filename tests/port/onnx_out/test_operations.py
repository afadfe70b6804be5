"""The contract's operations as files: the cases of the conformance suite, computed by onnxruntime,
or where that has no kernel by onnx.reference."""

import numpy as np
import pytest

from unidl import tree
from unidl.backend import get_backend, registry, use_backend
from unidl.conformance.cases import ALL_CASES
from unidl.port.errors import Refused
from unidl.port.exports.signature import Input, Signature
from unidl.port.onnx_out import file
from unidl.port.onnx_out.recorder import Recorder
from unidl.port.onnx_out.runtime import Runtime
from unidl.port.onnx_out.table import writers
from unidl.port.onnx_out.trace import finished
from unidl.tracing import KerasTensor
from unidl.tracing.capture.symbol import NotCapturable

onnx = pytest.importorskip("onnx")

OPSET = 25

# What ONNX has no operators for, or needs values on the host; the documentation says so.
REFUSED = {
    "bitcast", "cholesky", "compile", "compile_step", "detach", "eig", "eigh", "inv",
    "jvp", "lay_out", "qr", "random_bits", "solve", "solve_triangular", "store", "svd", "to_numpy",
    "value_and_grad", "write",
    "ops.bincount", "ops.cholesky_inverse", "ops.ctc_decode", "ops.eig", "ops.jvp", "ops.logdet",
    "ops.lstsq", "ops.matrix_rank", "ops.nonzero", "ops.norm", "ops.pinv", "ops.segment_max",
    "ops.segment_min", "ops.segment_prod", "ops.segment_sum", "ops.slogdet", "ops.unique",
    "ops.view",
}  # fmt: skip

# Where the kernels of onnxruntime differ, whatever the file says.
OTHERWISE = {
    "max: NaN wins": "takes no notice of NaN",
    "min: NaN wins": "takes no notice of NaN",
    "max_pool: minus infinity": "counts padding as the smallest number",
    "layer_norm: mean 100": "loses the digits that a large mean costs",
    "batch_norm_training: vectors, mean 100": "multiplies first, and subtracts then",
    "batch_norm_training: vectors, mean 1e4": "multiplies first, and subtracts then",
    "batch_norm_training: images, mean 100": "multiplies first, and subtracts then",
    "batch_norm_training: images, mean 1e4": "multiplies first, and subtracts then",
    "batch_norm_training: large images, mean 100": "multiplies first, and subtracts then",
}

CASES = [c for c in ALL_CASES if not c.method.startswith("layer ") and "float32" in c.dtypes]
FIRST = list({c.method: c for c in reversed(CASES) if c.method in writers()}.values())
OTHERS = [c for c in CASES if c not in FIRST]


def computed(case, arrays, path):
    """What the file of a case gives for `arrays`."""
    to = Recorder(get_backend(registry.DEFAULT), OPSET)
    names = [f"in_{name}" for name in arrays]
    inputs = [
        to.value(KerasTensor(a.shape, a.dtype.name), to.graph.input(name))
        for name, a in zip(names, arrays.values(), strict=True)
    ]
    with use_backend(to):
        found = [to.asarray(y) for y in tree.flatten(case.call(to, *inputs))]
    if to.refused:
        raise Refused(str(list(to.refused)))
    specs = [Input(n, a.shape, a.dtype.name) for n, a in zip(names, arrays.values(), strict=True)]
    outputs = {f"out_{i}": y for i, y in enumerate(found)}
    trace = finished(to, "case", Signature(specs, None), inputs, outputs)
    imports = [onnx.helper.make_opsetid("", OPSET)]
    file.write(path, onnx.helper.make_model(trace.graph, opset_imports=imports), trace.arrays, None)
    onnx.checker.check_model(path, full_check=True)
    return Runtime(path).run(dict(zip(names, arrays.values(), strict=True)))


def check(case, path):
    host = get_backend(registry.DEFAULT)
    arrays = {k: a.astype("float32") if a.dtype.kind == "f" else a for k, a in case.draw().items()}
    try:
        found = computed(case, arrays, path)
    except (Refused, NotCapturable):
        assert case.method in REFUSED
        return
    with np.errstate(all="ignore"):
        wanted = tree.flatten(case.call(host, *map(host.asarray, arrays.values())))
    for one, other in zip(found, map(np.asarray, wanted), strict=True):
        assert np.shape(one) == other.shape
        assert np.asarray(one).dtype == other.dtype
        if case.name in OTHERWISE:
            continue
        one, other = np.asarray(one, "float64"), other.astype("float64")
        finite = np.abs(other[np.isfinite(other)])
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * finite.max(initial=1e-3))


@pytest.mark.parametrize("case", FIRST, ids=lambda c: c.name)
def test_each_operation_of_the_table(case, tmp_path):
    check(case, str(tmp_path / "case.onnx"))


@pytest.mark.slow
@pytest.mark.parametrize("case", OTHERS, ids=lambda c: c.name)
def test_each_case(case, tmp_path):
    check(case, str(tmp_path / "case.onnx"))
