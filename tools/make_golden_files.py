"""Writes tests/saving/golden/<version>.tar.xz: files of one version of Keras 3, and its outputs.

Once for each version, in an environment that has it and torch, on which Keras trains here:
`python tools/make_golden_files.py`. Without its dependencies a version may be put before another:
`pip install --no-deps --target FOLDER keras==3.6.0`, and PYTHONPATH=FOLDER.
"""

import io
import os
import tarfile
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np

layers = keras.layers
GOLDEN = Path(__file__).parents[1] / "tests" / "saving" / "golden"


def images():
    """A graph with two ends, what was adapted, and weights that no gradient reaches."""
    scale = layers.Normalization()
    scale.adapt(np.random.default_rng(1).normal(3, 2, (20, 5, 5, 2)).astype("float32"))
    inputs = keras.Input((5, 5, 2), name="image")
    h = layers.Conv2D(3, 2, activation="relu", padding="same")(scale(inputs))
    h = layers.BatchNormalization()(layers.MaxPooling2D()(h))
    h = layers.Add()([h, layers.SeparableConv2D(3, 1)(h)])
    h = layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(h))
    return keras.Model(inputs, layers.Dense(2, kernel_regularizer="l2", name="end")(h))


def words():
    """A row of layers with recurrence, masks and parts that are layers themselves."""
    return keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(7, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(3, activation="gelu")),
            layers.GRU(3),
            keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.LayerNormalization()]),
        ]
    )


def attention():
    """Attention over one input, merged with another."""
    a, b = keras.Input((4, 6), name="a"), keras.Input((4, 6), name="b")
    h = layers.MultiHeadAttention(2, 3)(a, b)
    both = [layers.LayerNormalization()(h), layers.Conv1D(2, 3, padding="same")(b)]
    h = layers.Concatenate()(both)
    return keras.Model([a, b], layers.Dense(1, activation="sigmoid")(layers.Flatten()(h)))


MODELS = (images, words, attention)


def inputs_for(model):
    rng = np.random.default_rng(0)
    shapes = [(4, *tensor.shape[1:]) for tensor in model.inputs]
    if "int" in str(model.inputs[0].dtype):
        return [rng.integers(0, 7, shape).astype("int32") for shape in shapes]
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def main():
    GOLDEN.mkdir(exist_ok=True)
    members = {}
    with tempfile.TemporaryDirectory() as folder:
        for make in MODELS:
            keras.utils.set_random_seed(0)
            model, name = make(), make.__name__
            x = inputs_for(model)
            y = np.random.default_rng(2).normal(size=(4, *model.outputs[0].shape[1:]))
            model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
            model.train_on_batch(x if len(x) > 1 else x[0], y.astype("float32"))
            for ending in (".keras", ".weights.h5", ".h5"):
                path = Path(folder, name + ending)
                try:
                    (model.save_weights if ending == ".weights.h5" else model.save)(path)
                except ValueError as error:  # 3.0 writes no two arrays of one name into an .h5 file
                    print(f"no {path.name}: {error}")
                    continue
                members[path.name] = path.read_bytes()
            out = model.predict(x if len(x) > 1 else x[0], verbose=0)
            facts = io.BytesIO()
            np.savez(facts, out=out, y=y.astype("float32"), **{f"x{i}": a for i, a in enumerate(x)})
            members[f"{name}.npz"] = facts.getvalue()
    path = GOLDEN / f"{keras.__version__}.tar.xz"
    with tarfile.open(path, "w:xz", preset=9) as archive:  # one stream: the files are much alike
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
