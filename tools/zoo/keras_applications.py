"""Every architecture of keras.applications."""

from __future__ import annotations

from tools.zoo.rows import Case, NotRun, image

TITLE = "keras.applications"
ABOUT = "`weights=None`, 10 classes, two images of 64 x 64 (or as small as the architecture takes)."
FRAMEWORK = "keras"

# Where fewer numbers than 3 x 3 come to the last normalization, rounding decides.
_SIZES = {"Inception": 160, "Xception": 96}
_LARGEST = 150e6


def names():
    from keras import applications

    return [n for n in dir(applications) if n[0].isupper() and callable(getattr(applications, n))]


def make(name):
    import keras

    keras.utils.set_random_seed(0)
    size = next((n for start, n in _SIZES.items() if name.startswith(start)), 64)
    model = getattr(keras.applications, name)(weights=None, classes=10, input_shape=(size, size, 3))
    if model.count_params() > _LARGEST:
        raise NotRun(
            f"{model.count_params() / 1e6:.0f} million weights are too many for its memory limit"
        )
    return Case(model, image(size, last=True))
