"""Runs what has no result yet, two rows at a time, and writes docs/zoo.md."""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "build" / "zoo"
MEMORY = 9e9  # bytes of one row
SECONDS = 600  # of one row
AT_ONCE = 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.zoo", description=__doc__)
    parser.add_argument("--only", metavar="PATTERN", action="append", help="rows SOURCE.NAME")
    parser.add_argument("--keep", action="store_true", help="old results count, too")
    parser.add_argument("--page", action="store_true", help="write the page of what is there")
    asked = parser.parse_args()
    from tools.zoo.page import write
    from tools.zoo.rows import rows

    RESULTS.mkdir(parents=True, exist_ok=True)
    every, digest = rows(), sources()
    if not asked.page:
        wanted = [r for r in every if any(fnmatch.fnmatch(r.key, p) for p in asked.only or ["*"])]
        open_ = [r for r in wanted if not _has_result(r, digest, asked.keep)]
        print(f"{len(open_)} of {len(wanted)} rows have no result yet", flush=True)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for row in pool.map(lambda row: _run(row, digest), open_):
                print(f"{row.key}: {_said(row)}", flush=True)
    if not asked.only:
        write(every, {row: _result(row) for row in every}, digest, ROOT / "docs" / "zoo.md")


def sources() -> str:
    """What the results depend on."""
    found = hashlib.sha256()
    for folder in ("unidl", "backends"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


def _path(row) -> Path:
    return RESULTS / f"{row.key}.json"


def _result(row) -> dict | None:
    path = _path(row)
    return json.loads(path.read_text()) if path.exists() else None


def _has_result(row, digest: str, keep: bool) -> bool:
    found = _result(row)
    return found is not None and (keep or found.get("sources") == digest)


def _run(row, digest: str):
    path = _path(row)
    path.unlink(missing_ok=True)
    environment = os.environ | {
        "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }  # fmt: skip
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "tools.zoo.run_row", row.source, row.name]
    why = ""
    try:
        ran = subprocess.run(
            [*command, str(partial)], cwd=ROOT, env=environment, timeout=SECONDS, check=False,
            capture_output=True, text=True, preexec_fn=_limited,
        )  # fmt: skip
        if ran.returncode:
            last = (ran.stderr.strip() or f"exit status {ran.returncode}").splitlines()[-1]
            why = f"the process ended: {last[:200]}"
    except subprocess.TimeoutExpired:
        why = f"it takes longer than {SECONDS} s"
    found = json.loads(partial.read_text()) if partial.exists() else {"directions": {}}
    partial.unlink(missing_ok=True)
    path.write_text(json.dumps({**found, "stopped": why, "sources": digest}, indent=1))
    return row


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (int(MEMORY), int(MEMORY)))


def _said(row) -> str:
    found = _result(row)
    parts = [f"{name} {d['status']}" for name, d in found["directions"].items()]
    return ", ".join([*parts, *filter(None, [found["stopped"]])])


if __name__ == "__main__":
    main()
