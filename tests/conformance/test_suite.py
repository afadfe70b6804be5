"""The suite itself: it covers the contract, and it notices what it is there to notice."""

import json

import numpy as np
import pytest

from unidl import ops
from unidl.backend import Backend, contract, get_backend
from unidl.backend.errors import UnsupportedError
from unidl.conformance import Case, engine, report, run_case
from unidl.conformance.case import normal
from unidl.conformance.cases import ALL_CASES, FUNCTION_CASES, LAYERS_AS_CASES
from unidl.conformance.judge import judge
from unidl.conformance.known import KnownFailure, known_failures, unexpected
from unidl.conformance.oracle import oracle

# Public methods of the contract without a case of their own.
WITHOUT_CASE = {
    "abstract_call": "layers that call their framework, in tests/tracing",
    "concretely": "weights made inside of an abstract call, in tests/tracing",
    "devices": "names of the machine's devices, in tests/backends",
    "scope": "entered around every case",
    "full_precision": "entered around every case; tests/backends/torch/test_adapter.py",
    "profile": "traces of batches, in tests/callbacks/test_profile_batch.py",
    "has_value": "whether an eager call may read indices, in tests/abuse/cases/indices.py",
    **dict.fromkeys(
        ("join_processes", "all_reduce", "all_gather", "gather_bytes", "own_part", "whole"),
        "runs in several processes, in tests/distribution",
    ),
    **dict.fromkeys(
        ("mesh_devices", "on_mesh", "spread"),
        "runs on several devices, in tests/distribution/test_devices.py",
    ),
    "normal_of": "what `normal` is made of, which has cases",
    "in_one_launch": "whole epochs with and without it, in tests/training/test_launch.py",
}


def _contract_methods():
    concerns = [cls for cls in Backend.__mro__ if cls.__module__.startswith(contract.__name__)]
    return {
        name
        for cls in concerns
        for name, value in vars(cls).items()
        if not name.startswith("_") and callable(value)
    }


def test_every_method_of_the_contract_has_a_case():
    covered = {
        method for case in FUNCTION_CASES for method in case.covers if not method.startswith("ops.")
    }
    methods = _contract_methods()
    assert methods - covered - set(WITHOUT_CASE) == set()
    assert covered - methods == set(), "cases for methods that the contract does not have"
    assert set(WITHOUT_CASE) <= methods - covered


# Public functions without a case: they say something about a tensor on the host, or refuse.
NO_CASE = {
    "convert_to_numpy", "device_scope", "ndim", "size", "polar", "view_as_complex",
}  # fmt: skip


def test_every_public_function_has_a_case():
    covered = {method.removeprefix("ops.") for case in FUNCTION_CASES for method in case.covers}
    assert set(ops.__all__) - covered == NO_CASE
    assert {
        m.removeprefix("ops.")
        for case in FUNCTION_CASES
        for m in case.covers
        if m.startswith("ops.")
    } <= set(ops.__all__)


# Public functions whose gradient no case compares: what they give is no float, does not depend on
# floats, or are new numbers from the values of others; `jvp` is a derivative itself, `view` reads
# bits, and `nextafter` has steps.
NO_GRADIENT = {
    "all", "any", "arange", "argmax", "argmin", "argsort", "bartlett", "bitwise_and",
    "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "blackman", "count_nonzero", "ctc_decode", "dtype", "empty", "equal", "eye",
    "full", "full_like", "gcd", "geomspace", "greater", "greater_equal", "hamming", "hanning",
    "histogram", "identity", "is_tensor", "isfinite", "isin", "isinf", "isnan", "jvp", "kaiser",
    "lcm", "left_shift", "less", "less_equal", "linspace", "logical_and", "logical_not",
    "logical_or", "logical_xor", "logspace", "matrix_rank", "multi_hot", "nextafter", "nonzero",
    "not_equal", "one_hot", "ones", "right_shift", "shape", "tri", "unique", "unravel_index",
    "view", "zeros",
}  # fmt: skip


def test_every_public_function_with_a_gradient_has_it_compared():
    compared = {
        method.removeprefix("ops.")
        for case in FUNCTION_CASES
        if case.gradients and any(array.dtype.kind == "f" for array in case.draw().values())
        for method in case.covers
    }
    assert set(ops.__all__) - compared - NO_CASE == NO_GRADIENT


def test_names_are_unique():
    names = [case.name for case in ALL_CASES]
    assert sorted(set(names)) == sorted(names)
    assert len(FUNCTION_CASES) > 700
    assert len(LAYERS_AS_CASES) > 150


def test_known_failures_name_cases_and_reasons(backend):
    names = {case.name for case in ALL_CASES}
    for line in known_failures(backend):
        assert line.case in names
        assert len(line.reason) > 20


# -- backends with one mistake each
# ------------------------------------------------------------------


def _broken(**functions):
    """The default backend with other bodies for some methods."""
    return type("Broken", (type(oracle()),), functions)()


def _one_pass_variance(self, x, axis=None, keepdims=False):
    return self.subtract(
        self.mean(self.square(x), axis, keepdims), self.square(self.mean(x, axis, keepdims))
    )


def _careless_log_softmax(self, x, axis=-1):
    return self.log(self.softmax(x, axis))


def _swapped_gates(self, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
    def swap(w):
        i, f, g, o = self.split(w, 4, -1)
        return self.concatenate([f, i, g, o], -1)

    return oracle().lstm(
        x, h, c, swap(kernel), swap(recurrent_kernel), None if bias is None else swap(bias), reverse
    )


def _epsilon_under_the_root(self, params, grads, m, v, *, alpha, beta_1, beta_2, epsilon):
    m, v = self._adam_moments(grads, m, v, beta_1, beta_2)
    steps = [
        self.divide(self.multiply(a, alpha), self.sqrt(self.add(b, epsilon)))
        for a, b in zip(m, v, strict=True)
    ]
    return [self.subtract(p, s) for p, s in zip(params, steps, strict=True)], m, v


def _average_over_padding(self, x, window, strides, padding):
    from unidl.backend.contract.conv import explicit_padding

    sizes = self.shape(x)[1:-1]
    pairs = explicit_padding(padding, sizes, window, strides)
    return oracle().avg_pool(self.pad(x, ((0, 0), *pairs, (0, 0))), window, strides, "valid")


@pytest.mark.parametrize(
    ("functions", "match"),
    [
        ({"var": _one_pass_variance}, "var: larger offset"),
        ({"log_softmax": _careless_log_softmax}, "log_softmax: saturated"),
        ({"lstm": _swapped_gates}, "lstm"),
        ({"adam_update": _epsilon_under_the_root}, "adam_update"),
        ({"avg_pool": _average_over_padding}, "avg_pool: 2d same, uneven padding"),
        (
            {"leaky_relu": lambda self, x, slope: self.maximum(x, self.multiply(x, slope))},
            "leaky_relu: kink has the slope",
        ),
        ({"round": lambda self, x: self.floor(self.add(x, 0.5))}, "round: half to even"),
        ({"softplus": lambda self, x: self.log(self.add(1.0, self.exp(x)))}, "softplus: large"),
        ({"gelu": lambda self, x, approximate: oracle().gelu(x, True)}, "gelu"),
        (
            {
                "sum": lambda self, x, axis=None, keepdims=False: self.cast(
                    oracle().sum(x, axis, keepdims), "float32"
                )
            },
            "sum: scalar",
        ),
        (
            {"getitem": lambda self, x, key: self.stop_gradient(oracle().getitem(x, key))},
            "getitem: slice",
        ),
        ({"erf": lambda self, x: oracle().tanh(self.multiply(x, 1.2))}, "erf"),
        ({"exp": lambda self, x: self.multiply(oracle().exp(x), 1 + 1e-6)}, "exp"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_noticed(functions, match):
    backend = _broken(**functions)
    (case,) = [case for case in FUNCTION_CASES if case.name == match]
    assert all(record.passed for record in run_case(case, oracle()))
    assert not all(record.passed for record in run_case(case, backend))


def test_rounding_is_noticed_where_float64_hides_it():
    """A formula that is right but loses half of the digits passes in float64 and fails in
    float32."""

    def cancelling(self, x):
        return self.subtract(self.add(oracle().tanh(x), 1000.0), 1000.0)

    (case,) = [case for case in FUNCTION_CASES if case.name == "tanh"]
    failed = {(r.dtype, r.what) for r in run_case(case, _broken(tanh=cancelling)) if not r.passed}
    assert failed == {
        (dtype, what)
        for dtype in ("float32", "float16")
        for what in ("forward", "forward, recording")
    }


def test_what_raises_is_a_failure():
    def fail(self, x):
        raise RuntimeError("no such kernel")

    (case,) = [case for case in FUNCTION_CASES if case.name == "sin"]
    records = run_case(case, _broken(sin=fail), dtypes=("float64", "float32"))
    assert records
    assert all("no such kernel" in r.message for r in records)


def test_unsupported_must_raise_unsupported_error():
    class Modest(type(oracle())):
        unsupported = {"qr": "no kernel"}

    (case,) = [case for case in FUNCTION_CASES if case.name == "qr: square"]
    (record,) = run_case(case, Modest())
    assert record.what == "unsupported"
    assert not record.passed


def test_known_failures():
    case = Case("sin", "for this test", lambda B, x: B.sin(x), {"x": normal(3)}, kind="ulp")
    good, bad = (
        run_case(case, backend) for backend in (oracle(), _broken(sin=lambda self, x: self.cos(x)))
    )
    line = KnownFailure(case.name, "a reason that explains it")
    assert unexpected(good, []) == []
    assert len(unexpected(bad, [])) == len(bad)
    assert unexpected(bad, [line]) == []
    assert "remove it" in unexpected(good, [line])[0]


def test_a_known_failure_may_be_that_of_some_versions(monkeypatch):
    lines = [{"case": "a", "reason": "r"}, {"case": "b", "reason": "r", "version": "1."}]
    monkeypatch.setattr(json, "loads", lambda text: lines)
    for version, there in (("1.26.4", ["a", "b"]), ("2.4.6", ["a"]), ("11.0", ["a"])):
        monkeypatch.setitem(vars(get_backend("numpy")), "version", version)
        assert [line.case for line in known_failures("numpy")] == there


# -- the judge
# ---------------------------------------------------------------------------------------


def _judge(value, reference, dtype="float64", **options):
    reference = np.array(reference, "float64")
    host = "float32" if dtype == "bfloat16" else dtype
    return judge(np.array(value, host), reference, np.abs(reference), dtype, 16.0, **options)


def test_judge_wants_shape_dtype_and_the_same_infinities():
    assert "shape" in _judge([1.0], [[1.0]]).message
    assert "dtype" in judge(np.ones(1, "float64"), np.ones(1), np.ones(1), "float32", 16.0).message
    assert "NaN or infinities" in _judge([1.0, np.inf], [1.0, np.nan]).message
    assert "NaN or infinities" in _judge([np.inf], [-np.inf]).message
    assert "not finite" in _judge([np.nan], [1.0]).message
    assert _judge([np.nan, np.inf, 1.0], [np.nan, np.inf, 1.0]).passed


def test_judge_budgets():
    assert _judge([1 + 5e-13], [1.0]).passed
    assert not _judge([1 + 5e-12], [1.0]).passed
    assert _judge([1 + 8 * 2.0**-24], [1.0], "float32").passed
    assert not _judge([1 + 34 * 2.0**-24], [1.0], "float32").passed
    assert not _judge([1 + 2.0**-23], [1.0], "float32", exact=True).passed
    for dtype, unit in (("float16", 2.0**-11), ("bfloat16", 2.0**-8)):
        assert _judge([1 + 15 * unit], [1.0], dtype, found=dtype).passed
        assert not _judge([1 + 18 * unit], [1.0], dtype, found=dtype).passed
    assert "dtype float32, expected bfloat16" in _judge([1.0], [1.0], "bfloat16").message
    assert _judge([1.0], [1.0], "float16", wanted="float32", found="float32").passed
    assert _judge([5e-13], [0.0]).passed
    assert not _judge([5e-12], [0.0]).passed


# -- nothing passes that did not run --------------------------------------------------------------

NO_FLOATS = [case for case in FUNCTION_CASES if not case.inputs]


def _fails(message):
    def fail(*args, **kwargs):
        raise RuntimeError(message)

    return fail


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_cases_without_float_inputs_do_not_depend_on_the_dtype_asked_for(backend, dtype):
    """`--dtype float32` alone: `ones` in float64 gives float64 all the same."""
    assert any(case.name == "ones" for case in NO_FLOATS)
    known = known_failures(backend)
    for case in NO_FLOATS:
        records = run_case(case, backend, dtypes=(dtype,))
        assert {record.dtype for record in records} == {"none"}
        lines = [line for line in known if line.case == case.name]
        assert unexpected(records, lines) == []


@pytest.mark.parametrize(
    ("stage", "what"),
    [
        ("inputs", "reference"),
        ("oracle", "reference"),
        ("scale", "reference"),
        ("forward", "forward"),
        ("gradient", "forward, recording"),
        ("judge", "forward"),
    ],
)
def test_a_failure_in_any_stage_is_a_failed_record(stage, what, monkeypatch):
    def call(B, x):
        if (stage == "forward" and B.name == "here") or (stage == "oracle" and B.name != "here"):
            raise RuntimeError("planted")
        return B.sin(x)

    options = {"scale": _fails("planted")} if stage == "scale" else {}
    inputs = {"x": _fails("planted") if stage == "inputs" else normal(3)}
    case = Case("sin", f"planted in {stage}", call, inputs, kind="ulp", **options)
    backend = _broken(name="here")
    if stage == "gradient":
        monkeypatch.setattr(type(backend), "value_and_grad", _fails("planted"))
    if stage == "judge":
        monkeypatch.setattr(engine, "judge", _fails("planted"))
    problems = [record for record in run_case(case, backend) if record.is_problem]
    assert what in {record.what for record in problems}
    assert all("planted" in record.message for record in problems)


def test_a_gradient_that_does_not_come_back_is_a_failure():
    def value_and_grad(self, fn, variables, has_aux=False):
        value, gradients = oracle().value_and_grad(fn, variables, has_aux)
        return value, gradients[:-1]

    (case,) = [case for case in FUNCTION_CASES if case.name == "maximum: ties"]
    problems = [r for r in run_case(case, _broken(value_and_grad=value_and_grad)) if r.is_problem]
    assert problems


def test_what_is_not_offered_is_not_counted_as_passed():
    class Modest(type(oracle())):
        unsupported = {"qr": "no kernel"}

        def qr(self, x, mode="reduced"):
            raise UnsupportedError("no kernel")

    (case,) = [case for case in FUNCTION_CASES if case.name == "qr: square"]
    counts = report.summary(run_case(case, Modest()))
    assert (counts["passed"], counts["unsupported"], counts["problems"]) == (0, 1, 0)
