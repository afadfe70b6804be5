"""Write `unidl/datasets/data/digits.npz` from scikit-learn's copy of the UCI digits.

    pip install scikit-learn && python tools/make_digits.py

The result depends on nothing but the data: the permutation is a frozen NumPy stream, and the
archive holds no dates.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).parents[1] / "unidl" / "datasets" / "data" / "digits.npz"
SEED = 1998  # the year of the data set; RandomState's streams are frozen for good (NEP 19)


def split(labels):
    """Indices of the training and the test images, each shuffled: every fifth image of every digit
    is for testing.

    `labels`: (n,) int. Returns two int arrays of n - ceil(n / 5) and ceil(n / 5) elements.
    """
    shuffled = np.random.RandomState(SEED).permutation(len(labels))
    by_digit = shuffled[np.argsort(labels[shuffled], kind="stable")]
    for_test = np.zeros(len(labels), bool)
    for_test[by_digit[::5]] = True
    return shuffled[~for_test[shuffled]], shuffled[for_test[shuffled]]


def main():
    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    assert np.array_equal(images, digits.images), (
        "the pixels are whole numbers, so uint8 loses nothing"
    )
    train, test = split(labels)
    np.savez_compressed(
        TARGET,
        x_train=images[train],
        y_train=labels[train],
        x_test=images[test],
        y_test=labels[test],
    )
    print(f"{TARGET}: {len(train)} + {len(test)} images, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
