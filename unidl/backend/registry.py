"""Which backends there are, which one is active, and which one owns a tensor. Nothing here imports
a framework."""

from __future__ import annotations

import copyreg
import importlib
import importlib.metadata
import importlib.util
import os
import pkgutil
import threading
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, ContextDecorator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from unidl.backend.context import holding
from unidl.backend.contract import Backend
from unidl.backend.errors import BackendError, UnknownBackendError
from unidl.backend.install import from_here
from unidl.backend.spec import BackendSpec

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT = "numpy"
GROUP = "unidl.backends"
_GPU = ("gpu", "cuda")  # names of one device

# What the class of every backend has, and what it looks like.
_ATTRIBUTES = {
    "name": '"mine"',
    "version": "framework.__version__",
    "tensor_types": "(framework.Tensor,)",
}

_active: ContextVar[Backend | None] = ContextVar("unidl_backend", default=None)
_device: ContextVar[str | None] = ContextVar("unidl_device", default=None)
_loaded: dict[str, Backend] = {}
_none_replaced: Mapping[str, Backend] = MappingProxyType({})
_replaced: ContextVar[Mapping[str, Backend]] = ContextVar("unidl_replaced", default=_none_replaced)
_process_backend: Backend | None = None

# Threads that meet a backend for the first time at once get one object, and two frameworks are not
# imported at once: their imports wait for each other's locks.
_loading = threading.RLock()


@dataclass(frozen=True)
class BackendInfo:
    """A row of `list_backends()`.

    Args:
        name: what users write in `UNIDL_BACKEND`.
        installed: whether its framework is there.
        version: of the framework, None where it is not installed.
        install: the command that installs it.

    Examples:
        >>> info = unidl.backend.list_backends()[0]
        >>> info.name, info.installed
        ('numpy', True)
    """

    name: str
    installed: bool
    version: str | None
    install: str


@cache
def specs() -> dict[str, BackendSpec]:
    """The registered backends by name, but for those whose entry point fails: they warn."""
    found = {}
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            spec = entry.load()
            found[spec.name] = spec
        except Exception as error:  # noqa: BLE001 - a stranger's package must not break the others
            owner = entry.dist.name if entry.dist else "a distribution without a name"
            warnings.warn(
                f"The backend {entry.name!r} of {owner} is left out: its entry point "
                f"{entry.value!r} gives no BackendSpec ({type(error).__name__}: {error}). Fix or "
                f"uninstall {owner}.",
                stacklevel=2,
            )
    return dict(sorted(found.items(), key=lambda item: (item[0] != DEFAULT, item[0])))


def list_backends() -> list[BackendInfo]:
    """Every registered backend, installed or not, the default first. Imports no framework.

    Examples:
        >>> "numpy" in [info.name for info in unidl.backend.list_backends() if info.installed]
        True
    """
    return [
        BackendInfo(s.name, is_installed(s), _version(s), from_here(s.install))
        for s in specs().values()
    ]


def is_installed(spec: BackendSpec) -> bool:
    return importlib.util.find_spec(spec.framework) is not None


def _version(spec: BackendSpec) -> str | None:
    for distribution in spec.distributions:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def get_backend(name: str | Backend | None = None) -> Backend:
    """The backend called `name`, loaded; without a name the active one.

    The active one is that of the innermost `use_backend`, else of `set_backend`, else of the
    environment variable `UNIDL_BACKEND`, else NumPy.

    Examples:
        >>> unidl.backend.get_backend("numpy").name
        'numpy'
    """
    if name is None:
        return _active.get() or _process_backend or _from_environment()
    if isinstance(name, Backend):
        return name
    if isinstance(name, str):
        loaded = _replaced.get().get(name) or _loaded.get(name)
        if loaded is not None:
            return loaded
    return _load(name)


def _from_environment() -> Backend:
    backend = get_backend(os.environ.get("UNIDL_BACKEND") or DEFAULT)
    _require_device(backend, current_device())
    return backend


def installed_spec(name: str | None = None) -> BackendSpec:
    """What the backend `name` says of itself, of `UNIDL_BACKEND` without a name; an error if there
    is none, or its framework is missing."""
    name = name or os.environ.get("UNIDL_BACKEND") or DEFAULT
    spec = specs().get(name) if isinstance(name, str) else None
    if spec is None:
        raise _unknown(name)
    if not is_installed(spec):
        raise BackendError(
            f"The backend {name!r} needs {spec.framework}, which is not installed. "
            f"Install it with: {from_here(spec.install)}\n{_what_there_is()}"
        )
    return spec


def _load(name: str) -> Backend:
    if not isinstance(name, str):
        raise _unknown(name)
    spec = installed_spec(name)
    with _loading:
        if name not in _loaded:
            _loaded[name] = _import(spec)
        return _loaded[name]


def _unknown(name: Any) -> BackendError:
    from unidl.utils.suggestions import did_you_mean  # which only errors need

    if isinstance(name, str) and name.lower().partition(":")[0] in ("cpu", *_GPU):
        return UnknownBackendError(
            f"{name!r} is a device, not a backend. Choose the device with UNIDL_DEVICE, or where "
            "weights are created:"
            f' `with unidl.device("{name.lower().replace("cuda", "gpu")}"):`. '
            f"{_what_there_is()}"
        )
    asked = os.environ.get("UNIDL_BACKEND") == name
    where = " (in the environment variable UNIDL_BACKEND)" if asked else ""
    return UnknownBackendError(
        f"There is no backend named {name!r}{where}.{did_you_mean(name, specs())} "
        f"{_what_there_is()}"
    )


def _import(spec: BackendSpec) -> Backend:
    try:
        backend = pkgutil.resolve_name(spec.adapter)()
    except ImportError as error:
        raise BackendError(
            f"The backend {spec.name!r} is installed but {spec.framework} cannot be imported: "
            f"{error}. "
            f"Install a working combination with: {from_here(spec.install)}"
        ) from error
    missing = [name for name in _ATTRIBUTES if not hasattr(backend, name)]
    if missing:
        raise BackendError(
            f"The backend {spec.name!r} cannot be used: its class {spec.adapter} lacks the "
            f"attributes {', '.join(missing)}. Write in its body: "
            f"{'; '.join(f'{name} = {_ATTRIBUTES[name]}' for name in missing)}."
        )
    copyreg.pickle(type(backend), _by_name)  # a copy of a model shares its backend
    return backend


def _by_name(backend: Backend) -> Any:
    return get_backend, (backend.name,)


def _what_there_is() -> str:
    rows = list_backends()
    installed = ", ".join(r.name for r in rows if r.installed)
    missing = "; ".join(f"{r.name}: {r.install}" for r in rows if not r.installed)
    return f"Installed: {installed}." + (f" To be had: {missing}." if missing else "")


def set_backend(name: str) -> None:
    """Make `name` the process' active backend from now on.

    Examples:
        >>> unidl.backend.set_backend("numpy")
        >>> with unidl.backend.use_backend("numpy"):  # wins over it, inside the block
        ...     unidl.backend.backend()
        'numpy'
    """
    global _process_backend
    if name is None:
        raise _unknown(name)
    backend = get_backend(name)
    _require_device(backend, current_device())
    _process_backend = backend


class use_backend(ContextDecorator):
    """Make `name` the active backend inside a `with` block, for this thread or task alone.

    A class, since each public call enters one, and a generator takes three times as long.

    Examples:
        >>> with unidl.backend.use_backend("numpy"):
        ...     type(unidl.ops.ones((2,))).__name__
        'ndarray'
    """

    def __init__(self, name: str | Backend) -> None:
        self._name = name

    def _recreate_cm(self) -> Self:
        return type(self)(self._name)  # each call of a decorated function enters one of its own

    def __enter__(self) -> Backend:
        backend = get_backend(self._name)
        scope = backend.scope()
        scope.__enter__()
        self._scope, self._token = scope, _active.set(backend)
        return backend

    def __exit__(self, *error: Any) -> None:
        _active.reset(self._token)
        return self._scope.__exit__(*error)


def replaced(registered: Backend, other: Backend) -> AbstractContextManager[Any]:
    """Inside, `other` is found wherever the loaded backend `registered` is asked for by its name,
    for this thread or task alone."""
    return holding(_replaced, {**_replaced.get(), registered.name: other})


def device(name: str) -> AbstractContextManager[Any]:
    """Put new tensors and variables on device `name` ("cpu", "gpu", "gpu:1") of the active backend
    inside a `with` block.

    Examples:
        >>> with unidl.backend.device("cpu"):
        ...     x = unidl.ops.ones((2, 3))
        >>> x.shape
        (2, 3)
    """
    name = standardize_device(name)
    _require_device(get_backend(), name)
    return holding(_device, name)


def current_device() -> str | None:
    """The device asked for by `device(...)`, else by the environment variable `UNIDL_DEVICE`, else
    None: the backend's best.

    Examples:
        >>> with unidl.backend.device("cpu"):
        ...     unidl.backend.current_device()
        'cpu:0'
    """
    return _device.get() or _env_device(os.environ.get("UNIDL_DEVICE"))


@cache
def _require_device(backend: Backend, name: str | None) -> None:
    """An error for a device that `backend` has not: some frameworks would compute on another one
    without a word."""
    if name is not None and name not in backend.devices():
        raise ValueError(
            f"The backend {backend.name!r} has no device {name!r} (requested by `device(...)` or "
            f"UNIDL_DEVICE); it has {', '.join(backend.devices())}. Choose one of these, or "
            "activate another backend first."
        )


@cache
def _env_device(value: str | None) -> str | None:
    return standardize_device(value) if value else None


def standardize_device(name: str) -> str:
    """ "cuda" and "gpu" mean "gpu:0", "cpu" means "cpu:0"."""
    if not isinstance(name, str):
        raise _unknown_device(name)
    kind, _, index = name.lower().partition(":")
    kind = "gpu" if kind in _GPU else kind
    if kind not in ("cpu", "gpu") or not (index or "0").isdigit():
        raise _unknown_device(name)
    return f"{kind}:{index or 0}"


def _unknown_device(name: Any) -> ValueError:
    from unidl.utils.suggestions import did_you_mean  # which only errors need

    hint = did_you_mean(name, ("cpu", "gpu", "cuda"))
    if name in specs():
        hint = f" {name!r} is a backend: `with unidl.use_backend({name!r}):`."
    return ValueError(
        f"Unknown device {name!r} (in `device(...)` or UNIDL_DEVICE).{hint} "
        'Write "cpu", "gpu" or "gpu:<index>".'
    )


def owner_of_type(cls: type) -> Backend | None:
    """The backend whose tensors are of type `cls`, None for what belongs to no framework.

    A tensor of a type proves that its framework is imported, so loading the adapter imports nothing
    new.
    """
    for base in cls.__mro__:
        root = base.__module__.partition(".")[0]
        for spec in specs().values():
            if root in spec.tensor_roots:
                backend = get_backend(spec.name)
                return backend if issubclass(cls, backend.tensor_types) else None
    return None
