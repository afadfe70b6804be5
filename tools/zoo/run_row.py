"""One row, in this process: every direction, with its error or the reason why there is none.

python -m tools.zoo.run_row SOURCE NAME RESULT.json

The result is written after each direction, so that one that takes too long loses only itself.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tools.zoo.frameworks import FRAMEWORKS
from tools.zoo.rows import NotRun, Row
from unidl import ops, port, tree
from unidl.backend import registry
from unidl.port.twin import one_or_all

IN_FLOAT32 = 1e-3  # relative to the largest number: hundreds of layers of rounding
_WITHOUT_UNIDL = """
import runpy, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0].startswith('unidl'):
            raise ImportError(f'{name}: a written file needs no unidl')
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, '')
runpy.run_path('net.py', run_name='__main__')
"""


def targets() -> list[str]:
    """Where models go as source: what the backends register, where their frameworks are there."""
    found = {name for spec in registry.specs().values() for name in spec.source}
    modules = {"gluon": "mxnet"}
    return sorted(name for name in found if find_spec(modules.get(name, name)))


def run(row: Row, result: Path) -> None:
    told: dict = {"directions": {}}
    begun = time.perf_counter()

    def write(direction=None, **what):
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
    model, found.proof, case = found.model, None, None  # the original may go
    for target in targets():
        write(f"to {target}", **_written(model, target))


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
        found = tree.flatten(model(one_or_all(list(case.examples)), training=False))
        error = max(
            float(np.abs(ops.convert_to_numpy(one) - other).max() / (np.abs(other).max() or 1.0))
            for one, other in zip(found, wanted, strict=True)
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the page tells it
        return _crash(error)
    return {"status": "equal" if error <= IN_FLOAT32 else "different", "error": error}


def _written(model, target):
    """The source of `target`, whose own check runs in a process that cannot import unidl."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            port.to_source(model, target, os.path.join(folder, "net.py"), verify=False)
        except port.PortError as error:
            reasons = [f"{path}: {reason}" if path else reason for path, reason in error.refused]
            return {"status": "refused", "reason": _each_once(reasons)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the page tells it
            return _crash(error)
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        lines = len(Path(folder, "net.py").read_text().splitlines())
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _WITHOUT_UNIDL],
            cwd=folder, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
    told = re.search(r"the largest relative difference is (\S+)", ran.stdout)
    if told is None:
        last = (ran.stderr.strip() or f"exit status {ran.returncode}").splitlines()[-1]
        return {"status": "crash", "reason": f"the written file: {last[:300]}"}
    error = float(told[1])
    return {
        "status": "equal" if ran.returncode == 0 else "different",
        "error": error,
        "lines": lines,
    }


def _crash(error):
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())[:300]
    where = f"{Path(place.filename).name}:{place.lineno}"
    return {"status": "crash", "reason": f"{type(error).__name__}: {text} ({where})"}


if __name__ == "__main__":
    run(Row(sys.argv[1], sys.argv[2]), Path(sys.argv[3]))
