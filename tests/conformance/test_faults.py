"""Mutations: each fault of the table is caught by the cases that it names, which pass without
it."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.faults import FAULTS
from unidl.backend import get_backend, list_backends
from unidl.conformance import run_case
from unidl.conformance.cases import ALL_CASES

INSTALLED = [row.name for row in list_backends() if row.installed]
BY_NAME = {case.name: case for case in ALL_CASES}


def _run(fault):
    return {name: run_case(BY_NAME[name], fault.backend) for name in fault.cases}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_caught(fault, monkeypatch):
    if fault.backend not in INSTALLED:
        pytest.skip(f"{fault.backend} is not installed")
    # First without the fault, which also fixes the reference: the oracle is a backend too, and
    # would have the fault.
    for records in _run(fault).values():
        assert [str(record) for record in records if not record.passed] == []
    backend = get_backend(fault.backend)
    right = getattr(backend, fault.method)
    monkeypatch.setattr(
        type(backend),
        fault.method,
        lambda self, *args, **kwargs: fault.faulty(right, self, *args, **kwargs),
    )
    for name, records in _run(fault).items():
        failed = [record for record in records if not record.passed]
        assert failed, f"{name} did not notice"
        # A wrong number, not a fault of the fault.
        assert not any("Error" in record.message for record in failed), [
            record.message for record in failed
        ]


def test_there_are_faults_of_all_kinds():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30
    assert min(Counter(fault.backend for fault in FAULTS).values()) >= 8
    methods = {fault.method for fault in FAULTS}
    assert {"conv", "lstm", "attention", "adam_update", "random_bits", "value_and_grad"} <= methods
    assert any(name.startswith("layer ") for fault in FAULTS for name in fault.cases)


@pytest.mark.parametrize("text", ["README.md", "CHANGELOG.md", "docs/conformance.md"])
def test_the_texts_say_how_many_there_are(text):
    found = re.findall(
        r"(\d+) (?:deliberate|planted) faults",
        (Path(__file__).parents[2] / text).read_text("utf-8"),
    )
    assert found == [str(len(FAULTS))]
