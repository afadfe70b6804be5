"""How many examples: a few in the suite, always the same; as many as there is time for in a hunt.

A hunt reads UNIDL_FUZZ_SECONDS (for each test, 20 by default) and UNIDL_FUZZ_SEED (of the first
round). The text of a failure says with which seed the round finds it again, and hypothesis prints
the smallest example of it.
"""

from __future__ import annotations

import os
import time

from hypothesis import HealthCheck, Phase, seed, settings

SUITE, ROUND = 2, 25
COMMON = {
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": False,
}


def in_suite(test, examples=SUITE):
    settings(
        max_examples=examples, derandomize=True, phases=[Phase.generate, Phase.shrink], **COMMON
    )(test)()


def hunt(test, what):
    """Rounds of random examples until the time is over; raises what the first failing round
    found."""
    start, first = time.monotonic(), int(os.environ.get("UNIDL_FUZZ_SEED", "0"))
    seconds = float(os.environ.get("UNIDL_FUZZ_SECONDS", "20"))
    test = settings(max_examples=ROUND, **COMMON)(test)  # which can be told only once
    rounds = 0
    while rounds == 0 or time.monotonic() - start < seconds:
        try:
            seed(first + rounds)(test)()
        except BaseException as error:
            error.add_note(
                f"Again: UNIDL_FUZZ_SEED={first + rounds} UNIDL_FUZZ_SECONDS=0 pytest -m fuzz "
                f"tests/fuzz -k {what}"
            )
            raise
        rounds += 1
    print(f"{what}: {rounds * ROUND} examples, seeds {first} to {first + rounds - 1}")
