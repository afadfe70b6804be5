"""Config: named values of a program."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

from unidl.utils.suggestions import did_you_mean


class Config(MutableMapping[str, Any]):
    """A dict whose values are attributes too, and which can be frozen.

    `Config(learning_rate=0.1)`; then `config.seed = 3`, `config["seed"]`, `config.freeze()`.
    Iteration goes by the alphabet.

    Examples:
        >>> config = unidl.utils.Config(learning_rate=0.1)
        >>> config.seed = 3
        >>> config.freeze()
        >>> config["seed"], config.as_dict()
        (3, {'learning_rate': 0.1, 'seed': 3})
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_config", kwargs)
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether changes are refused."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse changes from now on."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Allow changes again."""
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """A plain dict of the values."""
        return dict(self._config)

    def to_json(self) -> str:
        """The values as JSON text."""
        return json.dumps(self._config)

    def get(self, keyname: str, value: Any = None) -> Any:
        """The value of this name, else `value`."""
        return self._config.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Remove and return the value of a name; a second argument is returned if there is none."""
        self._check()
        return self._config.pop(*args)

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __setitem__(self, key: str, item: Any) -> None:
        self._check()
        self._config[key] = item

    def __delitem__(self, key: str) -> None:
        self._check()
        del self._config[key]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __getattr__(self, name: str) -> Any:
        values = vars(self).get("_config", {})  # there is none yet in a copy that is being made
        if name in values:
            return values[name]
        raise AttributeError(f"Config has no value named {name!r}.{did_you_mean(name, values)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(
                f"Config: {name!r} is a method. Write config[{name!r}] = ... for a value with that "
                "name."
            )
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"

    def _check(self) -> None:
        if self._frozen:
            raise ValueError("Config: it is frozen. Call config.unfreeze() to change it.")
