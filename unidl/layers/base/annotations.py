"""What is known of a tensor beside its values: the mask that travels with it, the logits it was
made from.

Tensors are native, so the note cannot be an attribute everywhere (a `np.ndarray` takes none). It is
kept by identity and dropped when the tensor dies.
"""

from __future__ import annotations

import weakref
from typing import Any

from unidl.typing import TensorLike


class Annotations:
    """A map from tensors, by identity, that does not keep them alive.

    Attributes:
        noted: what there is at present, empty where nobody has made a note.
    """

    def __init__(self) -> None:
        self.noted: dict[int, tuple[weakref.ref, Any]] = {}

    def set(self, tensor: TensorLike, note: Any) -> None:
        key = id(tensor)
        self.noted[key] = (weakref.ref(tensor, lambda _: self.noted.pop(key, None)), note)

    def get(self, tensor: TensorLike) -> Any:
        """The note of `tensor`, None without one."""
        if not self.noted:
            return None
        found = self.noted.get(id(tensor))
        return found[1] if found is not None and found[0]() is tensor else None


# Bool tensors (batch, time, ...), True where a step counts; set by layers, read by the layers that
# get the tensor next.
masks = Annotations()

# For the output of a softmax or sigmoid: ("softmax" or "sigmoid", its input), so that a
# cross-entropy can be computed from it.
logits = Annotations()
