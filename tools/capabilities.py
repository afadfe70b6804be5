"""Write docs/capabilities.md: for each derived function of the contract and each backend, what runs
it.

An installed backend is asked. One that is not (JAX, which has an environment of its own) is read
from its source.
"""

from __future__ import annotations

import ast
import inspect
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from unidl.backend import Backend, contract, get_backend, list_backends
from unidl.backend.contract import names

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "capabilities.md"
TITLES = {
    "numpy": "NumPy",
    "torch": "torch",
    "tensorflow": "TensorFlow",
    "mxnet": "MXNet",
    "jax": "JAX",
}

HEAD = """# What runs a function

`make capabilities` writes this page from the contract and the adapters; a test checks it against
them.

Every backend implements the contract's {primitives} primitives (`add`, `matmul`, `take` ...) with
its own kernels. The functions below also have a default body that uses primitives, which is the
oracle for every kernel. All other functions of `unidl.ops` are built from these, once for all
backends. In the table: the native **kernel**; **own**, composed by the adapter in its own way;
**composed**, the contract's body; **host**, computed by NumPy on the host, or decided there from
values.

"""


def functions():
    """{concern: names of the functions with a body}, in the contract's order."""
    found = {}
    for concern in (
        c
        for c in Backend.__mro__
        if c.__module__.startswith(contract.__name__) and c is not Backend
    ):
        own = [
            n
            for n, f in vars(concern).items()
            if inspect.isfunction(f)
            and not n.startswith("_")
            and n not in Backend.__abstractmethods__
        ]
        if own and concern.__name__ not in ("Native", "Execution", "Autodiff"):
            found[concern.__name__] = own
    return found


class Installed:
    def __init__(self, name):
        backend = get_backend(name)
        self.kernels, self.limits, self.unsupported = (
            backend.kernels,
            backend.limits,
            backend.unsupported,
        )
        self._class = type(backend)

    def overrides(self, name):
        return getattr(self._class, name) is not getattr(Backend, name)


class Read:
    """A backend's tables and the names that its classes define, from its source."""

    def __init__(self, name):
        self.kernels, self.limits, self.unsupported, self._defined = {}, {}, {}, set()
        for file in sorted((ROOT / "backends" / f"unidl_{name}").glob("*.py")):
            for cls in (
                node
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.ClassDef)
            ):
                for node in cls.body:
                    if isinstance(node, ast.FunctionDef):
                        self._defined.add(node.name)
                    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                        self._defined.add(node.targets[0].id)
                        if node.targets[0].id in ("kernels", "limits", "unsupported"):
                            setattr(self, node.targets[0].id, ast.literal_eval(node.value))

    def overrides(self, name):
        return name in self._defined


def cell(backend, name):
    if name in backend.unsupported:
        return f"unsupported: {backend.unsupported[name]}"
    if name in backend.kernels:
        text = f"`{backend.kernels[name]}`"
    elif backend.overrides(name):
        text = "own"
    else:
        text = "host" if name in names.ON_HOST else "composed"
    return f"{text}; {backend.limits[name]}" if name in backend.limits else text


def write(read_only=()):
    """The page; backends in `read_only` are read from their source, installed or not."""
    installed = {row.name for row in list_backends() if row.installed} - set(read_only)
    backends = {name: Installed(name) if name in installed else Read(name) for name in TITLES}
    lines = [HEAD.format(primitives=len(Backend.__abstractmethods__))]
    lines.append(f"| | {' | '.join(TITLES.values())} |\n|---|{'---|' * len(TITLES)}\n")
    for concern, of_concern in functions().items():
        lines.append(f"| **{concern}** |{' |' * len(TITLES)}\n")
        lines += [
            f"| `{name}` | {' | '.join(cell(b, name) for b in backends.values())} |\n"
            for name in of_concern
        ]
    return "".join(lines) + TAIL


TAIL = """
## What a real dtype cannot hold

There are no complex dtypes. Fourier transforms take and give pairs (real, imaginary part), as
Keras' do.

| | Here |
|---|---|
| `real`, `imag`, `conj`, `conjugate`, `angle`, `isreal`, `view_as_real` | of real tensors |
| `polar`, `view_as_complex` | refused; the error says which pair to write |
| `eig` | refuses matrices with a complex eigenvalue |

## What has no gradient

Integers, bools and positions; `nextafter`, `view`, `unique`, `nonzero`, `histogram`, `angle` (0)
and `ctc_decode`. `ctc_loss` of a target that does not fit is inf, with gradient 0.

## What depends on values

`nonzero`, `unique` without `size`, `bincount`, and the segment functions without `num_segments`
have a shape that depends on values, and are refused in compiled functions; so are `jvp`, and beam
search in `ctc_decode`, which run on the host. `vectorize`, `map` and `scan` write one call for each
element.
"""


if __name__ == "__main__":
    PAGE.write_text(write())
