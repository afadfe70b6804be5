"""Whom unidl is measured against."""

from __future__ import annotations

import pytest

from benchmarks import contestants, report
from benchmarks.workloads import WORKLOADS


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_native_loop_of_torch_is_the_fast_one_in_every_workload(workload):
    workload = WORKLOADS[workload]
    assert "native-torch" in contestants.lineup("torch", workload)
    native = contestants.load("native-torch")(workload)
    assert native.optimizer.param_groups[0]["fused"]
    plain = contestants.load("plain-torch")(workload)
    assert not plain.optimizer.param_groups[0]["fused"]


def test_everybody_has_a_loop_and_a_name_in_the_tables():
    for rivals in contestants.RIVALS.values():
        assert set(rivals) <= set(contestants.CONTESTANTS)
        assert set(rivals) <= set(report.NAMES)
