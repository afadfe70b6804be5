"""An endpoint, called on the tensors of a framework."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from unidl import tree
from unidl.port.errors import PortError
from unidl.port.exports.called import called
from unidl.port.exports.endpoint import Endpoint
from unidl.port.exports.relay import Relay
from unidl.port.exports.signature import FROM_SIZES, numbers_for
from unidl.tracing import KerasTensor
from unidl.tracing.pure import Pure, tracing_lock


class Program:
    """An endpoint of which it is known that `relay`, a kind of Relay, can write it.

    Attributes:
        variables: all that it reads.
        outputs: structure of what it returns, with a KerasTensor for each tensor.

    Raises:
        PortError: with all that cannot be written.
    """

    def __init__(self, endpoint: Endpoint, relay: type[Relay], adapter: Any, who: str) -> None:
        self.endpoint, self._relay, self._adapter, self._who = endpoint, relay, adapter, who
        self._pure: Pure = endpoint.pure()
        with tracing_lock:
            self.outputs, notes = self._pure.complete(lambda: self._noted(0))
            if endpoint.signature.axes:
                _, others = self._noted(1)
                for note, other in zip_longest(notes, others):
                    if note != other:
                        place = next(n[0] for n in (note, other) if n is not None)
                        raise PortError(endpoint.owner, [(place, FROM_SIZES)])

    @property
    def variables(self) -> list[Any]:
        return self._pure.variables

    def _noted(self, run: int) -> tuple[Any, list[Any]]:
        to = self._new(False)
        outputs = self._call(to, run, [None] * len(self.variables), self._nothing())
        specs = tree.map_structure(lambda y: KerasTensor(y.shape, y.dtype), outputs)
        return specs, to.notes

    def _nothing(self) -> list[None]:
        return [None] * len(self.endpoint.signature.inputs)

    def _new(self, traces: bool) -> Relay:
        return self._relay(self.endpoint.backend, self._adapter, traces)

    def _call(self, to: Relay, run: int, weights: Any, inputs: Any) -> Any:
        signature = self.endpoint.signature
        taken = {s for v in self.variables for s in v.shape}
        numbers: dict[Any, Any] = dict(numbers_for(signature, taken, run, self._who))
        held = [
            to.value(KerasTensor(v.shape, v.dtype), w)
            for v, w in zip(self.variables, weights, strict=True)
        ]
        given = [
            to.value(KerasTensor([numbers.get(s, s) for s in each.shape], each.dtype), x)
            for each, x in zip(signature.inputs, inputs, strict=True)
        ]
        outputs = called(to, self.endpoint.owner, self._pure, held, given)
        return tree.map_structure(to.asarray, outputs)

    def __call__(self, weights: list[Any], inputs: list[Any]) -> Any:
        """What it returns, of the framework's tensors, while the framework traces.

        weights: for each of `variables`. inputs: flat.
        """
        to = self._new(True)
        with tracing_lock:
            outputs = self._call(to, 0, weights, inputs)
        if to.refused:
            raise PortError(self.endpoint.owner, to.refused)
        return tree.map_structure(to.native, outputs)
