"""`unidl launch` on NumPy: MPI's own launcher."""

from __future__ import annotations

import os
import shutil
import sys

from unidl.backend.errors import JoinError
from unidl.distribution.command import Command


def commands(wanted):
    beside = os.path.join(os.path.dirname(sys.executable), "mpiexec")
    launcher = beside if os.path.exists(beside) else shutil.which("mpiexec")
    if launcher is None:
        raise JoinError(
            "unidl launch: there is no mpiexec, which starts the processes of the NumPy backend. "
            "pip install 'unidl-framework[mpi]', or load your cluster's MPI."
        )
    where = [] if wanted.hosts == ["127.0.0.1"] else ["-hosts", ",".join(wanted.hosts)]
    # mpi4py as a program ends all processes when one of them fails.
    python = [sys.executable, "-m", "mpi4py", *wanted.script]
    return [Command([launcher, "-prepend-rank", *where, "-n", str(wanted.total), *python])]
