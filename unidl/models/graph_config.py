"""Functional models as JSON and back, in Keras' layout: layers with their inbound nodes, tensors as
[layer, node, index]."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from unidl import tree
from unidl.layers.base.layer import Layer
from unidl.models.graph_functions import FunctionFromConfig, function_to_config, is_function
from unidl.saving.object_registration import deserialize_keras_object, serialize_keras_object
from unidl.tracing import KerasTensor, graph
from unidl.typing import TensorLike

# Keras writes training=False into the node of every layer that takes the flag, and goes by that of
# the whole model nevertheless. A node with this key has one that the user gave, which is obeyed.
_KEPT = "keeps_training"


def graph_to_config(model: Any) -> Any:
    """{"name", "trainable", "layers", "input_layers", "output_layers"}."""
    plan = model._plan
    nodes_of: Any = {id(op): [] for op in plan.operations}
    for node in plan.nodes:
        nodes_of[id(node.operation)].append(node)
    place = {id(node): i for nodes in nodes_of.values() for i, node in enumerate(nodes)}

    def reference(tensor: TensorLike) -> Any:
        node, index = plan.origin(tensor)
        return [node.operation.name, place.get(id(node), 0), index]

    def write(part: Any) -> Any:
        if isinstance(part, KerasTensor):
            config = {
                "shape": list(part.shape),
                "dtype": part.dtype,
                "keras_history": reference(part),
            }
            return {"class_name": "__keras_tensor__", "config": config}
        if tree.is_nested(part):
            return list(part) if isinstance(part, tuple) else None
        return serialize_keras_object(part)

    def written(structure: Any) -> Any:
        return tree.traverse(write, structure, top_down=False)

    def entry(operation: Any) -> Any:
        nodes = nodes_of[id(operation)]
        if isinstance(operation, Layer):
            inbound = [
                {"args": written(node.args), "kwargs": written(node.kwargs)}
                | ({_KEPT: True} if "training" in node.kwargs else {})
                for node in nodes
            ]
            return {
                **serialize_keras_object(operation),
                "name": operation.name,
                "inbound_nodes": inbound,
            }
        config, args = function_to_config(operation, nodes[0])
        return {
            **written(config),
            "name": operation.name,
            "inbound_nodes": [{"args": written(args), "kwargs": {}}],
        }

    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": [entry(operation) for operation in plan.operations],
        "input_layers": graph.map_tensors(reference, plan.inputs),
        "output_layers": graph.map_tensors(reference, plan.outputs),
    }


def graph_from_config(cls: Any, config: Any) -> Any:
    """A new model from `graph_to_config`'s dict, or from a functional Keras model's."""
    operations: dict[str, Any] = {}
    outputs: dict[Any, Any] = {}  # flat, by (operation's name, node's number)
    waiting: list[Any] = []
    for entry in config["layers"]:
        name = entry["name"]
        # Layers are built by the graph's calls, where their weights get the full names.
        entry = {key: value for key, value in entry.items() if key != "build_config"}
        operations[name] = (
            FunctionFromConfig(entry) if is_function(entry) else deserialize_keras_object(entry)
        )
        if not entry["inbound_nodes"]:
            outputs[name, 0] = operations[name]._inbound[0].outputs
        waiting += [(name, i, node) for i, node in enumerate(entry["inbound_nodes"])]

    def tensor(reference: Any) -> Any:
        name, node, index = reference
        return outputs[name, node][index]

    def read_one(part: Any) -> Any:
        if _is_tensor(part):
            return tensor(part["config"]["keras_history"])
        return deserialize_keras_object(part) if _is_object(part) else part

    def read(structure: Any) -> Any:
        return tree.map_structure(read_one, structure, is_leaf=_is_object)

    for name, number, node in _in_order(waiting, outputs):
        kwargs = read(node["kwargs"])
        if not node.get(_KEPT):
            kwargs.pop("training", None)
        outputs[name, number] = graph.flatten_tensors(
            operations[name](*read(node["args"]), **kwargs)
        )

    ends = [
        tree.map_structure(tensor, config[end], is_leaf=_is_reference)
        for end in ("input_layers", "output_layers")
    ]
    model = cls(*ends, name=config.get("name"))
    model._trainable = config.get("trainable", True)
    return model


def _in_order(waiting: Any, made: Any) -> Iterator[Any]:
    """Nodes (layer's name, number, entry) of `waiting` as they can be called: in rounds, in each
    those whose tensors the rounds before it made.

    Nodes of one layer keep their order: their numbers are what other nodes refer to.
    """
    missing, users = [], defaultdict(list)
    for place, (name, number, node) in enumerate(waiting):
        needed = {
            tuple(part["config"]["keras_history"][:2])
            for part in tree.flatten(node, is_leaf=_is_object)
            if _is_tensor(part)
        }
        needed |= {(name, number - 1)} if number else set()
        needed -= made.keys()
        missing.append(needed)
        for key in needed:
            users[key].append(place)
    round_, left = [i for i, needed in enumerate(missing) if not needed], len(waiting)
    while round_:
        yield from (waiting[place] for place in round_)
        left -= len(round_)
        following = set()
        for place in round_:
            key = waiting[place][:2]
            for user in users[key]:
                missing[user].discard(key)
                if not missing[user]:
                    following.add(user)
        round_ = sorted(following)
    if left:
        names = ", ".join(w[0] for w, needed in zip(waiting, missing, strict=True) if needed)
        raise ValueError(
            f"from_config: the nodes of {names} refer to tensors that no layer produces."
        )


def _is_object(part: Any) -> bool:
    return isinstance(part, dict) and "class_name" in part


def _is_tensor(part: Any) -> Any:
    return _is_object(part) and part["class_name"] == "__keras_tensor__"


def _is_reference(part: Any) -> bool:
    """[layer, node, index]"""
    return (
        not isinstance(part, dict)
        and len(part) == 3
        and isinstance(part[0], str)
        and isinstance(part[1], int)
    )
