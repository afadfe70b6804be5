"""What gluon.rnn has in one piece: ported scripts get a copy of what they use, see `prelude`."""

from __future__ import annotations

import unidl


class GluonTwoBiases(unidl.layers.Layer):
    """A recurrent layer or cell whose bias is the sum of two: in Gluon both learn, so that their
    sum takes two steps for one of unidl's bias."""

    def __init__(self, inner, bias_initializer="zeros"):
        super().__init__()
        self.inner, self.bias_initializer = inner, bias_initializer

    def build(self, inputs_shape, states_shape):
        self.inner.build(inputs_shape)
        shape = self.inner.trainable_variables[-1].shape
        self.h2h_bias = self.add_weight(shape, self.bias_initializer, name="h2h_bias")

    def call(self, inputs, states):
        *kernels, bias = self.inner.trainable_variables
        others = self.inner.non_trainable_variables
        weights = [*kernels, bias + self.h2h_bias]
        return self.inner.stateless_call(weights, others, inputs, states)[0]


class GluonRNN(unidl.layers.Layer):
    """rnn.LSTM, rnn.GRU and rnn.RNN: recurrent layers on top of each other, in one direction or
    both: (time, batch, channels), or with layout "NTC" (batch, time, channels) -> outputs.

    With states it returns (outputs, last states): lists of tensors (layers, batch, units).
    """

    def __init__(
        self,
        kind,
        units,
        num_layers=1,
        layout="TNC",
        dropout=0.0,
        bidirectional=False,
        h2h_bias_initializer="zeros",
        **options,
    ):
        super().__init__()
        self.units, self.layout, self.ways = units, layout, 2 if bidirectional else 1
        self.runs = []
        for place in range(num_layers * self.ways):
            # An initializer gives the same numbers each time; its clones give others.
            own = {
                key: unidl.initializers.get(value).clone() if "initializer" in key else value
                for key, value in options.items()
            }
            run = kind(
                units,
                return_sequences=True,
                return_state=True,
                go_backwards=place % self.ways == 1,
                **own,
            )
            self.state_count = len(run.state_size)
            two = kind is not unidl.layers.GRU  # which has two biases by itself
            self.runs.append(GluonTwoBiases(run, h2h_bias_initializer) if two else run)
        self.dropout = unidl.layers.Dropout(dropout)

    def begin_state(self, batch_size=0, func=unidl.ops.zeros, ctx=None, dtype="float32"):
        shape = (len(self.runs), batch_size, self.units)
        return [func(shape, dtype=dtype) for _ in range(self.state_count)]

    def call(self, inputs, states=None):
        time_first = self.layout == "TNC"
        x = unidl.ops.swapaxes(inputs, 0, 1) if time_first else inputs
        begin = self.begin_state(unidl.ops.shape(x)[0]) if states is None else states
        begin = begin if isinstance(begin, list | tuple) else [begin]
        ends = []
        for first in range(0, len(self.runs), self.ways):
            x = self.dropout(x) if first else x
            outputs = []
            for place in range(first, first + self.ways):
                y, *end = self.runs[place](x, [state[place] for state in begin])
                outputs.append(unidl.ops.flip(y, axis=1) if place > first else y)
                ends.append(end)
            x = unidl.ops.concatenate(outputs, axis=-1)
        outputs = unidl.ops.swapaxes(x, 0, 1) if time_first else x
        if states is None:
            return outputs
        return outputs, [unidl.ops.stack(parts) for parts in zip(*ends, strict=True)]


class GluonCell(unidl.layers.Layer):
    """rnn.LSTMCell, rnn.GRUCell and rnn.RNNCell: one step, (batch, channels) and states ->
    (batch, units) and states. `unroll` takes several."""

    def __init__(self, cell, h2h_bias_initializer="zeros"):
        super().__init__()
        self.state_size = cell.state_size
        two = not isinstance(cell, unidl.layers.GRUCell)  # which has two biases by itself
        self.cell = GluonTwoBiases(cell, h2h_bias_initializer) if two else cell

    def begin_state(self, batch_size=0, func=unidl.ops.zeros, ctx=None, dtype="float32"):
        return [func((batch_size, size), dtype=dtype) for size in self.state_size]

    def reset(self):
        """Nothing is kept between steps."""

    def call(self, inputs, states):
        return self.cell(inputs, states)

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        """(outputs, states): a list of outputs, or one tensor if `merge_outputs`."""
        axis = layout.index("T")
        if not isinstance(inputs, list | tuple):
            inputs = unidl.ops.unstack(inputs, axis=axis)
        batch = unidl.ops.shape(inputs[0])[0]
        states = self.begin_state(batch) if begin_state is None else begin_state
        outputs = []
        for step in range(length):
            output, states = self(inputs[step], states)
            outputs.append(output)
        return (unidl.ops.stack(outputs, axis=axis) if merge_outputs else outputs), states


class GluonCellStack(GluonCell):
    """rnn.SequentialRNNCell: cells one above the other, with the states of all in one list."""

    def __init__(self):
        unidl.layers.Layer.__init__(self)
        self.cells, self.state_size = [], []

    def add(self, cell):
        self.cells = [*self.cells, cell]
        self.state_size = [*self.state_size, *cell.state_size]

    def call(self, inputs, states):
        after = []
        for cell in self.cells:
            mine = states[len(after) : len(after) + len(cell.state_size)]
            inputs, mine = cell(inputs, mine)
            after += mine
        return inputs, after
