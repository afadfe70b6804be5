"""What the generator leaves out and what Keras is known to get wrong: `known.json`, a reason on
each line."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path

from tests.fuzz.drawn import Array, Spec, made, specs

KNOWN = json.loads((Path(__file__).parent / "known.json").read_text())


def left_out(kind):
    """{name: reason}: layers, activations, or "<Layer>.<argument>" that no strategy draws."""
    return KNOWN["left out"][kind]


def wrong_values():
    """{argument: values that no layer takes for it}."""
    return KNOWN["wrong values"]


def of_keras(example):
    """The entries on Keras' own faults that fit the example: any of its layers, their arguments,
    the call's."""
    return [
        entry
        for entry in KNOWN["keras"]
        if any(_fits(entry, spec, example) for spec in specs(example.layer))
    ]


@contextmanager
def errors(faults):
    """Lets pass the errors of Keras that the entries quote ("do": "error")."""
    quoted = [fault["error"] for fault in faults if fault["do"] == "error"]
    try:
        yield
    except Exception as error:
        if isinstance(error, AssertionError) or not any(text in str(error) for text in quoted):
            raise


def _fits(entry, spec, example):
    return (
        spec.module == "layers"
        and re.fullmatch(entry["layer"], spec.name) is not None
        and all(_equal(spec.arguments.get(k), v) for k, v in entry.get("arguments", {}).items())
        and all(_equal(_flag(example.call.get(k)), v) for k, v in entry.get("call", {}).items())
    )


def _flag(value):
    """An array or a list of them counts as True."""
    return True if isinstance(value, Array | list) else value


def _equal(value, wanted):
    """Equal as JSON; a list in the data file gives the choices; "any" is anything that is set."""
    value = list(value) if isinstance(value, tuple) else value
    return (
        (value is not None)
        if wanted == "any"
        else value in wanted
        if isinstance(wanted, list)
        else value == wanted
    )


class ChannelsLast:
    """A layer of Keras in the format that TensorFlow has kernels for, called with channels
    first."""

    def __init__(self, keras, example):
        spec = example.layer
        self._axis = -1 - int(re.search(r"(\d)D", spec.name).group(1))
        self.layer = made(
            keras, Spec(spec.module, spec.name, {**spec.arguments, "data_format": "channels_last"})
        )

    def __call__(self, *inputs, **call):
        import tensorflow as tf

        def moved(x, source, target):
            axes = list(range(len(x.shape)))
            channels = axes.pop(source)
            axes.insert(len(axes) + 1 + target, channels)
            return tf.transpose(x, axes)

        outputs = self.layer(*(moved(x, self._axis, -1) for x in inputs), **call)
        return tf.nest.map_structure(lambda y: moved(y, -1, self._axis), outputs)

    def __getattr__(self, name):
        return getattr(self.layer, name)
