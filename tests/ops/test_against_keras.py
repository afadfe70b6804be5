"""The functions that Keras has beside NumPy, against Keras itself in float64; CTC against torch."""

import numpy as np
import pytest

from tests.reference import close, in_float64
from unidl import ops, use_backend

rng = np.random.default_rng(11)


def floats(*shape):
    return rng.normal(size=shape)


IDS = np.array([0, 2, 2, 1, 0], "int32")
HOLES = np.array([[1.0, np.nan, 3.0, -2.0], [np.nan, np.nan, -2.0, 0.5]])
PAIR = floats(3, 8), floats(3, 8)
TARGET = np.array([[1, 2, 2], [3, 1, 0]], "int32")
# TensorFlow computes these in float32.
SINGLE = {"ctc_loss": 1e-6, "ctc_decode, beams": 1e-6}

CALLS = {
    **{
        name: (lambda o, x, name=name: getattr(o, name)(x, IDS, 3), (floats(5, 2),))
        for name in ("segment_sum", "segment_max", "segment_min", "segment_prod")
    },
    "nanargmax": (lambda o, x: o.nanargmax(x, 0, True), (HOLES,)),
    "nanquantile": (lambda o, x: o.nanquantile(x, [0.2, 0.7], 1, "midpoint"), (HOLES,)),
    "nanpercentile": (lambda o, x: o.nanpercentile(x, 40, 1), (HOLES,)),
    "nanmedian": (lambda o, x: o.nanmedian(x), (HOLES,)),
    "corrcoef": (lambda o, x: o.corrcoef(x), (floats(3, 7),)),
    **{
        f"correlate, {mode}": (lambda o, x, y, m=mode: o.correlate(x, y, m), (floats(7), floats(4)))
        for mode in ("valid", "same", "full")
    },
    "histogram": (lambda o, x: o.histogram(x, 5, (-1.0, 1.5)), (floats(40),)),
    "lu_factor": (lambda o, x: o.lu_factor(x)[0], (floats(4, 4),)),
    "unfold": (lambda o, x: o.unfold(x, (2, 3), 1, (1, 0), (1, 2)), (floats(2, 3, 5, 7),)),
    "fold": (lambda o, x: o.fold(x, (4, 5), 2), (floats(2, 12, 12),)),
    "extract_sequences": (lambda o, x: o.extract_sequences(x, 4, 3), (floats(2, 10),)),
    "rearrange": (
        lambda o, x: o.rearrange(x, "b (h p) w c -> (b h) (c w) p", p=2),
        (floats(2, 4, 3, 5),),
    ),
    "fft": (lambda o, x, y: o.fft((x, y)), PAIR),
    "fft2": (lambda o, x, y: o.fft2((x, y)), PAIR),
    "ifft2": (lambda o, x, y: o.ifft2((x, y)), PAIR),
    "rfft": (lambda o, x: o.rfft(x, 6), (floats(3, 8),)),
    "irfft": (lambda o, x, y: o.irfft((x, y), 12), PAIR),
    **{
        f"stft, {w}, {c}": (lambda o, x, w=w, c=c: o.stft(x, 6, 2, 8, w, c), (floats(2, 24),))
        for w in ("hann", "hamming")
        for c in (True, False)
    },
    # TensorFlow, under Keras here, divides as if further windows followed at the ends.
    "istft, middle": (
        lambda o, x: o.istft(o.stft(x, 8, 2, 8), 8, 2, 8)[..., 4:-4],
        (floats(2, 24),),
    ),
    "associative_scan": (
        lambda o, x: o.associative_scan(lambda a, b: a * b, x, True, 1),
        (floats(3, 5),),
    ),
    "scatter_update, max": (
        lambda o, x, u: o.scatter_update(x, [[1], [0], [1]], u, "max"),
        (floats(3, 2), floats(3, 2)),
    ),
    "i0": (lambda o, x: o.i0(x), (3 * floats(5),)),
    "gcd": (lambda o, x: o.gcd(x, 18), (np.array([12, -27, 0, 5], "int32"),)),
    "lcm": (
        lambda o, x: o.lcm(x, np.array([8, 6, 4, 3], "int32")),
        (np.array([12, -27, 0, 5], "int32"),),
    ),
    "signbit": (lambda o, x: o.cast(o.signbit(x), "int32"), (np.array([-1.0, 2.0, -0.0]),)),
    "ctc_loss": (
        lambda o, x: o.ctc_loss(TARGET, x, np.array([3, 2], "int32"), np.array([8, 6], "int32")),
        (floats(2, 8, 5),),
    ),
    "ctc_decode": (lambda o, x: o.ctc_decode(x, np.array([8, 6], "int32")), (floats(2, 8, 4),)),
    "ctc_decode, beams": (
        lambda o, x: o.ctc_decode(x, np.array([8, 6], "int32"), "beam_search", 100, 2),
        (floats(2, 8, 4),),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_against_keras(name):
    call, args = CALLS[name]
    with in_float64() as keras, use_backend("numpy"):
        theirs = call(keras.ops, *(keras.ops.convert_to_tensor(x) for x in args))
        ours = call(ops, *args)
        parts = [list(x) if isinstance(x, (tuple, list)) else [x] for x in (ours, theirs)]
        for mine, reference in zip(*parts, strict=True):
            close(mine, keras.ops.convert_to_numpy(reference), SINGLE.get(name, 1e-11))


@pytest.mark.parametrize("blank", [0, 4])
def test_ctc_loss_and_gradient_against_torch(blank):
    torch = pytest.importorskip("torch")
    import unidl

    classes = [c for c in range(5) if c != blank]
    target = np.array(classes)[rng.integers(0, 4, (6, 4))].astype("int32")
    target[0, :3] = classes[0]  # repeated labels
    lengths, moments = (
        np.array([4, 3, 1, 0, 2, 4], "int32"),
        np.array([12, 10, 12, 5, 9, 8], "int32"),
    )
    logits = floats(6, 12, 5)
    leaf = torch.tensor(logits, requires_grad=True)
    theirs = torch.nn.functional.ctc_loss(
        torch.log_softmax(leaf, -1).transpose(0, 1),
        torch.tensor(target),
        torch.tensor(moments),
        torch.tensor(lengths),
        blank,
        "none",
    )
    theirs.sum().backward()
    with use_backend("numpy"):
        x = unidl.Variable(logits)
        value, (gradient,) = unidl.value_and_grad(
            lambda: ops.sum(ops.ctc_loss(target, x.value, lengths, moments, blank)), [x]
        )
        close(value, theirs.sum().detach().numpy())
        close(gradient, leaf.grad.numpy())
        assert np.isinf(ops.ctc_loss([[1, 1]], floats(1, 2, 5), [2], [2]))[0]
