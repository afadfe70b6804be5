"""Make docs/verify-report.html: a CNN on the digits, verified on every installed backend.

python tools/make_verify_report.py
"""

from pathlib import Path

import unidl
from unidl import layers
from unidl.verify import verify

PAGE = Path(__file__).parents[1] / "docs" / "verify-report.html"


def make_model():
    """(model, x, y): a small CNN with batch normalization and dropout, and 640 of the digits."""
    (x, y), _ = unidl.datasets.digits.load_data()
    model = unidl.Sequential(
        [
            unidl.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.25, name="dropout"),
            layers.Dense(32, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="digits"),
        ],
        name="digits_cnn",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, x[:640, ..., None] / 16, y[:640]


if __name__ == "__main__":
    unidl.utils.set_random_seed(0)
    report = verify(*make_model())
    report.to_html(PAGE)
    print(report)
    raise SystemExit(not report.passed)
