"""`unidl launch` on MXNet: the roles of ps-lite, one scheduler, one server and the workers."""

from __future__ import annotations

import sys

from unidl.distribution.command import Command


def commands(wanted):
    common = {
        "DMLC_PS_ROOT_URI": wanted.hosts[0],
        "DMLC_PS_ROOT_PORT": str(wanted.port),
        "DMLC_NUM_WORKER": str(wanted.total),
        "DMLC_NUM_SERVER": "1",
    }

    def in_role(role, host, argv, **more):
        environment = {**common, "DMLC_ROLE": role, "DMLC_NODE_HOST": host}
        return Command([sys.executable, *argv], environment, host=host, **more)

    found = [
        in_role(role, wanted.hosts[0], ["-m", "unidl_mxnet.server"], label=role, serves=True)
        for role in ("scheduler", "server")
    ]
    for number, (host, _) in enumerate(wanted.places):
        found.append(in_role("worker", host, wanted.script, label=str(number)))
    return found
