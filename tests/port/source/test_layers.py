"""Every layer of the table of the conformance suite: written and equal, or refused."""

import importlib.util

import numpy as np
import pytest

from tests.port.layer_cases import CASES, model_of
from unidl import tree
from unidl.conformance.case import generator_of
from unidl.port import PortError, to_source

# Of 413 cases; the others need what neither framework has a layer for, or states that are kept.
LEAST = {"torch": 381, "gluon": 383}


@pytest.mark.slow
@pytest.mark.parametrize("target", list(LEAST))
def test_equal_or_refused(target, tmp_path):
    if importlib.util.find_spec({"gluon": "mxnet"}.get(target, target)) is None:
        pytest.skip(f"{target} is not installed")
    equal, wrong = 0, {}
    for case in CASES:
        drawn = tree.flatten(case.inputs(generator_of(case.name)))
        inputs = [x.astype("float32") if x.dtype.kind == "f" else x for x in drawn]
        if any(len(x) == 0 for x in inputs):
            continue
        try:
            found = to_source(model_of(case), target, tmp_path / "net.py", example_inputs=inputs)
        except PortError as error:
            if "does not run here" in str(error):
                wrong[case.name] = str(error)
            continue
        equal += found.proof.passed
        if not found.proof.passed or max(map(len, found.source.split("\n"))) > 100:
            wrong[case.name] = str(found.proof)
    assert not wrong
    assert equal >= LEAST[target]


@pytest.mark.slow
def test_blocks_of_gluon_come_back_as_they_were(tmp_path):
    pytest.importorskip("mxnet")
    from unidl.port import from_gluon
    from unidl_mxnet.load import load_mxnet

    mx = load_mxnet()
    x = np.random.RandomState(0).normal(size=(2, 3, 64, 64)).astype("float32")
    for name in ("resnet18_v1", "mobilenet0.25", "mobilenetv2_0.25"):
        block = mx.gluon.model_zoo.vision.get_model(name, classes=10)
        block.initialize(mx.init.Xavier())
        model = from_gluon(block, x, verify=False).model
        found = to_source(model, "gluon", tmp_path / "net.py", example_inputs=x, verify=False)
        made = _imported(tmp_path / "net.py").load()
        made.hybridize()
        again, before = made(mx.nd.array(x)).asnumpy(), block(mx.nd.array(x)).asnumpy()
        np.testing.assert_allclose(again, before, rtol=1e-5, atol=1e-6)
        assert len(found.names) == len(block.collect_params().keys())


def _imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    before = vars(np).get("bool")
    spec.loader.exec_module(module)
    if before is None:
        del np.bool
    return module
