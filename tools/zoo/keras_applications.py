"""Every architecture of keras.applications."""

from __future__ import annotations

from tools.zoo.rows import Case, image, require_memory

TITLE = "keras.applications"
ABOUT = (
    "`weights=None`, 10 classes, two images of 64 x 64 (or as small as the architecture takes); "
    "the newer rows without the softmax at the end."
)
FRAMEWORK = "keras"

# Where fewer numbers than 3 x 3 come to the last normalization, rounding decides.
_SIZES = {"Inception": 160, "Xception": 96}


def names():
    from keras import applications

    return [n for n in dir(applications) if n[0].isupper() and callable(getattr(applications, n))]


def make(name):
    import keras

    keras.utils.set_random_seed(0)
    size = next((n for start, n in _SIZES.items() if name.startswith(start)), 64)
    model = getattr(keras.applications, name)(
        weights=None,
        classes=10,
        input_shape=(size, size, 3),
        classifier_activation=None,  # a softmax of large numbers is 0 and 1, which hide everything
    )
    require_memory(model.count_params())
    return Case(model, image(size, last=True))
