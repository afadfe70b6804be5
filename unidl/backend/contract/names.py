"""The elementwise and reducing primitives, by NumPy's names.

They are tables because every adapter binds them in a loop (``for name in UNARY: ...``) and the
symbolic backend gives each group one shape rule. Everything with a signature of its own is an
abstract method in the module of its concern.
"""

# Bodies of the contract that compute on the host, or ask it what to do.
ON_HOST = ("bitcast", "eig", "cond", "while_loop")

# x -> tensor of x's shape and floating dtype (abs, sign, negative, square keep integers too).
UNARY = (
    "negative", "abs", "sign", "square", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos",
    "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh",
    "floor", "ceil", "round", "trunc", "erf", "erfinv", "sigmoid",
)  # fmt: skip

# x -> bool tensor of x's shape.
UNARY_PREDICATE = ("isnan", "isinf", "isfinite")

# (x1, x2) of one dtype -> tensor of that dtype and the broadcast shape.
BINARY = (
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "mod",
    "power",
    "maximum",
    "minimum",
    "arctan2",
)

# (x1, x2) of one dtype -> bool tensor of the broadcast shape.
COMPARISON = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")

# bool tensors -> bool tensor.
LOGICAL = ("logical_and", "logical_or", "logical_xor")

# integer tensors of one dtype -> tensor of that dtype.
BITWISE = ("bitwise_and", "bitwise_or", "bitwise_xor")

# (x, axis=None | int | tuple, keepdims=False) -> reduced tensor of x's dtype.
REDUCTION = ("sum", "mean", "prod", "max", "min")

# bool x -> reduced bool tensor, same arguments.
REDUCTION_LOGICAL = ("any", "all")

# (x, axis, keepdims=False) -> int32 index of the first extreme element.
REDUCTION_INDEX = ("argmax", "argmin")

# (x, axis) -> running sum or product of x's shape and dtype.
CUMULATIVE = ("cumsum", "cumprod")
