"""The benchmark of single calls: both sides compute, on every backend that it knows."""

import pytest

from benchmarks import eager
from unidl.backend import list_backends

INSTALLED = [row.name for row in list_backends() if row.installed and row.name in eager.BACKENDS]


@pytest.mark.parametrize("name", INSTALLED)
def test_each_call_is_measured_beside_the_frameworks_own(name, monkeypatch):
    monkeypatch.setattr(eager, "ROUNDS", 2)
    rows = eager.measure(name)
    assert {"Dense", "LSTMCell", "add", "relu"} <= {row["what"] for row in rows}
    assert all(row["unidl_us"] > 0 and row["native_us"] > 0 for row in rows)
