"""Programs in the manner of Keras' guides and code examples, of which only the import names unidl.

Each runs here on one backend; on all of them, and on Keras itself, in the slow tests."""

import json
import os
import subprocess
import sys
from functools import cache

import pytest

import unidl
from tests.guides.one_script import GUIDES, differences, printed_by, runs_on_keras
from unidl.backend import use_backend

pytest.importorskip("h5py")  # some save what they have trained

BACKENDS = [row.name for row in unidl.list_backends() if row.installed]
# Compiling each step takes the others longer than all that these programs compute.
QUICK = [name for name in BACKENDS if name not in ("tensorflow", "jax")]
SOME_ON_TENSORFLOW = 15  # one guide of so many
ACROSS_BACKENDS = 2e-3  # of float32 after some steps


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Guides write files where they are."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("guide", GUIDES)
def test_it_runs(guide):
    place = GUIDES.index(guide)
    compiled = place % SOME_ON_TENSORFLOW == 0 and "tensorflow" in BACKENDS
    with use_backend("tensorflow" if compiled else QUICK[place % len(QUICK)]):
        assert printed_by(guide)


def printed_from_new(guide):
    unidl.utils.clear_session(free_memory=False)
    unidl.utils.set_random_seed(0)
    return printed_by(guide)


@cache
def on_numpy(guide):
    with use_backend("numpy"):
        return printed_from_new(guide)


@pytest.mark.slow
@pytest.mark.parametrize("guide", GUIDES)
def test_every_backend_prints_the_same(guide, backend):
    expected = on_numpy(guide)
    assert not differences(printed_from_new(guide), expected, ACROSS_BACKENDS)


# Keras' own faults.
NOT_ON_KERAS = {"vision/unet": "torch: grad_input must be contiguous, in its backward pass"}
# All guides in one process, since importing a framework takes longer than most of them.
ON_KERAS = """
import json, os, sys
import keras
sys.modules["unidl"] = keras
from tests.guides.one_script import printed_by
found = {}
for guide in sys.argv[2:]:
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    found[guide] = printed_by(guide)
json.dump(found, open(sys.argv[1], "w"))
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_they_are_programs_of_keras(tmp_path):
    """What they print is equal but for decimals, since Keras draws other random numbers."""
    pytest.importorskip("keras")
    pytest.importorskip("torch")  # on which Keras takes the least time for short programs
    guides = [guide for guide in GUIDES if runs_on_keras(guide) and guide not in NOT_ON_KERAS]
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ON_KERAS, "found.json", *guides],
        env=os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    found = json.loads((tmp_path / "found.json").read_text())
    wrong = {guide: differences(on_numpy(guide), found[guide], None) for guide in guides}
    assert not {guide: pairs for guide, pairs in wrong.items() if pairs}
