"""Which of the names that there are was meant by one that there is not."""

from __future__ import annotations

from collections.abc import Iterable

# What other libraries, and older versions of Keras, call a thing.
HABITS = {
    "acc_": ("acc",),
    "adaptive_pool": ("adaptive_average_pool",),
    "axes": ("axis",),
    "batch_input_shape": ("batch_shape",),
    "BatchNorm": ("BatchNormalization",),
    "BatchNorm1d": ("BatchNormalization",),
    "BatchNorm2d": ("BatchNormalization",),
    "BCELoss": ("BinaryCrossentropy",),
    "betas": ("beta_1",),
    "bias": ("use_bias",),
    "bmm": ("matmul",),
    "cat": ("concatenate",),
    "channels": ("filters",),
    "clamp": ("clip",),
    "concat": ("concatenate",),
    "CrossEntropyLoss": ("SparseCategoricalCrossentropy",),
    "cuda": ("gpu",),
    "decay": ("weight_decay",),
    "dilation": ("dilation_rate",),
    "dim": ("axis",),
    "drop_prob": ("rate",),
    "dropout": ("rate",),
    "dropout_rate": ("rate",),
    "embedding_dim": ("output_dim",),
    "epoch": ("epochs",),
    "eps": ("epsilon",),
    "F1": ("F1Score",),
    "Flaten": ("Flatten",),
    "fn": ("function",),
    "from_numpy": ("convert_to_tensor",),
    "gather": ("take",),
    "hidden_size": ("units",),
    "HuberLoss": ("Huber",),
    "ignore_index": ("ignore_class",),
    "in_units": ("units",),
    "input_dims": ("input_dim",),
    "Kaiming": ("HeNormal",),
    "kaiming": ("he_normal",),
    "keepdim": ("keepdims",),
    "kernel": ("kernel_size", "kernel_initializer"),
    "L1Loss": ("MeanAbsoluteError",),
    "lam": ("l2",),
    "LayerNorm": ("LayerNormalization",),
    "Linear": ("Dense",),
    "lr": ("learning_rate",),
    "masked_fill": ("where",),
    "min_learning_rate": ("min_lr",),
    "mm": ("matmul",),
    "MSELoss": ("MeanSquaredError",),
    "nb_epoch": ("epochs",),
    "negative_slope": ("alpha",),
    "nesterovs": ("nesterov",),
    "NLLLoss": ("SparseCategoricalCrossentropy",),
    "num_classes": ("units", "num_classes"),
    "num_embeddings": ("input_dim",),
    "num_features": ("axis",),
    "out_channels": ("filters",),
    "out_features": ("units",),
    "output_size": ("units",),
    "p": ("rate",),
    "permute": ("transpose",),
    "reduce_max": ("max",),
    "reduce_mean": ("mean",),
    "reduce_min": ("min",),
    "reduce_prod": ("prod",),
    "reduce_sum": ("sum",),
    "samples_per_epoch": ("steps_per_epoch",),
    "std": ("stddev",),
    "stride": ("strides",),
    "tensor": ("convert_to_tensor",),
    "to_numpy": ("convert_to_numpy",),
    "to_tensor": ("convert_to_tensor",),
    "unsqueeze": ("expand_dims",),
    "validation_set": ("validation_data",),
    "view": ("reshape",),
    "Xavier": ("GlorotUniform",),
    "xavier": ("glorot_uniform",),
}


def closest(name: object, known: Iterable[object], count: int = 1) -> str:
    """The `count` names of `known` that look most like `name`, as text: "'adam' or 'adamw'"; ""
    if none does."""
    import difflib  # which only errors need

    if not isinstance(name, str):
        return ""
    names = sorted({each for each in known if isinstance(each, str) and each != name})
    # Names that differ in capitals and underscores are one; which of them is told is decided last.
    groups: dict[str, list[str]] = {}
    for each in names:
        groups.setdefault(_plain(each), []).append(each)
    found = [each for each in HABITS.get(name, ()) if each in names]
    for plain in difflib.get_close_matches(_plain(name), groups, n=count):
        group = groups[plain]
        found.append(max(group, key=lambda n: difflib.SequenceMatcher(None, name, n).ratio()))
    return " or ".join(map(repr, list(dict.fromkeys(found))[:count]))


def did_you_mean(name: object, known: Iterable[object], count: int = 1) -> str:
    """ " Did you mean 'adam'?", or "" if no name of `known` looks like `name`."""
    found = closest(name, known, count)
    return f" Did you mean {found}?" if found else ""


def _plain(name: str) -> str:
    """Without what people confuse: capitals, underscores, hyphens and blanks."""
    return "".join(c for c in name.lower() if c not in "_- ")


class UnknownName(ValueError):
    """There is no object of this name; `by(owner)` puts the class before it that was given it.

    Attributes:
        value: what was given.
    """

    def __init__(self, message: str, value: object = None) -> None:
        super().__init__(message)
        self.plain, self.value = message, value

    def by(self, owner: str, argument: str = "") -> UnknownName:
        place = f" (argument {argument})" if argument else ""
        error = UnknownName(f"{owner}: {self.plain}{place}", self.value)
        error.plain = self.plain
        return error
