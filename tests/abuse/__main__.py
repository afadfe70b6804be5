"""The table of outcomes, each backend in a process of its own, which may crash or hang.

    python -m tests.abuse [--only REGEX] [--json FILE]

Started with another tree first on PYTHONPATH, it judges that tree by the same cases.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from tests.abuse.case import CLEAR, CRASH, RIGHT, SILENT, UNCLEAR, Outcome, outcome, same_everywhere
from unidl.backend import list_backends

PATIENCE = 120  # seconds, for one case


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.abuse", description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression of case names")
    parser.add_argument("--json", help="write all outcomes into this file")
    parser.add_argument("--backend", help=argparse.SUPPRESS)  # what the processes are started with
    options = parser.parse_args()
    if options.backend:
        return _answer(options.backend)
    names = [name for name in _names() if re.search(options.only, name)]
    backends = [row.name for row in list_backends() if row.installed]
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(backends, pool.map(lambda b: _ask(b, names), backends), strict=True))
    if options.json:
        with open(options.json, "w") as file:
            rows = {b: {n: asdict(o) for n, o in each.items()} for b, each in found.items()}
            json.dump(rows, file, indent=1)
    return _show(found, names)


def _names():
    from tests.abuse.cases import ALL_CASES

    return [case.name for case in ALL_CASES]


def _answer(backend):
    """Read names of cases, print their outcomes: one line each."""
    from tests.abuse.cases import ALL_CASES

    warnings.simplefilter("ignore")
    cases = {case.name: case for case in ALL_CASES}
    for line in sys.stdin:
        answer = json.dumps(asdict(outcome(cases[json.loads(line)], backend)))
        print(f"\n=> {answer}", flush=True)


def _ask(backend, names):
    """{name: Outcome}; a process that ends or hangs is started anew with the next case."""
    found, process = {}, None
    for name in names:
        process = process or subprocess.Popen(
            [sys.executable, "-m", "tests.abuse", "--backend", backend],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        found[name] = _one(process, name)
        if process.poll() is not None:
            process = None
    if process:
        process.stdin.close()
        process.wait()
    return found


def _one(process, name):
    with ThreadPoolExecutor(1) as pool:
        try:
            answer = pool.submit(_exchange, process, name).result(timeout=PATIENCE)
        except TimeoutError:
            process.kill()
            process.wait()
            return Outcome(CRASH, f"no answer in {PATIENCE} seconds")
    if answer is None:
        return Outcome(CRASH, f"the process ended with {process.wait()}")
    return Outcome(**answer)


def _exchange(process, name):
    process.stdin.write(json.dumps(name) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        if line.startswith("=> "):
            return json.loads(line[3:])
    return None


def _show(found, names):
    console = Console()
    table = Table("backend", CLEAR, RIGHT, UNCLEAR, SILENT, CRASH)
    for backend, outcomes in found.items():
        counts = Counter(each.what for each in outcomes.values())
        table.add_row(backend, *(str(counts[w]) for w in (CLEAR, RIGHT, UNCLEAR, SILENT, CRASH)))
    problems = 0
    for name in names:
        of_backends = {backend: outcomes[name] for backend, outcomes in found.items()}
        if all(o.good for o in of_backends.values()) and same_everywhere(of_backends.values()):
            continue
        problems += 1
        console.print(name, style="bold", markup=False)
        for backend, each in of_backends.items():
            console.print(f"  {backend}: {each.what}: {each.text[:300]}", markup=False)
    console.print(table)
    console.print(f"{len(names)} cases, {problems} with a problem")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
