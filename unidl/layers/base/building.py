"""How a layer gets its weights: `build`, once, for the shapes of the first call, with which later
calls must agree."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from unidl.backend.frame import changed
from unidl.layers.base.signature import call_signature
from unidl.layers.base.structures import has_shape, shapes_as_given, shapes_of
from unidl.tracing import sizes
from unidl.utils.scopes import current_path, use_path

_RUNS = {"_build_with": "build", "noting": "build"}  # see `backend.callers`


class Builds:
    """Mixed into `Layer`."""

    built: bool
    input_spec: Any  # an InputSpec, or one for each input
    name: str
    path: str
    backend: Any
    _build_shapes: Any

    if TYPE_CHECKING:
        build: Any

        def _who(self) -> str: ...

        def _own_backend(self) -> Any: ...

    def _ensure_built(self, args: Any, kwargs: Any) -> None:
        signature = call_signature(type(self))
        shapes = {
            name: shapes_of(value) for name, value in zip(signature.names, args, strict=False)
        }
        shapes |= {name: shapes_of(value) for name, value in kwargs.items() if has_shape(value)}
        if sizes.in_numbers():
            shapes = {name: shapes_as_given(shape) for name, shape in shapes.items()}
        first_shape = next(iter(shapes.values()), None)
        if args and isinstance(args[0], str | bytes):
            raise TypeError(
                f"{self._who()}: the input must be a tensor or an array of numbers, got the "
                f"{type(args[0]).__name__} {args[0]!r}."
            )
        self._check_input(first_shape)
        if self.built:
            return
        wanted = signature.shapes_of_build
        if len(wanted) == 1:
            self._build_with({wanted[0]: first_shape})
        else:
            known = {
                f"{name}_shape": shape
                for name, shape in shapes.items()
                if f"{name}_shape" in wanted
            }
            for name in signature.required_shapes:
                if name not in known:
                    first, missing = signature.names[0], name.removesuffix("_shape")
                    raise TypeError(
                        f"{self._who()}: called without {missing!r}. Write: layer({first}, "
                        f"{missing})."
                    )
            self._build_with(known)
        self._check_input(first_shape)  # build may have made the spec stricter

    def build_inside(self, parent: Any, **shapes: Any) -> None:
        """Build this sublayer in `parent`'s build, for the given arguments of its own build.

        An only one goes to the first parameter, whatever that is called.
        """
        if not self.built:
            wanted = call_signature(type(self)).shapes_of_build
            if len(shapes) == 1 and wanted and not shapes.keys() & set(wanted):
                shapes = dict(zip(wanted, shapes.values(), strict=False))
            with use_path((*parent.path.split("/"), self.name)):
                self._build_with(shapes)

    def _build_with(self, shapes: Any) -> None:
        with self._own_backend(), self.backend.concretely(), changed(stand_ins=None, feed=None):
            self.path = "/".join(current_path()) or self.name
            self.build(**shapes)
        self._build_shapes = shapes
        self.built = True

    def _check_input(self, shapes: Any) -> None:
        if self.input_spec is None or shapes is None:
            return
        specs = self.input_spec if isinstance(self.input_spec, list | tuple) else [self.input_spec]
        if isinstance(shapes, dict):
            shapes = list(shapes.values())
        shapes = shapes if isinstance(shapes, list) else [shapes]
        if len(specs) != len(shapes):
            raise ValueError(
                f"{self._who()}: expected {len(specs)} inputs, got {len(shapes)}: {shapes}."
            )
        for spec, shape in zip(specs, shapes, strict=True):
            problem = spec.problem(shape) if shape is not None else None
            if problem:
                raise ValueError(
                    f"{self._who()}: {problem}; the input has shape "
                    f"{tuple(shape)}.{self._advice(spec, tuple(shape))}"
                )

    def _advice(self, spec: Any, shape: Any) -> str:
        """What to write instead, for the mistakes that people make most."""
        missing = (spec.ndim or spec.min_ndim or len(shape)) - len(shape)
        if missing == 1 and len(shape) == 3 and spec.ndim == 4:
            return " Add a channel axis: x[..., None] (or a batch axis: x[None])."
        if missing == 1 and len(shape) >= 1:
            return (
                " One axis is missing: add a batch axis with x[None], or a last axis with x[..., "
                "None]."
            )
        if spec.ndim is not None and missing < 0:
            return " Flatten or Reshape the input first."
        if self.built and spec.axes:
            return (
                f" The weights were built for {self._build_shapes}: give inputs of that shape, or "
                "create a new layer."
            )
        return ""


def noting_that_it_is_built(build: Any) -> Any:
    """`build` for users who call it themselves: the first call must not build, and make all
    weights, again."""

    @functools.wraps(build)
    def noting(self: Any, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        self.built = True

    return noting
