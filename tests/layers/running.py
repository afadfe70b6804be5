"""Running a layer case: random weights, outputs, gradients."""

import numpy as np

from unidl import ops, tree
from unidl.autodiff import value_and_grad
from unidl.backend import Variable


def _is_float(array):
    return isinstance(array, np.ndarray) and array.dtype.kind == "f"


def weight_values(layer, case, draw):
    """Random values for all weights, so that no bias is zero and no scale is one."""
    values = []
    for weight in layer.weights:
        value = draw.normal(size=weight.shape)
        values.append(np.abs(value) + 0.5 if weight.name in case.positive else value)
    return values


def weighted(multiply_and_sum, outputs, cotangents):
    total = None
    for output, cotangent in zip(outputs, cotangents, strict=True):
        term = multiply_and_sum(output, cotangent)
        total = term if total is None else total + term
    return total


def run_unidl(layer, args, kwargs, cotangents):
    """(outputs, gradients of float inputs, gradients of the weights) as arrays."""
    variables = [Variable(a) for a in tree.flatten(args) if _is_float(a)]
    feed = iter(variables)
    symbols = tree.map_structure(lambda a: next(feed) if _is_float(a) else a, args)

    def loss():
        given = tree.map_structure(lambda a: a.value if isinstance(a, Variable) else a, symbols)
        outputs = tree.flatten(layer(*given, **kwargs))
        return weighted(lambda y, c: ops.sum(ops.multiply(y, c)), outputs, cotangents), outputs

    (_, outputs), gradients = value_and_grad(
        loss, [*variables, *layer.trainable_variables], has_aux=True
    )
    return [ops.convert_to_numpy(x) for x in outputs], [ops.convert_to_numpy(g) for g in gradients]
