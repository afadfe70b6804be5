"""Where names of Keras, of today and of earlier days, are in unidl."""

from __future__ import annotations

from unidl.port.scripts.source import NotPorted, existing

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

# The functions of `keras.backend` from Keras 2, whose arguments are those of the ops. Others of the
# same name, such as `dot` and `gather`, do something else.
_BACKEND_FUNCTIONS = {
    "abs": "ops.abs",
    "all": "ops.all",
    "any": "ops.any",
    "argmax": None,
    "cast": "ops.cast",
    "clip": "ops.clip",
    "concatenate": None,
    "cos": "ops.cos",
    "equal": "ops.equal",
    "exp": "ops.exp",
    "expand_dims": None,
    "greater": "ops.greater",
    "greater_equal": "ops.greater_equal",
    "less": "ops.less",
    "less_equal": "ops.less_equal",
    "log": "ops.log",
    "max": "ops.max",
    "maximum": "ops.maximum",
    "mean": "ops.mean",
    "min": "ops.min",
    "minimum": "ops.minimum",
    "not_equal": "ops.not_equal",
    "ones_like": "ops.ones_like",
    "permute_dimensions": None,
    "pow": None,
    "prod": "ops.prod",
    "random_normal": None,
    "relu": None,
    "reshape": "ops.reshape",
    "round": "ops.round",
    "shape": "ops.shape",
    "sigmoid": "ops.sigmoid",
    "sign": "ops.sign",
    "sin": "ops.sin",
    "softmax": "ops.softmax",
    "softplus": "ops.softplus",
    "sqrt": "ops.sqrt",
    "square": "ops.square",
    "squeeze": "ops.squeeze",
    "stack": "ops.stack",
    "std": "ops.std",
    "sum": "ops.sum",
    "tanh": "ops.tanh",
    "tile": "ops.tile",
    "transpose": "ops.transpose",
    "var": "ops.var",
    "zeros_like": "ops.zeros_like",
}
_SETTINGS = {"epsilon", "floatx", "image_data_format", "set_epsilon", "set_floatx"}


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
    if place == "backend":
        if function in _SETTINGS:
            return existing(f"config.{function}")
        known = _BACKEND_FUNCTIONS.get(function)
        if known is not None:
            return known
        if function in _BACKEND_FUNCTIONS:
            raise NotPorted(f"write it with unidl.ops; Keras 3 has no keras.backend.{function}")
    return existing(name)
