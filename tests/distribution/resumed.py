"""A run with backups: `resumed.py FOLDER HOW`.

HOW is "whole", "killed" (process 1 dies at the third epoch), or a number N: processes die at random
moments until N of them have. With UNIDL_SHARDS=4 in exact mode. What it ends with is in
FOLDER/weights.npz, written by the first process.
"""

import glob
import os
import random
import signal
import sys
import threading
import time

import numpy as np

import unidl
from unidl import layers


def _die(folder, number):
    open(os.path.join(folder, f"death.{number}.{time.time_ns()}"), "w").close()
    os.kill(os.getpid(), signal.SIGKILL)


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
    # Three batches in an epoch, so that a backup may be made between two updates.
    optimizer = unidl.optimizers.Adam(gradient_accumulation_steps=2)
    model.compile(optimizer, "mse")

    class End(unidl.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if how == "killed" and epoch == 3 and number == 1:
                os.kill(os.getpid(), signal.SIGKILL)

    dies = how.isdigit() and len(glob.glob(os.path.join(folder, "death.*"))) < int(how)
    if dies and random.random() < 0.6:
        threading.Timer(random.uniform(0, 0.5), _die, (folder, number)).start()
    backup = unidl.callbacks.BackupAndRestore(os.path.join(folder, "backup"))
    model.fit(x, y, batch_size=8, epochs=6, verbose=0, callbacks=[backup, End()])
    if dies:  # it was too late
        _die(folder, number)
    if number == 0:
        np.savez(os.path.join(folder, "weights.npz"), *model.get_weights())


if __name__ == "__main__":
    main(*sys.argv[1:])
