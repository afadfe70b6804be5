"""The same program with Keras and with unidl: a function of the library, which is given it."""

import functools

import numpy as np

import unidl
from tests.reference import close, in_float64

X = np.arange(12.0).reshape(4, 3) / 10
Y = np.ones((4, 1))
STEPS = np.array([[[1.0], [2.0], [0.0], [0.0]], [[1.0], [2.0], [3.0], [0.0]]])


def agree(program, tolerance=1e-11):
    """Assert that `program(unidl)` and `program(keras)`, nests of numbers and text, are equal."""
    with in_float64() as keras:
        ours, theirs = _plain(program(unidl)), _of_keras(_Same(program), keras)
    _compare(ours, theirs, tolerance)
    return ours


class _Same:
    """A program, equal to those of the same code that refer to the same objects: a test makes it
    anew on each backend, and Keras runs it once."""

    def __init__(self, program):
        self.program = program
        cells = [cell.cell_contents for cell in program.__closure__ or ()]
        more = program.__defaults__ or (), program.__kwdefaults__ or {}
        self.held = [*cells, *more[0], *more[1].values()]  # alive, so that each id stays its own
        self.key = (
            program.__code__,
            tuple((type(x), x if isinstance(x, str | int | None) else id(x)) for x in self.held),
        )

    def __eq__(self, other):
        return self.key == other.key

    def __hash__(self):
        return hash(self.key)


@functools.cache
def _of_keras(same, keras):
    return _plain(same.program(keras))


def _plain(result):
    if isinstance(result, dict):
        return {key: _plain(value) for key, value in sorted(result.items())}
    if isinstance(result, list | tuple):
        return [_plain(value) for value in result]
    if result is None or isinstance(result, str | bool):
        return result
    if hasattr(result, "value"):
        result = result.value
    library = unidl if unidl.ops.is_tensor(result) else None
    if library is None and not isinstance(result, int | float | np.ndarray | np.generic):
        return np.asarray(result)
    return np.asarray(result if library is None else unidl.ops.convert_to_numpy(result))


def _compare(ours, theirs, tolerance):
    assert type(ours) is type(theirs), (ours, theirs)
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(ours, list):
        assert len(ours) == len(theirs), (ours, theirs)
        for one, other in zip(ours, theirs, strict=True):
            _compare(one, other, tolerance)
    elif isinstance(ours, np.ndarray) and ours.dtype.kind == "f":
        close(ours, theirs, tolerance)
    else:
        assert np.all(ours == theirs), (ours, theirs)


def dense(k, units=1, **kwargs):
    return k.layers.Dense(units, kernel_initializer="ones", **kwargs)


def trained(k, *args, weights=None, **kwargs):
    """The history of a small model, compiled with these arguments."""
    model = k.Sequential([k.Input((3,)), dense(k)])
    model.compile(k.optimizers.SGD(0.01), *args, **kwargs)
    history = model.fit(
        X, Y, sample_weight=weights, epochs=2, batch_size=2, shuffle=False, verbose=0
    )
    return history.history
