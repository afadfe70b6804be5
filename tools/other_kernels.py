"""The suites that judge numbers, under the kernels that other processors would choose (`make
test-isa`).

Frameworks choose kernels by what the processor has, and adding up in another order rounds
otherwise. Each row of the table makes one of them choose another, and runs its numbers again.

    python -m tools.other_kernels [--quick] [name ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

# What a processor must have for kernels of that name, by the kernel's words for it.
NEEDS = {"AVX2": "avx2", "AVX512": "avx512f", "AVX512_CORE": "avx512f"}


class Setting(NamedTuple):
    name: str
    backend: str
    environment: dict[str, str]
    needs: str = ""  # what the processor must have, by the kernel's name for it


def _threads(count):
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return dict.fromkeys(names, str(count)) | {"TF_NUM_INTRAOP_THREADS": str(count)}


SETTINGS = [
    *(
        Setting(f"{backend} on {count}", backend, _threads(count))
        for backend in ("numpy", "torch", "tensorflow", "mxnet")
        for count in (1, 2)
    ),
    *(
        Setting(f"torch, ATen {level}", "torch", {"ATEN_CPU_CAPABILITY": level}, needs)
        for level, needs in (("default", ""), ("avx2", "avx2"), ("avx512", "avx512f"))
    ),
    *(
        Setting(
            f"{backend}, oneDNN {isa}", backend, {"ONEDNN_MAX_CPU_ISA": isa}, NEEDS.get(isa, "")
        )
        for backend in ("torch", "tensorflow")
        for isa in ("SSE41", "AVX2", "AVX512_CORE")
    ),
    *(
        Setting(f"mxnet, oneDNN {isa}", "mxnet", {"DNNL_MAX_CPU_ISA": isa}, NEEDS.get(isa, ""))
        for isa in ("SSE41", "AVX2", "AVX512_CORE")
    ),
    *(
        Setting(f"torch, MKL {branch}", "torch", {"MKL_CBWR": branch}, NEEDS.get(branch, ""))
        for branch in ("COMPATIBLE", "AVX2", "AVX512")
    ),
    *(
        Setting(
            f"tensorflow, oneDNN {'on' if on else 'off'}",
            "tensorflow",
            {"TF_ENABLE_ONEDNN_OPTS": str(on)},
        )
        for on in (0, 1)
    ),
    Setting(
        "numpy without AVX2",
        "numpy",
        {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX"},
    ),
    Setting(
        "numpy without AVX-512",
        "numpy",
        {
            "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL "
            "AVX512_ICL"
        },
    ),
]

PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow and not serial"]
CONFORMANCE = ["-m", "unidl", "conformance", "--dtype", "float64", "--dtype", "float32"]
NUMBERS = [
    "tests/conformance/test_trajectories.py",
    "tests/layers",
    "tests/optimizers",
    "tests/verify",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="rows of the table, all by default")
    parser.add_argument("--quick", action="store_true", help="the conformance of long sums alone")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {s.name for s in SETTINGS}
    if unknown:
        parser.error(
            f"no row {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SETTINGS)}"
        )
    chosen = [s for s in SETTINGS if not arguments.names or s.name in arguments.names]
    has = _features()
    able = [s for s in chosen if not s.needs or s.needs in has]
    red = [setting.name for setting in able if not _is_green(setting, arguments.quick)]
    for setting in chosen:
        if setting not in able:
            print(f"{setting.name}: not run, since this processor has no {setting.needs}")
    print(f"{len(able) - len(red)} green, {len(red)} red, {len(chosen) - len(able)} not run")
    sys.exit(bool(red))


def _features():
    """What the processor can do, by the kernel's names."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return {word for line in lines if line.startswith("flags") for word in line.split()}


def _is_green(setting, quick):
    commands = [
        [*CONFORMANCE, "--backend", setting.backend, *(["--match", "large"] if quick else [])]
    ]
    if not quick:
        commands.append([*PYTEST, "--backend", setting.backend, *NUMBERS])
    environment = os.environ | _threads(1) | setting.environment
    start, ran = time.monotonic(), None
    for command in commands:
        ran = subprocess.run(
            [sys.executable, *command], env=environment, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            break
    word = "red" if ran.returncode else "green"
    print(f"{setting.name}: {word} ({time.monotonic() - start:.0f} s)", flush=True)
    if ran.returncode:
        print((ran.stdout + ran.stderr)[-3000:], flush=True)
    return not ran.returncode


if __name__ == "__main__":
    main()
