"""A run with backups, which process 1 may end at the third epoch: `resumed.py FOLDER killed|whole`.

With UNIDL_SHARDS=4 in exact mode. What it ends with is in FOLDER/weights.npz, written by the first
process.
"""

import os
import signal
import sys

import numpy as np

import unidl
from unidl import layers


def main(folder, how):
    shards = int(os.environ["UNIDL_SHARDS"]) if "UNIDL_SHARDS" in os.environ else None
    unidl.config.set_floatx("float64")
    if os.environ.get("UNIDL_ALONE") != "1":
        unidl.distribution.initialize(timeout=30)
    unidl.distribution.set_distribution(unidl.distribution.DataParallel(virtual_shards=shards))
    number = unidl.get_backend().process_id
    unidl.utils.set_random_seed(3)
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(22, 4)), draw.normal(size=(22, 1))
    hidden = layers.Dense(6, use_bias=False)
    model = unidl.Sequential(
        [
            layers.Input((4,), dtype="float64"),
            hidden,
            layers.BatchNormalization(),
            layers.Dropout(0.25),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")

    class End(unidl.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if how == "killed" and epoch == 3 and number == 1:
                os.kill(os.getpid(), signal.SIGKILL)

    backup = unidl.callbacks.BackupAndRestore(os.path.join(folder, "backup"))
    model.fit(x, y, batch_size=8, epochs=6, verbose=0, callbacks=[backup, End()])
    if number == 0:
        np.savez(os.path.join(folder, "weights.npz"), *model.get_weights())


if __name__ == "__main__":
    main(*sys.argv[1:])
