"""What fit, evaluate, predict and `Progbar` show while they run."""

from unidl.callbacks.progress.progress import Progress

__all__ = ["Progress"]
