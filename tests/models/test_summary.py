"""summary() and model_cost: the rows, shapes and counts of Keras' table, and the floating point
operations that torch counts."""

import keras
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import unidl
from tests.zoo import MODELS
from unidl import layers, ops
from unidl.utils import model_cost


def summary(model, **arguments):
    lines = []
    model.summary(print_fn=lines.append, **arguments)
    return "\n".join(lines)


def rows(text):
    """The cells of the table's rows without blanks, and the lines below the table."""
    table, below = [], []
    for line in text.splitlines():
        if line.startswith("│"):
            table.append([" ".join(cell.split()) for cell in line.strip("│").split("│")])
        elif line.startswith(" "):
            below.append(line.strip())
    return table, below


def compiled(k, model):
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.mark.parametrize("name", sorted(MODELS.keys() - {"functions", "tagger"}))
def test_the_table_is_that_of_keras(name, monkeypatch):
    """But for functions, which Keras shows as classes, and those that make masks."""
    monkeypatch.setenv("COLUMNS", "320")
    keras.utils.clear_session(free_memory=False)
    how = {"line_length": 300, "expand_nested": True, "show_trainable": True}
    mine, below = rows(summary(compiled(unidl, MODELS[name](unidl)), **how))
    theirs, theirs_below = rows(summary(compiled(keras, MODELS[name](keras)), **how))
    assert mine[1:] == theirs  # the bars of Keras' head are of another kind
    counts = [line.partition(" (")[0] for line in below[:4]]
    assert counts == [line.partition(" (")[0] for line in theirs_below]


def test_summary():
    inputs = unidl.Input((4,), name="in")
    inner = unidl.Sequential([unidl.Input((4,)), layers.Dense(3, name="deep")], name="inner")
    frozen = layers.Dense(3, name="frozen", trainable=False)
    model = unidl.Model(inputs, ops.add(inner(inputs), frozen(inputs)), name="net")
    plain = summary(model)
    for expected in (
        'Model: "net"',
        "inner (Sequential)",
        "add (function)",
        "inner[0][0], frozen[0][0]",
        "(None, 3)",
        "Total params: 30 (120.00 B)",
        "Trainable params: 15 (60.00 B)",
        "Backend: numpy",
    ):
        assert expected in plain
    assert "deep" not in plain
    assert "└ deep (Dense)" in summary(model, expand_nested=True)
    assert "Trainable" in summary(model, show_trainable=True).splitlines()[2]
    assert "Runs on" in summary(model, kernels=True)
    assert max(map(len, summary(model, line_length=60).splitlines())) <= 60


SUMMARY = """\
Model: "sequential"
┌─────────────────┬──────────────┬─────────┐
│ Layer (type)    │ Output Shape │ Param # │
├─────────────────┼──────────────┼─────────┤
│ dense (Dense)   │ (None, 3)    │      15 │
├─────────────────┼──────────────┼─────────┤
│ dense_1 (Dense) │ (None, 2)    │       8 │
└─────────────────┴──────────────┴─────────┘
 Total params: 23 (92.00 B)
 Trainable params: 23 (92.00 B)
 Non-trainable params: 0 (0.00 B)
"""


def test_summary_is_one_output_of_a_notebook(monkeypatch):
    """There, rich makes an output of each call of print."""
    printed = []
    monkeypatch.setattr("rich.console.Console.print", lambda self, *things: printed.append(things))
    unidl.Sequential([unidl.Input((2,)), layers.Dense(1)]).summary()
    assert len(printed) == 1


def row():
    return unidl.Sequential([unidl.Input((4,)), layers.Dense(3), layers.Dense(2)])


def test_summary_of_a_row():
    lines = [line.rstrip() for line in summary(row(), line_length=60).splitlines()]
    assert lines[:11] == SUMMARY.splitlines()


class Net(unidl.Model):
    def __init__(self):
        super().__init__(name="net")
        self.first, self.last = layers.Dense(3, name="first"), layers.Dense(2, name="last")

    def call(self, inputs):
        return self.last(self.first(inputs))


def test_a_subclass_before_and_after_it_is_built():
    model = Net()
    text = summary(model)
    assert "0 (unbuilt)" in text
    assert "Not built yet" in text
    assert "model.build((None, ...))" in text
    model.build((None, 4))
    text = summary(model)
    assert "Not built" not in text
    assert rows(text)[0][1:] == [
        ["first (Dense)", "(None, 3)", "15"],
        ["last (Dense)", "(None, 2)", "8"],
    ]
    assert "Not built yet" in summary(unidl.Sequential([layers.Dense(1)]))


def test_names_are_not_cut_in_a_word():
    name = "a_name_that_is_long_enough_to_be_cut"
    model = unidl.Sequential([unidl.Input((2,)), layers.BatchNormalization(name=name)])
    lines = [cells[0] for cells in rows(summary(model, line_length=72))[0]]
    assert lines == ["Layer (type)", name, "(BatchNormalization)"] or lines[1:] == [
        f"{name} (BatchNormalization)"
    ]
    assert "(BatchNormalization)" in summary(model, line_length=72)


def test_names_are_no_markup():
    model = unidl.Sequential([unidl.Input((2,)), layers.Dense(1, name="[bold]x")], name="[red]")
    assert "[bold]x (Dense)" in summary(model)
    assert 'Model: "[red]"' in summary(model)


@pytest.mark.parametrize("bounds", [("re_lu", "conv2d_1"), ("conv2d_1", "re_lu"), ("conv", "conv")])
def test_layer_range(bounds, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    keras.utils.clear_session(free_memory=False)
    mine, theirs = (
        rows(summary(MODELS["cnn"](k), layer_range=bounds, line_length=100))[0]
        for k in (unidl, keras)
    )
    assert mine[1:] == theirs


def test_positions():
    lines = summary(row(), positions=[0.5, 0.8, 1.0], line_length=80).splitlines()
    assert len(lines[1].rstrip()) in (80, 81)
    assert [i for i, c in enumerate(lines[1]) if c == "┬"] == [40, 64]
    assert summary(row(), positions=[40, 64, 80], line_length=80).splitlines()[1] == lines[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"layer_range": "dense"}, "two layer names"),
        ({"layer_range": ("dense", "x")}, r"no layer .* matches 'x'.*Its layers: dense, dense_1"),
        ({"positions": [0.5, 1.0]}, "each of the 3 columns ends"),
        ({"positions": [0.01, 0.5, 1.0]}, "fewer than 4 characters"),
    ],
)
def test_wrong_use(arguments, told):
    with pytest.raises(ValueError, match=told):
        summary(row(), **arguments)


# -- floating point operations --------------------------------------------------------------------

IMAGE = torch.nn.functional


def mlp():
    return unidl.Sequential(
        [unidl.Input((20,)), layers.Dense(30, activation="relu"), layers.Dense(7)]
    ), torch.nn.Sequential(torch.nn.Linear(20, 30), torch.nn.ReLU(), torch.nn.Linear(30, 7))


def cnn():
    return unidl.Sequential(
        [
            unidl.Input((16, 12, 4)),
            layers.Conv2D(8, 3, strides=2, padding="same", groups=2),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(3),
            layers.Conv2DTranspose(6, 2, strides=2),
            layers.Conv2D(5, (3, 2), dilation_rate=2),
            layers.GlobalAveragePooling2D(),
        ]
    ), torch.nn.Sequential(
        torch.nn.ZeroPad2d((0, 1, 0, 1)),
        torch.nn.Conv2d(4, 8, 3, stride=2, groups=2),
        torch.nn.BatchNorm2d(8),
        torch.nn.Conv2d(8, 8, 3, groups=8),
        torch.nn.ConvTranspose2d(8, 6, 2, stride=2),
        torch.nn.Conv2d(6, 5, (3, 2), dilation=2),
        torch.nn.AdaptiveAvgPool2d(1),
    )


class Attention(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.MultiheadAttention(12, 3, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x)[0]


def attention():
    inputs = unidl.Input((9, 12))
    return unidl.Model(inputs, layers.MultiHeadAttention(3, 4)(inputs, inputs)), Attention()


@pytest.mark.parametrize("make", [mlp, cnn, attention])
def test_operations_are_those_that_torch_counts(backend, make):
    mine, theirs = make()
    shape = (3, *mine.input_shape[1:])
    x = torch.zeros(shape if len(shape) < 4 else (shape[0], shape[3], *shape[1:3]))
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        theirs.train()(x)  # the fast way of attention in evaluation is not counted
    assert model_cost(mine, batch_size=3).flops == counted.get_total_flops()


@pytest.mark.parametrize(
    ("layer", "gates"), [(layers.SimpleRNN, 1), (layers.LSTM, 4), (layers.GRU, 3)]
)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_recurrent_layers(backend, layer, gates, activation):
    """By a kernel and (with another activation) by a loop."""
    model = unidl.Sequential([unidl.Input((5, 3)), layer(4, activation=activation)])
    assert model_cost(model, batch_size=2).flops == 2 * 2 * 5 * gates * (3 * 4 + 4 * 4)


def test_products_of_ops(backend):
    inputs = unidl.Input((3, 4))
    h = ops.einsum("bij,bkj->bik", inputs, inputs)
    h = ops.tensordot(h, np.ones((3, 5), "float32"), 1)
    model = unidl.Model(inputs, ops.matmul(h, np.ones((5, 2), "float32")))
    assert model_cost(model).flops == 2 * (3 * 3 * 4 + 3 * 3 * 5 + 3 * 5 * 2)


def test_costs_of_layers_and_memory():
    model = MODELS["nested"](unidl)
    cost = model_cost(compiled(unidl, model), batch_size=10)
    inner, row = model.get_layer("inner"), model.get_layer("row")
    assert cost.flops_of(model) == cost.flops == 2 * 10 * (2 * 9 + 12 + 12 + 6)
    assert cost.flops_of(model, inner) == 2 * 10 * 2 * 9  # called twice
    assert cost.flops_of(model, row, row.layers[0]) == 2 * 10 * 12
    assert cost.weights == 4 * model.count_params()
    assert cost.optimizer >= 2 * 4 * 57
    assert cost.activations >= 4 * 10 * (2 * 3 * 2 + 4 + 3 + 2)
    text = summary(model, cost=True)
    assert "FLOPs per sample: 96" in text
    assert "│    36 │" in text


def test_sizes_that_are_not_known():
    model = unidl.Sequential([unidl.Input((None, 3)), layers.LSTM(4)])
    with pytest.raises(ValueError, match=r"axis 1 .* is open.*input_shape=\(None, 128, 3\)"):
        model_cost(model)
    assert model_cost(model, input_shape=(None, 5, 3)).flops == 2 * 5 * 4 * (12 + 16)
    with pytest.raises(ValueError, match=r"Net 'net' is not built.*input_shape="):
        model_cost(Net())
    assert model_cost(Net(), input_shape=(None, 4)).flops == 2 * (12 + 6)
    with pytest.raises(ValueError, match="batch_size must be a positive integer, got 0"):
        model_cost(model, batch_size=0)
    two = MODELS["two_ends"](unidl)
    with pytest.raises(ValueError, match=r"has 2 inputs, input_shape has 1 shapes"):
        model_cost(two, input_shape=(None, 4))


class Loop(layers.Layer):
    def __init__(self, maximum):
        super().__init__()
        self.maximum = maximum

    def call(self, inputs):
        return ops.while_loop(
            lambda x: ops.max(x) < 9, lambda x: [ops.matmul(x, x)], [inputs], self.maximum
        )[0]


def test_loops_and_branches():
    inputs = unidl.Input(batch_shape=(3, 3))
    assert model_cost(unidl.Model(inputs, Loop(4)(inputs)), batch_size=3).flops == 4 * 2 * 27
    with pytest.raises(ValueError, match="maximum_iterations"):
        model_cost(unidl.Model(inputs, Loop(None)(inputs)), batch_size=3)

    class Branch(layers.Layer):
        def call(self, inputs):
            return ops.cond(ops.max(inputs) > 0, lambda: ops.matmul(inputs, inputs), lambda: inputs)

    assert model_cost(unidl.Model(inputs, Branch()(inputs)), batch_size=3).flops == 2 * 27


def test_a_layer_of_a_framework_cannot_be_counted():
    class Foreign(layers.Layer):
        def call(self, inputs):
            return np.sin(inputs)

        def compute_output_shape(self, input_shape):
            return input_shape

    model = unidl.Sequential([unidl.Input((3,)), Foreign()])
    with pytest.raises(ValueError, match=r"cannot be counted.*unidl\.ops"):
        model_cost(model)
