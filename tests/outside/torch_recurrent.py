"""torch's recurrent modules: stacks of layers, one or two directions each, gates in another order,
two biases for one."""

from __future__ import annotations

import numpy as np

from tests.outside.torch_port import Port, Unported
from unidl import layers, ops

# Where the gates of Keras are among torch's: LSTM i, f, g, o; GRU r, z, n.
GATES = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "RNN": (0,)}


def _kind(module):
    return type(module).__name__.removesuffix("Cell")


def _layer(module, bias):
    options = {"return_sequences": True, "return_state": True, "use_bias": bias, "dtype": "float64"}
    if _kind(module) == "RNN":
        return layers.SimpleRNN(module.hidden_size, module.nonlinearity, **options)
    return getattr(layers, _kind(module))(module.hidden_size, **options)


def _weights(module, layer, suffix):
    """Kernel, recurrent kernel and bias of one layer and direction."""
    order, parameters = GATES[_kind(module)], dict(module.named_parameters())

    def gates(a):
        return np.concatenate([np.split(a, len(order))[i] for i in order])

    found = []
    for name, variable in (
        ("weight_ih", layer.cell.kernel),
        ("weight_hh", layer.cell.recurrent_kernel),
    ):
        name += suffix
        value = gates(parameters[name].detach().numpy()).T
        found.append((variable, value, lambda gradients, name=name: gates(gradients[name]).T))
    if f"bias_ih{suffix}" in parameters:
        join = np.stack if _kind(module) == "GRU" else sum
        values = [
            gates(parameters[f"bias_{part}{suffix}"].detach().numpy()) for part in ("ih", "hh")
        ]

        def gradient(gradients):
            both = [gates(gradients[f"bias_{part}{suffix}"]) for part in ("ih", "hh")]
            return np.stack(both) if _kind(module) == "GRU" else both[0]

        found.append((layer.cell.bias, join(values), gradient))
    return found


def whole(module, args, kwargs):
    if module.proj_size:
        raise Unported("outputs are not projected")
    if not hasattr(args[0], "dim"):
        raise Unported("packed sequences; masks do their work here")
    directions = 2 if module.bidirectional else 1
    suffixes = [
        f"_l{i}{'_reverse' if back else ''}"
        for i in range(module.num_layers)
        for back in range(directions)
    ]
    stack = [_layer(module, module.bias) for _ in suffixes]

    def call(x, state=None):
        flat = len(ops.shape(x)) == 2
        if flat:
            x = ops.expand_dims(x, 0)
        elif not module.batch_first:
            x = ops.swapaxes(x, 0, 1)
        states = () if state is None else state if isinstance(state, tuple) else (state,)
        states = [ops.expand_dims(s, 1) if flat else s for s in states]
        lasts = []
        for i in range(module.num_layers):
            parts = []
            for back in range(directions):
                place = i * directions + back
                initial = [ops.get_item(s, place) for s in states] or None
                y, *last = stack[place](ops.flip(x, 1) if back else x, initial_state=initial)
                parts.append(ops.flip(y, 1) if back else y)
                lasts.append(last)
            x = parts[0] if directions == 1 else ops.concatenate(parts, -1)
        lasts = [ops.stack(list(column), 0) for column in zip(*lasts, strict=True)]
        if flat:
            return ops.squeeze(x, 0), tuple(ops.squeeze(s, 1) for s in lasts)
        return (x if module.batch_first else ops.swapaxes(x, 0, 1)), tuple(lasts)

    return Port(
        call,
        lambda: [
            w
            for layer, suffix in zip(stack, suffixes, strict=True)
            for w in _weights(module, layer, suffix)
        ],
    )


def cell(module, args, kwargs):
    """One moment of one sample, as a sequence of length 1."""
    layer = _layer(module, module.bias)

    def call(x, state):
        states = state if isinstance(state, tuple) else (state,)
        _, *lasts = layer(
            ops.reshape(x, (1, 1, -1)), initial_state=[ops.expand_dims(s, 0) for s in states]
        )
        return tuple(ops.squeeze(s, 0) for s in lasts)

    return Port(call, lambda: _weights(module, layer, ""))


PORTS = {
    "GRU": whole,
    "GRUCell": cell,
    "LSTM": whole,
    "LSTMCell": cell,
    "RNN": whole,
    "RNNCell": cell,
}
