"""Functions in a graph's config. Keras writes each as an operation class, "Mean" for `ops.mean`.

What is no tensor stands in the class' config, {"axis": -1, "keepdims": True}; the rest are the
arguments of its node.
"""

from __future__ import annotations

import inspect
from typing import Any

from unidl import ops
from unidl.tracing import graph

# Parameters that are arguments of the node also when they hold no tensor but a number or an index.
_OPERANDS = frozenset({"x", "x1", "x2", "y", "condition", "indices", "key"})

# Keras' modules of operation classes; what is named nowhere is in its "numpy".
_MODULES = {
    "core": "cast convert_to_tensor saturate_cast scan scatter scatter_update slice slice_update "
            "stop_gradient unstack",
    "image": "extract_patches resize",
    "linalg": "cholesky det eig eigh inv lstsq lu_factor norm pinv qr solve solve_triangular svd",
    "math": "erf erfc erfinv extract_sequences fft fft2 ifft2 in_top_k irfft logsumexp rfft rsqrt "
            "stft top_k",
    "nn": "average_pool batch_norm celu conv conv_transpose depth_to_space depthwise_conv "
          "dot_product_attention elu gelu glu "
    "hard_shrink hard_sigmoid hard_silu hard_tanh layer_norm leaky_relu log_sigmoid log_softmax "
    "max_pool moments multi_hot normalize "
    "one_hot relu relu6 rms_norm selu separable_conv sigmoid silu soft_shrink softmax softplus "
    "softsign space_to_depth "
    "sparse_plus sparse_sigmoid sparsemax squareplus tanh_shrink threshold",
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}

# Classes that are not the function's name in camel case, and functions that are another's in Keras.
_CLASS_OF = {
    "abs": "Absolute", "allclose": "AllClose", "fft": "FFT", "fft2": "FFT2", "ifft2": "IFFT2",
    "irfft": "IRFFT", "isin": "IsIn", "layer_norm": "LayerNorm", "rfft": "RFFT",
    "rms_norm": "RMSNorm", "searchsorted": "SearchSorted", "stft": "STFT", "svd": "SVD",
}  # fmt: skip
_FUNCTIONS = {name.replace("_", ""): name for name in ops.__all__} | {"truedivide": "divide"}


def function_to_config(call: Any, node: Any) -> Any:
    """(entry without name and nodes, args of the node) for a recorded call of a function of
    `unidl.ops`."""
    name = call.function.__name__
    bound = inspect.signature(call.function).bind(*node.args, **node.kwargs)
    operands, config = [], {"name": call.name}
    for parameter, value in bound.arguments.items():
        if bound.signature.parameters[parameter].kind is inspect.Parameter.VAR_POSITIONAL:
            operands += value
        elif parameter in _OPERANDS or graph.flatten_tensors(value):
            operands.append(value)
        else:
            config[parameter] = value
    class_name = _CLASS_OF.get(name, "".join(part.capitalize() for part in name.split("_")))
    module = f"keras.src.ops.{_MODULE_OF.get(name, 'numpy')}"
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": class_name,
    }, operands


class FunctionFromConfig:
    """Calls the function of an entry, and gives its node the name it had."""

    def __init__(self, entry: Any) -> None:
        name = _FUNCTIONS.get(entry["class_name"].lower())
        if name is None:
            raise ValueError(
                f"from_config: the graph calls {entry['module']}.{entry['class_name']}, which is "
                "not in unidl.ops."
            )
        self._function = getattr(ops, name)
        self._config = dict(entry["config"])
        self._name = self._config.pop("name")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given, operands, placed = self._config | kwargs, list(args), []
        for parameter in inspect.signature(self._function).parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                placed += operands
                operands = []
            elif parameter.name in given:
                placed.append(given.pop(parameter.name))
            elif operands:
                # An index of several axes is a tuple, which JSON turns into a list.
                placed.append(
                    tuple(operands.pop(0))
                    if parameter.name == "key" and isinstance(operands[0], list)
                    else operands.pop(0)
                )
            else:
                break
        result = self._function(*placed, *operands, **given)
        graph.flatten_tensors(result)[0].history[0].operation.name = self._name
        return result


def is_function(entry: Any) -> bool:
    """Whether an entry of "layers" is a function and not a layer."""
    return (entry.get("module") or "").startswith("keras.src.ops.")
