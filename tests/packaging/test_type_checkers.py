"""Type checkers find an installed unidl, however it was installed."""

import pytest

from tests.typing import checkers

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]

EXPECTED = {name: checkers.marked(name) for name in checkers.SCRIPTS}


def test_mypy_sees_the_signatures(environment, tmp_path):
    pytest.importorskip("mypy")
    assert checkers.mypy(checkers.copied(tmp_path), environment.python) == EXPECTED


def test_pyright_sees_the_signatures(environment, tmp_path):
    pytest.importorskip("basedpyright")
    assert checkers.pyright(checkers.copied(tmp_path), environment.python) == EXPECTED
