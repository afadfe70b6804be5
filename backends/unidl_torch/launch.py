"""`unidl launch` on torch: torchrun."""

from __future__ import annotations

import sys

from unidl.distribution.command import Command


def commands(wanted):
    found = []
    for number, host in enumerate(wanted.hosts):
        argv = [
            sys.executable, "-m", "torch.distributed.run",
            "--nnodes", str(len(wanted.hosts)), "--node-rank", str(number),
            "--nproc-per-node", str(wanted.processes),
            "--master-addr", wanted.hosts[0], "--master-port", str(wanted.port),
            "--max-restarts", str(wanted.max_restarts), "--tee", "3", *wanted.script,
        ]  # fmt: skip
        # torchrun sets it to 1, and warns that it did.
        found.append(Command(argv, {"OMP_NUM_THREADS": "1"}, host=host, restarts=True))
    return found
