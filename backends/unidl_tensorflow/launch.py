"""`unidl launch` on TensorFlow: a process each, told by TF_CONFIG who the others are."""

from __future__ import annotations

import json
import sys

from unidl.distribution.command import Command


def commands(wanted):
    cluster = {"worker": [f"{host}:{wanted.port + i}" for host, i in wanted.places]}
    found = []
    for number, (host, _) in enumerate(wanted.places):
        config = {"cluster": cluster, "task": {"type": "worker", "index": number}}
        environment = {"TF_CONFIG": json.dumps(config)}
        argv = [sys.executable, *wanted.script]
        found.append(Command(argv, environment, label=str(number), host=host))
    return found
