"""What starts the processes of a run: a command for each host, or for each process."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from typing import NamedTuple


class Wanted(NamedTuple):
    """What is to be started.

    Attributes:
        processes: how many on each host.
        script: the script and its arguments.
        hosts: names of hosts; the first one is where processes meet.
        port: the first of the ports on which they do.
        max_restarts: how often all are started again when one fails.
    """

    processes: int
    script: list[str]
    hosts: list[str]
    port: int
    max_restarts: int = 0

    @property
    def total(self) -> int:
        return self.processes * len(self.hosts)

    @property
    def places(self) -> list[tuple[str, int]]:
        """(host, number there) of each process."""
        return [(host, i) for host in self.hosts for i in range(self.processes)]


@dataclass(frozen=True)
class Command:
    """One program to start.

    label: what begins each line of its output; "" where the launcher itself does that.
    host: where it is to run.
    serves: whether it works for the others and ends by itself when they have.
    restarts: whether it is a launcher that starts processes again by itself.
    """

    argv: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    label: str = ""
    host: str = "127.0.0.1"
    serves: bool = False
    restarts: bool = False

    def __str__(self) -> str:
        """As it is typed in a shell."""
        told = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return " ".join([*told, shlex.join(self.argv)])

    @property
    def whole_environment(self) -> dict[str, str]:
        return os.environ | self.environment
