"""A run in which process 1 does something else: `faults.py WHAT`."""

import os
import signal
import sys
import time

import numpy as np

import unidl
from unidl import layers


def main(what):
    unidl.distribution.initialize(timeout=8)
    unidl.distribution.set_distribution(unidl.distribution.DataParallel())
    is_other = unidl.get_backend().process_id == 1
    unidl.utils.set_random_seed(4 if is_other and what == "seed" else 3)
    rows = 15 if is_other and what == "rows" else 16
    units = 5 if is_other and what == "model" else 4
    x, y = np.ones((rows, 3)), np.ones((rows, 1))
    model = unidl.Sequential([layers.Input((3,)), layers.Dense(units), layers.Dense(1)])
    model.compile("sgd", "mse")

    class Hurt(unidl.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if not is_other or epoch == 0:
                return
            if what == "throws":
                raise RuntimeError("a bug in process 1")
            if what == "hangs":
                time.sleep(1000)
            if what == "killed":
                os.kill(os.getpid(), signal.SIGKILL)

    model.fit(x, y, epochs=3, verbose=0, callbacks=[Hurt()])
    print("it trained")


if __name__ == "__main__":
    main(sys.argv[1])
