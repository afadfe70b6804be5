"""What the examples share: real images without a download, and the command line."""

import argparse

import numpy as np

import unidl


def arguments(epochs):
    """--epochs, and --samples for a quick look."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument(
        "--samples", type=int, default=None, help="use only so many training samples"
    )
    parser.add_argument(
        "--mnist",
        action="store_true",
        help="use MNIST (downloads 11 MB) instead of the digits that ship with unidl",
    )
    return parser.parse_args()


def load_images(args):
    """((x_train, y_train), (x_test, y_test)): handwritten digits as (n, 28, 28) float32 in [0, 1].

    Without --mnist the 8x8 digits of the package, each pixel enlarged to 3x3 and a border of two
    around.
    """
    if args.mnist:
        (x, y), (xt, yt) = unidl.datasets.mnist.load_data()
        x, xt = x.astype("float32") / 255, xt.astype("float32") / 255
    else:
        (x, y), (xt, yt) = unidl.datasets.digits.load_data()
        x, xt = (
            np.pad(np.kron(a / 16, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2))).astype("float32")
            for a in (x, xt)
        )
    return (x[: args.samples], y[: args.samples]), (xt, yt)
