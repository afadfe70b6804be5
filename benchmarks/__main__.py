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
WHAT = ("fit", "predict_1", "predict_256", "evaluate")
FIRST = ("fit", "predict_1")  # what targets are for

# Of the time of the run, the share in which the competitions that come first should have met, so that the rest has some too.
FIRST_SHARE = 0.75


def main():
    args = _arguments()
    if args.republish:
        publish.publish(json.loads(PUBLISHED.read_text()))
        return
    rounds = args.rounds or (6 if args.quick else 7)
    document = {
        "machine": _machine(), "versions": _versions(), "date": time.strftime("%Y-%m-%d"), "clock": args.clock, "rounds": rounds,
        "quick": args.quick, "minutes": args.minutes, "results": [], "left_out": [],
    }  # fmt: skip
    path = PUBLISHED if args.publish else RESULTS / time.strftime("%Y%m%d-%H%M%S.json")
    RESULTS.mkdir(exist_ok=True)
    start, failures = time.monotonic(), []
    competitions = _competitions(args)
    early = sum(_comes_first(args, threads, backend) for threads, _, backend in competitions)
    for place, (threads, workload, backend) in enumerate(competitions):
        title = f"{workload.title}: {backend}, {threads} thread{'s' if threads > 1 else ''}"
        gone = (time.monotonic() - start) / (60 * args.minutes)
        if gone > 1:
            document["left_out"].append(title)
            continue
        in_time = place >= early or gone <= FIRST_SHARE * (place + 1) / early
        what = args.what if in_time else [w for w in args.what if w in FIRST]
        document["left_out"] += [f"{title}: {w.replace('_', ' ')}" for w in args.what if w not in what]
        _compete(document, failures, title, backend, workload, rounds, threads, args, what)
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


def _competitions(args):
    """[(threads, workload, backend)]: the first thread count, then jit_compile on it, then the others."""
    found = itertools.product(args.threads, args.workload, args.backend)
    found = [(threads, WORKLOADS[name], b) for threads, name, b in found if takes_part(b, WORKLOADS[name])]
    found = [(threads, w, b) for threads, w, b in found if threads == args.threads[0] or not b.endswith("-jit")]
    return sorted(found, key=lambda c: (args.threads.index(c[0]), c[2].endswith("-jit")))


def _comes_first(args, threads, backend):
    return threads == args.threads[0] and not backend.endswith("-jit")


def _compete(document, failures, title, backend, workload, rounds, threads, args, what):
    """Run one competition; what fails is told at the end, so that the others still run."""
    try:
        figures = arena.compete(lineup(backend, workload), workload, rounds, threads, args.quick, what, args.clock)
    except (RuntimeError, AssertionError) as error:
        failures.append(f"{title}: {error}")
        document["left_out"].append(f"{title} (failed)")
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
    threads = [int(own)] if own else [1, 2]
    parser.add_argument("--threads", nargs="+", type=int, default=threads, help="OMP_NUM_THREADS if that is set, otherwise 1 and then 2")
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
