"""What becomes of single lines, and what stays."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("libcst")

from unidl.port.scripts import port_source

TF, KERAS, MX = "import tensorflow as tf\n", "import keras\n", "import mxnet as mx\n"

CASES = {
    "an alias of a module": (
        "import keras.ops as K\ny = K.mean(x)\n",
        "from unidl import ops as K\ny = K.mean(x)\n",
    ),
    "names of a module": (
        "from tensorflow.keras.layers import Dense as D, LSTM\nD(3), LSTM(4)\n",
        "from unidl.layers import Dense as D, LSTM\nD(3), LSTM(4)\n",
    ),
    "a whole path": (
        "import tensorflow.keras.layers\nx = tensorflow.keras.layers.Dense(3)\n",
        "import unidl\nx = unidl.layers.Dense(3)\n",
    ),
    "a module with a name of its own": (
        f"{TF}L = tf.keras.layers\nx = L.Dense(3)\n",
        "import unidl\nL = unidl.layers\nx = L.Dense(3)\n",
    ),
    "docstring, licence and future imports stay first": (
        '"""Doc."""\n# Licence\n\nfrom __future__ import annotations\n\nimport keras  # here\n\n\n'
        "def f():\n    return keras.Input((3,))\n",
        '"""Doc."""\n# Licence\n\nfrom __future__ import annotations\n\nimport unidl  # here\n\n\n'
        "def f():\n    return unidl.Input((3,))\n",
    ),
    "imports in functions": (
        "def f():\n    import keras\n    return keras.Input((3,))\n",
        "import unidl\ndef f():\n    return unidl.Input((3,))\n",
    ),
    "the backend": (
        'import os\nos.environ["KERAS_BACKEND"] = "torch"\n',
        'import os\nos.environ["UNIDL_BACKEND"] = "torch"\n',
    ),
    "arguments of Keras 2": (
        f"{KERAS}opt = keras.optimizers.legacy.Adam(lr=0.1)\n",
        "import unidl\nopt = unidl.optimizers.Adam(learning_rate=0.1)\n",
    ),
    "dtypes, and defaults that differ": (
        f"{TF}y = tf.cast(tf.argmax(x), dtype=tf.int64)\n",
        'import unidl\ny = unidl.ops.cast(unidl.ops.argmax(x, axis=0), dtype="int64")\n',
    ),
    "a name that hides the module": (
        f"{KERAS}def f(keras):\n    return keras.layers\ny = keras.Input((2,))\n",
        "import unidl\ndef f(keras):\n    return keras.layers\ny = unidl.Input((2,))\n",
    ),
    "names of arguments and attributes": (
        "from keras import layers\nf(layers=3).layers = layers.Dense(2)\n",
        "from unidl import layers\nf(layers=3).layers = layers.Dense(2)\n",
    ),
    "ends of lines and tabs": (
        "import keras\r\nif 1:\r\n\tx = keras.Input((1,))\r\n",
        "import unidl\r\nif 1:\r\n\tx = unidl.Input((1,))\r\n",
    ),
    "what a block assigns and reads": (
        f"{TF}def step(x, m):\n    with tf.GradientTape() as t:\n        x = x * 2\n"
        "        loss = tf.reduce_sum(x * w)\n    g = t.gradient(loss, [w])\n    return g, loss\n",
        "import unidl\ndef step(x, m):\n    def forward(x=x):\n        x = x * 2\n"
        "        loss = unidl.ops.sum(x * w)\n        return loss\n"
        "    loss, g = unidl.value_and_grad(forward, [w])\n    return g, loss\n",
    ),
    "losses for each sample, which a tape adds up": (
        f"{TF}with tf.GradientTape() as t:\n"
        "    loss = tf.keras.losses.mean_squared_error(y, net(x))\n"
        "g = t.gradient(loss, net.weights)\nprint(loss)\n",
        "import unidl\nif not net.built:\n    net(x)\n\ndef forward():\n"
        "    loss = unidl.losses.mean_squared_error(y, net(x))\n"
        "    return unidl.ops.sum(loss), loss\n"
        "(_, loss), g = unidl.value_and_grad(forward, net.weights, has_aux=True)\nprint(loss)\n",
    ),
    "layers of Gluon with its defaults": (
        "from mxnet.gluon import nn\nnet = nn.Sequential()\n"
        "net.add(nn.Dense(4), nn.Dense(2, use_bias=False))\nnet.initialize()\n",
        "import unidl\nnet = unidl.Sequential()\nnet.add(unidl.layers.Flatten())\n"
        "net.add(unidl.layers.Dense(4, kernel_initializer="
        "unidl.initializers.RandomUniform(-0.07, 0.07)))\n"
        "net.add(unidl.layers.Dense(2, kernel_initializer="
        "unidl.initializers.RandomUniform(-0.07, 0.07), use_bias=False))\n",
    ),
    "an attribute that models have already": (
        "from mxnet.gluon import nn\nclass N(nn.Block):\n    def __init__(self):\n"
        "        super().__init__()\n        self.output = nn.Flatten()\n"
        "    def forward(self, x):\n        return self.output(x)\nnet = N()\nnet.output(x).x\n"
        "class Other:\n    def __init__(self):\n        self.output = 3\nOther().output\n",
        "import unidl\nclass N(unidl.Model):\n    def __init__(self):\n"
        "        super().__init__()\n        self.own_output = unidl.layers.Flatten()\n"
        "    def call(self, x):\n        return self.own_output(x)\nnet = N()\n"
        "net.own_output(x).x\n"
        "class Other:\n    def __init__(self):\n        self.output = 3\nOther().output\n",
    ),
    "the table of an embedding as the kernel of a layer": (
        "from mxnet.gluon import nn\nclass GluonTiedDense: pass\ne = nn.Embedding(9, 4, "
        "weight_initializer='ones')\nd = nn.Dense(9, flatten=False, params=e.params)\n",
        "import unidl\nclass GluonTiedDense: pass\ne = unidl.layers.Embedding(9, 4, "
        'embeddings_initializer="ones")\nd = GluonTiedDense(9, e)\n',
    ),
    "networks in a list, and names of Gluon's constructors": (
        "from mxnet.gluon import nn\nclass N(nn.Block):\n    def __init__(self, **kwargs):\n"
        "        super(N, self).__init__(prefix='n', **kwargs)\n"
        "        self.layers = nn.Sequential()\n        self.layers.add(nn.Flatten())\n"
        "    def forward(self, x):\n        for layer in self.layers:\n"
        "            x = layer(x)\n        return x\n",
        "import unidl\nclass N(unidl.Model):\n    def __init__(self, **kwargs):\n"
        "        super(N, self).__init__(**kwargs)\n"
        "        self.own_layers = unidl.Sequential()\n"
        "        self.own_layers.add(unidl.layers.Flatten())\n"
        "    def call(self, x):\n        for layer in self.own_layers.layers:\n"
        "            x = layer(x)\n        return x\n",
    ),
    "NAG without momentum, and a rate that changes": (
        "from mxnet import gluon\nt = gluon.Trainer(n.collect_params(), 'nag', "
        "{'clip_gradient': 5})\nt.set_learning_rate(0.1)  # less\n",
        "import unidl\nt = unidl.optimizers.SGD(learning_rate=0.01, clipvalue=5)\n"
        "t.learning_rate = 0.1  # less\n",
    ),
    "arrays": (
        f"{MX}x = mx.nd.ones((2, 3)).sum(axis=1).asnumpy()\n",
        "import unidl\nx = unidl.ops.convert_to_numpy("
        "unidl.ops.sum(unidl.ops.ones((2, 3), dtype='float32'), axis=1))\n",
    ),
    "functions of keras.backend": (
        "from keras import backend as K\ny = K.concatenate([K.mean(x), K.random_normal((2,))])\n",
        "import unidl\ny = unidl.ops.concatenate("
        "[unidl.ops.mean(x), unidl.random.normal((2,))], axis=-1)\n",
    ),
    "shapes that copy": (
        f"{MX}x = mx.nd.array(a)\ny = x.reshape((0, -1))\n",
        "import unidl\nx = unidl.ops.convert_to_tensor(a, dtype='float32')\n"
        "y = unidl.ops.reshape(x, (unidl.ops.shape(x)[0], -1))\n",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_lines(case):
    before, after = CASES[case]
    found = port_source(before)
    assert found.text == after
    assert found.whole
    assert port_source(after).text == after


KEPT = {
    "a layer that unidl lacks": (
        "from keras import layers\nx = layers.TextVectorization(9)\n", "turn words into numbers"
    ),
    "a star import": ("from keras.layers import *\n", "Import them by name"),
    "a dataset": (f"{TF}d = tf.data.Dataset.range(3)\n", "fit takes them"),
    "a method of datasets": (
        f"{TF}d = tf.data.Dataset.from_tensor_slices(x)\ne = d.padded_batch(3)\n", "fit takes them"
    ),
    "an argument of a dataset's method": (
        f"{TF}def f(d):\n    return d.cache('file')\n"
        "e = f(tf.data.Dataset.from_tensor_slices(x))\n", "more arguments"
    ),
    "datasets of files": (
        "from tensorflow.data import TFRecordDataset\nd = TFRecordDataset('x')\n", "fit takes them"
    ),
    "an argument without counterpart": (f"{TF}y = tf.squeeze(x, foo=1)\n", "'foo'"),
    "arguments that are spread out": (f"{TF}y = tf.reduce_sum(*a)\n", "Write them out"),
    "a function that is handed on": (f"{TF}y = map(tf.reduce_sum, a)\n", "arguments"),
    "decay": (f"{KERAS}o = keras.optimizers.SGD(0.1, decay=1e-6)\n", "InverseTimeDecay"),
    "a tape that persists": (
        f"{TF}with tf.GradientTape(persistent=True) as t:\n    y = f(x)\n", "value_and_grad"
    ),
    "a tape whose block returns": (
        f"{TF}def f():\n    with tf.GradientTape() as t:\n        return 1\n    "
        "g = t.gradient(1, [w])\n", "cannot leave a function"
    ),
    "an LSTM with a projection": (
        "from mxnet.gluon import rnn\nr = rnn.LSTM(3, projection_size=2)\n", "no projection"
    ),
    "an LSTM that clips its states": (
        f"{MX}r = mx.gluon.rnn.LSTM(3, state_clip_min=-1, state_clip_max=1)\n", "does not clip"
    ),
    "sequences of several lengths": (
        "from mxnet.gluon import rnn\nr = rnn.GRU(3, use_sequence_length=True)\n", "with a mask"
    ),
    "unrolling to several lengths": (
        "from mxnet.gluon.rnn import LSTMCell as C\nc = C(3)\nc.initialize()\n"
        "y, s = c.unroll(4, x, valid_length=v)\n", "with a mask"
    ),
    "a cell around another": (
        "from mxnet.gluon import rnn\nr = rnn.ZoneoutCell(cell, 0.1)\n",
        "as a unidl.layers.Layer",
    ),
    "recurrent layers that are handed on": (
        "from mxnet.gluon import rnn\nkinds = {'lstm': rnn.LSTM}\n", "Write the call here"
    ),
    "a cell of one's own": (
        "from mxnet.gluon.rnn import HybridRecurrentCell\nclass C(HybridRecurrentCell):\n"
        "    pass\n", "a class of your own"
    ),
    "biases of a GRU": (
        "from mxnet.gluon import rnn\nr = rnn.GRU(3, h2h_bias_initializer='ones')\n",
        "start at zero",
    ),
    "a dtype of its own": (
        "from mxnet.gluon import rnn\nr = rnn.RNN(3, dtype='float16')\n", "with float32"
    ),
    "recurrent weights of unknown origin": (
        "from mxnet.gluon import rnn\nfrom mxnet import init\na = rnn.RNN(2)\n"
        "a.initialize(init.Xavier())\nb = rnn.RNN(2)\nb.initialize()\n", "i2h_ and an h2h_weight"
    ),
    "weights of another layer": (
        "from mxnet.gluon import nn\nd = nn.Dense(9, params=e.params)\n", "shares the weights"
    ),
    "clipping of chosen gradients": (
        "from mxnet import autograd, gluon\nt = gluon.Trainer(net.collect_params(), 'sgd')\n"
        "with autograd.record():\n    loss = net(x)\nloss.backward()\n"
        "gluon.utils.clip_global_norm([w.grad()], 1.0)\nt.step(1)\n",
        "p.grad(ctx) for p in net",
    ),
    "clipped gradients with another use": (
        "from mxnet import autograd, gluon\nt = gluon.Trainer(net.collect_params(), 'sgd')\n"
        "with autograd.record():\n    loss = net(x)\nloss.backward()\n"
        "g = [p.grad() for p in net.collect_params().values()]\n"
        "gluon.utils.clip_global_norm(g, 1.0)\nprint(g)\nt.step(1)\n",
        "more than clipping",
    ),
    "gradients from above": (
        "from mxnet import autograd, gluon\nt = gluon.Trainer(net.collect_params(), 'sgd')\n"
        "with autograd.record():\n    loss = net(x)\nloss.backward(head)\nt.step(1)\n",
        "from above",
    ),
    "a layer of a network by its place": (
        "from mxnet.gluon import nn\nnet = nn.Sequential()\nprint(len(net), net[0])\n",
        "net.layers",
    ),
    "clipping twice": (
        "from mxnet import autograd, gluon\nt = gluon.Trainer(net.collect_params(), 'sgd')\n"
        "with autograd.record():\n    loss = net(x)\nloss.backward()\n"
        "gluon.utils.clip_global_norm([p.grad() for p in t._params], 1.0)\n"
        "gluon.utils.clip_global_norm([p.grad() for p in t._params], 1.0)\nt.step(1)\n",
        "clipped twice",
    ),
    "clipping outside of a step": (
        "from mxnet.gluon.utils import clip_global_norm\nclip_global_norm(gradients, 1.0)\n",
        "global_clipnorm",
    ),
    "a method of arrays without counterpart": (
        f"{MX}x = mx.nd.ones((2, 3))\ny = x.slice_axis(axis=1, begin=0, end=2)\n", "unidl.ops"
    ),
    "weight decay with momentum": (
        "from mxnet import gluon\n"
        "t = gluon.Trainer(n.collect_params(), 'sgd', {'wd': 0.1, 'momentum': 0.9})\n",
        "regularizers.L2",
    ),
    "a step without a backward": (
        "from mxnet import autograd\nwith autograd.record():\n    y = f(x)\n", "value_and_grad"
    ),
    "gradients into another recorded block": (
        "from mxnet import autograd, gluon\nt = gluon.Trainer(net.collect_params(), 'sgd')\n"
        "with autograd.record():\n    fake = g(z)\nwith autograd.record():\n"
        "    loss = net(fake)\nloss.backward()\nt.step(1)\n",
        "'fake' of another recorded block",
    ),
    "weights drawn again": (
        "from mxnet.gluon import nn\nnet = nn.Dense(2)\nnet.initialize(force_reinit=True)\n",
        "create the network again",
    ),
    "networks initialized in two ways": (
        "from mxnet.gluon import nn\nfrom mxnet import init\na = nn.Dense(2)\n"
        "a.initialize(init.Xavier())\nb = nn.Dense(2)\nb.initialize()\n",
        "weight_initializer",
    ),
    "a shape with a meaning of its own": (
        f"{MX}y = mx.nd.reshape(x, (-3, 2))\n", "a meaning in MXNet only"
    ),
    "a GPU": (f"{MX}c = mx.gpu(0)\n", "unidl.device"),
    "gradients of arrays": (f"{MX}x.attach_grad()\n", "unidl.Variable"),
}  # fmt: skip


@pytest.mark.parametrize("case", KEPT)
def test_kept_lines_say_why(case):
    text, reason = KEPT[case]
    found = port_source(text)
    assert not found.whole
    assert reason in " ".join(kept.reason for kept in found.kept)
    line = text.splitlines()[found.kept[0].line - 1]
    assert line in found.text
    assert "# unidl port: " in found.text
    again = port_source(found.text)
    assert again.text == found.text
    assert {kept.reason for kept in again.kept} == {kept.reason for kept in found.kept}


MNIST = """
from mxnet import gluon
from mxnet.gluon.data.vision import transforms

to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.25)])
data = gluon.data.vision.MNIST(train=False).transform_first(to_tensor)
found = list(gluon.data.DataLoader(data, 4))
"""


def test_data_sets_with_transforms(monkeypatch):
    import numpy as np

    import unidl

    images = np.arange(6 * 28 * 28).reshape(6, 28, 28).astype("uint8")
    parts = (None, (images, np.arange(6).astype("uint8")))
    monkeypatch.setattr(unidl.datasets.mnist, "load_data", lambda: parts)
    ported = port_source(MNIST)
    assert ported.whole
    names = {}
    with unidl.use_backend("numpy"):
        exec(ported.text, names)
    (x, y), (last, _) = names["found"]
    assert (x.shape, x.dtype, last.shape) == ((4, 1, 28, 28), np.float32, (2, 1, 28, 28))
    np.testing.assert_allclose(x[1, 0], (images[1] / 255 - 0.5) / 0.25, rtol=1e-5, atol=1e-6)
    assert (y.tolist(), y.dtype) == ([0, 1, 2, 3], np.int32)
    assert port_source(ported.text).text == ported.text


def test_pieces_are_those_of_the_preludes():
    from unidl_keras.scripts.source import KerasSource
    from unidl_mxnet.port.scripts.source import GluonSource

    gluon = "unidl_mxnet.port.scripts"
    assert defined_in(f"{gluon}.prelude", f"{gluon}.recurrent_prelude") == GluonSource.pieces
    assert defined_in("unidl_keras.scripts.prelude") == KerasSource.pieces


def defined_in(*modules):
    trees = [ast.parse(Path(find_spec(module).origin).read_text()) for module in modules]
    kinds = ast.FunctionDef | ast.ClassDef
    return {node.name for tree in trees for node in tree.body if isinstance(node, kinds)}


def test_calls_are_counted():
    found = port_source(f"{TF}x = tf.keras.Input((2,))\ny = tf.strings.join(['a', tf.abs(x)])\n")
    assert (found.calls, found.ported, found.share) == (3, 2, 2 / 3)


def test_nothing_to_port():
    text = "import numpy as np\nprint(np.ones(3))  # keras is only mentioned\n"
    found = port_source(text)
    assert (found.text, found.calls, found.whole, found.changed) == (text, 0, True, False)
