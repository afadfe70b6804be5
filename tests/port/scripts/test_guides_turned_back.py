"""Our guides as programs of Keras, ported: the guides come out again.

What they print on Keras and here is compared in tests/guides."""

import re

import pytest

from tests.guides.one_script import GUIDES, path_of, runs_on_keras

pytest.importorskip("libcst")

from unidl.port.scripts import port_source

OF_KERAS = [guide for guide in GUIDES if runs_on_keras(guide)]
CODE = re.compile(r"(?<!`)\bkeras\.")  # not in the docstring


@pytest.mark.parametrize("guide", OF_KERAS[::9])
def test_keras(guide):
    _check(guide, "import keras", "from keras")


# Its `.numpy()` of a Variable may be TensorFlow's for a tensor, and becomes ops.convert_to_numpy.
NOT_BY_LETTER = "basics/ops_alone"


@pytest.mark.slow
@pytest.mark.parametrize("guide", [guide for guide in OF_KERAS if guide != NOT_BY_LETTER])
def test_keras_within_another(guide):
    _check(guide, "from tensorflow import keras", "from tensorflow.keras")


def _check(guide, whole, start):
    here = path_of(guide).read_text(encoding="utf-8")
    there = here.replace("import unidl as keras", whole).replace("from unidl", start)
    expected = CODE.sub("unidl.", here.replace("import unidl as keras", "import unidl"))
    found = port_source(there)
    assert found.whole
    assert found.ported == found.calls
    assert found.text == expected
    again = port_source(found.text)
    assert (again.text, again.calls) == (found.text, 0)
