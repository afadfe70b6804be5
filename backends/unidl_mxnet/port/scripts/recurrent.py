"""Layers and cells of `gluon.rnn`: what a script writes for them; the classes that it gets for
them are in `recurrent_prelude`."""

from __future__ import annotations

import libcst as cst

from unidl.port.scripts.calls import bound, code
from unidl.port.scripts.source import NotPorted
from unidl_mxnet.port.scripts.initializers import initializer
from unidl_mxnet.port.scripts.layers import UNKNOWN, Given, activation_of, without_ignored

_WEIGHTS = "i2h_weight_initializer h2h_weight_initializer"
_BIASES = "i2h_bias_initializer h2h_bias_initializer"
_LAYER = "layout dropout bidirectional"
_PARAMETERS = {
    "LSTM": f"hidden_size num_layers {_LAYER} input_size {_WEIGHTS} {_BIASES} projection_size "
    "h2r_weight_initializer state_clip_min state_clip_max state_clip_nan dtype",
    "GRU": f"hidden_size num_layers {_LAYER} input_size {_WEIGHTS} {_BIASES} dtype",
    "RNN": f"hidden_size num_layers activation {_LAYER} {_WEIGHTS} {_BIASES} input_size dtype",
    "LSTMCell": f"hidden_size {_WEIGHTS} {_BIASES} input_size prefix params activation "
    "recurrent_activation",
    "GRUCell": f"hidden_size {_WEIGHTS} {_BIASES} input_size prefix params",
    "RNNCell": f"hidden_size activation {_WEIGHTS} {_BIASES} input_size prefix params",
}
_KINDS = {"LSTM": "LSTM", "GRU": "GRU", "RNN": "SimpleRNN"}
STACKS = ("SequentialRNNCell", "HybridSequentialRNNCell")
SEVERAL_LENGTHS = (
    "sequences of several lengths are not ported. Write unidl.layers.LSTM and its like, with a mask"
)
_OTHERS = {
    "use_sequence_length": SEVERAL_LENGTHS,
    "projection_size": "unidl's LSTM has no projection. Write a cell for unidl.layers.RNN",
}


def recurrent(name: str, node: cst.Call, default: str | None) -> tuple[str, str]:
    """Of `gluon.rnn.<name>(...)`: (the class that the script gets for it, the code of the call).

    default: as in `layers.layer`. Raises NotPorted.
    """
    shown = f"rnn.{name}"
    if name in STACKS:
        without_ignored(bound(node, ["prefix", "params"], shown))
        return "GluonCellStack", "GluonCellStack()"
    if name not in _PARAMETERS:
        raise NotPorted(
            "of cells LSTMCell, GRUCell, RNNCell and SequentialRNNCell are ported. Write it as a "
            "unidl.layers.Layer"
        )
    for argument in node.args:
        why = _OTHERS.get(argument.keyword.value) if argument.keyword else None
        if why and code(argument.value) not in ("None", "False"):
            raise NotPorted(why)
    parameters = _PARAMETERS[name].split()
    given = without_ignored(bound(node, [*parameters, *_OTHERS, "prefix", "params"], shown))
    for key in ("state_clip_min", "state_clip_max", "state_clip_nan"):
        if key in given and code(given[key]) not in ("None", "False"):
            raise NotPorted("unidl's LSTM does not clip its states")
    if "dtype" in given and code(given["dtype"]).strip("'\"") != "float32":
        raise NotPorted("recurrent layers are ported with float32. Write unidl.layers.LSTM")
    units = code(given["hidden_size"])
    weights, second = _initializers(name, given, default)
    options = [*_activations(name, given), *weights]
    if name.endswith("Cell"):
        cell = f"unidl.layers.{_KINDS[name[:-4]]}Cell({', '.join([units, *options])})"
        return "GluonCell", f"GluonCell({', '.join([cell, *second])})"
    usual = ("num_layers", "layout", "dropout", "bidirectional")
    options = [f"{key}={code(given[key])}" for key in usual if key in given] + options
    kind = f"unidl.layers.{_KINDS[name]}"
    return "GluonRNN", f"GluonRNN({', '.join([kind, units, *options, *second])})"


def _activations(name: str, given: Given) -> list[str]:
    """tanh is the default of both but for rnn.RNN."""
    if name == "RNN":
        given = {"activation": cst.SimpleString('"relu"'), **given}
    found = activation_of(given)
    if "recurrent_activation" in given:
        (gate,) = activation_of({"activation": given["recurrent_activation"]})
        found.append(f"recurrent_{gate}")
    return found


def _initializers(name: str, given: Given, default: str | None) -> tuple[list[str], list[str]]:
    """Arguments of unidl's layer, and of the class around it, which has the second bias."""
    found = []
    for theirs, ours in (("i2h_weight", "kernel"), ("h2h_weight", "recurrent")):
        node = given.get(f"{theirs}_initializer")
        made = default if node is None or code(node) == "None" else initializer(node)
        if made is None:
            raise NotPorted(UNKNOWN.replace("a weight_init", "an i2h_ and an h2h_weight_init"))
        found.append(f"{ours}_initializer={made}")
    first, second = (_bias(given.get(f"{one}_bias_initializer")) for one in ("i2h", "h2h"))
    if name.startswith("LSTM"):
        found.append(f"unit_forget_bias={first == FORGET}")
        first = "zeros" if first == FORGET else first
    if name.startswith("GRU") and (first, second) != ("zeros", "zeros"):
        raise NotPorted("biases of a GRU that do not start at zero. Assign them afterwards")
    if FORGET in (first, second):
        raise NotPorted("LSTMBias is ported as the i2h_bias_initializer of an LSTM")
    if first != "zeros":
        found.append(f"bias_initializer={first}")
    return found, [] if second == "zeros" else [f"h2h_bias_initializer={second}"]


FORGET = "lstmbias"  # MXNet's name for zeros, and ones for the forget gate


def forget_bias(node: cst.Call) -> cst.BaseExpression:
    """`init.LSTMBias(...)` as a name. Raises NotPorted."""
    (value,) = bound(node, ["forget_bias"], "LSTMBias").values() or (cst.Float("1.0"),)
    if code(value) not in ("1", "1.0"):
        raise NotPorted("LSTMBias is ported with a forget_bias of 1.0")
    return cst.SimpleString(f'"{FORGET}"')


def _bias(node: cst.BaseExpression | None) -> str:
    """ "zeros", FORGET, or the code of an initializer."""
    if node is None:
        return "zeros"
    if code(node).strip("'\"") == FORGET:
        return FORGET
    made = initializer(node)
    return "zeros" if made == '"zeros"' else made
