"""Scales: what the rounding error of a case is divided by, so that one small budget fits every
function.

An error is reported as max |x - ref| / (u·S), where u is the unit roundoff and S says, for each
element, how large an error of one rounding can fairly be. Four kinds of S, for the outputs and for
each gradient:

exact   The outputs are copies of inputs: they must be equal. A gradient adds cotangents: S is the
        gradient of |cotangent|.
ulp     Elementwise functions: S = |ref|, so the error is in units of the last place, budget 8. No
        broadcasting here.
linear  Sums of products: S is the same multilinear map of the absolute inputs, and its gradient for
        |cotangent|.
noise   Everything else: how far the oracle scatters, in float64, when each input, each cotangent
        and each result of a primitive of the contract's body is changed by a relative u with a
        random sign (the largest change of several draws, over u), plus |ref|. That is the condition
        of the computation measured rather than derived: another order of operations stays within a
        few such units, and a formula that loses digits does not.

Only "noise" cannot be used at ties and kinks, where a changed input takes another branch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from unidl.conformance.oracle import U32

DRAWS = 8
# elements: of so many, some move by chance in no draw at all, since two signs cancel in one draw of
# two
MANY = 4096


@dataclass
class Evaluation:
    """Arrays of one run: outputs in order, gradients by input name (outputs alone if `gradients` is
    empty).

    Of scales, `budgets` maps the same keys to budgets of float32 that are larger than the case's.
    `dtypes` maps the index of an output, the name of a gradient, to the dtype that the backend's
    tensor had and the one it should have; none where the arrays tell.
    """

    outputs: list
    gradients: dict
    dtypes: dict = field(default_factory=dict)
    budgets: dict = field(default_factory=dict)


def exact(evaluate, arrays, cotangents, reference):
    return _absolute(evaluate(arrays, _abs(cotangents)))


def ulp(evaluate, arrays, cotangents, reference):
    return _absolute(reference)


def linear(evaluate, arrays, cotangents, reference):
    magnitudes = {name: np.abs(a) if a.dtype.kind == "f" else a for name, a in arrays.items()}
    return _absolute(evaluate(magnitudes, _abs(cotangents)))


def noise(evaluate, arrays, cotangents, reference, draws=None):
    """`draws`: how many, by default as many as there have to be. Fewer give a smaller S, so what
    passes by it would pass by all."""
    generator = np.random.default_rng(0)

    def moved(a):
        return (
            a
            if a is None or a.dtype.kind != "f"
            else a * (1 + U32 * generator.choice((-1.0, 1.0), a.shape))
        )

    scale = _absolute(reference)
    pairs = [
        (scale.outputs, i, reference.outputs[i])
        for i in range(len(scale.outputs))
        if scale.outputs[i].dtype.kind == "f"
    ]
    pairs += [(scale.gradients, name, reference.gradients[name]) for name in scale.gradients]
    largest = [np.zeros_like(ref) for _, _, ref in pairs]
    most = max((ref.size for _, _, ref in pairs), default=0)
    for draw in range(draws or (DRAWS if most < MANY else math.ceil(math.log2(most)) + 5)):
        other = evaluate(
            {name: moved(a) for name, a in arrays.items()},
            [moved(c) for c in cotangents],
            noise=draw,
        )
        for i, (holder, key, ref) in enumerate(pairs):
            changed = (other.outputs if holder is scale.outputs else other.gradients)[key]
            with np.errstate(invalid="ignore"):
                largest[i] = np.maximum(
                    largest[i], np.nan_to_num(np.abs(changed - ref), nan=0.0, posinf=0.0)
                )
    for change, (holder, key, _) in zip(largest, pairs, strict=True):
        holder[key] = holder[key] + change / U32
    return scale


def lost_in_turn(truth, scales, found, least):
    """Budgets where a single float32 accumulator lost more than half of `least`: twice what it
    lost.

    Twice, since these are not all orders; `found` is what `in_turn` made of the case in some. One
    budget for a whole tensor: which element loses most depends on the order.
    """

    def lost(made, wanted, scale):
        if wanted.dtype.kind != "f" or not wanted.size:
            return 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            units = np.abs(made - wanted) / (U32 * scale)
        return float(np.nan_to_num(units, nan=0.0, posinf=0.0).max())

    budgets = {}
    for holder in ("outputs", "gradients"):
        wanted, scale = getattr(truth, holder), getattr(scales, holder)
        for key in range(len(wanted)) if holder == "outputs" else wanted:
            made = [getattr(evaluation, holder)[key] for evaluation in found]
            budgets[key] = 2 * max(lost(each, wanted[key], scale[key]) for each in made)
    return {key: budget for key, budget in budgets.items() if budget > least}


def _abs(cotangents):
    return [c if c is None else np.abs(c) for c in cotangents]


def _absolute(evaluation):
    def magnitude(a):
        return np.abs(a) if a.dtype.kind == "f" else a

    return Evaluation(
        [magnitude(a) for a in evaluation.outputs],
        {name: magnitude(a) for name, a in evaluation.gradients.items()},
    )


KINDS = {"exact": exact, "ulp": ulp, "linear": linear, "noise": noise}
