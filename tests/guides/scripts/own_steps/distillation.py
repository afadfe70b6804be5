"""Knowledge distillation: a student learns from the softened outputs of a frozen teacher."""

import numpy as np

import unidl as keras
from unidl import layers, ops

keras.utils.set_random_seed(24)


class Distiller(keras.Model):
    def __init__(self, student, teacher):
        super().__init__()
        self.teacher, self.student = teacher, student

    def compile(
        self, optimizer, metrics, student_loss_fn, distillation_loss_fn, alpha, temperature
    ):
        super().compile(optimizer=optimizer, metrics=metrics)
        self.student_loss_fn = student_loss_fn
        self.distillation_loss_fn = distillation_loss_fn
        self.alpha, self.temperature = alpha, temperature

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, allow_empty=False, training=True
    ):
        teacher_pred = self.teacher(x, training=False)
        student_loss = self.student_loss_fn(y, y_pred)
        soft = self.distillation_loss_fn(
            ops.softmax(teacher_pred / self.temperature, axis=1),
            ops.softmax(y_pred / self.temperature, axis=1),
        ) * (self.temperature**2)
        return self.alpha * student_loss + (1 - self.alpha) * soft

    def call(self, x):
        return self.student(x)


def convolutional(channels, name):
    return keras.Sequential(
        [
            keras.Input(shape=(8, 8, 1)),
            layers.Conv2D(channels, (3, 3), strides=(2, 2), padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.MaxPooling2D(pool_size=(2, 2), strides=(1, 1), padding="same"),
            layers.Conv2D(channels, (3, 3), strides=(2, 2), padding="same"),
            layers.Flatten(),
            layers.Dense(3),
        ],
        name=name,
    )


rng = np.random.default_rng(0)
x = rng.random((48, 8, 8, 1)).astype("float32")
y = rng.integers(0, 3, size=48)
teacher, student = convolutional(16, "teacher"), convolutional(4, "student")
sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
teacher.compile("adam", sparse, metrics=[keras.metrics.SparseCategoricalAccuracy()])
teacher.fit(x, y, epochs=2, batch_size=16, verbose=0)
teacher.trainable = False
kept = [w.copy() for w in teacher.get_weights()]

distiller = Distiller(student=student, teacher=teacher)
distiller.compile(
    optimizer=keras.optimizers.Adam(),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
    student_loss_fn=sparse,
    distillation_loss_fn=keras.losses.KLDivergence(),
    alpha=0.1,
    temperature=10,
)
history = distiller.fit(x, y, epochs=2, batch_size=16, verbose=0)
print("logs", sorted(history.history), len(distiller.trainable_weights))
print("evaluated", len(distiller.evaluate(x, y, verbose=0)))
same = [np.array_equal(a, b) for a, b in zip(kept, teacher.get_weights(), strict=True)]
print("teacher unchanged", all(same), "student", student.count_params())
