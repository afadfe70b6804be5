"""The judge of models that move: it accuses nobody of rounding, and acquits no mistake by it."""

from __future__ import annotations

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.port import Proof, to_source

pytest.importorskip("torch")

X = np.random.RandomState(0).normal(size=(3, 6)).astype("float32")


def _unsteady():
    """Normalization over a batch of three multiplies the last digit, layer by layer."""
    unidl.utils.set_random_seed(0)
    inside = [
        part
        for _ in range(40)
        for part in (layers.Dense(6), layers.BatchNormalization(epsilon=1e-12), layers.ReLU())
    ]
    return unidl.Sequential([unidl.Input((6,)), *inside, layers.Dense(2)])


def test_rounding_is_no_difference(tmp_path):
    proof = to_source(_unsteady(), "torch", tmp_path / "net.py", example_inputs=X).proof
    assert proof.passed, str(proof)
    assert any("other last digits of the weights" in text for text in proof.left_out)
    assert any(row.what == "outputs" for row in proof.rows)


def test_a_mistake_is_one_all_the_same(tmp_path, monkeypatch):
    from unidl_torch.port.source.writer import TorchWriter

    written = TorchWriter.file_text
    monkeypatch.setattr(
        TorchWriter, "file_text", lambda self, stem: written(self, stem).replace("1e-12", "1e-09")
    )
    proof = to_source(_unsteady(), "torch", tmp_path / "net.py", example_inputs=X).proof
    assert not proof.passed


def test_nothing_compared_is_not_equal():
    proof = Proof("Net", left_out=["all of it"])
    assert not proof.passed
    assert str(proof) == "Net: nothing was compared\n  not compared: all of it"


def test_budgets_of_their_own():
    proof = Proof("Net")
    proof.compare("outputs", [1.0], [1.0 + 1e-12])
    proof.compare("slots", [1.0], [1.0 + 1e-7], budget=1e-5)
    assert proof.passed
    assert "0 beyond 1e-09 or 1e-05" in str(proof)
    proof.compare("gradient", [1.0], [float("nan")])
    assert not proof.passed
    assert proof.worst.what == "gradient"
