"""A look at whether training would go through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unidl.backend import registry


def trial_run(
    model: Any,
    x: Any,
    y: Any = None,
    validation_data: Any = None,
    callbacks: Sequence[Any] | None = None,
    **kwargs: Any,
) -> dict[str, float]:
    """One batch of training, of validation and of predict; then all is as before.

    It finds in seconds what would stop `fit` after hours: data that does not fit, a metric that
    fails, a callback with a mistake. Weights, optimizer, metrics and random numbers are put back. A
    model that was not built is built. An iterator loses the batches that are looked at; files that
    callbacks write stay.

    Args:
        model: a compiled model.
        x, y, validation_data, callbacks, kwargs: as for `fit`, but for `epochs` and the numbers of
            steps.

    Returns:
        What the epoch of one batch reported, by name.

    Raises:
        TypeError: `epochs`, `steps_per_epoch`, `validation_steps` or `initial_epoch` is given.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> unidl.utils.trial_run(model, np.ones((8, 2)), np.zeros((8, 1)))
        {'loss': 4.0}
        >>> model.get_weights()[0].ravel(), int(model.optimizer.iterations)  # as before
        (array([1., 1.], dtype=float32), 0)
    """
    from unidl.training.data import make_batches
    from unidl.training.kept_state import KeptState

    fixed = ("epochs", "initial_epoch", "steps_per_epoch", "validation_steps")
    given = [name for name in fixed if name in kwargs]
    if given:
        raise TypeError(
            f"trial_run: it runs one batch of each phase, so do not give {', '.join(given)}."
        )
    model._require_compiled("trial_run")
    size, weights = kwargs.get("batch_size"), kwargs.get("sample_weight")
    with registry.use_backend(model.backend):
        source = make_batches(x, y, weights, size, False, None, 1, "fit")
        model._prepare(source, "train")
        first = source.sample()[0]
        before = KeptState(model)
    stopped, history = model.stop_training, vars(model).get("history")
    try:
        found = model.fit(
            x,
            y,
            epochs=1,
            steps_per_epoch=1,
            validation_data=validation_data,
            validation_steps=None if validation_data is None else 1,
            callbacks=callbacks,
            **({"verbose": 0} | kwargs),
        )
        model.predict(first, verbose=0)
    finally:
        before.restore()
        model.stop_training = stopped
        if history is None:
            vars(model).pop("history", None)
        else:
            model.history = history
    return {name: values[-1] for name, values in found.history.items()}
