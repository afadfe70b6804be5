"""unidl and Keras: the same calls."""

from __future__ import annotations

import importlib

from benchmarks import models
from benchmarks.workloads import LEARNING_RATE


class HighLevel:
    """`fit`, `evaluate` and `predict` of the module called `library`."""

    library: str
    compile_options: dict = {}

    def __init__(self, workload):
        self.k = importlib.import_module(self.library)
        self.k.utils.set_random_seed(0)
        self.model = models.build(self.k, workload)
        adam = self.k.optimizers.Adam(LEARNING_RATE)
        self.model.compile(
            adam,
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            **self.compile_options,
        )
        self.batch = workload.batch

    def train(self, x, y, gate):
        # One call of fit for all epochs, as people do; the callback makes it wait for its turn
        # before each.
        class Turns(self.k.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                gate.begin()

            def on_epoch_end(self, epoch, logs=None):
                gate.end(logs["loss"], logs["accuracy"])

        self.model.fit(
            x, y, batch_size=self.batch, epochs=gate.epochs, verbose=0, callbacks=[Turns()]
        )

    def predict(self, x, batch_size):
        return self.model.predict(x, batch_size=batch_size, verbose=0)

    def evaluate(self, x, y, batch_size):
        return tuple(self.model.evaluate(x, y, batch_size=batch_size, verbose=0))


class Unidl(HighLevel):
    library = "unidl"

    def __init__(self, workload):
        import unidl

        unidl.get_backend()  # imports the framework
        super().__init__(workload)


class UnidlJit(Unidl):
    compile_options = {"jit_compile": True}


class Keras(HighLevel):
    library = "keras"
