"""From one value for each sample (or step of a sample) to the number that is minimised."""

from __future__ import annotations

import math
from typing import Any

from unidl import ops
from unidl.losses.tensors import match_rank
from unidl.tracing.rows import share_of_mean, share_of_sum, whole_mean, whole_sum
from unidl.typing import Tensor, TensorLike
from unidl.utils.rules import choice_problem, is_among
from unidl.utils.suggestions import UnknownName

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)


def check_reduction(reduction: str | None) -> Tensor:
    if not is_among(reduction, REDUCTIONS):
        raise UnknownName(choice_problem("reduction", reduction, REDUCTIONS))
    return reduction


def reduce_weighted(
    values: TensorLike,
    sample_weight: TensorLike | None,
    mask: TensorLike | None,
    reduction: str | None,
) -> Tensor:
    """Float `values` (n, ...) times weights and mask, reduced.

    Weights do not change the divisor of "sum_over_batch_size", which is the number of values.
    Masked values do not count, for it either. Weights of lower rank than the values, (n,) say, hold
    for all of a sample.
    """
    weight = _masked_weight(sample_weight, mask, reduction)
    if weight is not None:
        values, weight = match_rank(values, weight)
        weight = expand_to_rank(weight, len(values.shape))
        values = ops.multiply(values, weight)
    shape = tuple(values.shape)
    if reduction in (None, "none") or shape in ((), (0,)):
        return values
    if reduction == "mean_with_sample_weight" and weight is not None:
        return ops.divide_no_nan(ops.sum(values), whole_sum(ops.sum(weight)))
    # An empty axis has no mean; the sum over it is 0.
    empty = None not in shape and math.prod(shape) == 0
    if reduction == "sum" or empty:
        return share_of_sum(ops.sum(values))
    return share_of_mean(ops.mean(values))


def _masked_weight(sample_weight: TensorLike, mask: TensorLike, reduction: Any) -> Any:
    """Weights with those of masked values 0; the others grow so that a mean is one over what is not
    masked."""
    if mask is None:
        return sample_weight
    if reduction in ("sum_over_batch_size", "mean"):
        mask = ops.divide_no_nan(mask, whole_mean(ops.mean(mask)))
    if sample_weight is None:
        return mask
    mask, sample_weight = match_rank(mask, sample_weight)
    rank = max(len(mask.shape), len(sample_weight.shape))
    return ops.multiply(expand_to_rank(sample_weight, rank), expand_to_rank(mask, rank))


def expand_to_rank(x: TensorLike, rank: int) -> Tensor:
    """`x` with axes of size 1 at the end."""
    missing = rank - len(x.shape)
    return x if missing <= 0 else ops.expand_dims(x, tuple(range(rank - missing, rank)))
