"""A written model as the proof asks it."""

from __future__ import annotations

from unidl.port.source.layout import loaded
from unidl.port.twin import silence
from unidl_keras.original import KerasOriginal, in_float64


def made(source, root, arrays):
    """The model that `source` makes, with these weights."""
    module = loaded(source)
    model = getattr(module, root)()
    for name, variable in module.named(model).items():
        variable.assign(arrays[name])
    for part in model.layers:
        if hasattr(part, "finalize_state"):
            part.finalize_state()
    model.named = module.named(model)
    return model


class WrittenModel(KerasOriginal):
    @in_float64()
    def __init__(self, source, root, arrays):
        model = made(source, root, arrays)
        silence(model)
        self._take(model)
        self._names = {id(v): name for name, v in model.named.items()}

    def _name(self, variable):
        return self._names[id(variable)]
