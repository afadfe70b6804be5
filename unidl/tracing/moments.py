"""Whether the moments of a long sequence are alike, so that all after the first can be one loop."""

from __future__ import annotations

from unidl.backend.frame import current

# Up to here the moments of a sequence are written out one by one. A longer one is a loop over one
# moment's program: 5,000 moments of an LSTM, written out, are 150,000 lines and 700 MB, or a graph
# that takes an executor an hour to plan.
WRITTEN_OUT = 512


def difference(effects, made, wanted):
    """A sentence about how a moment differs from the one before, None if it does not.

    Args:
        effects: those of the frame before the moment.
        made, wanted: [(shape, dtype)] of its output and states, and of those of the moment before.
    """
    if current().effects() == effects and made == wanted:
        return None
    return (
        "The time steps of a sequence differ: only some draw random numbers, or the state changes "
        "its shape or dtype."
    )
