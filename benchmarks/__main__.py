"""The command: runs what is selected, prints ratios, keeps the figures as JSON, and publishes when
told to."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks import arena, gpu, publish, record, report, streams
from benchmarks.contestants import RIVALS, lineup
from benchmarks.workloads import WORKLOADS

RESULTS = Path(__file__).resolve().parent / "results"
PUBLISHED = RESULTS / "published.json"
PACKAGES = ("unidl-framework", "numpy", "torch", "tensorflow-cpu", "mxnet", "keras", "scikit-learn")
FIRST = ("fit", "predict_1")  # what targets are for

# Of the time of the run, the share in which the competitions that come first should have met, so
# that the rest has some too.
FIRST_SHARE = 0.75


class Run:
    """One call of the command: collects what it measures and keeps it on disk after each piece.

    What is published joins what earlier runs published; otherwise the run has a file of its own.
    """

    def __init__(self, args):
        self._name = time.strftime("%Y-%m-%d %H:%M:%S")
        self._found = record.empty()
        self._found["runs"][self._name] = {
            "machine": _machine(), "versions": _versions(), "clock": args.clock,
            "rounds": args.rounds, "quick": args.quick,
        }  # fmt: skip
        self._before = (
            json.loads(PUBLISHED.read_text())
            if args.publish and PUBLISHED.exists()
            else record.empty()
        )
        self.path = (
            PUBLISHED
            if args.publish
            else RESULTS / f"{self._name.replace(' ', '-').replace(':', '')}.json"
        )

    def add(self, part, found):
        self._found[part] += [{"run": self._name, **f} for f in found]
        RESULTS.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(record.merged(self._before, self._found), indent=1))


def main():
    args = _arguments()
    if args.republish:
        publish.publish(json.loads(PUBLISHED.read_text()))
        return
    run, left_out, failures = Run(args), [], []
    start = time.monotonic()
    competitions = record.competitions(
        args.threads, [w for w in args.workload if w in WORKLOADS], args.backend
    )
    early = sum(_comes_first(args, threads, backend) for threads, _, backend in competitions)
    for place, (threads, workload, backend) in enumerate(competitions):
        title = f"{workload.title}: {backend}, {report.thread_count(threads)}"
        gone = (time.monotonic() - start) / (60 * args.minutes)
        if gone > 1:
            left_out.append(title)
            continue
        in_time = place >= early or gone <= FIRST_SHARE * (place + 1) / early
        what = args.what if in_time else [w for w in args.what if w in FIRST]
        left_out += [f"{title}: {w.replace('_', ' ')}" for w in args.what if w not in what]
        _compete(run, failures, title, backend, workload, threads, args, what)
    if "streams" in args.workload:
        run.add("streams", streams.measure([b for b in args.backend if not b.endswith("-jit")]))
    if "gpu" in args.workload:
        run.add("gpu", gpu.measure())
    print(f"The figures are in {run.path}.")
    if left_out:
        print(
            f"Left out, since the {args.minutes:g} minutes were over or nearly so:",
            *left_out,
            sep="\n  ",
        )
    if args.publish:
        publish.publish(json.loads(PUBLISHED.read_text()))
    if failures:
        sys.exit("\n".join(failures))


def _comes_first(args, threads, backend):
    return threads == args.threads[0] and not backend.endswith("-jit")


def _compete(run, failures, title, backend, workload, threads, args, what):
    """Run one competition; what fails is told at the end, so that the others still run."""
    try:
        figures = arena.compete(
            lineup(backend, workload), workload, args.rounds, threads, args.quick, what, args.clock
        )
    except (RuntimeError, AssertionError) as error:
        failures.append(f"{title}: {error}")
        print(failures[-1], file=sys.stderr)
        return
    result = {
        "backend": backend,
        "workload": workload.name,
        "threads": threads,
        "quick": args.quick,
        "figures": figures,
    }
    run.add("results", [result])
    report.show(report.rows(result), title)


def _arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="short epochs and few rounds: under a minute for each backend and workload",
    )
    parser.add_argument("--backend", nargs="+", choices=RIVALS, default=list(RIVALS))
    workloads = [*WORKLOADS, "streams", "gpu"]
    parser.add_argument("--workload", nargs="+", choices=workloads, default=workloads)
    parser.add_argument(
        "--what",
        nargs="+",
        choices=record.WHAT,
        default=record.WHAT,
        help="fit always runs; the others are left out unless named",
    )
    parser.add_argument(
        "--rounds", type=int, help="epochs of each contestant, of which the first warms up"
    )
    own = os.environ.get("OMP_NUM_THREADS")
    threads = [int(own)] if own else list(record.THREADS)
    parser.add_argument(
        "--threads",
        nargs="+",
        type=int,
        default=threads,
        help="OMP_NUM_THREADS if that is set, otherwise 1 and then 2",
    )
    clock_help = (
        "cpu counts the processor time of each contestant, for a machine that others use too"
    )
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help=clock_help)
    parser.add_argument(
        "--minutes", type=float, default=publish.MINUTES, help="no competition begins later"
    )
    publish_help = (
        "put the figures in the place of those in results/published.json, and write "
        "docs/performance.md and the plot"
    )
    parser.add_argument("--publish", action="store_true", help=publish_help)
    parser.add_argument(
        "--republish",
        action="store_true",
        help="run nothing: write page and plot from results/published.json",
    )
    args = parser.parse_args()
    args.rounds = args.rounds or (6 if args.quick else 7)
    if args.rounds < 3:
        parser.error(
            "--rounds must be at least 3: the first warms up, and a spread needs two more."
        )
    return args


def _machine():
    model = next(
        (line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")),
        platform.processor(),
    )
    return (
        f"{model} ({os.cpu_count()} cores), {platform.system()}, Python {platform.python_version()}"
    )


def _cpuinfo():
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def _versions():
    return {name: importlib.metadata.version(name) for name in PACKAGES}


if __name__ == "__main__":
    main()
