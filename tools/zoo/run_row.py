"""One row, in this process: every direction, with its error or the reason why there is none.

The result is written after each direction, so that one that takes too long loses only itself.
"""

from __future__ import annotations

import json
import os
import re
import resource
import tempfile
import time
import traceback
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from tools.zoo.checkers import targets
from tools.zoo.frameworks import FRAMEWORKS
from tools.zoo.rows import NotRun, Row
from unidl import ops, port, tree
from unidl.port.source.record import Record
from unidl.port.twin import one_or_all

IN_FLOAT32 = 1e-3  # relative to the largest number: hundreds of layers of rounding


def run(
    row: Row, result: Path, check: Callable[[str, str], int], without: Collection[str] = ()
) -> None:
    """check: runs the file of a target that lies in a folder, and gives its exit status."""
    told: dict = {"directions": {}}
    begun = time.perf_counter()

    def write(direction=None, **what):
        told["gigabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 1)
        if direction is not None:
            what["seconds"] = round(time.perf_counter() - begun, 1)
            told["directions"][direction] = what
        else:
            told.update(what)
        result.write_text(json.dumps(told, indent=1))

    try:
        cases = row.cases()
    except NotRun as reason:
        write("into", status="not run", reason=str(reason))
        return
    framework = FRAMEWORKS[row.framework]
    into = []
    for case in cases:
        framework.vary(case.model)
        found, outcome = brought_in(framework, case)
        into.append(outcome)
    outcome = _together(into)
    if found is not None:
        write(weights=sum(int(np.prod(w.shape)) for w in found.model.weights))
    write("into", **outcome)
    if outcome["status"] != "equal":
        return
    if not case.writes:
        return
    write("float32", **_in_float32(framework, found.model, case))
    model, examples = found.model, case.examples
    cases = case = found = None  # the original may go
    try:
        record = Record.of(model, examples)
    except Exception as error:  # noqa: BLE001 - whatever it is, the page tells it
        for target in targets():
            write(f"to {target}", **_crash(error))
        return
    for target in targets():
        if target in without:
            write(f"to {target}", status="not run", reason="left out, for the time that it takes")
        else:
            write(f"to {target}", **_written(model, target, record, check))


def brought_in(framework, case):
    """(what was found, the outcome)."""
    try:
        found = framework.bring_in(case.model, case.examples)
    except port.PortError as error:
        reasons = [f"{path}: {reason}" if path else reason for path, reason in error.refused]
        return None, {"status": "refused", "reason": "; ".join(reasons)}
    except Exception as error:  # noqa: BLE001 - whatever it is, the page tells it
        return None, _crash(error)
    if found.proof is None:
        return found, {"status": "not compared", "reason": "; ".join(found.warnings)}
    proof = found.proof
    worst = proof.worst
    outcome = {
        "status": "equal" if proof.passed else "different",
        "error": worst.error,
        "what": worst.what,
        "rows": len(proof.rows),
        "left_out": proof.left_out,
    }
    if not proof.passed:
        failed = [row for row in proof.rows if not row.passed]
        outcome["reason"] = f"{len(failed)} of {len(proof.rows)} rows: {failed[0].what}"
    return found, outcome


def _together(outcomes):
    """One outcome for all configurations of a module."""
    if len(outcomes) == 1:
        return outcomes[0]
    by_status = {}
    for i, outcome in enumerate(outcomes):
        by_status.setdefault(outcome["status"], []).append((i, outcome))
    for status in ("crash", "different", "not compared"):
        if status in by_status:
            i, outcome = by_status[status][0]
            return {**outcome, "reason": f"configuration {i}: {outcome.get('reason', '')}"}
    equal = [outcome for _, outcome in by_status.get("equal", [])]
    reasons = [o["reason"] for _, o in by_status.get("refused", [])]
    if not equal:
        return {"status": "refused", "reason": _each_once(reasons)}
    worst = max(equal, key=lambda outcome: outcome["error"])
    found = {**worst, "equal": len(equal), "of": len(outcomes)}
    return {**found, "reason": _each_once(reasons)} if reasons else found


def _each_once(reasons):
    return "; ".join(dict.fromkeys(reasons))


def _in_float32(framework, model, case):
    try:
        wanted = framework.outputs(case.model, case.examples)
        if all(np.isin(other, (0, 1)).all() for other in wanted):
            return {"status": "different", "reason": "all outputs are 0 or 1, which proves nothing"}
        found = tree.flatten(model(one_or_all(list(case.examples)), training=False))
        error = max(
            float(np.abs(ops.convert_to_numpy(one) - other).max() / (np.abs(other).max() or 1.0))
            for one, other in zip(found, wanted, strict=True)
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the page tells it
        return _crash(error)
    return {"status": "equal" if error <= IN_FLOAT32 else "different", "error": error}


def _written(model, target, record, check):
    """The source of `target`, whose own check runs in a process that cannot import unidl."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            port.to_source(model, target, os.path.join(folder, "net.py"), verify=record)
        except port.PortError as error:
            reasons = [f"{path}: {reason}" if path else reason for path, reason in error.refused]
            return {"status": "refused", "reason": _each_once(reasons)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the page tells it
            return _crash(error)
        lines = len(Path(folder, "net.py").read_text().splitlines())
        status = check(target, folder)
        told = re.search(r"largest relative difference is (\S+)", _text(folder, "stdout"))
        errors = _text(folder, "stderr").strip()
    if told is None:
        last = (errors or f"exit status {status}").splitlines()[-1]
        return {"status": "crash", "reason": f"the written file: {last[:300]}"}
    return {
        "status": "different" if status else "equal",
        "error": float(told[1]),
        "lines": lines,
    }


def _text(folder, name):
    return Path(folder, name).read_text(errors="replace")


def _crash(error):
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())[:300]
    where = f"{Path(place.filename).name}:{place.lineno}"
    return {"status": "crash", "reason": f"{type(error).__name__}: {text} ({where})"}
