"""The file that holds a model as an nnx.Module of Flax."""

from __future__ import annotations

import unidl
from unidl.layers import GlobalAveragePooling1D, MultiHeadAttention
from unidl.port.proof import prove
from unidl.port.source.cells import RECURRENT
from unidl.port.source.layout import structure_text
from unidl.port.source.writer import Writer
from unidl_jax.port.source import attention, normalization, recurrent, simple, windows  # noqa: F401
from unidl_jax.port.source.functions import FUNCTIONS
from unidl_jax.port.source.helpers import HELPERS, NEEDS
from unidl_jax.port.source.rules import RULES

_HEAD = '''"""{name}, written by unidl {version}.

Needs flax (0.11 or newer), jax and safetensors. `python {stem}.py` computes again what unidl
computed: outputs and gradients.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
from flax import nnx
from safetensors.numpy import load_file

HERE = Path(__file__).parent
'''

_TAIL = '''

def load(path=HERE / "{stem}.safetensors", dtype="{dtype}"):
    """The model with its weights, for inference; `model.train()` makes it learn."""
{wide}    model, arrays = {made}, load_file(path)

    def loaded(path, variable):
        array = arrays[".".join(map(str, path))]
        return variable.replace(jnp.asarray(array, dtype if array.dtype.kind == "f" else None))

    state = nnx.state(model, nnx.Not(nnx.RngState))
    nnx.update(model, nnx.map_state(loaded, state))
{dtypes}    model.eval()
    return model


def check():
    """The largest difference from unidl in float64, relative to the largest number."""
    jax.config.update("jax_enable_x64", True)
    model, kept = load(dtype="float64"), load_file(HERE / "{stem}_check.safetensors")
    graph, weights, rest = nnx.split(model, nnx.Param, ...)
    inputs = [kept[f"input{{i}}"] for i in range(sum(key.startswith("input") for key in kept))]

    @jax.jit
    def total(weights, rest):
        outputs = jax.tree.leaves(nnx.merge(graph, weights, rest)(*inputs))
        return sum((y * kept[f"direction{{i}}"]).sum() for i, y in enumerate(outputs)), outputs

    gradients, outputs = jax.grad(total, has_aux=True)(weights, rest)
    found = {{f"output{{i}}": y for i, y in enumerate(outputs)}}
    for path, gradient in nnx.to_flat_state(gradients):
        found["gradient." + ".".join(map(str, path))] = gradient[...]
    sizes = {{key: abs(kept[key]).max() for key in found if key in kept}}
    # Gradients that are 0 but for rounding are as good as the largest one lets them be.
    least = 1e-3 * max((s for key, s in sizes.items() if key.startswith("gradient")), default=0.0)
    return max(
        float(abs(found[key] - kept[key]).max() / max(size, least, 1e-300))
        for key, size in sizes.items()
    )


if __name__ == "__main__":
    worst = check()
    print(f"{name}: the largest relative difference is {{worst:.1e}}")
    assert worst < {budget}, "It does not compute what unidl computed."
'''

_WIDE = """\
    jax.config.update("jax_enable_x64", True)  # without it JAX has no float64
"""

# Where a part of Flax does not follow the dtype of its weights: {a call that the file has: lines}.
_DTYPES = {
    "nnx.Embed(": """\
        if isinstance(part, nnx.Embed):
            part.dtype = dtype
""",
    "nnx.RNN(": """\
        if hasattr(part, "param_dtype"):
            part.param_dtype = dtype  # of the state with which a cell begins
""",
}


class JaxWriter(Writer):
    rules, functions = RULES, FUNCTIONS
    masked = (*RECURRENT, GlobalAveragePooling1D, MultiHeadAttention)
    reserved = ("Path", "HERE", "jax", "jnp", "nnx", "flax", "safetensors", "load", "check",
                *HELPERS)  # fmt: skip
    taken_attributes = (
        "eval", "exported", "iter_children", "iter_modules", "perturb", "set_attributes", "sow",
        "train",
    )  # fmt: skip
    largest_literal = 1
    needs = ("jax", "flax")
    install = "pip install 'unidl-framework[flax]'"

    def class_text(self, scope, name):
        lines = [f"class {name}(nnx.Module):"]
        lines.append(f'    """{self.signature_text(scope)}"""')
        if scope.made:
            lines += ["", "    def __init__(self, *, rngs):"]
            lines += [f"        {line}" for line in scope.made]
        lines += ["", f"    def __call__(self, {', '.join(scope.arguments)}):"]
        lines += [f"        {line}" for line in scope.body]
        lines.append(f"        return {structure_text(scope.returned, brackets=False)}")
        return "\n".join(lines)

    def file_text(self, stem):
        used = dict.fromkeys(name for each in self.helpers for name in (*NEEDS.get(each, ()), each))
        helpers = [HELPERS[name].strip("\n") + "\n" for name in used]
        parts = [_HEAD.format(name=self.root, version=unidl.__version__, stem=stem), *helpers]
        parts += [text + "\n" for text in self.texts]
        whole = "".join(self.texts)
        dtypes = "".join(lines for name, lines in _DTYPES.items() if name in whole)
        loop = "    for _, part in nnx.iter_graph(model):\n" if dtypes else ""
        return "\n\n".join(parts) + _TAIL.format(
            name=self.root, stem=stem, made=self._made(self.root, "nnx.Rngs(0)"), dtype=self.dtype,
            dtypes=loop + dtypes, wide=_WIDE if self.dtype == "float64" else "",
            # Flax' attention takes its softmax in float32, whatever comes in.
            budget="1e-4" if "nnx.MultiHeadAttention(" in whole else "1e-6",
        )  # fmt: skip

    def _made(self, kind, rngs="rngs"):
        """A class of the file, called: one without parts takes nothing."""
        text = next(t for t in self.texts if t.startswith(f"class {kind}("))
        return f"{kind}(rngs={rngs})" if "def __init__" in text else f"{kind}()"

    def weight(self, scope, name, variable):
        if not variable.trainable:
            self.helpers["Frozen"] = None
        kind = "nnx.Param" if variable.trainable else "Frozen"
        return [f"self.{name} = {kind}(jnp.zeros({tuple(variable.shape)}))"]

    def constant(self, scope, name, array):
        self.helpers["Frozen"] = None
        dtype = "" if array.dtype.kind == "f" else f", {str(array.dtype)!r}"
        return [f"self.{name} = Frozen(jnp.zeros({array.shape}{dtype}))"]

    def small_constant(self, array):
        return f"jnp.array({array.tolist()})" if array.ndim else repr(array.item())

    def child(self, scope, name, made, layer, after, is_once):
        if made.endswith("()"):
            made = self._made(made[:-2])
        lines = [f"self.{name} = {made}"]
        lines += [f"self.{name}.{each}" for each in after]
        if layer.weights and not layer.trainable:
            self.helpers["frozen"] = None
            lines.append(f"self.{name} = frozen(self.{name})")
            if not after:
                lines = [f"self.{name} = frozen({made})"]
        return f"self.{name}", lines

    def children(self, name, kinds):
        made = [self._made(kind) for kind in kinds]
        same = len(set(kinds)) == 1
        inside = f"{made[0]} for _ in range({len(made)})" if same else ", ".join(made)
        return [f"self.{name} = nnx.data([{inside}])"]

    def loop(self, children, given):
        return super().loop(children.removesuffix("[...]"), given)

    def attribute(self, scope, name):
        return f"self.{name}[...]"

    def moved(self, name, rank, first):
        raise AssertionError("the channels are last everywhere")

    def prove(self, source, twin, weights, inputs):
        from unidl_jax.port.live import in_float64, live
        from unidl_jax.port.original import JaxOriginal

        with in_float64():
            model = live(self.defined(source), dict(self.arrays()), "float64")
            return prove(self.root, JaxOriginal(model), twin, weights, inputs)

    def native(self, found):
        from unidl_jax.port.live import live
        from unidl_jax.precision import jax_dtype

        jax_dtype(self.dtype)  # float64 turns JAX's 64-bit mode on, and says so
        kind = self.defined(found.source)
        model = live(kind, dict(self.arrays()), self.dtype)
        # Of the class: attributes of a module are part of what jax.jit compares.
        kind.exported = found
        found.warnings.append("all weights are copies: JAX' arrays do not change")
        model.train()
        return model
