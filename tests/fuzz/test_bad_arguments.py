"""One illegal argument in a layer that is legal otherwise: a ValueError or TypeError that names the
layer, the same on every backend."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unidl
from tests.conftest import INSTALLED
from tests.fuzz.drawn import Spec, made
from tests.fuzz.known import wrong_values
from tests.fuzz.rows import ROWS, example
from tests.fuzz.running import hunt, in_suite
from unidl import layers
from unidl.backend import use_backend
from unidl.utils import clear_session

# Values that no layer takes for an argument of this name.
PRESENT = [
    name
    for name in ROWS
    if hasattr(layers, name) and any(a in wrong_values() for a in ROWS[name].arguments)
]


@st.composite
def spoiled(draw, name):
    """The Spec of a layer with one argument that is wrong."""
    spec = draw(example(name)).layer
    argument = draw(st.sampled_from(sorted(set(wrong_values()) & ROWS[name].arguments)))
    return Spec(
        spec.module,
        spec.name,
        {**spec.arguments, argument: draw(st.sampled_from(wrong_values()[argument]))},
    )


def _raised(spec, backend):
    with use_backend(backend):
        clear_session(free_memory=False)
        try:
            made(unidl, spec)
        except (ValueError, TypeError) as error:
            return f"{type(error).__name__}: {error}"
    return "no error"


def check(spec):
    found = {backend: _raised(spec, backend) for backend in INSTALLED}
    assert len(set(found.values())) == 1, found
    text = found["numpy"]
    assert text != "no error"
    assert re.search(rf"\b{spec.name}\b", text), text


def _one(name):
    return given(spoiled(name))(check)


@pytest.mark.parametrize("name", PRESENT)
def test_a_few(name):
    in_suite(_one(name))


@pytest.mark.fuzz
@pytest.mark.parametrize("name", PRESENT)
def test_many(name):
    hunt(_one(name), name)
