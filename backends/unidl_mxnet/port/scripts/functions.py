"""Functions of arrays: those of `mx.nd`, which are also methods of arrays and members of `F`."""

from __future__ import annotations

import libcst as cst

from unidl.port.scripts.calls import Rule, apply_rule, bound, code, expression, rule
from unidl.port.scripts.source import NotPorted

_PAIR = "lhs=x1 rhs=x2"
_TABLE = {
    "abs": "ops.abs data=x",
    "argsort": "ops.argsort data=x axis",
    "batch_dot": "ops.matmul lhs=x1 rhs=x2",
    "cast": "ops.cast data=x dtype!",
    "Cast": "ops.cast data=x dtype!",
    "astype": "ops.cast data=x dtype!",
    "ceil": "ops.ceil data=x",
    "clip": "ops.clip data=x a_min=x_min a_max=x_max",
    "cos": "ops.cos data=x",
    "detach": "ops.stop_gradient data=variable",
    "stop_gradient": "ops.stop_gradient data=variable",
    "BlockGrad": "ops.stop_gradient data=variable",
    "dot": "ops.tensordot lhs=x1 rhs=x2 axes:1",
    "exp": "ops.exp data=x",
    "expand_dims": "ops.expand_dims data=x axis!",
    "flip": "ops.flip data=x axis!",
    "floor": "ops.floor data=x",
    "log": "ops.log data=x",
    "log1p": "ops.log1p data=x",
    "log_softmax": "ops.log_softmax data=x axis",
    "max": "ops.max data=x axis keepdims",
    "mean": "ops.mean data=x axis keepdims",
    "min": "ops.min data=x axis keepdims",
    "negative": "ops.negative data=x",
    "one_hot": "ops.one_hot indices=x depth=num_classes",
    "ones_like": "ops.ones_like data=x",
    "prod": "ops.prod data=x axis keepdims",
    "relu": "ops.relu data=x",
    "repeat": "ops.repeat data=x repeats axis",
    "rsqrt": "ops.rsqrt data=x",
    "sigmoid": "ops.sigmoid data=x",
    "sign": "ops.sign data=x",
    "sin": "ops.sin data=x",
    "softmax": "ops.softmax data=x axis",
    "sort": "ops.sort data=x axis",
    "sqrt": "ops.sqrt data=x",
    "square": "ops.square data=x",
    "squeeze": "ops.squeeze data=x axis",
    "sum": "ops.sum data=x axis keepdims",
    "swapaxes": "ops.swapaxes data=x dim1=axis1 dim2=axis2",
    "tanh": "ops.tanh data=x",
    "tile": "ops.tile data=x reps=repeats",
    "transpose": "ops.transpose data=x axes",
    "zeros_like": "ops.zeros_like data=x",
    "maximum": f"ops.maximum {_PAIR}",
    "minimum": f"ops.minimum {_PAIR}",
    "add": f"ops.add {_PAIR}",
    "subtract": f"ops.subtract {_PAIR}",
    "multiply": f"ops.multiply {_PAIR}",
    "divide": f"ops.divide {_PAIR}",
    "power": "ops.power base=x1 exp=x2",
    "broadcast_add": f"ops.add {_PAIR}",
    "broadcast_sub": f"ops.subtract {_PAIR}",
    "broadcast_mul": f"ops.multiply {_PAIR}",
    "broadcast_div": f"ops.divide {_PAIR}",
    "broadcast_maximum": f"ops.maximum {_PAIR}",
    "elemwise_add": f"ops.add {_PAIR}",
    "elemwise_mul": f"ops.multiply {_PAIR}",
    # Numbers are float32 unless a dtype is given, whatever they come from.
    "array": "ops.convert_to_tensor source_array=x ctx- dtype:'float32'",
    "zeros": "ops.zeros shape! ctx- dtype:'float32'",
    "ones": "ops.ones shape! ctx- dtype:'float32'",
    "arange": "ops.arange start stop step repeat- ctx- dtype:'float32'",
    "random.normal": "random.normal loc=mean scale=stddev shape! dtype ctx-",
    "random.uniform": "random.uniform low=minval high=maxval shape! dtype ctx-",
}
RULES: dict[str, Rule] = {name: rule(*text.split(" ", 1)) for name, text in _TABLE.items()}
for _name, _rule in {"random_normal": "random.normal", "random_uniform": "random.uniform"}.items():
    RULES[_name] = RULES[_rule]

# Methods of arrays by the same names; others of this table are no methods.
METHODS = {
    "abs", "argmax", "argmin", "argsort", "astype", "ceil", "clip", "cos", "exp", "expand_dims",
    "flatten", "flip", "floor", "log", "log1p", "log_softmax", "max", "mean", "min", "one_hot",
    "ones_like", "prod", "relu", "repeat", "reshape", "rsqrt", "sigmoid", "sign", "sin", "softmax",
    "sort", "sqrt", "square", "squeeze", "sum", "swapaxes", "tanh", "tile", "transpose",
    "zeros_like",
}  # fmt: skip
# Other methods of arrays, which those of the backends do not have, or have otherwise.
OTHER_METHODS = {
    "argmax_channel", "as_nd_ndarray", "as_np_ndarray", "broadcast_axes", "broadcast_like",
    "broadcast_to", "copy", "copyto", "depth_to_space", "diag", "expm1", "nansum", "norm", "pad",
    "pick", "reciprocal", "reshape_like", "rint", "round", "slice", "slice_axis", "slice_like",
    "space_to_depth", "split", "split_v2", "take", "topk", "tostype", "trunc",
}  # fmt: skip


def array_call(name: str, node: cst.Call) -> cst.BaseExpression:
    """The counterpart of `nd.<name>(...)`. Raises NotPorted."""
    shown = f"nd.{name}"
    if name in ("concat", "concatenate", "stack"):
        return _joined(name, node)
    if name in ("argmax", "argmin"):
        axis = rule(f"ops.{name}", "data=x axis!")
        # MXNet returns the places as floats.
        return expression(f'unidl.ops.cast({code(apply_rule(axis, node, shown))}, "float32")')
    if name == "reshape":
        return _reshaped(node)
    if name in ("flatten", "Flatten"):
        (data,) = bound(node, ["data"], shown).values()
        text = code(data)
        return expression(f"unidl.ops.reshape({text}, (unidl.ops.shape({text})[0], -1))")
    if name == "Activation":
        given = bound(node, ["data", "act_type"], shown)
        kind = code(given["act_type"]).strip("'\"") if "act_type" in given else ""
        if kind not in ACTIVATIONS:
            raise NotPorted("which activation it is shows only when it runs. Write it out")
        return expression(f"unidl.ops.{ACTIVATIONS[kind]}({code(given['data'])})")
    if name not in RULES:
        raise NotPorted("without a counterpart of the same meaning. Write it with unidl.ops")
    return apply_rule(RULES[name], node, shown)


ACTIVATIONS = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "softrelu": "softplus",
    "softsign": "softsign",
    "log_sigmoid": "log_sigmoid",
}


def _joined(name: str, node: cst.Call) -> cst.BaseExpression:
    """`concat(a, b, dim=1)` takes arrays one by one, unidl takes them in a list."""
    arrays = [argument for argument in node.args if argument.keyword is None]
    named = {argument.keyword.value: argument.value for argument in node.args if argument.keyword}
    axis = named.pop("dim", named.pop("axis", None))
    if named:
        raise NotPorted(f"the argument {next(iter(named))!r} has no counterpart in unidl")
    several = name != "concatenate"
    if several:
        listed = f"[{', '.join(argument.star + code(argument.value) for argument in arrays)}]"
        if len(arrays) == 1 and arrays[0].star:
            listed = code(arrays[0].value)
    elif len(arrays) == 1:
        listed = code(arrays[0].value)
    else:
        listed, axis = code(arrays[0].value), arrays[1].value
    default = {"concat": "1", "concatenate": "0", "stack": "0"}[name]
    function = "stack" if name == "stack" else "concatenate"
    return expression(f"unidl.ops.{function}({listed}, axis={code(axis) if axis else default})")


def _reshaped(node: cst.Call) -> cst.BaseExpression:
    """MXNet's 0, -2, -3 and -4 in a shape copy, split and merge axes."""
    arguments = [a for a in node.args if a.keyword is None or a.keyword.value in ("data", "shape")]
    if len(arguments) != len(node.args) or len(arguments) < 2:
        raise NotPorted("of reshape the array and the shape are ported")
    array = code(arguments[0].value)
    if len(arguments) == 2 and isinstance(arguments[1].value, cst.Tuple | cst.List):
        sizes = [code(element.value) for element in arguments[1].value.elements]
    elif len(arguments) == 2 and isinstance(arguments[1].value, cst.Name):
        raise NotPorted("MXNet gives 0 and -2 to -4 in shapes a meaning. Write the shape out")
    else:
        sizes = [code(argument.value) for argument in arguments[1:]]
    for place, size in enumerate(sizes):
        if size == "0":
            sizes[place] = f"unidl.ops.shape({array})[{place}]"
        elif size in ("-2", "-3", "-4"):
            raise NotPorted(f"{size} in a shape has a meaning in MXNet only. Write the sizes out")
    comma = "," if len(sizes) == 1 else ""
    return expression(f"unidl.ops.reshape({array}, ({', '.join(sizes)}{comma}))")
