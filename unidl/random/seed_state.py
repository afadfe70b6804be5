"""The state of a random generator as a value: what `SeedGenerator.state` is."""

from __future__ import annotations

from typing import Any

import numpy as np

from unidl.backend import registry
from unidl.backend.contract.random import MASK
from unidl.backend.frame import current
from unidl.backend.host_held import HostHeld
from unidl.random.key_derivation import Key, absorb, absorb_tensor
from unidl.typing import Tensor


class SeedState(HostHeld):
    """Where a generator is in its stream, with a Variable's manners: four words of 32 bits, of
    which two name the stream and two count the keys given out, the lower one first.

    It is among a layer's `non_trainable_variables`. As a tensor its dtype is the backend's
    `seed_dtype`.

    Args:
        owner: name of the generator.

    Examples:
        >>> generator = unidl.random.SeedGenerator(1)
        >>> generator.state.shape, generator.state.numpy()[2:]
        ((4,), array([0, 0], dtype=uint32))
        >>> key = generator.next()
        >>> generator.state.numpy()[2:]
        array([1, 0], dtype=uint32)
    """

    shape: tuple[int, ...] = (4,)
    ndim = 1
    trainable = False
    dtype = "uint32"
    name = "seed_generator_state"

    def __init__(self, owner: str) -> None:
        self.path = f"{owner}/{self.name}"
        self._state = (0, 0, 0)

    def own_state(self) -> tuple[int, int, int]:
        return self._state

    def set_own_state(self, state: Any) -> None:
        self._state = state

    def state_from(self, value: Any) -> tuple[int, int, int]:
        first, second, low, high = (int(word) & MASK for word in value)
        return first, second, (high << 32) | low

    def as_tensor(self, state: Any) -> Tensor:
        if not isinstance(state, tuple):
            return state
        backend = registry.get_backend()
        with backend.scope():
            return backend.asarray(_words(state).astype(backend.seed_dtype))

    @property
    def value(self) -> Tensor:
        """The four words, a tensor of the active backend."""
        return self.as_tensor(self.state)

    def numpy(self) -> np.ndarray:
        """The four words, uint32."""
        return _words(self.state)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def assign(self, value: Any) -> SeedState:
        """Go on from `value`, four words as `value` and `numpy` give them, of this generator or of
        another one.

        Raises:
            ValueError: for a value of another shape.
        """
        owner = registry.owner_of_type(type(value))
        words = np.asarray(value if owner is None else owner.to_numpy(value))
        if words.shape != self.shape:
            raise ValueError(
                f"{self.path} has shape {self.shape}; cannot assign a value of shape "
                f"{words.shape}. To begin another stream write generator.restart(seed, 0)."
            )
        self.state = self.state_from(words)
        return self

    def advance(self) -> Key | Tensor:
        """The next key in a scope, where the state is numbers or a tensor; the scope moves on."""
        scope, state = current().stateless, self.state
        if isinstance(state, tuple):
            if scope.is_traced() and not scope.holds(self):
                raise ValueError(
                    f"Random numbers of {self.path.rpartition('/')[0]!r} in a function that is "
                    "being compiled, without the generator's state among the given variables: they "
                    "would be the same at every run. Make a generator once, "
                    "self.seed_generator = unidl.random.SeedGenerator(1), keep it in an attribute "
                    "of the layer, and pass seed=self.seed_generator."
                )
            *words, counter = state
            self.state = (*words, counter + 1)
            return absorb((words[0], words[1]), counter)
        key, self.state = absorb_tensor(state)
        return key

    def __repr__(self) -> str:
        return f"<SeedState path={self.path}, value={self.state}>"


def _words(state: tuple[int, int, int]) -> np.ndarray:
    first, second, counter = state
    return np.array([first, second, counter & MASK, (counter >> 32) & MASK], "uint32")
