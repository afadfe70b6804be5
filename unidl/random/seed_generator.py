"""Where keys come from: generators, the global one among them, and the meaning of every `seed=`
argument."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from unidl.backend.context import holding
from unidl.backend.contract.random import MASK
from unidl.backend.frame import current
from unidl.random.key_derivation import Key, absorb, derive_key, stream_state
from unidl.random.seed_state import SeedState
from unidl.tracing import feed
from unidl.tracing.rows import RowKeys
from unidl.typing import Config, SeedLike
from unidl.utils import turns
from unidl.utils.constructors import Constructed, made_from
from unidl.utils.naming import auto_name

if TYPE_CHECKING:
    from typing_extensions import Self

# Streams of one seed: what a user seeds is stream 0, the global functions draw from stream 1, and
# each object that takes its seed from the global one (a layer, an initializer) has a stream of its
# own from 2 on.
_GIVEN, _GLOBAL, _FIRST_OWN = 0, 1, 2

# The number of the stream where the two words of its state stand in the place of the seed.
_BY_WORDS = MASK << 32 | MASK


def _words(seed: int, stream: int) -> Key:
    return (seed & MASK, seed >> 32 & MASK) if stream == _BY_WORDS else stream_state(seed, stream)


class SeedGenerator(Constructed):
    """A stream of keys. Pass it as `seed=` to get new numbers at every call.

    Args:
        seed: an int; None takes the global seed (`unidl.utils.set_random_seed`) and a stream of its
            own.
        name: optional.

    `counter` is the number of keys given out, and all the state there is: set it to resume. `state`
    is its handle among the variables of a layer, for functions without side effects.

    Examples:
        >>> generator = unidl.random.SeedGenerator(1)
        >>> first, second = (unidl.random.uniform((2,), seed=generator) for _ in range(2))
        >>> bool(unidl.ops.all(first == second))  # it moves on, unlike a number
        False
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is not None and not isinstance(seed, int):
            raise ValueError(f"SeedGenerator: seed must be an int or None, got {seed!r}.")
        self.name = name or auto_name(type(self).__name__)
        self._given = seed
        self.state = SeedState(self.name)
        self.restart(*_global_stream() if seed is None else (seed, _GIVEN))

    def restart(self, seed: int, stream: int) -> None:
        """Begin stream number `stream` of `seed`."""
        self.seed, self.stream = seed, stream
        self.state.set_own_state((*_words(seed, stream), 0))

    @property
    def _words(self) -> Key:
        return self.state.own_state()[:2]

    @property
    def counter(self) -> int:
        """How many keys were given out."""
        return self.state.own_state()[2]

    @counter.setter
    def counter(self, counter: int) -> None:
        self.state.set_own_state((*self._words, counter))

    def advance(self) -> Key:
        """The next key; moves on by one."""
        if current().stateless is not None:
            return self.state.advance()
        first, second, counter = self.state.own_state()
        self.state.set_own_state((first, second, counter + 1))
        return absorb((first, second), counter)

    def next(self, ordered: bool = True) -> Key:
        """The next key, as in `keras.random.SeedGenerator`; keys are ordered always. In a compiled
        function it is another one at each run."""
        return feed.next_key(self)

    def first_key(self) -> Key:
        """Key number 0, without moving on: a seed for an object that repeats itself."""
        return absorb(self._words, 0)

    def get_state(self) -> dict:
        """{"seed", "stream", "counter"}: all that a checkpoint needs to go on with the same
        numbers."""
        seed, stream, words = self.seed, self.stream, self._words
        if words != _words(seed, stream):  # those of another generator were assigned to `state`
            seed, stream = words[0] | words[1] << 32, _BY_WORDS
        return {"seed": seed, "stream": stream, "counter": self.counter}

    def set_state(self, state: dict) -> None:
        """Go on from what `get_state` returned."""
        self.restart(state["seed"], state["stream"])
        self.counter = state["counter"]

    def _essentials(self) -> dict[str, Any]:
        return {"seed": self.seed, "counter": self.counter}

    def get_config(self) -> Config:
        return {"seed": self._given, "name": self.name}

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**made_from(cls, config))


class _Global:
    """The process' seed, the streams handed out, and the generator of calls without a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.given = False  # whether the user chose the seed
        self.streams = _FIRST_OWN
        self.generator: SeedGenerator | None = None


_of_process = _Global(secrets.randbits(32))
_here: ContextVar[_Global] = ContextVar("unidl_random", default=_of_process)


@contextmanager
def global_state_here() -> Iterator[None]:
    """Inside, the global random state is a copy, for this thread or task alone."""
    state = get_global_state()
    with holding(_here, _Global(state["seed"])):
        set_global_state(state)
        yield


def _global_stream() -> tuple[int, int]:
    state = _here.get()
    state.streams += 1
    return state.seed, state.streams - 1


def global_seed_generator() -> SeedGenerator:
    """The generator behind `seed=None`."""
    turns.wait()
    state = _here.get()
    if state.generator is None:
        generator = SeedGenerator(0, name="global_seed_generator")
        generator.restart(state.seed, _GLOBAL)
        state.generator = generator
    return state.generator


def seed_everything(seed: int) -> None:
    """Set the global seed and begin its streams anew. Generators that exist keep theirs."""
    state = _here.get()
    state.seed, state.streams, state.given = seed, _FIRST_OWN, True
    # The object stays: a compiled function may have drawn from it while it was traced.
    global_seed_generator().restart(seed, _GLOBAL)


def is_seeded() -> bool:
    """Whether the global seed is one that was set, not one that chance gave."""
    return _here.get().given


def get_global_state() -> dict:
    """The state behind `seed=None`: {"seed", "streams" (how many were handed out), "counter"}.

    Examples:
        >>> state = unidl.random.get_global_state()
        >>> first = unidl.random.uniform((2,))
        >>> unidl.random.set_global_state(state)
        >>> bool(unidl.ops.all(first == unidl.random.uniform((2,))))
        True
    """
    return {
        "seed": _here.get().seed,
        "streams": _here.get().streams,
        "counter": global_seed_generator().counter,
    }


def set_global_state(state: dict) -> None:
    """Go on from what `get_global_state` returned, in this process or another.

    Examples:
        >>> state = unidl.random.get_global_state()
        >>> first = unidl.random.normal((2,))
        >>> unidl.random.set_global_state(state)
        >>> bool(unidl.ops.all(first == unidl.random.normal((2,))))
        True
    """
    seed_everything(state["seed"])
    _here.get().streams = state["streams"]
    global_seed_generator().counter = state["counter"]


def draw_key(seed: SeedLike) -> Any:
    """The key that `seed=` stands for: an int its one key, a SeedGenerator the next of its own,
    None the next global one."""
    if seed is None:
        seed = global_seed_generator()
    if isinstance(seed, int):
        return derive_key(seed)
    if isinstance(seed, SeedGenerator):
        return feed.next_key(seed)
    raise ValueError(
        f"seed must be None, an int or a SeedGenerator, got {seed!r}. An int gives the same "
        "numbers at every call; for new ones create `generator = SeedGenerator(1)` once and pass "
        "`seed=generator`."
    )


def draw_keys(seed: SeedLike, per_row: int, parts: int) -> list[Any]:
    """For each of `parts` tensors of one draw, the key of this process' rows (`distribution.rows`),
    of `per_row` elements each."""
    if seed is None:
        seed = global_seed_generator()
    generator = seed if isinstance(seed, SeedGenerator) else _Same(draw_key(seed))
    return [feed.next_key(source) for source in RowKeys(generator, per_row, parts).sources()]


class _Same:
    """In the place of a generator: an int's one key."""

    state = None

    def __init__(self, key: Key) -> None:
        self._key = key

    def advance(self) -> Key:
        return self._key


def host_key(seed: SeedLike) -> Key:
    """`draw_key` for numbers that are drawn on the host now, also while a function is traced."""
    if seed is None:
        seed = global_seed_generator()
    return seed.advance() if isinstance(seed, SeedGenerator) else draw_key(seed)
