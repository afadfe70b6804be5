"""How masks flow through layers: from the tensors that come in to those that go out."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from unidl import tree
from unidl.layers.base.annotations import masks
from unidl.layers.base.structures import has_shape, leaves
from unidl.typing import TensorLike, any_arguments


class PassesMasks:
    """Mixed into `Layer`."""

    supports_masking: bool
    ends_masks = False  # set on a sublayer whose parent looks after masks itself
    _makes_mask = False  # layers that start a mask (Embedding, Masking) say so

    if TYPE_CHECKING:

        def _who(self) -> str: ...

    @any_arguments
    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Mask of the output; by default that of the input, if the layer supports masking."""
        return previous_mask

    def _fill_masks(self, signature: Any, args: Any, kwargs: Any) -> Any:
        """Give `call` the masks its inputs carry; returns that of the first input (nested as the
        input is), or None.

        As in Keras, `mask` takes that of an only tensor; beside other tensors (initial states, say)
        it has to be given.
        """
        if not masks.noted and signature.masks.isdisjoint(kwargs):
            return None
        first = None
        given = dict(zip(signature.names, args, strict=False))
        given |= {name: kwargs[name] for name in signature.mask_of if name in kwargs}
        for name, value in given.items():
            parameter = signature.mask_of.get(name)
            mask = kwargs.get(parameter) if parameter else None
            if mask is None:
                mask = _mask_of(value)
                if (
                    mask is not None
                    and parameter is not None
                    and (parameter != "mask" or _number_of_tensors(args, kwargs) == 1)
                ):
                    kwargs[parameter] = mask
            if first is None and name == signature.names[0]:
                first = mask
        return first

    def _pass_mask_on(self, inputs: TensorLike, mask: TensorLike, outputs: Any) -> None:
        if self.ends_masks:
            return
        if not self.supports_masking and type(self).compute_mask is PassesMasks.compute_mask:
            warnings.warn(
                f"{self._who()} does not support masking, so the mask is dropped here.",
                stacklevel=4,
            )
            return
        self._note_mask(inputs, outputs, self.compute_mask(inputs, mask))

    def _note_mask(self, inputs: Any, outputs: Any, mask: TensorLike) -> None:
        if mask is None:
            return
        # In order, and the first masks if there are more: a layer of several inputs that makes one
        # tensor of them hands on the mask of the first.
        for output, each in zip(tree.flatten(outputs), tree.flatten(mask), strict=False):
            # What a sublayer said of its output holds, as in Keras; an input that is handed on
            # gets the mask of the output.
            said = masks.get(output) is not None and all(output is not x for x in leaves(inputs))
            if each is not None and not said:
                masks.set(output, each)


def no_masks(inputs: Any) -> Any:
    """What `compute_mask` gets for inputs without masks: None, or a None for each."""
    return [None] * len(inputs) if isinstance(inputs, list | tuple) else None


def _number_of_tensors(args: Any, kwargs: Any) -> Any:
    """How many of a call's arguments are or hold tensors."""
    return sum(
        any(has_shape(leaf) for leaf in leaves(value)) for value in (*args, *kwargs.values())
    )


def _mask_of(value: Any) -> Any:
    """The mask noted for `value`; for a list of tensors a list, None when there is none at all."""
    if isinstance(value, list | tuple):
        found = [_mask_of(v) for v in value]
        return found if any(m is not None for m in found) else None
    return (
        None if value is None or isinstance(value, dict | bool | int | float) else masks.get(value)
    )
