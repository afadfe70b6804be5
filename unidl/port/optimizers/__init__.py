"""Optimizers that other frameworks have and Keras has not, for training that goes on.

Most differ in where a number stands: epsilon behind the root instead of in it, a decay of weights
that is part of the gradient, a momentum that the learning rate is not in.
"""

from unidl.port.optimizers.adam import CorrectedAdam, FlooredAdamax, SlowNadam
from unidl.port.optimizers.coupled import (
    CoupledAdadelta,
    CoupledAdam,
    CoupledAdamax,
    CoupledRMSprop,
    CoupledSGD,
)
from unidl.port.optimizers.heavy_ball import HeavyBall
from unidl.port.optimizers.roots import RootAdagrad, RootRMSprop

__all__ = [
    "CorrectedAdam",
    "CoupledAdadelta",
    "CoupledAdam",
    "CoupledAdamax",
    "CoupledRMSprop",
    "CoupledSGD",
    "FlooredAdamax",
    "HeavyBall",
    "RootAdagrad",
    "RootRMSprop",
    "SlowNadam",
]
