"""torch's modules over torch's own configurations, outputs and all gradients in float64, within
1e-12."""

from unittest import mock

import pytest

from tests.outside import exclusions
from tests.outside.backends import BACKENDS

torch = pytest.importorskip("torch")
# The list is private to torch, and its order names the configurations. With it torch imports what
# freezes its switches for the whole process, which other tests set.
with mock.patch("torch.backends.disable_global_flags"):
    pytest.importorskip(
        "torch.testing._internal.common_modules",
        reason="this torch keeps its list of module configurations elsewhere",
    )
if not torch.__version__.startswith("2.13."):
    pytest.skip(
        f"the configurations are those of torch 2.13, not of {torch.__version__}",
        allow_module_level=True,
    )

from tests.outside import torch_modules  # noqa: E402


@pytest.mark.quick_on("numpy")
@pytest.mark.parametrize("backend", BACKENDS)
def test_module_configurations(backend):
    results = torch_modules.run(backend)
    assert len(results) > 1800
    assert exclusions.problems(results, exclusions.read(torch_modules.SOURCE)) == []


def test_every_exclusion_is_of_use():
    names = [name for name, _, _ in torch_modules.cases()]
    assert exclusions.useless(names, exclusions.read(torch_modules.SOURCE)) == []


def test_a_wrong_layer_would_be_noticed(monkeypatch):
    """An epsilon that is off by a millionth."""
    port = torch_modules.PORTS["LayerNorm"]

    def wrong(module, args, kwargs):
        module.eps *= 1 + 1e-6
        return port(module, args, kwargs)

    monkeypatch.setitem(torch_modules.PORTS, "LayerNorm", wrong)
    cases = [case for case in torch_modules.cases() if case[0].startswith("LayerNorm-0")]
    (result,) = [torch_modules.result(case, "numpy") for case in cases]
    assert "output 0" in result.problem
