"""The error function and its inverse, since the core does without SciPy.

erf and erfc: W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23
(1969), 631-637.
"""

from __future__ import annotations

import numpy as np

# Numerator and denominator, highest power first.
_SMALL = (  # erf(x) / x in x**2 for |x| <= 0.46875
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (
        1.0,
        2.36012909523441209e1,
        2.44024637934444173e2,
        1.28261652607737228e3,
        2.84423683343917062e3,
    ),
)
_MIDDLE = (  # erfc(x) * exp(x**2) in x for 0.46875 <= x <= 4
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e0,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
_LARGE = (  # (1/sqrt(pi) - x * erfc(x) * exp(x**2)) * x**2 in 1/x**2 for x >= 4
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242e0,
        1.87295284992346047e0,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)
_INV_SQRT_PI = 5.6418958354775628695e-1


def _polynomial(coefficients, x):
    y = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        y *= x
        y += c
    return y


def _rational(pair, x):
    return _polynomial(pair[0], x) / _polynomial(pair[1], x)


def _exp_minus_square(x):
    """exp(-x**2) with x split so that the square's rounding does not enter the exponent."""
    high = np.trunc(x * 16) / 16
    return np.exp(-high * high) * np.exp(-(x - high) * (x + high))


def _erfc_tail(x):
    """erfc of a float64 array of values >= 0.46875."""
    y = np.empty_like(x)
    far = x > 4
    near = x[~far]
    y[~far] = _exp_minus_square(near) * _rational(_MIDDLE, near)
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        big = np.minimum(x[far], 30.0)  # erfc is 0 from 27 on
        z = 1 / (big * big)
        y[far] = _exp_minus_square(big) * (_INV_SQRT_PI - z * _rational(_LARGE, z)) / big
    return y


# erf(x) / x in x**2 for |x| <= 3.92, beyond which float32 is 1: a fit of our own to math.erf
# (Lawson's iteration for the smallest largest relative error, 1.9e-08), evaluated in float64 so
# that nothing but the last rounding is lost.
_SHORT = (
    (
        2.050061845243052e-06,
        0.0002848648648001775,
        0.003765158851447233,
        0.05274727638996175,
        0.19039687203587433,
        1.1283791463037554,
    ),
    (
        3.809051668180971e-05,
        0.0011624104607795614,
        0.014968302070925695,
        0.11410498592403834,
        0.5020675779920452,
        1.0,
    ),
)
_PIECE = 1 << 13


def erf(x):
    """Error function; wide polynomials, so in pieces that stay in the cache."""
    flat = np.ascontiguousarray(x).reshape(-1)
    y = np.empty_like(flat)
    piece = _erf_double if x.dtype == np.float64 else _erf_short
    for start in range(0, flat.size, _PIECE):
        y[start : start + _PIECE] = piece(
            flat[start : start + _PIECE].astype(np.float64, copy=False)
        )
    return y.reshape(x.shape)


def _erf_short(x):
    x = np.clip(x, -3.92, 3.92)
    return x * _rational(_SHORT, x * x)


def _erf_double(x):
    y = np.empty_like(x)
    size = np.abs(x)
    small = size <= 0.46875
    inner = x[small]
    y[small] = inner * _rational(_SMALL, inner * inner)
    rest = ~small  # NaN too
    y[rest] = np.copysign(1 - _erfc_tail(size[rest]), x[rest])
    return y


def erfinv(x):
    """Inverse of erf: a first value, then Newton's method.

    First: Giles' single-precision polynomials ("Approximating the erfinv function", 2010), and
    beyond their range the leading term of erfc(z) = exp(-z**2) / (z * sqrt(pi)). Where |x| is large
    the equation is that of log(erfc), almost a parabola, and 1 - |x| is exact.
    """
    wide = np.asarray(x, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(wide).reshape(-1)
        y = np.where(size > 1, np.nan, np.where(size == 1, np.inf, size))
        inside = size < 1
        target = size[inside]
        z = _first_erfinv(target)
        for _ in range(3):
            slope = (np.sqrt(np.pi) / 2) * np.exp(z * z)
            low = target < 0.5
            z[low] -= (_erf_double(z[low]) - target[low]) * slope[low]
            tail = _erfc_tail(z[~low])
            goal = 1 - target[~low]
            z[~low] += np.log1p((tail - goal) / goal) * tail * slope[~low]
        y[inside] = z
    return np.copysign(y.reshape(wide.shape), wide).astype(x.dtype, copy=False)


def _first_erfinv(x):
    w = -np.log((1 - x) * (1 + x))
    centre = _polynomial(_GILES_CENTRE, np.minimum(w, 5.0) - 2.5) * x
    tail = _polynomial(_GILES_TAIL, np.sqrt(np.clip(w, 5.0, 16.0)) - 3) * x
    far = np.maximum(w + np.log(2), 5.0)
    return np.where(w < 5, centre, np.where(w < 16, tail, np.sqrt(far - 0.5 * np.log(np.pi * far))))


_GILES_CENTRE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
    -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_GILES_TAIL = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
    0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip
