"""ScheduleFreeAdamW against the recurrences of the paper, with the mean x kept beside z and y."""

import numpy as np
import pytest

from tests.reference import close
from unidl import optimizers
from unidl.backend import Variable, use_backend

RATE, BETA_1, BETA_2, EPSILON = 0.03, 0.8, 0.95, 1e-4
GRADIENTS = np.random.default_rng(0).normal(size=(20, 3, 2))
START = np.random.default_rng(1).normal(size=(3, 2))


def paper(warmup_steps, weight_decay):
    """The weights after each step (arXiv:2405.15682, algorithm 1, with the mean of all steps)."""
    x, y, z, v = START, START, START, np.zeros_like(START)
    for t, g in enumerate(GRADIENTS, 1):
        rate = RATE * min(1.0, t / warmup_steps if warmup_steps else 1.0)
        if weight_decay:  # Keras decays the weights, and with them what is read back as x
            y = y - weight_decay * RATE * y
            x = (y - (1 - BETA_1) * z) / BETA_1
        v = BETA_2 * v + (1 - BETA_2) * g**2
        z = z - rate * g / (np.sqrt(v / (1 - BETA_2**t)) + EPSILON)
        x = (1 - 1 / t) * x + z / t
        y = (1 - BETA_1) * z + BETA_1 * x
        yield y


@pytest.mark.parametrize(("warmup_steps", "weight_decay"), [(0, None), (7, None), (7, 0.1)])
def test_twenty_steps(backend, warmup_steps, weight_decay):
    with use_backend(backend) as b:
        variable = Variable(START, dtype="float64")
        optimizer = optimizers.ScheduleFreeAdamW(
            RATE, BETA_1, BETA_2, EPSILON, warmup_steps, weight_decay=weight_decay
        )
        optimizer.build([variable])
        for g, wanted in zip(GRADIENTS, paper(warmup_steps, weight_decay), strict=True):
            optimizer.apply([b.asarray(g)])
            close(variable.numpy(), wanted)


def test_no_share_of_the_mean_is_refused():
    with pytest.raises(ValueError, match="beta_1 must be in"):
        optimizers.ScheduleFreeAdamW(beta_1=0)
