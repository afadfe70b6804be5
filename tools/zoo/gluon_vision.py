"""Every architecture of mxnet.gluon.model_zoo.vision."""

from __future__ import annotations

from tools.zoo.rows import Case, image

TITLE = "mxnet.gluon.model_zoo.vision"
ABOUT = "Weights are drawn, 10 classes, two images as small as the architecture takes."
FRAMEWORK = "gluon"

# 34 x 34 becomes 17, 9, 5, 3, 2, unless half of an odd number is rounded down somewhere.
_SIZES = {"alexnet": 64, "inception": 299, "densenet": 224, "squeezenet": 224}


def names():
    from unidl_mxnet.load import load_mxnet

    load_mxnet()
    from mxnet.gluon.model_zoo import vision

    made = [n for n in dir(vision) if n[0].islower() and not n.startswith("get_")]
    return [n for n in made if callable(getattr(vision, n))]


def make(name):
    from unidl_mxnet.load import load_mxnet

    mx = load_mxnet()
    from mxnet.gluon.model_zoo import vision

    mx.random.seed(0)
    model = getattr(vision, name)(classes=10)
    model.initialize(mx.initializer.Xavier())
    size = next((n for start, n in _SIZES.items() if name.startswith(start)), 34)
    examples = image(size)
    model(mx.nd.array(examples[0]))
    return Case(model, examples)
