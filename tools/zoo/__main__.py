"""Runs what has no result in docs/zoo.json yet, and writes docs/zoo.md of what is there."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "zoo.json"
FOLDER = ROOT / "build" / "zoo"
SECONDS = 1800  # of one row
_ALONE = {
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.zoo", description=__doc__)
    parser.add_argument(
        "--only", metavar="PATTERN", action="append", help="rows SOURCE.NAME, in this order"
    )
    parser.add_argument(
        "--without", metavar="TARGET", action="append", default=[], help="where models do not go"
    )
    parser.add_argument("--again", action="store_true", help="what has a result, too")
    parser.add_argument("--page", action="store_true", help="write the page of what is there")
    parser.add_argument("--at-once", type=int, default=2, help="rows that run at a time")
    asked = parser.parse_args()
    os.environ.update(_ALONE)  # before anything here imports a framework
    from tools.zoo.checkers import Checkers, targets
    from tools.zoo.page import write
    from tools.zoo.rows import rows
    from tools.zoo.run_row import run

    FOLDER.mkdir(parents=True, exist_ok=True)
    every = rows()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if not asked.page:
        wanted = _chosen(every, asked.only or ["*"])
        open_ = [row for row in wanted if asked.again or row.key not in results]
        print(f"{len(open_)} of {len(wanted)} rows are run", flush=True)
        with Checkers(targets()) as check, ThreadPoolExecutor(asked.at_once) as pool:
            commit, run_it = _commit(), partial(run, check=check, without=asked.without)
            for row, found in pool.map(lambda row: (row, _run(row, commit, run_it)), open_):
                results[row.key] = found
                _keep(results)
                print(f"{row.key}: {_said(found)}", flush=True)
    if asked.page or not asked.only:
        write(every, {row: results.get(row.key) for row in every}, ROOT / "docs" / "zoo.md")


def _chosen(every, patterns):
    found = dict.fromkeys(r for p in patterns for r in every if fnmatch.fnmatch(r.key, p))
    return list(found)


def _commit() -> str:
    """That of unidl, with a + where the files are not as it has them."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude", "*"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()


def _keep(results) -> None:
    """Whole or not at all: rows take hours."""
    new = FOLDER / "results"
    new.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    new.replace(RESULTS)


def _run(row, commit, run) -> dict:
    """In a process of its own, which has all frameworks already."""
    part, errors = FOLDER / f"{row.key}.json", FOLDER / f"{row.key}.stderr"
    part.unlink(missing_ok=True)
    process = get_context("fork").Process(target=_apart, args=(row, part, errors, run))
    process.start()
    process.join(SECONDS)
    why = ""
    if process.is_alive():
        process.kill()
        process.join()
        why = f"it takes longer than {SECONDS} s"
    elif process.exitcode:
        told = errors.read_text(errors="replace").strip()
        why = f"the process ended: {(told or f'exit status {process.exitcode}').splitlines()[-1]}"
    found = json.loads(part.read_text()) if part.exists() else {"directions": {}}
    for each in (part, errors):
        each.unlink(missing_ok=True)
    return {**found, "stopped": why[:200], "commit": commit}


def _apart(row, result, errors, run):
    from tools.zoo.rows import MEMORY

    resource.setrlimit(resource.RLIMIT_DATA, (int(MEMORY), int(MEMORY)))
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    run(row, result)
    sys.stderr.flush()
    os._exit(0)  # frameworks do not expect an end of a process that they did not see begin


def _said(found) -> str:
    parts = [f"{name} {d['status']}" for name, d in found["directions"].items()]
    return ", ".join([*parts, *filter(None, [found["stopped"]])])


if __name__ == "__main__":
    main()
