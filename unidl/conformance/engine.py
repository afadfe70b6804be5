"""Engine: run a case on a backend and hand back records."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

from unidl.backend import get_backend, registry, use_backend
from unidl.backend.capture import CaptureWarning
from unidl.backend.contract.execution import Execution
from unidl.backend.errors import UnsupportedError
from unidl.conformance.case import Case
from unidl.conformance.judge import judge
from unidl.conformance.oracle import noisy_oracle, oracle, standing_in
from unidl.conformance.scales import KINDS, Evaluation

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Record:
    """One comparison. `what` is "forward", "forward, recording", "forward, traced", "gradient of <input>" or "unsupported"."""

    case: str
    backend: str
    device: str
    dtype: str
    what: str
    error: float
    budget: float
    passed: bool
    message: str = ""

    def as_dict(self) -> dict:
        return asdict(self)

    def __str__(self):
        figures = self.message or f"error {self.error:.3g}, budget {self.budget:.3g}"
        return f"{self.case} [{self.backend}, {self.device}, {self.dtype}] {self.what}: {figures}"


def evaluate(backend, case, arrays, cotangents=None) -> Evaluation:
    """Host arrays of `case` on `backend`; gradients too if there are cotangents (None for an output that has none)."""
    program = case.prepare(backend, arrays)
    if cotangents is None:
        return Evaluation(_to_host(backend, program.function()), {})
    weights = [None if c is None else backend.asarray(c) for c in cotangents]

    def loss():
        outputs = _as_list(program.function())
        terms = [backend.sum(backend.multiply(o, w)) for o, w in zip(outputs, weights, strict=True) if w is not None]
        total = terms[0]
        for term in terms[1:]:
            total = backend.add(total, term)
        return total, outputs

    (_, outputs), gradients = backend.value_and_grad(loss, list(program.variables.values()), has_aux=True)
    gradients = dict(zip(program.variables, _to_host(backend, gradients), strict=True))
    return Evaluation(_to_host(backend, outputs), gradients)


def _trace(backend, case, arrays) -> Evaluation:
    """The outputs of `case` compiled, its inputs (of all dtypes) passed as tensors."""
    program = case.prepare(backend, arrays)

    def function(*tensors):
        return _as_list(program.function(**dict(zip(program.inputs, tensors, strict=True))))

    with warnings.catch_warnings():
        # What cannot be compiled and runs as it is would pass here without being tested.
        warnings.simplefilter("error", CaptureWarning)
        return _run_compiled(backend, function, program, arrays)


def _run_compiled(backend, function, program, arrays):
    compiled = backend.compile(function, [*program.variables.values(), *program.others])
    return Evaluation(_to_host(backend, compiled(*(backend.asarray(arrays[name]) for name in program.inputs))), {})


def _compiles(backend):
    """Whether `compile` makes anything of a function."""
    return type(backend).compile is not Execution.compile


def _as_list(outputs):
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _to_host(backend, outputs):
    return [backend.to_numpy(x) for x in _as_list(outputs)]


@lru_cache(maxsize=4096)
def reference(case: Case):
    """(arrays, cotangents or None, Evaluation in float64, Evaluation of the scales) by the oracle."""
    backend = oracle()
    with standing_in(backend):
        arrays = case.draw()
        outputs = evaluate(backend, case, arrays).outputs
        generator = np.random.default_rng(len(outputs))
        drawn = [generator.normal(size=o.shape).astype("float32").astype("float64") if o.dtype == "float64" else None for o in outputs]
        differentiable = case.gradients and any(c is not None for c in drawn) and any(a.dtype.kind == "f" for a in arrays.values())
        cotangents = drawn if differentiable else None
        truth = evaluate(backend, case, arrays, cotangents)

        def again(arrays, cotangents, noise=None):
            if noise is None:
                return evaluate(backend, case, arrays, cotangents or None)
            noisy_oracle().seed(noise)
            with standing_in(noisy_oracle()):
                return evaluate(noisy_oracle(), case, arrays, cotangents or None)

        scales = KINDS[case.kind](again, arrays, cotangents or [], truth)
        if case.scale is not None:
            given = _as_list(case.scale(*arrays.values()))
            scales.outputs = [np.broadcast_to(s, o.shape) for s, o in zip(given, truth.outputs, strict=True)]
    return arrays, cotangents, truth, scales


def run_case(case: Case, backend, device=None, dtypes=DTYPES) -> list[Record]:
    """All records of `case` on `backend` (a name or a Backend): every dtype, forward, gradients, traced."""
    backend = get_backend(backend)
    arrays, cotangents, truth, scales = reference(case)
    floats = any(a.dtype.kind == "f" for a in arrays.values())
    with registry.device(device) if device else nullcontext(), use_backend(backend):
        where = device or backend.devices()[0]
        missing = _missing(backend, case, arrays)
        if missing:
            return [_unsupported(backend, case, arrays, where, missing)]
        records = []
        for dtype in [d for d in dtypes if d in case.dtypes] if floats else ["float64"]:
            cast = {name: a.astype(dtype) if a.dtype == "float64" else a for name, a in arrays.items()}
            shown = dtype if floats else "none"

            def compare(what, run, wanted, scale, dtype=dtype, shown=shown):
                return _compare(case, backend.name, where, dtype, shown, what, run, wanted, scale)

            records += compare("forward", lambda cast=cast: evaluate(backend, case, cast), truth, scales)
            if cotangents is not None:
                weights = [None if c is None else c.astype(dtype) for c in cotangents]
                records += compare(
                    "forward, recording", lambda cast=cast, weights=weights: evaluate(backend, case, cast, weights), truth, scales
                )
            if _compiles(backend) and case.traced and dtype == "float64":
                records += compare("forward, traced", lambda cast=cast: _trace(backend, case, cast), truth, scales)
    return records


def _compare(case, backend, device, dtype, shown, what, run, wanted, scales):
    """Records of one run. An exception is a failed record with its text: the suite goes on to the next case."""
    try:
        got = run()
    except Exception as error:  # noqa: BLE001 - reported as a failure
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return [Record(case.name, backend, device, shown, what, np.inf, case.budget, False, text)]
    exact = case.kind == "exact"
    rows = []
    if len(got.outputs) != len(wanted.outputs):
        text = f"{len(got.outputs)} outputs, expected {len(wanted.outputs)}"
        return [Record(case.name, backend, device, shown, what, np.inf, case.budget, False, text)]
    for i, (value, ref, scale) in enumerate(zip(got.outputs, wanted.outputs, scales.outputs, strict=True)):
        label = what if len(wanted.outputs) == 1 else f"{what}, output {i}"
        rows.append((label, judge(value, ref, scale, dtype, case.budget, exact, case.ill_conditioned)))
    for name, value in got.gradients.items():
        verdict = judge(value, wanted.gradients[name], scales.gradients[name], dtype, case.budget, False, case.ill_conditioned)
        rows.append((f"gradient of {name}", verdict))
    return [Record(case.name, backend, device, shown, what, v.error, v.budget, v.passed, v.message) for what, v in rows]


def _missing(backend, case, arrays):
    """Why `backend` says that it cannot run `case`, or None."""
    for method in case.covers:
        if method in backend.unsupported:
            return backend.unsupported[method]
    absent = {str(a.dtype) for a in arrays.values()} - set(backend.dtypes)
    return f"no dtype {', '.join(sorted(absent))}" if absent else None


def _unsupported(backend, case, arrays, device, reason):
    """What a backend says it cannot do must raise UnsupportedError, and not give numbers."""
    try:
        evaluate(backend, case, arrays)
    except UnsupportedError:
        return Record(case.name, backend.name, device, "none", "unsupported", 0.0, 0.0, True, reason)
    except Exception as error:  # noqa: BLE001 - reported as a failure
        text = f"expected UnsupportedError, got {type(error).__name__}: {error}"
    else:
        text = f"declared unsupported ({reason}), but it gives a result"
    return Record(case.name, backend.name, device, "none", "unsupported", np.inf, 0.0, False, text)
