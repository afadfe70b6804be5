"""Engine: run a case on a backend and hand back records."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

import numpy as np

from unidl.backend import Variable, get_backend, registry, use_backend
from unidl.backend.contract.execution import Execution
from unidl.backend.errors import UnsupportedError
from unidl.conformance.case import SIXTEEN_BITS, Case, round_to_8_bits, round_to_float32
from unidl.conformance.in_turn import in_turn, orders
from unidl.conformance.judge import Verdict, judge
from unidl.conformance.oracle import noisy_oracle, oracle
from unidl.conformance.scales import KINDS, Evaluation, lost_in_turn
from unidl.ops.dispatch import standing_in
from unidl.tracing.capture import CaptureWarning

DTYPES = ("float64", "float32", *SIXTEEN_BITS)


@dataclass(frozen=True)
class Record:
    """One comparison.

    `what` is "forward", "forward, recording", "forward, traced", "gradient of <input>" (all were
    asked for), "gradient of <input>, alone", "gradients without <input>", "gradient of <input>,
    frozen" (below frozen weights, in a compiled step), "unsupported" (the backend says that it
    cannot, and `message` why), "reference" (the case or the oracle raised), "crash" (the process
    ended in it) or "known failure" (a line of its list that holds no more).
    `known` is the reason of a failure that is expected, `version` the framework's.
    """

    case: str
    backend: str
    device: str
    dtype: str
    what: str
    error: float
    budget: float
    passed: bool
    message: str = ""
    known: str = ""
    version: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether it failed and nobody expected it."""
        return not self.passed and not self.known

    def as_dict(self) -> dict:
        return asdict(self)

    def __str__(self):
        figures = self.message or f"error {self.error:.3g}, budget {self.budget:.3g}"
        return f"{self.case} [{self.backend}, {self.device}, {self.dtype}] {self.what}: {figures}"


def evaluate(backend, case, arrays, cotangents=None, dtype=None, wanted=None) -> Evaluation:
    """Host arrays of `case` on `backend`; gradients too if there are cotangents.

    `cotangents` has None for an output that has no gradient. `dtype`: that of the float inputs
    where it is not the arrays'. `wanted`: names of the gradients asked for, by default all.
    """
    program = (
        case.prepare(backend, arrays) if dtype is None else case.prepare(backend, arrays, dtype)
    )
    if cotangents is None:
        return _on_host(backend, program.function(), dtype)

    asked = {n: v for n, v in program.variables.items() if wanted is None or n in wanted}

    def loss():
        outputs = _as_list(program.function())
        return _weighted_sum(backend, outputs, cotangents), outputs

    (_, outputs), gradients = backend.value_and_grad(loss, list(asked.values()), has_aux=True)
    return _on_host(
        backend, outputs, dtype, dict(zip(asked, gradients, strict=True)), program.variables
    )


def _weighted_sum(backend, outputs, cotangents):
    """The scalar whose gradient is that of the outputs for these cotangents."""
    pairs = [(o, c) for o, c in zip(outputs, cotangents, strict=True) if c is not None]
    terms = [
        backend.sum(backend.multiply(o, backend.asarray(c, backend.dtype(o)))) for o, c in pairs
    ]
    total = terms[0]
    for term in terms[1:]:
        total = backend.add(total, term)
    return total


def _on_host(backend, outputs, dtype, gradients=None, variables=None):
    """The Evaluation of native tensors; with a `dtype`, what tensors have and should have is kept
    beside the arrays."""
    tensors = dict(enumerate(_as_list(outputs))) | (gradients or {})
    arrays = {key: backend.to_numpy(tensor) for key, tensor in tensors.items()}
    dtypes = {}
    if dtype is not None:
        dtypes = {
            key: (backend.dtype(t), variables[key].dtype if key in (variables or {}) else dtype)
            for key, t in tensors.items()
        }
        # The host has no bfloat16, but all of its numbers in float32.
        arrays = {
            key: a.astype("float32") if dtypes[key][0] == "bfloat16" else a
            for key, a in arrays.items()
        }
    names = list(gradients or {})
    return Evaluation(
        [a for key, a in arrays.items() if key not in names],
        {name: arrays[name] for name in names},
        dtypes,
    )


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
    return _on_host(
        backend, compiled(*(backend.asarray(arrays[name]) for name in program.inputs)), None
    )


def subsets(names) -> dict[str, list]:
    """Which gradients are asked for besides all at once, by what records call them.

    A kernel may be right only where somebody wants all of its gradients.
    """
    names = list(names)
    if len(names) < 2:
        return {}
    found = {f"gradient of {name}, alone": [name] for name in names}
    return found if len(names) == 2 else found | {f"gradients without {names[0]}": names[1:]}


def _below_frozen(backend, case, arrays, cotangents) -> Evaluation:
    """The gradients of a layer's computed inputs in a compiled step, its weights frozen."""
    program = case.prepare(backend, arrays)
    trained = {n: v for n, v in program.variables.items() if n in program.inputs}
    found = {
        n: Variable(np.zeros(v.shape), dtype=v.dtype, backend=backend) for n, v in trained.items()
    }
    for variable in trained.values():
        variable.assign(backend.multiply(variable.value, 0.5))

    def forward(*weights):
        B = get_backend()
        given = iter(weights)
        inputs = {n: B.multiply(v.value, 2.0) for n, v in trained.items()}
        outputs = _as_list(program.function(**inputs))
        each = [None if c is None else next(given) for c in cotangents]
        return _weighted_sum(B, outputs, each), outputs

    def update(gradients):
        for variable, gradient in zip(found.values(), gradients, strict=True):
            variable.assign(get_backend().multiply(gradient, 0.5))

    frozen = [v for n, v in program.variables.items() if n not in trained]
    step = backend.compile_step(
        forward,
        update,
        list(trained.values()),
        [*trained.values(), *found.values(), *frozen, *program.others],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", CaptureWarning)
        outputs = step(*(backend.asarray(c) for c in cotangents if c is not None))[1]
    return _on_host(backend, outputs, None, {n: v.value for n, v in found.items()})


def _compiles(backend):
    """Whether `compile` makes anything of a function."""
    return type(backend).compile is not Execution.compile


def _as_list(outputs):
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


@lru_cache(maxsize=4096)
def truth_of(case: Case, sixteen_bits: bool):
    """(arrays, cotangents or None, Evaluation in float64) by the oracle.

    With `sixteen_bits` from inputs which the dtypes of 16 bits can hold.
    """
    backend = oracle()
    rounded = round_to_8_bits if sixteen_bits else round_to_float32
    with registry.device("cpu"), standing_in(backend):
        arrays = rounded(case.draw())
        outputs = evaluate(backend, case, arrays).outputs
        generator = np.random.default_rng(len(outputs))
        drawn = [
            rounded({"c": generator.normal(size=o.shape)})["c"] if o.dtype == "float64" else None
            for o in outputs
        ]
        differentiable = (
            case.gradients
            and any(c is not None for c in drawn)
            and any(a.dtype.kind == "f" for a in arrays.values())
        )
        cotangents = drawn if differentiable else None
        return arrays, cotangents, evaluate(backend, case, arrays, cotangents)


@lru_cache(maxsize=4096)
def scales_of(case: Case, sixteen_bits: bool, draws: int | None = None) -> Evaluation:
    """The scales by the oracle; `draws` as `scales.noise` takes them."""
    backend = oracle()
    arrays, cotangents, truth = truth_of(case, sixteen_bits)
    with registry.device("cpu"), standing_in(backend):

        def again(arrays, cotangents, noise=None):
            if noise is None:
                return evaluate(backend, case, arrays, cotangents or None)
            noisy_oracle().seed(noise)
            with standing_in(noisy_oracle()):
                return evaluate(noisy_oracle(), case, arrays, cotangents or None)

        limit = {"draws": draws} if case.kind == "noise" else {}
        scales = KINDS[case.kind](again, arrays, cotangents or [], truth, **limit)
        if case.scale is not None:
            given = _as_list(case.scale(*arrays.values()))
            scales.outputs = [
                np.broadcast_to(s, o.shape) for s, o in zip(given, truth.outputs, strict=True)
            ]
        if case.long_sums:
            with standing_in(in_turn()):
                found = [evaluate(in_turn(), case, arrays, cotangents) for _ in orders()]
            scales.budgets = lost_in_turn(truth, scales, found, case.budget)
    return scales


def run_case(
    case: Case, backend, device=None, dtypes=DTYPES, draws=None, thorough=True
) -> list[Record]:
    """All records of `case` on `backend` (a name or a Backend): every dtype, forward, gradients,
    traced.

    `draws` of simulated rounding, by default as many as there have to be: by fewer a correct result
    may fail, and no wrong one pass. Without `thorough` only values and all gradients at once: no
    gradient alone, none below frozen weights, nothing traced, and in dtypes other than float64 the
    values that go with the gradients.
    """
    backend = get_backend(backend)
    where = where_to_run(backend, device)
    with use_backend(backend), registry.device(where), backend.full_precision():
        try:
            return _records(case, backend, where, dtypes, draws, thorough)
        except Exception as error:  # noqa: BLE001 - reported as a failure
            text = f"the case or the oracle raised {_told(error)}"
            return [
                Record(
                    case.name, backend.name, where, "none", "reference", np.inf, 0.0, False, text
                )
            ]


def _records(case, backend, device, dtypes, draws, thorough):
    wide, narrow = (
        [d for d in case.dtypes if d in dtypes and (d in SIXTEEN_BITS) == sixteen]
        for sixteen in (False, True)
    )
    if not wide and not narrow:
        return []
    arrays = truth_of(case, not wide)[0]
    missing = _missing(backend, case, arrays)
    if missing:
        return [_unsupported(backend, case, arrays, device, missing)]
    records = []
    for sixteen_bits, some in ((False, wide), (True, narrow)):
        if some:
            found = *truth_of(case, sixteen_bits), scales_of(case, sixteen_bits, draws)
            records += _run(case, backend, device, some, *found, thorough)
    return records


def _told(error):
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def where_to_run(backend, device) -> str:
    """The `device` asked for, here or by the environment, else the backend's best."""
    if device:
        return registry.standardize_device(device)
    return registry.current_device() or best_device(backend)


def best_device(backend) -> str:
    """The device on which a backend runs unasked: its first that is no CPU, if there is one."""
    return next(
        (device for device in backend.devices() if not device.startswith("cpu")),
        backend.devices()[0],
    )


def _run(case, backend, device, dtypes, arrays, cotangents, truth, scales, thorough):
    """Records of `case` in `dtypes`, from one reference."""
    floats = any(a.dtype.kind == "f" for a in arrays.values())
    records = []
    # Without float inputs a case says itself which dtypes it makes, whatever dtype is asked for.
    for dtype in dtypes if floats else ("float64",):
        if floats and dtype in SIXTEEN_BITS and case.not_in_16_bits:
            records.append(
                Record(
                    case.name,
                    backend.name,
                    device,
                    dtype,
                    "unsupported",
                    0.0,
                    0.0,
                    True,
                    case.not_in_16_bits,
                )
            )
            continue
        if floats and dtype not in backend.dtypes:
            records.append(_unsupported(backend, case, arrays, device, f"no dtype {dtype}", dtype))
            continue
        shown = dtype if floats else "none"
        if dtype in SIXTEEN_BITS:
            cast, host_dtype = arrays, dtype
        else:
            cast, host_dtype = (
                {
                    name: a.astype(dtype) if a.dtype == "float64" else a
                    for name, a in arrays.items()
                },
                None,
            )

        def compare(what, run, names=None, suffix="", dtype=dtype, shown=shown):
            where = (case, backend.name, device, dtype, shown)
            return _compare(*where, what, run, truth, scales, names, suffix)

        def run(cotangents, wanted=None, cast=cast, host_dtype=host_dtype):
            return evaluate(backend, case, cast, cotangents, host_dtype, wanted)

        if thorough or cotangents is None or dtype == "float64":
            records += compare("forward", lambda run=run: run(None))
        if cotangents is not None:
            records += compare("forward, recording", lambda run=run: run(cotangents))
        if not thorough or dtype != "float64":
            continue
        if cotangents is not None:
            for what, wanted in subsets(truth.gradients).items():
                found = compare(
                    what, lambda run=run, wanted=wanted: run(cotangents, wanted), wanted
                )
                records.append(_worst_of(found, what))
            records += _frozen(backend, case, cast, cotangents, compare)
        if _compiles(backend) and case.traced:
            records += compare("forward, traced", lambda cast=cast: _trace(backend, case, cast))
    return records


def _frozen(backend, case, arrays, cotangents, compare):
    """Records of the gradients of a layer's inputs below its frozen weights."""
    inputs = [n for n in case.inputs_of(arrays) if arrays[n].dtype.kind == "f"]
    if not (inputs and _compiles(backend) and case.traced):
        return []
    return compare(
        "frozen", lambda: _below_frozen(backend, case, arrays, cotangents), inputs, ", frozen"
    )


def _compare(case, backend, device, dtype, shown, what, run, truth, scales, names=None, suffix=""):
    """Records of one run. An exception is a failed record with its text: the suite goes on.

    With `names` of gradients, records of these alone, `suffix` after what they are called.
    """

    def record(what, error, budget, passed, message):
        return Record(case.name, backend, device, shown, what, error, budget, passed, message)

    try:
        verdicts = _verdicts(case, dtype, what, run(), truth, scales, names, suffix)
    except Exception as error:  # noqa: BLE001 - reported as a failure
        return [record(what, np.inf, case.budget, False, _told(error))]
    return [record(w, v.error, v.budget, v.passed, v.message) for w, v in verdicts]


def _verdicts(case, dtype, what, got, truth, scales, names, suffix):
    def verdict(key, value, ref, scale, exact):
        return judge(
            value,
            ref,
            scale,
            dtype,
            scales.budgets.get(key, case.budget) if dtype == "float32" else case.budget,
            exact,
            case.ill_conditioned,
            *got.dtypes.get(key, ()),
        )

    if len(got.outputs) != len(truth.outputs):
        text = f"{len(got.outputs)} outputs, expected {len(truth.outputs)}"
        return [(what, Verdict(np.inf, case.budget, text))]
    rows = []
    if names is None:
        several = len(truth.outputs) > 1
        for i, triple in enumerate(zip(got.outputs, truth.outputs, scales.outputs, strict=True)):
            shown = f"{what}, output {i}" if several else what
            rows.append((shown, verdict(i, *triple, case.kind == "exact")))
        names = truth.gradients if got.gradients else ()
    for name in names:
        triple = got.gradients[name], truth.gradients[name], scales.gradients[name]
        rows.append((f"gradient of {name}{suffix}", verdict(name, *triple, False)))
    return rows


def _worst_of(records, what):
    """The record closest to its budget or furthest from it, called `what`."""
    worst = max(records, key=lambda r: (not r.passed, r.error / r.budget if r.budget else r.error))
    return replace(worst, what=what)


def _missing(backend, case, arrays):
    """Why `backend` says that it cannot run `case`, or None."""
    for method in case.covers:
        if method in backend.unsupported:
            return backend.unsupported[method]
    absent = {str(a.dtype) for a in arrays.values()} - set(backend.dtypes)
    return f"no dtype {', '.join(sorted(absent))}" if absent else None


def _unsupported(backend, case, arrays, device, reason, dtype=None):
    """What a backend says it cannot do must raise UnsupportedError, and not give numbers."""
    try:
        evaluate(backend, case, arrays, dtype=dtype)
    except UnsupportedError:
        return Record(
            case.name, backend.name, device, dtype or "none", "unsupported", 0.0, 0.0, True, reason
        )
    except Exception as error:  # noqa: BLE001 - reported as a failure
        text = f"expected UnsupportedError, got {type(error).__name__}: {error}"
    else:
        text = f"declared unsupported ({reason}), but it returns a result"
    return Record(
        case.name, backend.name, device, dtype or "none", "unsupported", np.inf, 0.0, False, text
    )
