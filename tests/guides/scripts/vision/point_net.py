"""PointNet: shared convolutions over points, learned transformations, an orthogonal regularizer."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(52)
POINTS, CLASSES = 16, 3


def conv_bn(x, filters):
    x = layers.Conv1D(filters, kernel_size=1, padding="valid")(x)
    x = layers.BatchNormalization(momentum=0.0)(x)
    return layers.Activation("relu")(x)


def dense_bn(x, filters):
    x = layers.Dense(filters)(x)
    x = layers.BatchNormalization(momentum=0.0)(x)
    return layers.Activation("relu")(x)


class OrthogonalRegularizer(keras.regularizers.Regularizer):
    def __init__(self, num_features, l2reg=0.001):
        self.num_features, self.l2reg = num_features, l2reg

    def __call__(self, x):
        x = ops.reshape(x, (-1, self.num_features, self.num_features))
        xxt = ops.tensordot(x, x, axes=(2, 2))
        xxt = ops.reshape(xxt, (-1, self.num_features, self.num_features))
        eye = ops.eye(self.num_features)
        return ops.sum(self.l2reg * ops.square(xxt - eye))

    def get_config(self):
        return {"num_features": self.num_features, "l2reg": self.l2reg}


def tnet(inputs, num_features):
    bias = keras.initializers.Constant(np.eye(num_features).flatten())
    x = conv_bn(inputs, 8)
    x = layers.GlobalMaxPooling1D()(x)
    x = dense_bn(x, 8)
    x = layers.Dense(
        num_features * num_features,
        kernel_initializer="zeros",
        bias_initializer=bias,
        activity_regularizer=OrthogonalRegularizer(num_features),
    )(x)
    transform = layers.Reshape((num_features, num_features))(x)
    return layers.Dot(axes=(2, 1))([inputs, transform])


inputs = keras.Input(shape=(POINTS, 3))
x = tnet(inputs, 3)
x = conv_bn(x, 8)
x = tnet(x, 8)
x = conv_bn(x, 16)
x = layers.GlobalMaxPooling1D()(x)
x = layers.Dropout(0.3)(dense_bn(x, 8))
model = keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x), name="pointnet")
print("parameters", model.count_params(), len(model.layers))

rng = np.random.default_rng(0)
labels = rng.integers(0, CLASSES, size=24)
points = (rng.normal(size=(24, POINTS, 3)) * (1 + labels[:, None, None])).astype("float32")
transform = keras.Model(inputs, model.layers[-1].output)
model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=keras.optimizers.Adam(learning_rate=0.001),
    metrics=["sparse_categorical_accuracy"],
)
history = model.fit(
    points, labels, epochs=2, batch_size=8, verbose=0, validation_data=(points, labels)
)
print("logs", sorted(history.history))
assert np.isfinite(history.history["loss"]).all()
print("predicted", model.predict(points, verbose=0).argmax(-1).shape)
