"""History: the logs of every epoch."""

from unidl.callbacks.callback import Callback


class History(Callback):
    """What fit returns: `history` is {name: [value of each epoch]}, `epoch` the epochs' numbers."""

    def __init__(self):
        super().__init__()
        self.history = {}
        self.epoch = []

    def on_train_begin(self, logs=None):
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
