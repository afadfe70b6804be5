"""Linear regression with nothing but `ops` and a Variable: the gradient by hand."""

import numpy as np

import unidl as keras
from unidl import ops

rng = np.random.default_rng(0)
x = ops.convert_to_tensor(rng.normal(size=(64, 3)).astype("float32"))
true = ops.convert_to_tensor([[2.0], [-1.0], [0.5]])
y = ops.matmul(x, true) + 0.25

w = keras.Variable(ops.zeros((3, 1)), name="w")
b = keras.Variable(0.0, dtype="float32", name="b")
for _ in range(100):
    error = ops.matmul(x, w) + b - y
    w.assign_sub(0.2 * ops.matmul(ops.transpose(x), error) / 64)
    b.assign(b - 0.2 * ops.mean(error))
print("w", [round(float(v), 3) for v in ops.convert_to_numpy(w)[:, 0]], f"b {float(b.numpy()):.3f}")

# The same in one line, and what else ops has for it.
solution = ops.lstsq(ops.concatenate([x, ops.ones((64, 1))], axis=1), y)
print("solved", np.round(ops.convert_to_numpy(solution)[:, 0], 3).tolist())
print("distance", f"{float(ops.norm(ops.convert_to_tensor(w) - true)):.3f}")
print(
    "shape",
    ops.shape(x),
    w.shape,
    w.dtype,
    ops.is_tensor(x),
    keras.backend.is_float_dtype("float32"),
)


def halve(state, value):
    return state / 2 + value, state


last, states = ops.scan(halve, ops.convert_to_tensor(8.0), ops.arange(4, dtype="float32"))
print("scan", float(last), ops.convert_to_numpy(states).tolist())
print("while", float(ops.while_loop(lambda i: i < 10, lambda i: (i * 2,), (ops.array(1.0),))[0]))
print("cond", float(ops.cond(ops.array(True), lambda: ops.array(1.0), lambda: ops.array(2.0))))
print(
    "vmap",
    ops.convert_to_numpy(ops.vectorized_map(lambda r: ops.sum(r) * 2, ops.ones((2, 3)))).tolist(),
)
print("einsum", tuple(ops.einsum("ij,kj->ik", x[:2], x[:5]).shape))
