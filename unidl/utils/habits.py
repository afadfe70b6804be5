"""Names that torch or older versions of Keras have, with what to write here.

They are attributes that raise: as with any missing attribute `hasattr` is False, whoever defines
or assigns one of these names has it, and nothing looks at them while all is well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

C = TypeVar("C", bound=type)

_TRAINING = (
    "The mode is an argument of the call: model(x, training=True), model(x, training=False); fit "
    "trains, predict and evaluate do not."
)
_DEVICE = (
    'The device is chosen when weights are created: `with unidl.device("gpu"):` around, or '
    'UNIDL_DEVICE="gpu". `to` moves to another backend.'
)
_NO_GRADS = (
    "There are no gradients to clear: unidl.value_and_grad(function, variables) returns them, and "
    "fit computes its own."
)

OF_LAYERS = {
    "parameters": "Write trainable_weights, or weights for all weights.",
    "named_parameters": "Write [(w.path, w) for w in weights].",
    "buffers": "Write non_trainable_weights.",
    "state_dict": "Write get_weights(), or save_weights(path).",
    "load_state_dict": "Write set_weights(arrays), or load_weights(path).",
    "eval": _TRAINING,
    "train": _TRAINING,
    "zero_grad": _NO_GRADS,
    "cuda": _DEVICE,
    "cpu": _DEVICE,
    "modules": "Use a model's layers, or keep sublayers in attributes.",
    "children": "Use a model's layers, or keep sublayers in attributes.",
    "named_children": "Write [(layer.name, layer) for layer in layers].",
    "requires_grad_": "Write trainable = False, or True.",
    "register_buffer": "Write add_weight(shape, trainable=False) in build().",
    "register_parameter": "Write add_weight(shape) in build().",
    "forward": "Call the object itself, layer(x), and define call(self, inputs).",
    "weight": "The matrix is `kernel`; `weights` is the list of all weights.",
}
OF_MODELS: dict[str, str | None] = {
    # Methods of Keras' models that unidl lacks, for the reason in missing_names.json.
    **dict.fromkeys(("export", "quantize", "add_metric")),
    "fit_generator": "Write fit(generator).",
    "evaluate_generator": "Write evaluate(generator).",
    "predict_generator": "Write predict(generator).",
    "predict_classes": "Write predict(x).argmax(axis=-1).",
    "predict_proba": "Write predict(x).",
    "add_module": "Write add(layer) of a Sequential, or assign the layer to an attribute.",
}
OF_OPTIMIZERS = {
    "lr": "Write learning_rate.",
    "zero_grad": _NO_GRADS,
    "param_groups": "Write learning_rate: it applies to all variables.",
    "state_dict": "Write [v.numpy() for v in variables].",
    "load_state_dict": "Write set_weights(arrays).",
    "minimize": (
        "Write apply(gradients, variables), with gradients from unidl.value_and_grad; or use fit."
    ),
    "get_weights": "Write [v.numpy() for v in variables].",
}


class _Habit:
    """An attribute that is missing, and says what to write."""

    def __init__(self, name: str, advice: str | None) -> None:
        self.name, self.advice = name, advice

    def __get__(self, obj: Any, cls: type) -> NoReturn:
        from unidl.utils.namespaces import missing_names

        # What models lack because all layers do stands with the layers.
        missing = missing_names()
        of_keras = (missing.get(f"{owner}.{self.name}") for owner in ("Model", "Layer"))
        advice = self.advice or next(filter(None, of_keras), "")
        # With `obj` Python would add a suggestion of its own, by the looks of names alone.
        raise AttributeError(
            f"{cls.__name__!r} object has no attribute {self.name!r}. {advice}",
            name=self.name,
            obj=None,
        )


def with_habits(table: Mapping[str, str | None]) -> Callable[[C], C]:
    """A decorator that gives a class the attributes of a table above."""

    def decorate(cls: C) -> C:
        for name, advice in table.items():
            if name not in vars(cls):
                setattr(cls, name, _Habit(name, advice))
        return cls

    return decorate


def without_habits(cls: type, names: Any) -> list[str]:
    """`names` but for those that are there to say that they are not: for `__dir__`."""
    found = {n for base in cls.__mro__ for n, v in vars(base).items() if isinstance(v, _Habit)}
    return [name for name in names if name not in found]
