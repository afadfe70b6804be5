"""What the ports of torch modules are made of."""

from __future__ import annotations


class Unported(Exception):
    """Nothing here means this configuration."""


class Port:
    """`call` takes the module's inputs; `weights` are (variable, value, gradients of the parameters
    -> its gradient)."""

    def __init__(self, call, weights=list):
        self.call, self._weights, self.weights = call, weights, []

    def build(self, inputs):
        """Layers have weights after their first call."""
        self.call(*inputs)
        self.weights = self._weights()


def same(layer, module, names):
    """Weights of `layer` by the name of one parameter, or (name, how it is turned round). What is
    absent in `module` is left out."""
    parameters = dict(module.named_parameters())
    found = []
    for ours, theirs in names.items():
        name, turn = (theirs, lambda a: a) if isinstance(theirs, str) else theirs
        if name in parameters:
            value = turn(parameters[name].detach().numpy())
            found.append(
                (
                    getattr(layer, ours),
                    value,
                    lambda gradients, name=name, turn=turn: turn(gradients[name]),
                )
            )
    return found


def each(value, rank):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
