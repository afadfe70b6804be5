"""Where a report was made: versions, processor, devices, threads."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from pathlib import Path

import numpy as np

import unidl

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def describe_environment(backends) -> dict:
    """{"date", "unidl", "python", "numpy", "platform", "processor", "cores", "threads", "backends":
    {name: {version, devices}}}."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "unidl": unidl.__version__,
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
        "backends": {b.name: {"version": b.version, "devices": b.devices()} for b in backends},
    }


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8", errors="replace").splitlines() if cpuinfo.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
