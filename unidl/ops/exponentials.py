"""Exponentials, logarithms, trigonometry and the error function, of the contract."""

from __future__ import annotations

from unidl.ops.thin_functions import unary

exp = unary(
    "exp",
    """e to the power of x.

    Examples:
        >>> unidl.ops.exp([0.0, 1.0, -np.inf])
        array([1.    , 2.7183, 0.    ], dtype=float32)
    """,
)
expm1 = unary(
    "expm1",
    """exp(x) - 1, accurate near 0.

    Examples:
        >>> unidl.ops.expm1([1e-8]) == 1e-8  # exp(x) - 1 would be 0
        array([ True])
    """,
)
log = unary(
    "log",
    """Natural logarithm; -inf at 0, NaN below.

    Examples:
        >>> unidl.ops.log([1.0, np.e, 0.0])
        array([  0.,   1., -inf], dtype=float32)
    """,
)
log1p = unary(
    "log1p",
    """log(1 + x), accurate near 0.

    Examples:
        >>> unidl.ops.log1p([1e-8]) == 1e-8  # log(1 + x) would be 0
        array([ True])
    """,
)
sin = unary(
    "sin",
    """Sine of x in radians.

    Examples:
        >>> unidl.ops.sin([0.0, np.pi / 2])
        array([0., 1.], dtype=float32)
    """,
)
cos = unary(
    "cos",
    """Cosine of x in radians.

    Examples:
        >>> unidl.ops.cos([0.0, np.pi])
        array([ 1., -1.], dtype=float32)
    """,
)
tan = unary(
    "tan",
    """Tangent of x in radians.

    Examples:
        >>> unidl.ops.tan([0.0, np.pi / 4])
        array([0., 1.], dtype=float32)
    """,
)
arcsin = unary(
    "arcsin",
    """Angle in [-pi/2, pi/2] whose sine is x.

    Examples:
        >>> unidl.ops.arcsin([-1.0, 0.0, 1.0])
        array([-1.5708,  0.    ,  1.5708], dtype=float32)
    """,
)
arccos = unary(
    "arccos",
    """Angle in [0, pi] whose cosine is x.

    Examples:
        >>> unidl.ops.arccos([1.0, 0.0, -1.0])
        array([0.    , 1.5708, 3.1416], dtype=float32)
    """,
)
arctan = unary(
    "arctan",
    """Angle in (-pi/2, pi/2) whose tangent is x.

    Examples:
        >>> unidl.ops.arctan([-1.0, 0.0, np.inf])
        array([-0.7854,  0.    ,  1.5708], dtype=float32)
    """,
)
sinh = unary(
    "sinh",
    """Hyperbolic sine.

    Examples:
        >>> unidl.ops.sinh([0.0, 1.0])
        array([0.    , 1.1752], dtype=float32)
    """,
)
cosh = unary(
    "cosh",
    """Hyperbolic cosine.

    Examples:
        >>> unidl.ops.cosh([0.0, 1.0])
        array([1.    , 1.5431], dtype=float32)
    """,
)
tanh = unary(
    "tanh",
    """Hyperbolic tangent.

    Examples:
        >>> unidl.ops.tanh([-100.0, 0.0, 0.5])
        array([-1.    ,  0.    ,  0.4621], dtype=float32)
    """,
)
arcsinh = unary(
    "arcsinh",
    """Inverse of sinh.

    Examples:
        >>> unidl.ops.arcsinh([0.0, 1.0])
        array([0.    , 0.8814], dtype=float32)
    """,
)
arccosh = unary(
    "arccosh",
    """Inverse of cosh, for x >= 1.

    Examples:
        >>> unidl.ops.arccosh([1.0, 2.0])
        array([0.   , 1.317], dtype=float32)
    """,
)
arctanh = unary(
    "arctanh",
    """Inverse of tanh, for -1 < x < 1.

    Examples:
        >>> unidl.ops.arctanh([0.0, 0.5, 1.0])
        array([0.    , 0.5493,    inf], dtype=float32)
    """,
)
erf = unary(
    "erf",
    """Error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    Examples:
        >>> unidl.ops.erf([0.0, 1.0, 3.0])
        array([0.    , 0.8427, 1.    ], dtype=float32)
    """,
)
erfinv = unary(
    "erfinv",
    """Inverse of erf, for -1 < x < 1.

    Examples:
        >>> unidl.ops.erfinv([0.0, 0.5, 1.0])
        array([0.    , 0.4769,    inf], dtype=float32)
    """,
)
