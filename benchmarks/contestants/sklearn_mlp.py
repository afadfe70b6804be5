"""scikit-learn's MLPClassifier, which is NumPy and SciPy inside."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier

from benchmarks.workloads import CLASSES, LEARNING_RATE


class ScikitLearn:
    def __init__(self, workload):
        self.model = MLPClassifier(
            64, learning_rate_init=LEARNING_RATE, batch_size=workload.batch, alpha=0, random_state=0
        )

    def train(self, x, y, gate):
        for _ in range(gate.epochs):
            gate.begin()
            # One pass in shuffled batches; it counts no accuracy, so nothing is reported for it.
            self.model.partial_fit(x, y, classes=np.arange(CLASSES))
            gate.end(float(self.model.loss_), None)

    def predict(self, x, batch_size):
        return np.concatenate(
            [self.model.predict_proba(x[i : i + batch_size]) for i in range(0, len(x), batch_size)]
        )

    def evaluate(self, x, y, batch_size):
        probabilities = self.predict(x, batch_size)
        return log_loss(y, probabilities, labels=np.arange(CLASSES)), accuracy_score(
            y, probabilities.argmax(1)
        )
