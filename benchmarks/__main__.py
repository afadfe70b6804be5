"""The command: runs what is selected, prints ratios, keeps the figures as JSON, and publishes when told to."""

from __future__ import annotations

import argparse
import importlib.metadata
import itertools
import json
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks import arena, gpu, publish, report, streams
from benchmarks.contestants import RIVALS, lineup, takes_part
from benchmarks.workloads import WORKLOADS

RESULTS = Path(__file__).resolve().parent / "results"
PUBLISHED = RESULTS / "published.json"
PACKAGES = ("unidl-framework", "numpy", "torch", "tensorflow-cpu", "mxnet", "keras", "scikit-learn")
WHAT = ("fit", "predict", "evaluate")


def main():
    args = _arguments()
    if args.republish:
        publish.publish(json.loads(PUBLISHED.read_text()))
        return
    rounds = args.rounds or (6 if args.quick else 10)
    document = {
        "machine": _machine(), "versions": _versions(), "date": time.strftime("%Y-%m-%d"), "clock": args.clock, "rounds": rounds,
        "quick": args.quick, "results": [], "left_out": [],
    }  # fmt: skip
    path = PUBLISHED if args.publish else RESULTS / time.strftime("%Y%m%d-%H%M%S.json")
    RESULTS.mkdir(exist_ok=True)
    end, failures = time.monotonic() + 60 * args.minutes, []
    for threads, name, backend in itertools.product(args.threads, args.workload, args.backend):
        workload = WORKLOADS[name]
        if not takes_part(backend, workload) or (backend.endswith("-jit") and threads != args.threads[0]):
            continue
        title = f"{workload.title}: {backend}, {threads} thread{'s' if threads > 1 else ''}"
        if time.monotonic() > end:
            document["left_out"].append(title)
            continue
        _compete(document, failures, title, backend, workload, rounds, threads, args)
        path.write_text(json.dumps(document, indent=1))
    if args.streams:
        document["streams"] = streams.measure([b for b in args.backend if not b.endswith("-jit")])
        document["gpu"] = gpu.measure()
    path.write_text(json.dumps(document, indent=1))
    print(f"The figures are in {path}.")
    if args.publish:
        publish.publish(document)
    if failures:
        sys.exit("\n".join(failures))


def _compete(document, failures, title, backend, workload, rounds, threads, args):
    """Run one competition; what fails is told at the end, so that the others still run."""
    try:
        figures = arena.compete(lineup(backend, workload), workload, rounds, threads, args.quick, args.what, args.clock)
    except (RuntimeError, AssertionError) as error:
        failures.append(f"{title}: {error}")
        print(failures[-1], file=sys.stderr)
        return
    result = {"backend": backend, "workload": workload.name, "threads": threads, "quick": args.quick, "figures": figures}
    document["results"].append(result)
    report.show(report.rows(result), title)


def _arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short epochs and few rounds: under a minute for each backend and workload")
    parser.add_argument("--backend", nargs="+", choices=RIVALS, default=list(RIVALS))
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--what", nargs="+", choices=WHAT, default=WHAT, help="fit always runs; the others are left out unless named")
    parser.add_argument("--rounds", type=int, help="epochs of each contestant, of which the first warms up")
    own = os.environ.get("OMP_NUM_THREADS")
    threads = [int(own)] if own else [2, 1]
    parser.add_argument("--threads", nargs="+", type=int, default=threads, help="OMP_NUM_THREADS if that is set, otherwise 2 and then 1")
    clock_help = "cpu counts the processor time of each contestant, for a machine that others use too"
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help=clock_help)
    parser.add_argument("--minutes", type=float, default=publish.MINUTES, help="no competition begins later")
    parser.add_argument("--no-streams", dest="streams", action="store_false", help="leave out the data sources and the GPU")
    parser.add_argument("--publish", action="store_true", help="write docs/performance.md, the plot, and results/published.json")
    parser.add_argument("--republish", action="store_true", help="run nothing: write page and plot from results/published.json")
    args = parser.parse_args()
    if args.rounds is not None and args.rounds < 3:
        parser.error("--rounds must be at least 3: the first warms up, and a spread needs two more.")
    return args


def _machine():
    model = next((line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor())
    return f"{model} ({os.cpu_count()} cores), {platform.system()}, Python {platform.python_version()}"


def _cpuinfo():
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def _versions():
    return {name: importlib.metadata.version(name) for name in PACKAGES}


if __name__ == "__main__":
    main()
