"""Steps of the user's own: a model that overrides `train_step`, `test_step`, `predict_step`, what
makes them, or what they report.

A step of one's own runs once as plain Python, which makes what is made at the first use (slots of
its optimizers, for one), and is compiled from the second run on, where the backend compiles
gradients.
"""

from __future__ import annotations

from unidl import tree
from unidl.layers.base.layer import Layer
from unidl.metrics import Metric
from unidl.optimizers import Optimizer
from unidl.training.distributed import (
    counting_begins,
    data_parallel,
    runs_in_shards,
    whole_numbers,
)
from unidl.training.objective import to_number
from unidl.training.steps import MAKERS, Step
from unidl.utils.batch import pack_x_y_sample_weight
from unidl.utils.watched import changes

_REPORTED = ("compute_metrics", "get_metrics_result", "metrics")
HOOKS = {
    "train": ("train_step", "make_train_function", *_REPORTED),
    "test": ("test_step", "make_test_function", *_REPORTED),
    "predict": ("predict_step", "make_predict_function"),
}


def is_own(model, kind) -> bool:
    """Whether "train", "test" or "predict" runs a step of the user's own, or reports metrics that
    `compile` was not given."""
    if kind != "predict" and metrics_of(model):
        return True
    return any(_is_overridden(model, name) for name in HOOKS[kind])


def trains_by_itself(model) -> bool:
    """Whether `fit` does not take the step of `compile`."""
    return any(_is_overridden(model, name) for name in ("train_step", "make_train_function"))


def _is_overridden(model, name):
    from unidl.training.trainer import Trainer

    return name in vars(model) or getattr(type(model), name) is not getattr(Trainer, name)


def has_call(model) -> bool:
    """Whether the model computes outputs, and not only in a step of its own."""
    from unidl.models.model import Model

    return model._plan is not None or type(model).call is not Model.call


def metrics_of(model) -> list[Metric]:
    """The metrics that the model and its layers hold as attributes."""
    known, found = vars(model).setdefault("_held_metrics", (None, None))
    key = changes(), len(vars(model))
    if known != key:
        found = Layer.metrics.__get__(model)
        vars(model)["_held_metrics"] = key, found
    return found


def optimizers_of(model) -> list[Optimizer]:
    """That of `compile`, and those which the model holds as attributes."""
    return list({id(o): o for o in tree.instances(Optimizer, list(vars(model).values()))}.values())


def make_step(model, kind) -> Step:
    return OwnStep(model, kind) if is_own(model, kind) else MAKERS[kind](model)


class OwnStep(Step):
    """A step whose runs give the numbers that it reports, of "predict" the outputs."""

    def __init__(self, model, kind):
        super().__init__(model, kind, self._compile, changes_state=True)
        self._function = _function(model, kind)
        self._structure = None  # of what the step returned, with 0 for each number

    def _compile(self, unflatten):
        model, kind = self._model, self.kind

        def body(*leaves):
            batch = unflatten(*leaves)
            data = (batch[0],) if kind == "predict" else pack_x_y_sample_weight(*batch)
            result = self._function(data)
            if kind != "predict":
                _check_logs(model, kind, result)
            self._structure = tree.map_structure(lambda _: 0, result)
            return tree.flatten(result)

        compiles = model.backend.compiles_gradients or kind != "train"
        eager = model.run_eagerly or runs_in_shards()
        if eager or not compiles or _is_overridden(model, f"make_{kind}_function"):
            return body
        return _compiled_later(model, body)

    def _in_phases(self, make_run):
        return make_run()  # it may use several optimizers, each in steps of its own

    def pack(self, flat):
        return tree.pack_sequence_as(self._structure, flat)

    def reset(self):
        self._model.reset_metrics()
        counting_begins()

    def results(self, last, whole=True):
        """The numbers of the last run, which are what metrics found up to then."""
        if data_parallel() is None:
            return self._numbers(last)
        if not whole:
            return self._numbers(last[0])
        return whole_numbers(self._model, [self._numbers(one) for one in last])

    def _numbers(self, flat):
        found = {}
        for name, value in self.pack(flat).items():
            if isinstance(value, dict):  # of a metric with several
                found |= {key: to_number(key, one) for key, one in value.items()}
            else:
                found[name] = to_number(name, value)
        return found


def train_function(model):
    """function(data) -> what the training step returns, as plain Python."""
    return _function(model, "train")


def _function(model, kind):
    """function(data) -> what the step returns."""
    if not _is_overridden(model, f"make_{kind}_function"):
        return getattr(model, f"{kind}_step")
    getattr(model, f"make_{kind}_function")()
    function = getattr(model, f"{kind}_function")
    return lambda data: function(iter([data]))


def _compiled_later(model, body):
    """`body`, compiled after its first run."""
    compiled = None

    def run(*tensors):
        nonlocal compiled
        if compiled is not None:
            return compiled(*tensors)
        result = body(*tensors)
        compiled = model.backend.compile(body, model._state(), jit_compile=model.jit_compile)
        return result

    return run


def _check_logs(model, kind, logs):
    if not isinstance(logs, dict) or not logs:
        raise TypeError(
            f"{model._who()}: {kind}_step() must return a dict of numbers by name, got "
            f"{logs!r:.100}. End it with: return {{metric.name: metric.result() for metric in "
            "self.metrics}."
        )
