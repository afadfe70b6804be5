"""Functional models as JSON and back, in Keras' layout: layers with their inbound nodes, tensors as [layer, node, index]."""

from __future__ import annotations

from unidl import ops
from unidl.backend.symbolic import KerasTensor, graph
from unidl.layers.layer import Layer
from unidl.saving.object_registration import deserialize_keras_object, serialize_keras_object


def graph_to_config(model):
    """{"name", "trainable", "layers", "input_layers", "output_layers"}."""
    plan = model._plan
    used = {id(node) for node in plan.nodes}
    nodes_of = {id(op): [] for op in plan.operations}
    for node in plan.nodes:
        nodes_of[id(node.operation)].append(node)
    place = {id(node): i for nodes in nodes_of.values() for i, node in enumerate(nodes)}

    def reference(tensor):
        node, index = tensor.history
        return [node.operation.name, place[id(node)] if id(node) in used else 0, index]

    def written(structure):
        if isinstance(structure, KerasTensor):
            config = {"shape": list(structure.shape), "dtype": structure.dtype, "keras_history": reference(structure)}
            return {"class_name": "__keras_tensor__", "config": config}
        if isinstance(structure, list | tuple):
            return [written(s) for s in structure]
        if isinstance(structure, dict):
            return {k: written(v) for k, v in structure.items()}
        return serialize_keras_object(structure)

    layers = []
    for operation in plan.operations:
        inbound = [{"args": written(node.args), "kwargs": written(node.kwargs)} for node in nodes_of[id(operation)]]
        layers.append({**_operation_config(operation), "name": operation.name, "inbound_nodes": inbound})

    def ends(structure):
        return graph.map_tensors(reference, structure)

    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": ends(plan.inputs),
        "output_layers": ends(plan.outputs),
    }


def _operation_config(operation):
    if isinstance(operation, Layer):
        return serialize_keras_object(operation)
    function = operation.function.__name__
    return {"module": "unidl.ops", "class_name": "Function", "config": {"name": operation.name, "function": function}, "registered_name": None}


def graph_from_config(cls, config):
    """A new model from `graph_to_config`'s dict, or from a functional Keras model's."""
    operations = {entry["name"]: _make_operation(entry) for entry in config["layers"]}
    outputs = {}  # (operation's name, node's number) -> flat outputs
    waiting = []
    for entry in config["layers"]:
        operation = operations[entry["name"]]
        if not entry["inbound_nodes"]:
            outputs[entry["name"], 0] = operation._inbound[0].outputs
        waiting += [(entry["name"], i, node) for i, node in enumerate(entry["inbound_nodes"])]

    def read(structure):
        if isinstance(structure, dict) and structure.get("class_name") == "__keras_tensor__":
            name, node, index = structure["config"]["keras_history"]
            return outputs[name, node][index]
        if isinstance(structure, list):
            return [read(s) for s in structure]
        if isinstance(structure, dict) and "class_name" not in structure:
            return {k: read(v) for k, v in structure.items()}
        return deserialize_keras_object(structure) if isinstance(structure, dict) else structure

    while waiting:
        left = []
        for name, number, node in waiting:
            try:
                args, kwargs = read(node["args"]), read(node["kwargs"])
            except KeyError:
                left.append((name, number, node))
                continue
            outputs[name, number] = graph.flatten_tensors(operations[name](*args, **kwargs))
        if len(left) == len(waiting):
            raise ValueError(f"from_config: the nodes of {', '.join(n for n, _, _ in left)} refer to tensors that no layer makes.")
        waiting = left

    def end(structure):
        if isinstance(structure, dict):
            return {k: end(v) for k, v in structure.items()}
        if len(structure) == 3 and isinstance(structure[0], str) and isinstance(structure[1], int):
            return outputs[structure[0], structure[1]][structure[2]]
        return [end(s) for s in structure]

    model = cls(end(config["input_layers"]), end(config["output_layers"]), name=config.get("name"))
    model._trainable = config.get("trainable", True)
    return model


def _make_operation(entry):
    if entry["class_name"] != "Function":
        return deserialize_keras_object(entry)
    function = getattr(ops, entry["config"]["function"])
    return _Recorded(function, entry["config"]["name"])


class _Recorded:
    """Calls a public function and gives its node the name it had."""

    def __init__(self, function, name):
        self._function, self._name = function, name

    def __call__(self, *args, **kwargs):
        result = self._function(*args, **kwargs)
        graph.flatten_tensors(result)[0].history[0].operation.name = self._name
        return result


