"""Optimizers' epsilons and Nesterov, losses' reductions and smoothing, initializers' limits."""

import numpy as np
import pytest

from tests.golden.pinned import pinned
from unidl import initializers, losses, optimizers
from unidl.backend import Variable

G = np.array([1e-3, -2e-7, 0.5])


def _steps(optimizer, gradients):
    v = Variable(np.zeros(3), dtype="float64")
    optimizer.build([v])
    for g in gradients:
        optimizer.begin_step()
        optimizer.apply([v.backend.asarray(g)])
    return v.value


def test_adam(backend):
    def formula(epsilon=1e-7, corrected=False, beta_1=0.9, beta_2=0.999):
        m = v = p = np.zeros(3)
        for t in (1, 2):
            g = G * t
            m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
            c1, c2 = 1 - beta_1**t, 1 - beta_2**t
            # Kingma and Ba, end of section 2: epsilon hat, beside the root of what is not
            # corrected.
            p = p - 1e-3 * (
                m / c1 / (np.sqrt(v / c2) + epsilon)
                if corrected
                else np.sqrt(c2) / c1 * m / (np.sqrt(v) + epsilon)
            )
        return p

    found = _steps(optimizers.Adam(), [G, 2 * G])
    pinned(found, formula, epsilon=(1e-8, 1e-6), corrected=True, beta_1=0.99, beta_2=0.99)


def test_rmsprop(backend):
    def formula(epsilon=1e-7, inside=True, rho=0.9):
        v = p = np.zeros(3)
        for t in (1, 2):
            g = G * t
            v = rho * v + (1 - rho) * g**2
            p = p - 1e-3 * g / (np.sqrt(v + epsilon) if inside else np.sqrt(v) + epsilon)
        return p

    pinned(_steps(optimizers.RMSprop(), [G, 2 * G]), formula, epsilon=1e-8, inside=False, rho=0.99)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(backend, nesterov):
    def formula(nesterov=nesterov):
        v = p = np.zeros(3)
        for t in (1, 2, 3):
            v = 0.875 * v - 0.25 * G * t
            p = p + (0.875 * v - 0.25 * G * t if nesterov else v)
        return p

    found = _steps(optimizers.SGD(0.25, momentum=0.875, nesterov=nesterov), [G, 2 * G, 3 * G])
    pinned(found, formula, nesterov=not nesterov)


MATRIX = np.array([[3e-3, -2e-4, 0.5], [0.25, -1.0, 0.125]])


def _matrix_steps(optimizer):
    v = Variable(np.full((2, 3), 0.5), dtype="float64", name="v")
    for t in (1, 2):
        optimizer.apply([v.backend.asarray(MATRIX * t**2 + 0.1 * t)], [v])
    return v.value


def test_adafactor(backend):
    def rms(x):
        return np.sqrt((x**2).mean())

    def formula(decay=-0.8, threshold=1.0, smallest=1e-3, relative=True, factored=True):
        p, r, c, v = np.full((2, 3), 0.5), np.zeros(2), np.zeros(3), np.zeros((2, 3))
        for t in (1, 2):
            g = MATRIX * t**2 + 0.1 * t
            new = t**decay
            r, c = r + new * ((g**2).mean(1) - r), c + new * ((g**2).mean(0) - c)
            v = np.outer(r / r.mean(), c) if factored else v + new * (g**2 - v)
            u = g / np.sqrt(v)
            p = p - max(smallest, rms(p)) * min(0.9, t**-0.5 if relative else 1) * u / max(
                1, rms(u) / threshold
            )
        return p

    found = _matrix_steps(optimizers.Adafactor(0.9))
    pinned(found, formula, decay=-0.5, threshold=0.5, smallest=1.0, relative=False, factored=False)


def test_muon(backend):
    def formula(
        momentum=0.95,
        nesterov=True,
        rms_rate=0.2,
        steps=5,
        a=3.4445,
        b=-4.7750,
        c=2.0315,
        decay=0.004,
    ):
        p, m = np.full((2, 3), 0.5), np.zeros((2, 3))
        for t in (1, 2):
            g = MATRIX * t**2 + 0.1 * t
            m = momentum * m + g
            x = g + momentum * m if nesterov else m
            x = x / (np.linalg.norm(x) + 1e-7)
            for _ in range(steps):
                s = x @ x.T
                x = a * x + (b * s + c * s @ s) @ x
            p = p - p * decay * 0.25 - 0.25 * x * np.sqrt(3) * rms_rate
        return p

    found = _matrix_steps(optimizers.Muon(0.25))
    pinned(
        found,
        formula,
        momentum=0.9,
        nesterov=False,
        rms_rate=0.25,
        steps=4,
        a=3.4,
        b=-4.8,
        c=2.0,
        decay=0.0,
    )


TRUE, PRED = (
    np.array([[1.0, 2.0], [0.0, 4.0], [3.0, 3.0]]),
    np.array([[0.5, 2.5], [1.0, 1.0], [2.0, 5.0]]),
)
EACH = ((TRUE - PRED) ** 2).mean(1)
WEIGHTS, MASK = np.array([0.5, 2.0, 4.0]), np.array([True, False, True])


def test_weights_do_not_change_the_divisor(backend):
    def formula(divisor=3.0):
        return (EACH * WEIGHTS).sum() / divisor

    pinned(
        losses.MeanSquaredError()(TRUE, PRED, sample_weight=WEIGHTS), formula, divisor=WEIGHTS.sum()
    )


def test_weights_are_of_samples(backend):
    true, pred = np.zeros((2, 2, 1)), np.array([[[1.0], [2.0]], [[3.0], [4.0]]])

    def formula(weights=((0.5, 0.5), (2.0, 2.0))):
        return (pred[..., 0] ** 2 * np.array(weights)).sum() / 4

    pinned(
        losses.MeanSquaredError()(true, pred, sample_weight=np.array([0.5, 2.0])),
        formula,
        weights=((0.5, 2.0), (0.5, 2.0)),
    )


def test_a_mask_changes_the_divisor(backend):
    """The mask is handed on with the predictions, as between layers."""
    from unidl.losses.reduction import reduce_weighted

    def formula(divisor=2.0):
        return (EACH * MASK * WEIGHTS).sum() / divisor

    values, mask = backend.asarray(EACH), backend.asarray(MASK.astype("float64"))
    pinned(
        reduce_weighted(values, backend.asarray(WEIGHTS), mask, "sum_over_batch_size"),
        formula,
        divisor=(3.0, WEIGHTS.sum()),
    )


@pytest.mark.parametrize("classes", [2, 4])
def test_label_smoothing(backend, classes):
    p = np.random.default_rng(0).dirichlet(np.ones(classes), 3)
    t = np.eye(classes)[[0, 1, 0]]

    def formula(share=1 / classes, smoothing=0.25):
        return -((t * (1 - smoothing) + smoothing * share) * np.log(p)).sum(1).mean()

    pinned(
        losses.CategoricalCrossentropy(label_smoothing=0.25)(t, p),
        formula,
        share=1 / (classes - 1),
        smoothing=0.0,
    )


def test_binary_label_smoothing_and_clipping(backend):
    p, t = np.array([[0.2, 0.9, 0.0]]), np.array([[0.0, 1.0, 1.0]])

    def formula(smoothing=0.25, clip=1e-7):
        q, y = np.clip(p, clip, 1 - clip), t * (1 - smoothing) + smoothing / 2
        return -(y * np.log(q) + (1 - y) * np.log(1 - q)).mean()

    found = losses.BinaryCrossentropy(label_smoothing=0.25)(t, p)
    # Keras adds nothing to the clipped probabilities; 1e-7 is epsilon().
    pinned(found, formula, tolerance=1e-6, smoothing=0.0, clip=(1e-5, 1e-12))


FAN_IN, FAN_OUT = 300, 200
CUT = 0.87962566103423978  # standard deviation of a normal distribution that is cut at 2


@pytest.mark.parametrize(
    ("kind", "scale"),
    [("glorot", 2 / (FAN_IN + FAN_OUT)), ("he", 2 / FAN_IN), ("lecun", 1 / FAN_IN)],
)
def test_limits_of_initializers(backend, kind, scale):
    def limit(factor=3.0):
        return np.sqrt(factor * scale)

    def cut(divisor=CUT):
        return 2 * np.sqrt(scale) / divisor

    uniform = np.asarray(
        getattr(initializers, f"{kind.title() if kind != 'lecun' else 'Lecun'}Uniform")(seed=1)(
            (FAN_IN, FAN_OUT)
        )
    )
    normal = np.asarray(
        getattr(initializers, f"{kind.title() if kind != 'lecun' else 'Lecun'}Normal")(seed=1)(
            (FAN_IN, FAN_OUT)
        )
    )
    # Of 60,000 draws the largest comes as near to the limit as 1 in 1,000.
    pinned(np.abs(uniform).max(), limit, tolerance=1e-3, factor=(1.0, 6.0))
    pinned(np.abs(normal).max(), cut, tolerance=5e-3, divisor=0.1)
    pinned(
        normal.std(),
        lambda divisor=CUT: np.sqrt(scale) * CUT / divisor,
        tolerance=1e-2,
        divisor=(0.05,),
    )


def test_truncated_normal_is_cut_at_two_deviations(backend):
    values = np.asarray(initializers.TruncatedNormal(stddev=0.05, seed=1)((300, 200)))
    assert 0.0995 < np.abs(values).max() <= 0.1
    assert values.std() == pytest.approx(0.05 * CUT, rel=1e-2)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_orthogonal(backend, shape):
    q = np.asarray(initializers.Orthogonal(gain=2.0, seed=1)(shape))
    product = q.T @ q if shape[0] > shape[1] else q @ q.T
    pinned(product, lambda gain=2.0: gain**2 * np.eye(4), gain=1.0)
