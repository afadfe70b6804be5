"""What Gluon has in one piece and unidl has not: ported scripts get a copy of what they use.

Each piece stands alone, and needs unidl and NumPy only.
"""

from __future__ import annotations

import numpy as np

import unidl


def gluon_mean(values):
    """The mean over all axes but the first, as Gluon's losses take it: (batch, ...) -> (batch,)."""
    batch = unidl.ops.shape(values)[0]
    return unidl.ops.mean(unidl.ops.reshape(values, (batch, -1)), axis=1)


def gluon_softmax_cross_entropy(pred, label):
    """SoftmaxCrossEntropyLoss of scores (batch, ..., classes) and indices (batch, ...)."""
    label = unidl.ops.reshape(unidl.ops.cast(label, "int32"), unidl.ops.shape(pred)[:-1])
    return gluon_mean(unidl.ops.sparse_categorical_crossentropy(label, pred, from_logits=True))


def gluon_dense_softmax_cross_entropy(pred, label):
    """SoftmaxCrossEntropyLoss(sparse_label=False): of scores and shares of the same shape."""
    return gluon_mean(unidl.ops.categorical_crossentropy(label, pred, from_logits=True))


def gluon_l2_loss(pred, label):
    """L2Loss: half of the squared difference."""
    label = unidl.ops.reshape(label, unidl.ops.shape(pred))
    return gluon_mean(unidl.ops.square(label - pred) / 2)


def gluon_l1_loss(pred, label):
    """L1Loss: the absolute difference."""
    label = unidl.ops.reshape(label, unidl.ops.shape(pred))
    return gluon_mean(unidl.ops.abs(label - pred))


def gluon_huber_loss(pred, label):
    """HuberLoss: quadratic up to a difference of 1."""
    label = unidl.ops.reshape(label, unidl.ops.shape(pred))
    error = unidl.ops.abs(label - pred)
    return gluon_mean(unidl.ops.where(error > 1, error - 0.5, unidl.ops.square(error) / 2))


def gluon_sigmoid_cross_entropy(pred, label):
    """SigmoidBinaryCrossEntropyLoss of scores."""
    label = unidl.ops.reshape(label, unidl.ops.shape(pred))
    rest = unidl.ops.softplus(-unidl.ops.abs(pred))
    return gluon_mean(unidl.ops.relu(pred) - pred * label + rest)


class GluonTiedDense(unidl.layers.Layer):
    """nn.Dense(units, params=embedding.params): its kernel is the table of an Embedding."""

    def __init__(self, units, embedding, use_bias=True, activation=None):
        super().__init__()
        self.units, self.embedding, self.use_bias = units, embedding, use_bias
        self.activation = unidl.activations.get(activation)

    def build(self, input_shape):
        self.bias = self.add_weight((self.units,), "zeros", name="bias") if self.use_bias else 0.0

    def call(self, inputs):
        kernel = unidl.ops.transpose(self.embedding.embeddings)
        return self.activation(unidl.ops.matmul(inputs, kernel) + self.bias)


def gluon_clip_global_norm(gradients, max_norm):
    """utils.clip_global_norm: (gradients of a norm of up to `max_norm` together, their norm)."""
    norm = unidl.ops.sqrt(sum(unidl.ops.sum(unidl.ops.square(one)) for one in gradients))
    scale = unidl.ops.minimum(max_norm / (norm + 1e-8), 1.0)
    return [one * scale for one in gradients], unidl.ops.convert_to_numpy(norm).item()


class GluonDataset:
    """ArrayDataset: rows of several arrays, or of one."""

    def __init__(self, *arrays):
        self.arrays = [unidl.ops.convert_to_numpy(array) for array in arrays]

    def __len__(self):
        return len(self.arrays[0])

    def __getitem__(self, place):
        rows = tuple(array[place] for array in self.arrays)
        return rows if len(rows) > 1 else rows[0]

    def transform(self, function, lazy=True):
        return GluonTransformed(self, function)

    def transform_first(self, function, lazy=True):
        return GluonTransformed(self, lambda first, *rest: (function(first), *rest))


class GluonTransformed(GluonDataset):
    """A dataset whose rows go through a function, each when it is read."""

    def __init__(self, dataset, function):
        self.dataset, self.function = dataset, function

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, place):
        row = self.dataset[place]
        return self.function(*row) if isinstance(row, tuple) else self.function(row)


class GluonLoader:
    """DataLoader: batches of tensors, in another order each time if `shuffle`.

    last_batch: "keep" the rows that do not fill a batch, or "discard" them.
    """

    def __init__(self, dataset, batch_size, shuffle=False, last_batch="keep"):
        self.dataset, self.batch_size = dataset, batch_size
        self.shuffle, self.last_batch = shuffle, last_batch

    def __len__(self):
        rest = 0 if self.last_batch == "discard" else self.batch_size - 1
        return (len(self.dataset) + rest) // self.batch_size

    def __iter__(self):
        order = np.arange(len(self.dataset))
        if self.shuffle:
            np.random.shuffle(order)  # noqa: NPY002 - the generator that scripts seed
        for batch in range(len(self)):
            places = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            rows = [self.dataset[int(place)] for place in places]
            if isinstance(rows[0], tuple):
                yield tuple(self.stacked(column) for column in zip(*rows, strict=True))
            else:
                yield self.stacked(rows)

    def stacked(self, values):
        arrays = [unidl.ops.convert_to_numpy(value) for value in values]
        return unidl.ops.convert_to_tensor(np.stack(arrays))


def gluon_mnist(train=True, transform=None):
    """data.vision.MNIST: images (28, 28, 1) of bytes, and digits."""
    images, digits = unidl.datasets.mnist.load_data()[0 if train else 1]
    dataset = GluonDataset(images[..., np.newaxis], digits.astype("int32"))
    return dataset if transform is None else dataset.transform(transform)


def gluon_to_tensor(image):
    """transforms.ToTensor: bytes (height, width, channels) -> floats (channels, height, width)."""
    return np.moveaxis(np.asarray(image), -1, 0).astype("float32") / 255


def gluon_normalize(mean=0.0, std=1.0):
    """transforms.Normalize, of images whose channels come first."""
    mean, std = (np.reshape(np.asarray(value, "float32"), (-1, 1, 1)) for value in (mean, std))
    return lambda image: (image - mean) / std


def gluon_compose(functions):
    """transforms.Compose: one after the other."""

    def composed(image):
        for function in functions:
            image = function(image)
        return image

    return composed


class GluonAccuracy:
    """metric.Accuracy: the share of labels predicted, from classes or from their scores."""

    def __init__(self, name="accuracy"):
        self.name = name
        self.reset()

    def reset(self):
        self.right, self.all = 0, 0

    def update(self, labels, preds):
        pairs = zip(labels, preds, strict=True) if isinstance(labels, list) else [(labels, preds)]
        for label, pred in pairs:
            label = unidl.ops.convert_to_numpy(label)
            pred = unidl.ops.convert_to_numpy(pred)
            if pred.shape != label.shape:
                pred = pred.argmax(axis=1)
            self.right += int((pred.astype("int32") == label.astype("int32")).sum())
            self.all += label.size

    def get(self):
        return self.name, self.right / self.all if self.all else float("nan")


class GluonMeanMetric:
    """metric.Loss: the mean of all numbers of `preds`."""

    def __init__(self, name="loss"):
        self.name = name
        self.reset()

    def reset(self):
        self.sum, self.all = 0.0, 0

    def update(self, _, preds):
        for pred in preds if isinstance(preds, list) else [preds]:
            values = unidl.ops.convert_to_numpy(pred)
            self.sum += float(values.sum())
            self.all += values.size

    def get(self):
        return self.name, self.sum / self.all if self.all else float("nan")


class GluonPerplexity:
    """metric.Perplexity: exp of the mean of -log of the labels' probabilities, `preds`."""

    def __init__(self, ignore_label=None, axis=-1, name="perplexity"):
        self.ignore_label, self.axis, self.name = ignore_label, axis, name
        self.reset()

    def reset(self):
        self.sum, self.all = 0.0, 0

    def update(self, labels, preds):
        for label, pred in zip(labels, preds, strict=True):
            pred = np.moveaxis(unidl.ops.convert_to_numpy(pred), self.axis, -1)
            pred = pred.reshape(-1, pred.shape[-1])
            label = unidl.ops.convert_to_numpy(label).reshape(-1).astype("int32")
            counts = label != self.ignore_label
            chosen = pred[np.arange(label.size), label][counts]
            self.sum -= float(np.log(np.maximum(chosen, 1e-10)).sum())
            self.all += chosen.size

    def get(self):
        return self.name, float(np.exp(self.sum / self.all)) if self.all else float("nan")
