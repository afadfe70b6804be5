"""Others' tests are many: by default they run on the oracle's framework and on one more, and with
`make test-slow` on the rest."""

import pytest

from tests.conftest import INSTALLED

IN_DEFAULT_RUN = ("numpy", "torch")
BACKENDS = [
    pytest.param(name, marks=() if name in IN_DEFAULT_RUN else pytest.mark.slow)
    for name in INSTALLED
]
