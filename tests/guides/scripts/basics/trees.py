"""`keras.tree` on nests of tensors, and a model whose inputs and outputs are nests."""

import numpy as np

import unidl as keras
from unidl import layers, ops, tree

nest = {"b": [1, 2, (3, 4)], "a": {"c": 5}}
print("flat", tree.flatten(nest))
print("mapped", tree.map_structure(lambda v: v * 10, nest))
print("packed", tree.flatten(tree.pack_sequence_as(nest, list("vwxyz"))))
print("nested", tree.is_nested(nest), tree.is_nested(3))
tree.assert_same_structure(nest, tree.map_structure(str, nest))
print("paths", [".".join(map(str, path)) for path, _ in tree.flatten_with_path(nest)])
print(
    "shapes", tree.map_shape_structure(lambda shape: len(shape), {"x": (2, 3), "y": [(1,), (4, 5)]})
)


class Both(layers.Layer):
    def call(self, inputs):
        left, right = inputs["left"], inputs["pair"][1]
        return {"sum": left + right, "parts": [left - right, (left * right,)]}


a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
outputs = Both()({"left": a, "pair": (a, b)})
model = keras.Model({"left": a, "right": b}, outputs)
x = np.ones((3, 2), "float32")
result = model.predict({"left": x, "right": 2 * x}, verbose=0)
print("predicted", tree.flatten(tree.map_structure(lambda array: array.shape, result)))
print("values", [float(ops.mean(v)) for v in tree.flatten(result)])
