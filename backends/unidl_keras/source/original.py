"""A written model as the proof asks it."""

from __future__ import annotations

from types import ModuleType

from unidl_keras.original import KerasOriginal, in_float64


def made(source, root, arrays):
    """The model that `source` makes, with these weights."""
    module = ModuleType("written")
    module.__file__ = "written.py"
    exec(compile(source, module.__file__, "exec"), vars(module))
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
        for part in model._flatten_layers():
            for name in ("rate", "dropout", "recurrent_dropout", "stddev"):
                if isinstance(vars(part).get(name), float):
                    setattr(part, name, 0.0)
        self._take(model)
        self._names = {id(v): name for name, v in model.named.items()}

    def _name(self, variable):
        return self._names[id(variable)]
