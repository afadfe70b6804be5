"""PyDataset: batches by their number."""

from __future__ import annotations

from typing import Any

from unidl.typing import TensorLike


class PyDataset:
    """A source of batches for `fit`: subclass it with `__len__` (batches in an epoch) and
    `__getitem__(i)` (one batch).

    A batch is (x, y) or (x, y, sample_weight). `fit` draws a new order of the batches for each
    epoch, unless shuffle=False, and calls `on_epoch_begin` and `on_epoch_end` around it.

    Args:
        workers: threads that make batches ahead of the training; 1 makes each when it is its turn.
        use_multiprocessing: must be False.
        max_queue_size: how many batches may wait.

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

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        if use_multiprocessing:
            raise NotImplementedError(
                f"{type(self).__name__}: use_multiprocessing=True is not offered. Threads are: "
                f"workers={max(2, workers)}; NumPy and "
                "the reading of files let each other run."
            )
        self.workers, self.use_multiprocessing, self.max_queue_size = (
            workers,
            use_multiprocessing,
            max_queue_size,
        )

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
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return len(self)

    def on_epoch_begin(self) -> None:
        """Before the first batch of an epoch."""

    def on_epoch_end(self) -> None:
        """After the last batch of an epoch."""


Sequence = PyDataset
