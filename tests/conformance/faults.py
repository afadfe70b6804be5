"""Deliberate faults, one mistake each, as somebody who writes or mends an adapter could make it.

A fault is a function `(right, B, *args, **kwargs)` in the place of one method of a backend: `right`
is the method as it was, `B` the backend. `cases` are those of the suite that must notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unidl.backend.contract.conv import explicit_padding


@dataclass(frozen=True)
class Fault:
    name: str
    backend: str
    method: str
    cases: tuple[str, ...]
    faulty: Callable


FAULTS: list[Fault] = []


def fault(backend, method, *cases):
    """Put the decorated function into the table."""

    def add(faulty):
        name = f"{backend}, {faulty.__name__.replace('_', ' ')}"
        FAULTS.append(Fault(name, backend, method, cases, faulty))
        return faulty

    return add


# -- float32 alone, and long sums alone
# --------------------------------------------------------------


def _long(B, x):
    return B.dtype(x) == "float32" and B.shape(x)[-1] > 4096


@fault("numpy", "matmul", "matmul: large")
def a_long_product_adds_up_in_float16(right, B, x1, x2):
    if not _long(B, x1):
        return right(x1, x2)
    terms = B.to_numpy(x1)[:, :, None] * B.to_numpy(x2)
    return B.asarray(np.add.accumulate(terms.astype("float16"), 1)[:, -1].astype("float32"))


@fault("torch", "matmul", "matmul: large")
def a_long_product_leaves_out_a_term(right, B, x1, x2):
    return right(x1[:, :-1], x2[:-1]) if _long(B, x1) else right(x1, x2)


@fault("tensorflow", "einsum", "einsum: large")
def a_long_product_is_a_little_too_large(right, B, subscripts, *operands):
    y = right(subscripts, *operands)
    return y * 1.0001 if B.dtype(y) == "float32" else y


@fault("mxnet", "conv", "conv: large, 4,608 terms")
def a_long_convolution_rounds_its_inputs_to_float16(right, B, x, kernel, *args):
    if B.dtype(x) != "float32":
        return right(x, kernel, *args)
    return right(B.cast(B.cast(x, "float16"), "float32"), kernel, *args)


# -- functions
# ----------------------------------------------------------------------------------------


@fault("numpy", "abs", "abs: kink")
def gradient_of_abs_at_zero_is_one(right, B, x):
    return B.where(B.greater_equal(x, 0), x, B.negative(x))


@fault("torch", "maximum", "maximum: ties")
def a_tie_goes_to_the_first(right, B, x1, x2):
    return B.where(B.greater_equal(x1, x2), x1, x2)


@fault("mxnet", "max", "max: ties share")
def every_tie_gets_the_whole_gradient(right, B, x, axis=None, keepdims=False):
    top = right(x, axis, keepdims)
    ties = B.sum(B.cast(B.equal(x, right(x, axis, True)), B.dtype(x)), axis, keepdims)
    return B.add(B.multiply(B.subtract(top, B.stop_gradient(top)), ties), B.stop_gradient(top))


@fault("tensorflow", "round", "round: half to even")
def halves_are_rounded_up(right, B, x):
    return B.floor(B.add(x, 0.5))


@fault("torch", "mod", "mod: both signs")
def the_remainder_has_the_sign_of_the_dividend(right, B, x1, x2):
    return B.subtract(x1, B.multiply(B.trunc(B.divide(x1, x2)), x2))


@fault("tensorflow", "var", "var: all axes")
def the_variance_is_unbiased(right, B, x, axis=None, keepdims=False):
    y = right(x, axis, keepdims)
    n = np.prod(B.shape(x)) / max(np.prod(B.shape(y)), 1)
    return B.multiply(y, float(n / (n - 1)))


@fault("mxnet", "var", "var: larger offset")
def the_variance_takes_one_pass(right, B, x, axis=None, keepdims=False):
    return B.subtract(B.mean(B.square(x), axis, keepdims), B.square(B.mean(x, axis, keepdims)))


@fault("numpy", "matmul", "matmul: long")
def float64_products_go_through_float32(right, B, x1, x2):
    return B.cast(right(B.cast(x1, "float32"), B.cast(x2, "float32")), B.dtype(x1))


@fault("torch", "exp", "exp")
def a_constant_has_seven_digits(right, B, x):
    return B.multiply(right(x), 1.0 + 1e-7)


@fault("torch", "sum", "sum: many")
def a_long_sum_runs_in_16_bits(right, B, x, axis=None, keepdims=False):
    return (
        B.cast(right(B.cast(x, "bfloat16"), axis, keepdims), B.dtype(x))
        if B.dtype(x) == "float32"
        else right(x, axis, keepdims)
    )


@fault("mxnet", "getitem", "getitem: slice")
def a_slice_drops_its_gradient(right, B, x, key):
    return B.stop_gradient(right(x, key))


@fault("tensorflow", "scatter_add", "scatter_add: repeated indices")
def repeated_indices_are_written_once(right, B, x, indices, updates):
    return B.scatter_update(x, indices, updates)


@fault("numpy", "argsort", "argsort: stable with ties")
def the_order_of_ties_is_turned_round(right, B, x, axis):
    n = B.shape(x)[axis]
    return B.subtract(n - 1, right(B.flip(x, axis), axis))


@fault("torch", "clip", "clip: passes at its bounds")
def the_gradient_stops_at_the_bounds(right, B, x, low, high):
    y = right(x, low, high)
    inside = B.logical_and(B.greater(x, low), B.less(x, high))
    return B.where(inside, y, B.stop_gradient(y))


@fault("tensorflow", "pad", "pad: reflect")
def reflect_repeats_the_border(right, B, x, pad_width, mode="constant", constant_values=0):
    return right(x, pad_width, "symmetric" if mode == "reflect" else mode, constant_values)


# -- neural networks
# ----------------------------------------------------------------------------------


@fault("mxnet", "gelu", "gelu")
def gelu_is_approximated_unasked(right, B, x, approximate):
    return right(x, True)


@fault("tensorflow", "log_softmax", "log_softmax: saturated")
def the_logarithm_of_a_rounded_softmax(right, B, x, axis=-1):
    return B.log(B.softmax(x, axis))


@fault("numpy", "relu", "relu: kink")
def relu_has_slope_one_at_zero(right, B, x):
    return B.where(B.less(x, 0), B.full_like(x, 0), x)


@fault("torch", "layer_norm", "layer_norm")
def epsilon_is_a_hundred_times_too_large(right, B, x, gamma, beta, axes, epsilon):
    return right(x, gamma, beta, axes, 100 * epsilon)


@fault("mxnet", "batch_norm_training", "batch_norm_training: vectors", "layer BatchNormalization")
def the_batch_variance_is_unbiased(right, B, x, gamma, beta, axes, epsilon):
    y, mean, var = right(x, gamma, beta, axes, epsilon)
    n = np.prod([B.shape(x)[a] for a in axes])
    return y, mean, B.multiply(var, float(n / (n - 1)))


@fault(
    "tensorflow",
    "batch_norm_inference",
    "batch_norm_inference: images",
    "layer BatchNormalization, inference",
)
def epsilon_is_added_to_the_deviation(right, B, x, gamma, beta, mean, var, axes, epsilon):
    deviation = B.add(B.sqrt(var), epsilon)
    return right(x, gamma, beta, mean, B.square(deviation), axes, 0.0)


@fault("torch", "attention", "attention: scale")
def the_scale_is_ignored(right, B, query, key, value, bias=None, scale=1.0):
    return right(query, key, value, bias, 1.0)


@fault("numpy", "attention", "attention: causal", "layer Attention, masks")
def the_mask_is_ignored(right, B, query, key, value, bias=None, scale=1.0):
    return right(query, key, value, None, scale)


@fault("torch", "lstm", "lstm", "layer LSTM")
def two_gates_change_places(right, B, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
    def swapped(w):
        i, f, g, o = B.split(w, 4, -1)
        return B.concatenate([f, i, g, o], -1)

    return right(
        x,
        h,
        c,
        swapped(kernel),
        swapped(recurrent_kernel),
        None if bias is None else swapped(bias),
        reverse,
    )


@fault("mxnet", "gru", "gru", "layer GRU")
def the_recurrent_bias_is_forgotten(right, B, x, h, kernel, recurrent_kernel, bias, reverse=False):
    if bias is not None:
        first = B.getitem(bias, (0,))
        bias = B.stack([first, B.full_like(first, 0)], 0)
    return right(x, h, kernel, recurrent_kernel, bias, reverse)


@fault("tensorflow", "lstm", "lstm: reverse", "layer LSTM, backwards")
def time_runs_forwards_only(right, B, x, h, c, kernel, recurrent_kernel, bias, reverse=False):
    return right(x, h, c, kernel, recurrent_kernel, bias, False)


# -- windows
# ------------------------------------------------------------------------------------------


def _mirrored(padding, sizes, window, strides, dilation=None):
    arguments = (padding, sizes, window, strides) + ((dilation,) if dilation else ())
    return tuple((after, before) for before, after in explicit_padding(*arguments))


@fault("torch", "conv", "conv: 2d same, stride, even size")
def the_odd_column_of_padding_comes_first(
    right, B, x, kernel, strides, padding, dilation, groups=1
):
    pairs = _mirrored(padding, B.shape(x)[1:-1], B.shape(kernel)[:-2], strides, dilation)
    return right(x, kernel, strides, pairs, dilation, groups)


@fault("numpy", "conv", "conv: 2d")
def the_kernel_is_turned_round(right, B, x, kernel, strides, padding, dilation, groups=1):
    return right(
        x,
        B.flip(kernel, (0, 1)) if len(strides) == 2 else kernel,
        strides,
        padding,
        dilation,
        groups,
    )


@fault("mxnet", "conv", "conv: 2d dilation, same")
def dilation_is_ignored(right, B, x, kernel, strides, padding, dilation, groups=1):
    return right(x, kernel, strides, padding, (1,) * len(strides), groups)


@fault("tensorflow", "conv_transpose", "conv_transpose: 2d cut at the start")
def a_transposed_convolution_starts_at_zero(right, B, x, kernel, strides, dilation, starts, sizes):
    return right(x, kernel, strides, dilation, (0,) * len(starts), sizes)


@fault("numpy", "avg_pool", "avg_pool: 2d same, uneven padding")
def padding_counts_in_the_average(right, B, x, window, strides, padding):
    pairs = explicit_padding(padding, B.shape(x)[1:-1], window, strides)
    return right(B.pad(x, ((0, 0), *pairs, (0, 0))), window, strides, "valid")


@fault("torch", "max_pool", "max_pool: 2d asymmetric padding")
def zeros_take_part_in_the_maximum(right, B, x, window, strides, padding):
    pairs = explicit_padding(padding, B.shape(x)[1:-1], window, strides)
    return right(B.pad(B.subtract(x, 9.0), ((0, 0), *pairs, (0, 0))), window, strides, "valid")


# -- random numbers
# -----------------------------------------------------------------------------------


@fault("numpy", "random_bits", "random_bits: equals mix, key (1, 2)")
def half_of_the_key_is_not_used(right, B, key, shape):
    return right((key[0], 0), shape)


@fault("torch", "dropout", "dropout", "layer Dropout")
def a_stream_is_used_twice(right, B, x, key, rate, noise_shape=None):
    return right(x, (3, 3), rate, noise_shape)


@fault("tensorflow", "keep_mask", "keep_mask: rate 0.1, key (1, 2)")
def the_rate_is_that_of_what_stays(right, B, key, shape, rate):
    return right(key, shape, 1 - rate)


@fault("mxnet", "dropout", "dropout: half")
def what_stays_is_not_rescaled(right, B, x, key, rate, noise_shape=None):
    return B.multiply(right(x, key, rate, noise_shape), 1 - rate)


# -- optimizers, variables, gradients
# ------------------------------------------------------------------


@fault("torch", "adam_update", "adam_update: large epsilon")
def adams_epsilon_stands_under_the_root(
    right, B, params, grads, m, v, *, alpha, beta_1, beta_2, epsilon
):
    return right(
        params, grads, m, v, alpha=alpha, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon**0.5
    )


@fault("numpy", "adam_update", "adam_update: in mid-run")
def the_betas_change_places(right, B, params, grads, m, v, *, alpha, beta_1, beta_2, epsilon):
    return right(params, grads, m, v, alpha=alpha, beta_1=beta_2, beta_2=beta_1, epsilon=epsilon)


@fault("mxnet", "sgd_update", "sgd_update: nesterov in mid-run")
def nesterov_is_ignored(right, B, params, grads, velocities, *, learning_rate, momentum, nesterov):
    return right(
        params, grads, velocities, learning_rate=learning_rate, momentum=momentum, nesterov=False
    )


@fault("tensorflow", "rmsprop_update", "rmsprop_update: in mid-run")
def the_old_average_weighs_too_little(right, B, params, grads, v, *, learning_rate, rho, epsilon):
    return right(params, grads, v, learning_rate=learning_rate, rho=1 - rho, epsilon=epsilon)


@fault("tensorflow", "value_and_grad", "value_and_grad: order, unused, aux, assignment")
def gradients_come_back_in_the_wrong_order(right, B, fn, variables, has_aux=False):
    value, gradients = right(fn, list(variables), has_aux=has_aux)
    return value, list(gradients)[::-1]


# -- only under some conditions: sizes, rates, what is asked for ----------------------------------


@fault("torch", "dropout", "dropout: most")
def high_rates_scale_by_the_rate(right, B, x, key, rate, noise_shape=None):
    y = right(x, key, rate, noise_shape)
    return B.multiply(y, (1 - rate) / rate) if rate > 0.5 else y


@fault("torch", "attention", "attention: mask of 64 keys", "attention: mask of 257 keys")
def the_mask_is_ignored_from_sixteen_keys_on(right, B, query, key, value, bias=None, scale=1.0):
    return right(query, key, value, bias if B.shape(key)[-2] < 16 else None, scale)


@fault("mxnet", "attention", "attention: mask of 257 keys")
def keys_after_the_first_block_are_not_masked(right, B, query, key, value, bias=None, scale=1.0):
    if bias is not None and B.shape(bias)[-1] > 256:
        head = B.getitem(bias, (..., slice(0, 256)))
        tail = B.getitem(bias, (..., slice(256, None)))
        bias = B.concatenate([head, B.full_like(tail, 0)], -1)
    return right(query, key, value, bias, scale)


@fault("torch", "adam_update", "adam_update: twenty tensors")
def long_lists_forget_the_second_moment(
    right, B, params, grads, m, v, *, alpha, beta_1, beta_2, epsilon
):
    if len(params) >= 5:
        v = [B.full_like(x, 1) for x in v]
    return right(params, grads, m, v, alpha=alpha, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)


@fault("numpy", "sgd_update", "sgd_update: nesterov, twenty tensors")
def long_lists_lose_their_last_tensor(
    right, B, params, grads, velocities, *, learning_rate, momentum, nesterov
):
    if len(params) >= 8:
        grads = [*grads[:-1], B.full_like(grads[-1], 0)]
    return right(
        params,
        grads,
        velocities,
        learning_rate=learning_rate,
        momentum=momentum,
        nesterov=nesterov,
    )


@fault("numpy", "simple_rnn", "simple_rnn", "layer SimpleRNN")
def inputs_alone_get_half_of_their_gradient(
    right, B, x, h, kernel, recurrent_kernel, bias, activation="tanh", reverse=False
):
    if type(kernel) is np.ndarray:  # nobody wants its gradient
        x = B.add(B.multiply(x, 0.5), B.stop_gradient(B.multiply(x, 0.5)))
    return right(x, h, kernel, recurrent_kernel, bias, activation, reverse)


@fault("torch", "lstm", "layer LSTM")
def frozen_weights_stop_the_gradient_of_the_inputs(
    right, B, x, h, c, kernel, recurrent_kernel, bias, reverse=False
):
    return right(
        x if kernel.requires_grad else B.stop_gradient(x),
        h,
        c,
        kernel,
        recurrent_kernel,
        bias,
        reverse,
    )


# -- memory and tapes -----------------------------------------------------------------------------


@fault("torch", "copy", "copy: shares no memory")
def a_copy_is_the_tensor_itself(right, B, x):
    return x


@fault("mxnet", "store", "store: shares no memory")
def a_store_is_the_tensor_itself(right, B, value):
    return value


@fault("torch", "value_and_grad", "value_and_grad: aux does not hold the tape")
def aux_comes_back_as_it_was_recorded(right, B, fn, variables, has_aux=False):
    recorded = []

    def watched():
        result = fn()
        recorded.extend(result[1])
        return result

    (value, _), gradients = right(watched, variables, has_aux=True)
    return (value, recorded), gradients


@fault("torch", "write", "write: does not hold the tape")
def an_assigned_value_stays_on_the_tape(right, B, store, value):
    return value


@fault("torch", "detach", "detach: does not hold the tape")
def what_a_step_assigns_stays_on_the_tape(right, B, value):
    return value
