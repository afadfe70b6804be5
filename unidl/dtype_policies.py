"""Dtype policies: in which dtype a layer computes and in which it keeps its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unidl.backend import dtypes
from unidl.typing import Config, PolicyLike
from unidl.utils import constructors, suggestions
from unidl.utils.namespaces import namespace

if TYPE_CHECKING:
    from typing_extensions import Self


class DTypePolicy(constructors.Constructed):
    """
    Args:
        name: a float dtype ("float32"), or "mixed_float16" / "mixed_bfloat16": compute in 16 bits,
            keep weights in float32.

    Examples:
        >>> policy = unidl.DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
        >>> unidl.layers.Dense(2, dtype=unidl.DTypePolicy("float64")).compute_dtype
        'float64'
    """

    keras_module = "keras"  # where Keras has it, in configs

    def __init__(self, name: str | None = None) -> None:
        name = dtypes.floatx() if name is None else name
        try:
            dtype = dtypes.standardize_dtype(name.removeprefix("mixed_"))
        except (ValueError, AttributeError):
            known = (*dtypes.FLOATS, "mixed_float16", "mixed_bfloat16")
            raise suggestions.UnknownName(
                f"Unknown dtype or policy {name!r}.{suggestions.did_you_mean(name, known)} "
                f"There are {', '.join(known)}.",
                name,
            ) from None
        if name.startswith("mixed_") and not dtypes.is_float(dtype):
            raise suggestions.UnknownName(
                f"A mixed policy computes in 16 bits, got {name!r}.", name
            )
        mixed = name.startswith("mixed_")
        self.compute_dtype, self.variable_dtype = dtype, "float32" if mixed else dtype
        self.name = name if mixed else dtype

    def get_config(self) -> Config:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: Any) -> Self:
        return cls(**constructors.made_from(cls, config))

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<DTypePolicy {self.name!r}>"


_global: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none: that of `set_dtype_policy`, else `floatx`.

    Examples:
        >>> unidl.config.dtype_policy().name
        'float32'
    """
    return _global or DTypePolicy()


def set_dtype_policy(policy: PolicyLike) -> None:
    """Set the default policy by name or object; None goes back to `floatx`.

    Examples:
        >>> unidl.config.set_dtype_policy("mixed_float16")
        >>> layer = unidl.layers.Dense(2)
        >>> unidl.config.set_dtype_policy("float32")
        >>> layer.compute_dtype, layer.variable_dtype  # of the time it was made
        ('float16', 'float32')
    """
    global _global
    _global = None if policy is None else get(policy)


def get(identifier: PolicyLike) -> DTypePolicy:
    """A policy from None, a name, a config or a policy.

    Examples:
        >>> unidl.dtype_policies.get("mixed_float16").compute_dtype
        'float16'
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return DTypePolicy.from_config(identifier.get("config", identifier))
    return DTypePolicy(
        identifier if isinstance(identifier, str) else dtypes.standardize_dtype(identifier)
    )


__all__ = ["DTypePolicy", "dtype_policy", "get", "set_dtype_policy"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = namespace(__name__, __all__)
