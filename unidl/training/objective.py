"""Objective: the losses and metrics of `compile`, resolved against the model's outputs."""

from __future__ import annotations

import itertools

import numpy as np

from unidl import losses as losses_module
from unidl import metrics as metrics_module
from unidl import ops, tree
from unidl.backend import dtypes
from unidl.layers.base.annotations import masks
from unidl.losses.check import check_targets, is_own, quick_test
from unidl.losses.reduction import expand_to_rank
from unidl.tracing.keras_tensor import KerasTensor
from unidl.tracing.rows import from_share
from unidl.training import arguments, asks_values, gradients
from unidl.utils.watched import Watched


class Output:
    """What is asked of one output of the model."""

    def __init__(self, name, loss, factor, tracker, metrics):
        self.name, self.loss, self.factor, self.tracker = name, loss, factor, tracker
        self.metrics, self.weighted_metrics = metrics, []


_ARGUMENTS = ("loss", "loss_weights", "metrics", "weighted_metrics")


class Objective(Watched):
    """
    Args: those of `compile`.

    `resolve` fixes, from a first batch, what belongs to which output; then `loss` and `update` run
    inside the compiled step and `results` reads the numbers.
    """

    def __init__(self, loss, loss_weights, metrics, weighted_metrics):
        self._given = loss, loss_weights, metrics, weighted_metrics
        for each in tree.flatten(loss):
            if each not in losses_module.BY_SHAPE:
                arguments.of_two("loss", losses_module.get(each))  # unknown names are told at once
        for each in tree.flatten(loss_weights):
            arguments.factor(each)
        self.resolved = False
        self.unresolved = None  # why `try_to_resolve` could not
        self.idle = None
        self._looked = False
        self._outputs = []
        self._tracker = metrics_module.Mean(name="loss")

    @property
    def given(self):
        """{argument of `compile`: its value}."""
        return dict(zip(_ARGUMENTS, self._given, strict=True))

    @property
    def given_loss(self):
        """The argument `loss`."""
        return self._given[0]

    # -- resolving ---------------------------------------------------------------------------------

    def resolve(self, model, x, y):
        """Bind losses and metrics to outputs, by the shapes of targets and symbolic outputs."""
        if all(given is None for given in self._given):
            # Targets of any structure will do: only a `compute_loss` of the user's own reads them.
            self.resolved = True
            return
        self._bind(model, y, model._symbolic_outputs_for(x))

    def resolve_for(self, model, y, y_pred):
        """`resolve` by the targets and predictions that a step of the user's own compares, where
        those of its data do not tell."""
        if self.unresolved is not None and y_pred is None:
            raise self.unresolved
        asked_first = not self.resolved and y_pred is not None and any(map(_is_given, self._given))
        if self.unresolved is not None or asked_first:
            with model.backend.concretely():  # metrics make Variables, which outlive a trace
                self._bind(model, *(tree.map_structure(_symbol, given) for given in (y, y_pred)))
            self.unresolved = None

    def _bind(self, model, y, y_pred):
        names = self._names(model, y_pred)
        losses, factors, metrics, weighted = (
            self._spread(given, names, what) for what, given in self.given.items()
        )
        predictions, targets = self._pair(names, y_pred, y, losses, model)
        several_losses = sum(loss is not None for loss in losses) > 1
        prefixes = [f"{name}_" if len(names) > 1 else "" for name in names]
        shapes = [
            (None if y is None else y.shape, y_pred.shape)
            for y, y_pred in zip(targets, predictions, strict=True)
        ]
        # What fit adds of its own: a metric of such a name would take its place.
        taken = {"loss", "val_loss"}
        if several_losses:
            taken |= {f"{name}_loss" for name in names}
        self._outputs = []
        for name, prefix, target, shape, loss, factor, each in zip(
            names, prefixes, targets, shapes, losses, factors, metrics, strict=True
        ):
            if loss is not None and target is None:
                raise ValueError(
                    f"{model._who()}: the output {name!r} has a loss but no target. Give y, or "
                    "loss=None for this output."
                )
            tracker = (
                metrics_module.Mean(name=f"{name}_loss")
                if several_losses and loss is not None
                else None
            )
            found = self._make_metrics(each, prefix, "", taken, shape)
            self._outputs.append(
                Output(name, losses_module.resolve(loss, *shape), factor, tracker, found)
            )
        # After all others, since a name that is taken by then gets "weighted_" before it.
        for output, prefix, shape, each in zip(
            self._outputs, prefixes, shapes, weighted, strict=True
        ):
            output.weighted_metrics = self._make_metrics(each, prefix, "weighted_", taken, shape)
        for output, target, prediction in zip(self._outputs, targets, predictions, strict=True):
            if target is not None and not model.run_eagerly:
                asks_values.check(model.backend, output, target, prediction)
        self.resolved = True
        model._forget_compiled()

    def try_to_resolve(self, model, x, y):
        """For a step of the user's own, which may never ask for the losses of `compile`: what is
        wrong is an error when it does."""
        try:
            self.resolve(model, x, y)
        except (TypeError, ValueError, NotImplementedError) as error:
            self.unresolved = error

    @staticmethod
    def _names(model, y_pred):
        if isinstance(y_pred, dict):
            return list(y_pred)
        count = len(tree.flatten(y_pred))
        if model.outputs is not None:
            return model.output_names
        return [f"output_{i}" for i in range(count)] if count > 1 else ["output"]

    @staticmethod
    def _pair(names, y_pred, y, losses, model):
        """Flat predictions and targets, in the order of `names`."""
        predictions = (
            [y_pred[n] for n in names] if isinstance(y_pred, dict) else tree.flatten(y_pred)
        )
        return predictions, _targets_of_outputs(names, y, losses, model._who())

    @staticmethod
    def _spread(given, names, what):
        """What was given for all outputs, as a list with an entry for each."""
        if isinstance(given, dict):
            unknown = [k for k in given if k not in names]
            if unknown:
                raise ValueError(
                    f"compile: {what} names the output {unknown[0]!r}; the outputs are "
                    f"{', '.join(names)}."
                )
            return [given.get(n) for n in names]
        if len(names) == 1:
            if isinstance(given, list | tuple) and what in ("loss", "loss_weights"):
                if len(given) == 1:
                    return [given[0]]
                if what == "loss_weights" or not given:
                    raise ValueError(f"compile: {what} has {len(given)} entries for one output.")
                return [given]
            if (
                isinstance(given, list | tuple)
                and len(given) == 1
                and isinstance(given[0], list | tuple)
            ):
                return [given[0]]
            return [given]
        if isinstance(given, list | tuple):
            if (
                what in ("metrics", "weighted_metrics")
                and not any(isinstance(g, list | tuple) for g in given)
                and len(given) != len(names)
            ):
                raise ValueError(
                    f"compile: {what} for several outputs must be a list with one list per output, "
                    f"or a dict by output name; got {given!r}."
                )
            if len(given) != len(names):
                raise ValueError(
                    f"compile: {what} has {len(given)} entries for {len(names)} outputs "
                    f"({', '.join(names)})."
                )
            return list(given)
        return [given] * len(names)

    @staticmethod
    def _make_metrics(given, prefix, when_taken, taken, shapes):
        """[(name in the logs, Metric)], each name once."""
        if given is None:
            return []
        found = []
        for each in given if isinstance(given, list | tuple) else [given]:
            arguments.of_two("metric", each)
            metric = metrics_module.resolve(each, *shapes)
            if shapes[0] is not None:
                metric.build_for(*shapes)
            base = each if isinstance(each, str) else metric.name
            name = prefix + base if prefix + base not in taken else f"{prefix}{when_taken}{base}"
            number = itertools.count(1)
            stem = name
            while name in taken:
                name = f"{stem}_{next(number)}"
            taken.add(name)
            found.append((name, metric))
        return found

    def check(self, model, x, y, sample_weight=None):
        """Targets and weights against losses, on the host: label ranges, shapes."""
        if not self.resolved:
            self.resolve(model, tree.map_structure(lambda a: None if a is None else a[:1], x), y)
        if not self._outputs:
            return
        names = [o.name for o in self._outputs]
        found = self._with_predictions(model, x, y)
        for output, target, prediction in found:
            if output.loss is None:
                continue
            where = f"{model._who()}, output {output.name!r}" if len(names) > 1 else model._who()
            if target is None:
                raise ValueError(f"{where}: there is a loss but no target. Give y.")
            check_targets(output.loss, target, prediction.shape, where)
        if sample_weight is not None:
            self._check_weights(model, found, sample_weight)

    def _with_predictions(self, model, x, y):
        """[(output, target, KerasTensor of its prediction)] for arrays x and y."""
        y_pred = model._symbolic_outputs_for(
            tree.map_structure(lambda a: None if a is None else a[:1], x)
        )
        names = [o.name for o in self._outputs]
        losses = [o.loss for o in self._outputs]
        predictions, targets = self._pair(names, y_pred, y, losses, model)
        return list(zip(self._outputs, targets, predictions, strict=True))

    def _check_weights(self, model, found, sample_weight):
        """Weights have an entry for each sample, or for each step of it."""
        who, names = model._who(), [o.name for o in self._outputs]
        if isinstance(sample_weight, list | tuple) and len(sample_weight) != 1 == len(names):
            raise ValueError(
                f"{who}: sample_weight has {len(sample_weight)} entries for one output. Give one "
                "array (n,)."
            )
        weights = _weights_of_outputs(names, sample_weight, who)
        for (output, _, prediction), weight in zip(found, weights, strict=True):
            if weight is None or output.loss is None:
                continue
            shape, rank = tuple(weight.shape), len(prediction.shape)
            # One value for each sample or step, as the losses are; a last axis of 1 does no harm.
            fits = len(shape) <= rank and all(
                found in (1, wanted) or wanted is None
                for found, wanted in zip(shape[1:], prediction.shape[1:], strict=False)
            )
            if is_own(output.loss) and len(shape) == rank > 1:
                fits = fits and shape[-1] == 1
            if not fits:
                steps = tuple(prediction.shape[:-1]) or (None,)
                listing = str(tuple("n" if n is None else n for n in steps)).replace("'", "")
                raise ValueError(
                    f"{who}: sample_weight has the shape {shape}, but the losses of the output "
                    f"{output.name!r} have {listing}: one weight for each "
                    f"sample{', or for each step of it' if rank > 2 else ''}. For the weights of "
                    "several outputs give a list, or a dict by output name."
                )

    def quick_tests(self, model, x, y):
        """[(array of targets, quick test that its values can be meant)], for data that `check` has
        passed: where the test fails, `check` is to look again."""
        if not self._outputs:
            return []
        found = [
            (target, quick_test(output.loss, target, prediction.shape))
            for output, target, prediction in self._with_predictions(model, x, y)
        ]
        return [(target, test) for target, test in found if test is not None]

    def look_for_gradients(self, model, batches):
        """Set `idle` to what is wrong if none of the losses depends on the model's outputs, which
        only losses that layers add could make good."""
        if self._looked:
            return
        if model._computes_own_loss:
            self.idle = None
        elif not any(output.loss is not None for output in self._outputs):
            self.idle = gradients.NO_LOSS
        else:
            x, y, _ = batches.sample()
            found = self._with_predictions(model, x, y)
            with_loss = [each for each in found if each[0].loss is not None]
            if all(gradients.is_missing(model, o.loss, t, p) for o, t, p in with_loss):
                self.idle = gradients.NO_GRADIENT
        self._looked = True

    # -- inside the step ---------------------------------------------------------------------------

    def losses_of_outputs(self, y, y_pred, sample_weight):
        """The loss of each output, a scalar; None for an output without a loss."""
        return [
            None if output.loss is None else self._loss_of(output.loss, target, prediction, weight)
            for output, prediction, target, weight in self._match(y, y_pred, sample_weight)
        ]

    def total(self, parts):
        """The sum of the outputs' losses, each times its factor in `loss_weights`."""
        total = None
        for output, part in zip(self._outputs, parts, strict=True):
            if part is None:
                continue
            if output.factor is not None:
                part = ops.multiply(part, output.factor)
            total = part if total is None else ops.add(total, part)
        return ops.convert_to_tensor(0.0) if total is None else total

    @staticmethod
    def _loss_of(loss, target, prediction, weight):
        # Keras' three arguments and no others, for losses that override `__call__`.
        return loss(target, prediction, sample_weight=weight)

    def update(self, x, y, sample_weight, found):
        """Add a batch and the `BatchLoss` found for it to all metrics, on the device."""
        self.update_losses(x, y, sample_weight, found)
        self.update_metrics(y, found.y_pred, sample_weight)

    def update_losses(self, x, y, sample_weight, found):
        """Add a batch to the means of the losses."""
        size = ops.shape(next(leaf for leaf in tree.flatten(x) if leaf is not None))[0]
        self._tracker.update_state(_of_rows(found.loss), sample_weight=size)
        parts = found.parts
        if parts is None:  # of a loss of the user's own, which says nothing of single outputs
            tracked = any(output.tracker is not None for output in self._outputs)
            parts = (
                self.losses_of_outputs(y, found.y_pred, sample_weight)
                if tracked
                else [None] * len(self._outputs)
            )
        for output, part in zip(self._outputs, parts, strict=True):
            if output.tracker is not None:
                output.tracker.update_state(_of_rows(part), sample_weight=size)

    def update_metrics(self, y, y_pred, sample_weight):
        """Add a batch to the metrics given to `compile`."""
        for output, prediction, target, weight in self._match(y, y_pred, sample_weight):
            detached = ops.stop_gradient(prediction)
            mask = masks.get(prediction)
            for _, metric in output.metrics:
                metric.update_state(target, detached, sample_weight=_masked(None, mask))
            for _, metric in output.weighted_metrics:
                metric.update_state(target, detached, sample_weight=_masked(weight, mask))

    def _match(self, y, y_pred, sample_weight):
        """[(output, prediction, target, sample weight)]; empty if the outputs are asked nothing."""
        if not self._outputs:
            return []
        names = [o.name for o in self._outputs]
        predictions = (
            [y_pred[n] for n in names] if isinstance(y_pred, dict) else tree.flatten(y_pred)
        )
        targets = _targets_of_outputs(names, y, [o.loss for o in self._outputs], "The model")
        weights = _weights_of_outputs(names, sample_weight, "The model")
        return list(zip(self._outputs, predictions, targets, weights, strict=True))

    # -- reading -----------------------------------------------------------------------------------

    def named(self):
        """(name in the logs, Metric) of each, in the order of `evaluate`'s values."""
        yield "loss", self._tracker
        yield from (
            (output.tracker.name, output.tracker)
            for output in self._outputs
            if output.tracker is not None
        )
        found = [entry for output in self._outputs for entry in output.metrics]
        found += [entry for output in self._outputs for entry in output.weighted_metrics]
        # Keras' order of evaluate's values: as given for one output, by name for several.
        yield from found if len(self._outputs) < 2 else sorted(found, key=lambda entry: entry[0])

    @property
    def parts(self):
        """The losses and metrics."""
        return [o.loss for o in self._outputs if o.loss is not None] + self.metrics

    @property
    def names(self):
        return [name for name, _ in self.named()]

    @property
    def metrics(self):
        return [metric for _, metric in self.named()]

    @property
    def variables(self):
        return [v for metric in self.metrics for v in metric.variables]

    def results(self):
        """{name: number}, sorted by name; reads from the device."""
        found = {}
        for name, metric in self.named():
            value = metric.result()
            if isinstance(value, dict):
                for key, one in value.items():
                    # A name that is taken is that of the loss, or of another metric.
                    free = key if key not in found else f"{name}_{key}"
                    found[free] = to_number(free, one)
            else:
                found[name] = to_number(name, value)
        return dict(sorted(found.items()))

    def reset(self):
        for metric in self.metrics:
            metric.reset_state()

    def to(self, backend):
        for variable in self.variables:
            variable.to(backend)


def _of_rows(loss):
    """What one row of this process' has of `loss`, of the sum over processes as of a mean."""
    return from_share(ops.stop_gradient(loss))


def _masked(weight, mask):
    """Weights that are 0 where a step does not count; None if there are neither weights nor a
    mask."""
    if mask is None:
        return weight
    if weight is None:
        return ops.cast(mask, dtypes.floatx())
    weight = expand_to_rank(weight, len(ops.shape(mask)))
    return ops.multiply(weight, ops.cast(mask, dtypes.floatx()))


def _weights_of_outputs(names, sample_weight, who):
    """The weights of each output: one array is for all of them."""
    if not isinstance(sample_weight, list | tuple | dict):
        return [sample_weight] * len(names)
    if len(names) == 1:
        return [tree.flatten(sample_weight)[0]]
    return _flat_targets(names, sample_weight, len(names), who, "sample weights")


def to_number(name, value):
    """What a metric found as a float, or an array if it is one."""
    if value is None or isinstance(value, str | bytes):
        raise TypeError(
            f"The metric {name!r}: result() returned {value!r}, but it must return a number or a "
            "tensor. End it with: return value."
        )
    array = np.asarray(ops.convert_to_numpy(value))
    return float(array) if array.ndim == 0 else array


def _is_given(argument):
    return argument is not None


def _symbol(x):
    """A symbol for any batch of tensors like `x`."""
    return None if x is None else KerasTensor((None, *ops.shape(x)[1:]), ops.dtype(x))


def _targets_of_outputs(names, y, losses, who):
    """The target of each output; as many as there are losses are those of the outputs that have
    one."""
    flat = y if isinstance(y, list | tuple) else [y]
    with_loss = [loss is not None for loss in losses]
    if y is None or isinstance(y, dict) or not len(flat) == sum(with_loss) < len(names):
        return _flat_targets(names, y, len(names), who)
    found = iter(flat)
    return [next(found) if has_loss else None for has_loss in with_loss]


def _flat_targets(names, y, count, who, what="targets"):
    if isinstance(y, dict):
        unknown = [k for k in y if k not in names]
        if unknown:
            raise ValueError(
                f"{who}: there are {what} for {unknown[0]!r}; the outputs are {', '.join(names)}."
            )
        return [y.get(n) for n in names]
    if count == 1 and not isinstance(y, list | tuple):
        return [y]
    flat = list(y) if isinstance(y, list | tuple) else [y]
    if y is None:
        return [None] * count
    if len(flat) != count:
        raise ValueError(
            f"{who}: {count} outputs ({', '.join(names)}) need {count} {what}, got {len(flat)}. "
            "Give a list, or a dict by output name."
        )
    return flat
