"""`python -m benchmarks.processes.costs`: a model on paper of a step on many GPUs.

A ring all-reduce of B bytes among N takes 2 (N - 1) / N B / bandwidth + 2 (N - 1) latency
(Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", 2009).
Each GPU keeps its batch of 64 images, so that computing takes the same time on any number of them.
The sum begins when all gradients are there, or may be hidden behind the part of the step that makes
them.
"""

from __future__ import annotations

BANDWIDTH = 50e9  # bytes a second of each GPU: one link of 400 Gbit/s
LATENCY = 5e-6  # seconds of one message
COMPUTE = 0.080  # seconds of a step of ResNet-50 with 64 images
BACKWARD = 2 / 3  # of it makes gradients
GRADIENTS = {"ResNet-50, float32": 25.6e6 * 4, "ResNet-50, bfloat16": 25.6e6 * 2}
GPUS = (8, 64, 256, 1024)


def all_reduce(size: float, gpus: int) -> float:
    """Seconds."""
    return 2 * (gpus - 1) / gpus * size / BANDWIDTH + 2 * (gpus - 1) * LATENCY


def efficiency(size: float, gpus: int, overlap: bool) -> float:
    """The share of a step that computes."""
    wait = all_reduce(size, gpus)
    if overlap:
        wait = max(0.0, wait - BACKWARD * COMPUTE)
    return COMPUTE / (COMPUTE + wait)


def main() -> None:
    columns = " | ".join(f"{n:,} GPUs" for n in GPUS)
    print(f"| gradients | sum | {columns} |\n| --- | --- |{' ---: |' * len(GPUS)}")
    for name, size in GRADIENTS.items():
        for overlap in (False, True):
            how = "while gradients are made" if overlap else "after them"
            cells = " | ".join(
                f"{1e3 * all_reduce(size, n):.1f} ms, {efficiency(size, n, overlap):.0%}"
                for n in GPUS
            )
            print(f"| {name} | {how} | {cells} |")


if __name__ == "__main__":
    main()
