"""Fixtures of all tests: `backend` runs a test once on each installed backend, `seeded` runs
always."""

import importlib
import os
import random
import sys

import numpy as np
import pytest

import unidl
from unidl.backend import list_backends, use_backend
from unidl.utils.traceback_filtering import disable_traceback_filtering

SEED = 20251127
# Of each test module, the NumPy generators that its tests draw from, as they were after its import.
GENERATORS = {}
_FRESH = random.Random(SEED).getstate()


def _seed_tensorflow(tf):
    # `set_seed` also throws all kernels away, and the next test would have to make them again (1 ms
    # each): it is called only if random numbers were drawn since.
    context = importlib.import_module("tensorflow.python.eager.context").context()
    if context._seed != SEED or context._rng.getstate() != _FRESH:
        tf.random.set_seed(SEED)


# How frameworks that a test may have imported are seeded; none is imported for that.
SEEDERS = {
    "torch": lambda torch: torch.manual_seed(SEED),
    "tensorflow": _seed_tensorflow,
    "mxnet": lambda mx: mx.random.seed(SEED),
}


def pytest_addoption(parser):
    parser.addoption("--shuffle", type=int, help="run the tests in an order drawn from this seed")
    parser.addoption(
        "--backend",
        action="append",
        help="run the tests of this backend only (may be given several times)",
    )


def pytest_configure(config):
    disable_traceback_filtering()  # a test that fails shows all of the way
    # A suite that should cover certain backends must not pass because one of them failed to
    # install.
    missing = set(os.environ.get("UNIDL_TEST_BACKENDS", "numpy").split(",")) - set(INSTALLED)
    if missing:
        raise pytest.UsageError(
            f"These backends should be tested and are not installed: {', '.join(sorted(missing))}."
        )


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config, items):
    for item in items:
        # All backends of a test in one process: what it compares them with is computed once.
        backend = _backend_of(item)
        quick = item.get_closest_marker("quick_on")
        in_turn = item.get_closest_marker("in_turn")
        if (quick and backend not in quick.args) or (in_turn and not _its_turn(item, backend)):
            item.add_marker(pytest.mark.slow)
        if backend and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.replace(backend, "", 1)))
    wanted = config.getoption("--backend")
    if wanted:
        # Tests that ask for no backend stay: they may well concern what has been changed.
        others = [item for item in items if _backend_of(item) not in (None, *wanted)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _backend_of(item) in (None, *wanted)]
    seed = config.getoption("--shuffle")
    if seed is not None:
        random.Random(seed).shuffle(items)


def pytest_collection_finish(session):
    for module in {item.module for item in session.items}:
        drawn = [x for x in vars(module).values() if isinstance(x, np.random.Generator)]
        GENERATORS[module] = [(x, x.bit_generator.state) for x in drawn]
    # pytest 9.2 hides the groups from xdist 3.8, which then computes in each process what the tests
    # of a group share.
    grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
    if (
        getattr(session.config.option, "loadgroup", False)
        and grouped
        and "@" not in grouped[0].nodeid
    ):
        raise pytest.UsageError("This pytest-xdist does not group tests under this pytest.")


def _backend_of(item):
    found = item.callspec.params.get("backend") if hasattr(item, "callspec") else None
    return found if isinstance(found, str) else None


def _its_turn(item, backend):
    """Whether it is one of two backends on which its case runs in the suite."""
    (name,) = item.get_closest_marker("in_turn").args
    others = [one for one in INSTALLED if one != "numpy"]
    number = item.callspec.indices[name]
    return backend == "numpy" or backend == others[number % len(others)]


@pytest.fixture(autouse=True)
def seeded(request):
    """Every test starts from the same random numbers and dtypes, whatever ran before it."""
    unidl.utils.set_random_seed(SEED)  # NumPy's and Python's too
    for generator, state in GENERATORS[request.module]:
        generator.bit_generator.state = state
    for name, seed in SEEDERS.items():
        # MXNet takes 1.6 ms, which tests of another backend are spared.
        spared = name == "mxnet" and _backend_of(request.node) not in (None, name)
        if name in sys.modules and not spared:
            seed(sys.modules[name])
    unidl.utils.clear_session(free_memory=False)
    unidl.config.set_dtype_policy(None)


INSTALLED = [row.name for row in list_backends() if row.installed]


@pytest.fixture(params=INSTALLED)
def backend(request):
    """A loaded backend, active during the test."""
    with use_backend(request.param) as loaded:
        yield loaded


@pytest.fixture
def float64():
    """What is made in the test is float64 unless it says otherwise."""
    before = unidl.config.floatx()
    unidl.config.set_floatx("float64")
    yield
    unidl.config.set_floatx(before)
