"""The symbolic rules predict the shape and dtype of what a real backend computes."""

import numpy as np
import pytest

import unidl
from tests.ops.calls import CALLS
from unidl import KerasTensor, ops
from unidl.backend.contract import Backend
from unidl.tracing import SymbolicBackend, graph

# Their results depend on values.
VALUES = {"bincount", "nonzero", "unique"}


def parts(result):
    return list(result) if isinstance(result, (list, tuple)) else [result]


def described(result):
    return [(tuple(ops.shape(x)), ops.dtype(x)) for x in parts(result)]


def symbols(args):
    return [KerasTensor(x.shape, x.dtype) if isinstance(x, np.ndarray) else x for x in args]


@pytest.mark.parametrize("name", sorted(CALLS.keys() - VALUES))
def test_shape_and_dtype(name):
    call, _, args = CALLS[name]
    with unidl.use_backend("numpy"):
        assert described(call(*symbols(args))) == described(call(*args))


def test_open_axes():
    x = KerasTensor((None, 4, 6))
    assert ops.reshape(x, (-1, 24)).shape == (None, 24)
    assert ops.reshape(x, (-1, 8, 3)).shape == (None, 8, 3)
    assert ops.add(x, np.ones((6,), "float32")).shape == (None, 4, 6)
    assert ops.matmul(x, KerasTensor((6, 5))).shape == (None, 4, 5)
    assert ops.concatenate([x, KerasTensor((3, 4, 6))], 0).shape == (None, 4, 6)
    assert ops.concatenate([x, x], 1).shape == (None, 8, 6)
    assert ops.sum(x, 1).shape == (None, 6)
    assert ops.get_item(x, (slice(1, None), -1)).shape == (None, 6)
    assert ops.einsum("bij,jk->bik", x, KerasTensor((6, 2))).shape == (None, 4, 2)
    assert ops.conv(
        KerasTensor((None, None, 8, 3)), KerasTensor((3, 3, 3, 5)), 2, "same"
    ).shape == (None, None, 4, 5)
    assert ops.flip(ops.transpose(x, (2, 0, 1)), 1).shape == (6, None, 4)
    assert ops.dot_product_attention(*[KerasTensor((None, 5, 2, 8))] * 3, is_causal=True).shape == (
        None,
        5,
        2,
        8,
    )
    assert [part.shape for part in ops.split(x, 2, 0)] == [(None, 4, 6)] * 2
    with pytest.raises(ValueError, match="unstack: the number of outputs depends"):
        ops.unstack(x)
    with pytest.raises(ValueError, match="cannot be given"):
        ops.reshape(KerasTensor((None, 4)), (3, 3))


def test_a_call_becomes_one_node():
    x = KerasTensor((None, 3))
    y = ops.norm(x, axis=-1)
    node, index = y.history
    assert (node.operation.function.__name__, index, node.inputs) == ("norm", 0, [x])
    assert ops.add(x1=2, x2=x).history[0].kwargs == {"x1": 2, "x2": x}
    assert ops.where(np.array([True, False, True]), x1=x, x2=0.0).history[0].inputs == [x]
    with graph.paused():
        assert ops.exp(x).history is None


def test_no_values():
    x = KerasTensor((None, 3))
    for use in (ops.convert_to_numpy, bool, float, list, np.asarray):
        with pytest.raises(TypeError, match="no value"):
            use(x)
    with pytest.raises(TypeError, match="value_and_grad"):
        unidl.tracing.symbolic.value_and_grad(lambda: x, [])


CONCERNS = [
    concern
    for concern in Backend.__mro__
    if concern.__module__.startswith("unidl.backend.contract.")
]

# What is no function of tensors.
WITHOUT_RULES = {"abstract", "collectives", "execution", "native", "sharding", "updates"}


def test_rules_lie_in_files_of_the_contract_s_names():
    """A rule for a function of contract/x.py stands in shapes/x.py, or where another rule file says
    so."""
    home = {n: c.__module__.rpartition(".")[2] for c in CONCERNS for n in vars(c)}
    factors = {"cholesky", "det", "eigh", "inv", "qr", "solve", "solve_triangular", "svd"}
    for cls in SymbolicBackend.__mro__:
        place = cls.__module__.removeprefix("unidl.tracing.shapes.").partition(".")[0]
        if not cls.__module__.startswith("unidl.tracing.shapes.") or place == "adapter":
            continue
        for name in vars(cls):
            if name in home and not name.startswith("_"):
                expected = "factorizations" if name in factors else home[name]
                assert place == expected or (name, place) == ("copy", "arrays"), name


def test_every_function_has_a_rule_or_a_body_that_runs_on_symbols():
    """Of those without a rule the case table has calls, and the body gives shapes like NumPy's."""
    own = {n for c in SymbolicBackend.__mro__ if "shapes" in c.__module__ for n in vars(c)}
    derived = {
        name
        for concern in CONCERNS
        if concern.__module__.rpartition(".")[2] not in WITHOUT_RULES
        for name in vars(concern)
        if not name.startswith("_") and name not in own and callable(getattr(concern, name))
    }
    assert derived <= DERIVED.keys()
    for name, args in DERIVED.items():
        with unidl.use_backend("numpy") as backend:
            native = getattr(backend, name)(*args)
        with graph.paused():
            symbolic = getattr(unidl.tracing.symbolic, name)(*symbols(args))
        assert described(symbolic) == described(native), name


def floats(*shape):
    return np.ones(shape, "float32")


DERIVED = {
    "normal_of": (floats(2, 3, 4),),
    "biased_conv": (floats(2, 8, 3), floats(3, 3, 4), floats(4), (1,), "same", (1,)),
    "grouped_attention": (floats(2, 4, 5, 8), floats(2, 2, 5, 8), floats(2, 2, 5, 8)),
    "divide_no_nan": (floats(2, 3), floats(3)),
    "linear": (floats(2, 3), floats(3, 4), floats(4)),
    "one_hot": (np.zeros((2, 3), "int32"), 4, "float32"),
    "sigmoid_cross_entropy": (floats(2, 3), floats(2, 3)),
    "keep_mask": ((1, 2), (3, 4), 0.5),
    "dropout": (floats(3, 4), (1, 2), 0.5),
    "zeros": ((2, 3), "float32"),
    "ones": ((2, 3), "float32"),
}
