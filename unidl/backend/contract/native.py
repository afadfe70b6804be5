"""What is the framework's own: its identity, devices, the storage of variables, the list of native
kernels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import nullcontext

_NOWHERE = nullcontext()


class Native(ABC):
    name: str  # "torch"
    version: str  # the framework's
    tensor_types: tuple  # classes of native tensors
    dtypes: tuple = ("bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64")

    # Fused functions of the contract that run on a native kernel here: {"lstm": "torch.lstm"}.
    # Those not named run their default body, "composed of primitives".
    kernels: dict[str, str] = {}

    # Functions of the contract that this framework cannot offer: {"svd": "reason"}; calling one
    # raises it.
    unsupported: dict[str, str] = {}

    # Functions that do less here than elsewhere: {"custom_gradient": "not in compiled functions"};
    # what is left out raises.
    limits: dict[str, str] = {}

    # Whether tensors of other backends may stand beside its own, as what `asarray` makes of them
    # (symbols do so).
    absorbs: bool = False

    # Whether `compile` traces (True) or runs `fn` itself at each call (False).
    traces: bool = False

    @abstractmethod
    def devices(self) -> list[str]:
        """Names of the usable devices, "cpu:0" first, then "gpu:0" ..."""

    def scope(self):
        """Context in which the framework must be called, entered once for each public call, not for
        each primitive."""
        return _NOWHERE

    def full_precision(self):
        """Context in which float32 products keep all their bits, for a backend which may shorten
        them on some device (TF32)."""
        return nullcontext()

    # -- storage of variables: what a Variable holds; by default the tensor itself
    # ------------------

    def store(self, value):
        """Storage of its own (never an alias) for native or host `value`."""
        return self.copy(self.asarray(value))

    def lay_out(self, store, function):
        """`store` of a kernel of the contract's `function`, with its memory in the order which that
        function reads best."""
        return store

    def read(self, store):
        """The tensor in `store`, as an operand; the caller does not change it."""
        return store

    def detach(self, value):
        """`value` as a Variable that is assigned it: no gradient flows through it."""
        return self.stop_gradient(value)

    def write(self, store, value):
        """The storage after assignment of native `value`, which it may take over without a copy."""
        return self.stop_gradient(value)

    @abstractmethod
    def copy(self, x):
        """A tensor with the same value that shares no memory with `x`; whether gradients pass is
        not defined."""

    def __repr__(self):
        return f"<unidl backend {self.name} {self.version}>"
