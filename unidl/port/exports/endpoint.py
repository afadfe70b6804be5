"""What is written: a function with all that it uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from unidl.port.exports.signature import Signature
from unidl.tracing.pure import Pure


@dataclass
class Endpoint:
    """
    Attributes:
        name: of the function in the file.
        owner: of whom errors and proofs speak.
        backend: of the Variables.
        function: of the arguments, in terms of unidl.
        signature: what it takes.
        layers: that it calls. variables: that are known to be read.
        model: of which it is the call, if it is one's.
        given: the input_signature that the user gave for it.
        below: {name of an input of indices: how many rows the table has}.
    """

    name: str
    owner: str
    backend: Any
    function: Callable[..., Any]
    signature: Signature
    layers: list[Any]
    variables: list[Any]
    below: dict[str, int] = field(default_factory=dict)
    model: Any = None
    given: Any = None

    @property
    def names(self) -> list[str]:
        """Of the inputs."""
        return [i.name for i in self.signature.inputs]

    def called(self, arrays: list[Any]) -> Any:
        """What the function returns of flat inputs."""
        return self.function(*self.signature.arguments(arrays))

    def pure(self) -> Pure:
        return Pure(lambda *x: self.called(list(x)), self.variables)


def endpoint_of(
    model: Any, signature: Signature, name: str = "serve", given: Any = None
) -> Endpoint:
    """A model in inference."""
    plan = getattr(model, "_plan", None)
    below = {}
    if plan is not None:
        below = {plan.input_tensors[i].name: e.input_dim for i, e in plan.looked_up}
    return Endpoint(
        name,
        model.name,
        model.backend,
        partial(model, training=False),
        signature,
        model._flatten_layers(),
        model._device_variables,
        below,
        model,
        given,
    )


def check_model(model: Any, who: str) -> None:
    """Whether it is a model that has its weights; errors begin with `who`."""
    from unidl.models.model import Model

    if not isinstance(model, Model):
        raise TypeError(
            f"{who}: expected a Model, got {type(model).__name__}. Make one of a layer: "
            "x = unidl.Input(shape); unidl.Model(x, layer(x))."
        )
    unbuilt = [layer for layer in model._flatten_layers() if not layer.built]
    if unbuilt:
        names = ", ".join(layer.path or layer.name for layer in unbuilt[:3])
        raise ValueError(
            f"{who}: {model._who()} has no weights yet (not built: {names}). Call it on data, "
            "give a Sequential its Input, or load its weights first."
        )
