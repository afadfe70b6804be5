"""PyDataset: batches by their number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from unidl.training import arguments
from unidl.typing import TensorLike


class PyDataset:
    """A source of batches for `fit`: subclass it with `__len__` (batches in an epoch) and
    `__getitem__(i)` (one batch).

    A batch is (x, y) or (x, y, sample_weight). `fit` draws a new order of the batches for each
    epoch, unless shuffle=False, and calls `on_epoch_begin` and `on_epoch_end` around it. For data
    without end, override the property `num_batches` to return None and give `fit` its
    `steps_per_epoch`.

    Args:
        workers: how many batches are made at once, by threads or processes. 1 makes them one after
            the other, the next while a step runs; 0 makes each when it is its turn, in the thread
            of `fit`.
        use_multiprocessing: make them in `workers` processes, which helps where Python code makes
            them. The data set is sent to each, pickled, and again when `on_epoch_begin` or
            `on_epoch_end` has changed it; the script that is run must guard what it does by
            `if __name__ == "__main__":`. NumPy's, Python's and unidl's random numbers are seeded
            for each batch, the same for any number of workers.
        max_queue_size: how many batches may wait.

    Raises:
        TypeError, ValueError: an argument is not of its kind. In `fit`: the data set cannot be
            pickled. What `__getitem__` raises is raised by `fit`, at the batch, with the traceback
            of the worker.

    Examples:
        >>> class Squares(unidl.utils.PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...
        ...     def __getitem__(self, index):
        ...         x = np.arange(4.0).reshape(4, 1) + index
        ...         return x, x**2
        >>> model = unidl.Sequential([unidl.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(Squares(), epochs=2, verbose=0)
        >>> len(history.history["loss"])
        2
    """

    # What holds if a subclass does not call `super().__init__()`.
    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        who = type(self).__name__
        self.workers = arguments.whole(who, "workers", workers, least=0)
        self.use_multiprocessing = arguments.yes_or_no(
            who, "use_multiprocessing", use_multiprocessing
        )
        self.max_queue_size = arguments.whole(who, "max_queue_size", max_queue_size)

    def __len__(self) -> int:
        raise NotImplementedError(
            f"{type(self).__name__} must implement __len__(): the number of batches in an epoch."
        )

    def __getitem__(self, index: TensorLike) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} must implement __getitem__(index): batch number `index`, (x, "
            "y)."
        )

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch; None if there is no end."""
        return len(self)

    def __iter__(self) -> Iterator[Any]:
        """The batches in their own order, made one after the other."""
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Before the first batch of an epoch."""

    def on_epoch_end(self) -> None:
        """After the last batch of an epoch."""


Sequence = PyDataset
