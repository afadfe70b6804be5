"""`python -m benchmarks.processes`: milliseconds of a step in 1 and 2 processes, unidl's and those
of a loop by hand on the same engine, started by turns; --grow: unidl's in 1 to 8 processes."""

from __future__ import annotations

import argparse
import io
import re
import statistics
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks.processes.work import BATCH, PARAMETERS, WIDTH
from unidl.backend import registry
from unidl.distribution.command import Wanted
from unidl.distribution.launch import commands_of, free_port, run_all

BY_HAND = {
    "numpy": "numpy_mpi", "torch": "torch_ddp", "tensorflow": "tensorflow_workers",
    "mxnet": "gluon_kvstore",
}  # fmt: skip
FOLDER = Path(__file__).parent


def measure(backend, script, processes):
    """(milliseconds of a step, bytes of a step over the loopback interface)."""
    module = [str(FOLDER / f"{script}.py"), str(WIDTH)]
    spec = registry.installed_spec(backend)
    wanted = Wanted(processes, module, ["127.0.0.1"], free_port())
    log = io.StringIO()
    with redirect_stdout(log):
        status = run_all(commands_of(spec, wanted))
    found = re.search(r"found (\S+) (\S+)", log.getvalue())
    if status or found is None:
        raise RuntimeError(f"{script} on {backend}:\n{log.getvalue()[-2000:]}")
    return float(found[1]), float(found[2])


def compare(backend, rounds):
    """{(script, processes): (median ms, bytes)}."""
    runs = {}
    for _ in range(rounds):
        for processes in (1, 2):
            for script in ("unidl_fit", BY_HAND[backend]):
                runs.setdefault((script, processes), []).append(measure(backend, script, processes))
    return {
        key: tuple(map(statistics.median, zip(*found, strict=True))) for key, found in runs.items()
    }


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes", description=__doc__)
    parser.add_argument("width", type=int, nargs="?", default=WIDTH, help="of the MLP")
    parser.add_argument("--backend", nargs="*", default=list(BY_HAND))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--grow", action="store_true")
    asked = parser.parse_args()
    print(f"MLP of width {WIDTH}, {PARAMETERS:,} weights, batches of {BATCH}\n")
    if asked.grow:
        print("| backend | 1 | 2 | 4 | 8 |\n| --- | ---: | ---: | ---: | ---: |")
        for backend in asked.backend:
            found = [measure(backend, "unidl_fit", n)[0] for n in (1, 2, 4, 8)]
            print(f"| {backend} | " + " | ".join(f"{ms:.1f}" for ms in found) + " |", flush=True)
        return
    print(
        "| backend | by hand | unidl, 1: ms | ratio | unidl, 2: ms | ratio | MB sent | by hand |\n"
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    for backend in asked.backend:
        found, other = compare(backend, asked.rounds), BY_HAND[backend]
        cells = [backend, other]
        for processes in (1, 2):
            own, theirs = found["unidl_fit", processes][0], found[other, processes][0]
            cells += [f"{own:.1f}", f"{own / theirs:.2f}"]
        cells += [f"{found[script, 2][1] / 1e6:.1f}" for script in ("unidl_fit", other)]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
