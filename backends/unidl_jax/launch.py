"""`unidl launch` on JAX: a process each, told by its environment where they meet."""

from __future__ import annotations

import sys

from unidl.distribution.command import Command


def commands(wanted):
    found = []
    for number, (host, place) in enumerate(wanted.places):
        environment = {
            "JAX_COORDINATOR_ADDRESS": f"{wanted.hosts[0]}:{wanted.port}",
            "JAX_NUM_PROCESSES": str(wanted.total),
            "JAX_PROCESS_ID": str(number),
        }
        if wanted.processes > 1:  # a GPU each; one process alone has all of its host
            environment["JAX_LOCAL_DEVICE_IDS"] = str(place)
        argv = [sys.executable, *wanted.script]
        found.append(Command(argv, environment, label=str(number), host=host))
    return found
