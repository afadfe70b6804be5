"""Configs of Keras 2 in the layout of Keras 3: classes with their modules, nodes as arguments."""

from __future__ import annotations

from typing import Any

from unidl.saving import public_names

# Where a class without a module is looked for; losses and metrics, which share names, come last.
_PACKAGES = (
    "layers", "models", "initializers", "regularizers", "constraints", "optimizers", "losses",
    "metrics",
)  # fmt: skip

# Arguments that say how Keras 2 computes, or what it noted, and nothing of what comes out.
_GONE = frozenset({
    "implementation", "input_length", "is_legacy_optimizer", "jit_compile", "key_shape",
    "query_shape", "softmax_robust_masking", "value_shape", "virtual_batch_size", "fused",
})  # fmt: skip

_MODELS = ("Functional", "Model", "Sequential")
_FUNCTIONS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod")
_RECURRENT = ("RNN", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "ConvLSTM")
_RENAMED = {
    "InputLayer": {"batch_input_shape": "batch_shape"},
    "LeakyReLU": {"alpha": "negative_slope"},
}


def modern(config: Any, packages: tuple[str, ...] = _PACKAGES) -> Any:
    """A config in Keras 3's layout; one that is in it already comes back equal.

    Raises:
        ValueError: it asks for what no layer of Keras 3 does.
    """
    if isinstance(config, list):
        return [modern(each, packages) for each in config]
    if not isinstance(config, dict):
        return config
    if not isinstance(config.get("class_name"), str) or "config" not in config:
        return {key: modern(value, packages) for key, value in config.items()}
    if config["class_name"] == "MeanMetricWrapper":
        return config["config"]["fn"]
    return _modern_object(config, packages)


def _modern_object(config: dict[str, Any], packages: tuple[str, ...]) -> dict[str, Any]:
    found = dict(config)
    name = found["class_name"].removeprefix("Custom>")
    if name == "Policy":
        name, found["module"] = "DTypePolicy", "keras"
    if not found.get("module"):
        modules = [f"keras.{package}" for package in packages]
        known = (m for m in modules if public_names.find_public(m, name))
        missing = (m for m in modules if public_names.why_missing(m, name))
        found["module"] = next(known, None) or next(missing, None)
    if found["module"]:
        found["class_name"] = name
    inner = found["config"]
    if name == "Sequential":
        inner = _sequential(inner)
    if name == "Lambda" and isinstance(inner.get("function"), list):
        code = {"class_name": "__lambda__", "config": {"value": inner["function"]}}
        return found | {"config": inner | {"function": code}}
    if isinstance(inner, dict):
        if found["module"]:
            inner = _arguments(name, inner)
        if "input_layers" in inner:
            inner = _graph(inner)
    found["config"] = modern(inner, packages)
    return found


def _arguments(name: str, config: dict[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in config.items() if key not in _GONE}
    if found.pop("time_major", False):
        raise ValueError(
            f"{name} has time_major=True, which Keras 3 does not have. Put ops.transpose before it."
        )
    if found.pop("decay", 0.0):
        raise ValueError(
            f"{name} has decay={config['decay']}, which Keras 3 does not have. Compile the model "
            "again with optimizers.schedules.InverseTimeDecay as the learning rate."
        )
    for old, new in _RENAMED.get(name, {}).items():
        if old in found:
            found[new] = found.pop(old)
    found.pop("batch_input_shape", None)  # of a layer behind an InputLayer
    has_kernels_of_its_own = name.startswith(("Separable", "Depthwise"))
    has_no_groups = has_kernels_of_its_own or name.endswith("Transpose")
    if has_no_groups and found.pop("groups", 1) != 1:
        raise ValueError(f"{name} has groups={config['groups']}, which Keras 3 does not have.")
    if has_kernels_of_its_own:  # the base class wrote these too
        found = {k: v for k, v in found.items() if not k.startswith("kernel_") or k[7:] == "size"}
    axis = found.get("axis")
    if isinstance(axis, list) and len(axis) == 1:
        found["axis"] = axis[0]
    return found


def _sequential(config: Any) -> dict[str, Any]:
    """With an InputLayer at the head, where the first layer knows its shape; once the config was a
    bare list."""
    found = {"layers": config} if isinstance(config, list) else dict(config)
    first = found["layers"][0] if found.get("layers") else {}
    shape = first.get("config", {}).get("batch_input_shape")
    if first.get("class_name") != "InputLayer" and shape is not None:
        entry = {"class_name": "InputLayer", "config": {"batch_input_shape": shape}}
        found["layers"] = [entry, *found["layers"]]
    return found


def _graph(config: dict[str, Any]) -> dict[str, Any]:
    """The config of a functional model with its nodes as arguments of calls."""
    entries = config["layers"]
    for each in entries:
        if each["class_name"] in _FUNCTIONS:
            raise ValueError(
                f"the layer {each['name']!r} is a TensorFlow function, "
                f"{each['config'].get('function')!r}, called on a symbolic tensor of Keras 2. In "
                "Keras 2 replace it with a layer (Add, Rescaling ...), and save the model again."
            )
    if any(isinstance(n, dict) for each in entries for n in each.get("inbound_nodes", ())):
        return config  # by Keras 3
    models = {each["name"] for each in entries if each["class_name"] in _MODELS}
    read = _Nodes(models)
    layers = [
        each
        | {
            "inbound_nodes": [
                read.node(node, each["class_name"]) for node in each.get("inbound_nodes", ())
            ]
        }
        for each in entries
    ]
    ends = {end: _unwrapped(read.places(config[end])) for end in ("input_layers", "output_layers")}
    return config | {"layers": layers} | ends


class _Nodes:
    """Keras 2 counts the calls of layers from 0, and those of models from 1: their first is the
    graph itself."""

    def __init__(self, models: set[str]) -> None:
        self._models = models

    def node(self, node: Any, class_name: str) -> dict[str, Any]:
        tensors = [self._tensor(entry[:3]) for entry in node]
        given = node[0][3] if node and len(node[0]) > 3 else {}
        kwargs = {key: self._value(value) for key, value in given.items()}
        if class_name.startswith(_RECURRENT) and len(tensors) > 1:
            kwargs["initial_state"] = tensors[1:]
            tensors = tensors[:1]
        return {
            "args": tensors if len(tensors) == 1 else [tensors],
            "kwargs": kwargs,
            # What Keras 2 notes is what the user gave.
            "keeps_training": given.get("training") is not None,
        }

    def places(self, structure: Any) -> Any:
        """References in any nesting, with the numbers of Keras 3."""
        if _is_reference(structure):
            name, node, index = structure
            return [name, node - (name in self._models), index]
        if isinstance(structure, dict):
            return {key: self.places(each) for key, each in structure.items()}
        if not isinstance(structure, list):
            raise TypeError(f"{structure!r} is no place in the graph")
        return [self.places(each) for each in structure]

    def _value(self, value: Any) -> Any:
        if _is_reference(value):
            return self._tensor(value)
        return [self._value(each) for each in value] if isinstance(value, list) else value

    def _tensor(self, reference: Any) -> dict[str, Any]:
        config = {"keras_history": self.places(reference)}
        return {"class_name": "__keras_tensor__", "config": config}


def _is_reference(value: Any) -> bool:
    """[layer, node, index]"""
    return isinstance(value, list) and [*map(type, value)] == [str, int, int]


def _unwrapped(ends: Any) -> Any:
    return ends[0] if isinstance(ends, list) and len(ends) == 1 else ends
