"""What a model may override of its training: the step on a batch, its loss, what it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl.autodiff import value_and_grad
from unidl.backend import registry
from unidl.backend.stateless_scope import StatelessScope
from unidl.backend.stateless_values import paired, values_in
from unidl.training.batch_loss import batch_loss, checked_loss, with_added_losses
from unidl.utils.batch import unpack_x_y_sample_weight

if TYPE_CHECKING:  # which `Model` brings
    from unidl.layers.base.layer import Layer as _Layer
else:
    _Layer = object


class Overridable(_Layer):
    """Mixed into `Trainer`."""

    objective: Any = None
    optimizer: Any = None
    train_function: Any = None
    test_function: Any = None
    predict_function: Any = None

    if TYPE_CHECKING:

        @property
        def metrics(self) -> list: ...

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of `fit` on one batch. Override it for a step of your own.

        It is compiled like all steps: gradients are those of `unidl.value_and_grad`, and
        `run_eagerly=True` runs it as plain Python.

            def train_step(self, data):
                x, y, sample_weight = unidl.utils.unpack_x_y_sample_weight(data)

                def forward():
                    y_pred = self(x, training=True)
                    return self.compute_loss(x, y, y_pred, sample_weight), y_pred

                variables = self.trainable_variables
                (loss, y_pred), gradients = unidl.value_and_grad(forward, variables, has_aux=True)
                self.optimizer.apply(gradients, variables)
                for metric in self.metrics:
                    if metric.name == "loss":
                        metric.update_state(loss)
                    else:
                        metric.update_state(y, y_pred)
                return {metric.name: metric.result() for metric in self.metrics}

        Args:
            data: x, (x, y) or (x, y, sample_weight), nests of tensors (n, ...).

        Returns:
            The numbers to report, by name; `fit` shows those of the last batch.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        variables = self.trainable_variables

        def forward() -> Any:
            found = batch_loss(self, x, y, sample_weight, training=True)
            self.objective.update_losses(x, y, sample_weight, found)
            logs = self.compute_metrics(x, y, found.y_pred, sample_weight)
            return self.optimizer.scale_loss(found.loss), logs

        (_, logs), gradients = value_and_grad(forward, variables, has_aux=True)
        self.optimizer.apply(gradients, variables)
        return logs

    def test_step(self, data: Any) -> dict[str, Any]:
        """What `evaluate`, and `fit` for validation, do with one batch: see `train_step`."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        found = batch_loss(self, x, y, sample_weight, training=False)
        self.objective.update_losses(x, y, sample_weight, found)
        return self.compute_metrics(x, y, found.y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch of `predict`, which is the tuple (x,)."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add a batch to the metrics of `compile`; returns what `get_metrics_result` returns."""
        self.objective.resolve_for(self, y, y_pred)
        self.objective.update_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """{name: value so far} of all `metrics`."""
        names = {id(metric): name for name, metric in self.objective.named()}
        found: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            found |= (
                value if isinstance(value, dict) else {names.get(id(metric), metric.name): value}
            )
        return found

    def make_train_function(self, force: bool = False) -> Any:
        """`train_function`: a function of an iterator over batches that takes one step. A model
        that overrides this is trained by what it makes, as plain Python."""
        return self._make_function("train", force)

    def make_test_function(self, force: bool = False) -> Any:
        """`test_function`: see `make_train_function`."""
        return self._make_function("test", force)

    def make_predict_function(self, force: bool = False) -> Any:
        """`predict_function`: see `make_train_function`."""
        return self._make_function("predict", force)

    def _make_function(self, kind: str, force: bool) -> Any:
        name = f"{kind}_function"
        if force or getattr(self, name, None) is None:
            setattr(self, name, lambda iterator: getattr(self, f"{kind}_step")(next(iterator)))
        return getattr(self, name)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The scalar that is minimised. Override it for a loss of your own.

        Args:
            x, y, sample_weight: a batch, in the structures given to `fit`; None if not given.
            y_pred: the outputs for x.
            training: False in `evaluate` and `test_on_batch`.

        This one adds `self.losses`, which are the layers' losses and the weights' regularizers, to
        the losses given to `compile`. One that does not call it adds them itself if it wants them.
        """
        self.objective.resolve_for(self, y, y_pred)
        parts = self.objective.losses_of_outputs(y, y_pred, sample_weight)
        return with_added_losses(self, self.objective.total(parts))

    def stateless_compute_loss(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        metrics_variables: Any,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """`compute_loss` as a function of the values of all variables; nothing changes.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: values of the model's
                properties of these names, in their order.
            x, y, y_pred, sample_weight, training: the arguments of `compute_loss`.

        Returns:
            (loss, (trainable_variables, non_trainable_variables, metrics_variables)), the values
            after it. The weights' regularizers are in the loss; what layers add in their call is
            not, since the call is made before: `stateless_call(return_losses=True)` returns it.

        Raises:
            ValueError: before `compile`, and for values of another number or shape.
        """
        who = f"{self._who()}: stateless_compute_loss()"
        if self.objective is None:
            raise ValueError(
                f"{who} takes the loss of compile. Write model.compile(loss=...) first."
            )
        given = {
            "trainable_variables": trainable_variables,
            "non_trainable_variables": non_trainable_variables,
            "metrics_variables": metrics_variables,
        }
        variables = {name: getattr(self, name) for name in given}
        mapping = [
            pair
            for name, values in given.items()
            for pair in paired(who, name, f"model.{name}", variables[name], values)
        ]
        with registry.use_backend(self.backend):
            with StatelessScope(mapping) as scope:
                loss = checked_loss(self, x, y, y_pred, sample_weight, training)
            _, others, metrics = (values_in(scope, each) for each in variables.values())
        return loss, (trainable_variables, others, metrics)
