"""Where names of Keras, of today and of earlier days, are in unidl."""

from __future__ import annotations

from unidl.port.scripts.calls import Rule, rule
from unidl.port.scripts.source import existing

# Prefixes of Keras 2, and of the private modules that scripts imported from.
_MOVED = (
    ("layers.experimental.preprocessing.", "layers."),
    ("layers.core.", "layers."),
    ("layers.convolutional.", "layers."),
    ("layers.recurrent.", "layers."),
    ("layers.pooling.", "layers."),
    ("layers.normalization.", "layers."),
    ("layers.embeddings.", "layers."),
    ("layers.merge.", "layers."),
    ("layers.advanced_activations.", "layers."),
    ("optimizers.legacy.", "optimizers."),
    ("optimizers.experimental.", "optimizers."),
    ("utils.np_utils.", "utils."),
    ("utils.vis_utils.", "utils."),
    ("preprocessing.sequence.pad_sequences", "utils.pad_sequences"),
    ("preprocessing.image_dataset_from_directory", "utils.image_dataset_from_directory"),
    ("preprocessing.text_dataset_from_directory", "utils.text_dataset_from_directory"),
    (
        "preprocessing.timeseries_dataset_from_array",
        "utils.timeseries_dataset_from_array",
    ),
    ("preprocessing.image.load_img", "utils.load_img"),
    ("preprocessing.image.img_to_array", "utils.img_to_array"),
    ("preprocessing.image.array_to_img", "utils.array_to_img"),
    ("preprocessing.image.save_img", "utils.save_img"),
    ("layers.CuDNNLSTM", "layers.LSTM"),
    ("layers.CuDNNGRU", "layers.GRU"),
)
# Packages of Keras 2 of which only the parts have a place.
_PARTS_ONLY = {name.rstrip(".") for name, _ in _MOVED if name.endswith(".")} | {
    "preprocessing",
    "preprocessing.sequence",
    "preprocessing.image",
    "backend",
    "layers.experimental",
}

# The functions of `keras.backend` from Keras 2 whose arguments are those of the ops. Others of the
# same name, such as `dot` and `gather`, do something else.
_AS_THEY_ARE = {
    "abs", "all", "any", "cast", "clip", "cos", "equal", "exp", "greater", "greater_equal", "less",
    "less_equal", "log", "max", "maximum", "mean", "min", "minimum", "not_equal", "ones_like",
    "prod", "reshape", "round", "shape", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt",
    "square", "squeeze", "stack", "std", "sum", "tanh", "tile", "transpose", "var", "zeros_like",
}  # fmt: skip
# Those with other names or defaults.
BACKEND_FUNCTIONS: dict[str, Rule] = {
    name: rule(*text.split(" ", 1))
    for name, text in {
        "argmax": "ops.argmax x axis:-1",
        "argmin": "ops.argmin x axis:-1",
        "concatenate": "ops.concatenate tensors=xs axis:-1",
        "expand_dims": "ops.expand_dims x axis:-1",
        "permute_dimensions": "ops.transpose x pattern=axes",
        "pow": "ops.power x=x1 a=x2",
        "random_normal": "random.normal shape mean stddev dtype seed",
        "random_uniform": "random.uniform shape minval maxval dtype seed",
        "relu": "ops.relu x",
    }.items()
}


def keras_target(name: str) -> str | None:
    """The name below unidl of `keras.<name>`; None for a package whose parts have places."""
    if name == "version" or name == "__version__":
        return "__version__"
    for old, new in _MOVED:
        if name.startswith(old):
            return existing(new + name[len(old) :])
    if name in _PARTS_ONLY:
        return None
    place, _, function = name.rpartition(".")
    if place == "backend" and function in _AS_THEY_ARE:
        return f"ops.{function}"
    if place == "backend" and function in BACKEND_FUNCTIONS:
        return BACKEND_FUNCTIONS[function].target
    return existing(name)
