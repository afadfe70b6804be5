"""How torch's state dicts call their arrays, and how its files are read. Torch itself is imported
by `read` alone."""

from __future__ import annotations

import os
import pickle
import re
import warnings
import zipfile
from types import MappingProxyType

from unidl.port.state_dict.naming import ALONE, Group, Source, one_each
from unidl_torch import spec

_RECURRENT = re.compile(r"((?:weight|bias)_(?:ih|hh))_l(\d+)(_reverse)?")
_CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_LOCALS = {"weight", "bias", "running_mean", "running_var", *_CELL}
_PROJECTIONS = {"in_proj_weight", "q_proj_weight"}
_COUNTER = "num_batches_tracked"
_OLD_NAMES = {"gamma": "weight", "beta": "bias"}  # of normalization in early transformers


def _in_blocks(**roles):
    """Query, key and value in one array of each kind."""
    return {
        f"{part}.{role}": Source((name,), (i, 3))
        for i, part in enumerate(("query", "key", "value"))
        for role, name in roles.items()
    }


_OUTPUT = one_each(**{"output.kernel": "out_proj.weight", "output.bias": "out_proj.bias"})
_LAYER = one_each(kernel="weight", bias="bias")
_NORMALIZATION = one_each(gamma="weight", beta="bias")
_CELLS = {
    "kernel": Source(("weight_ih",)),
    "recurrent_kernel": Source(("weight_hh",)),
    "bias": Source(("bias_ih", "bias_hh")),
}
_FORMS = {
    "linear": [_LAYER],
    "embedding": [one_each(embeddings="weight")],
    "batch_normalization": [
        {**_NORMALIZATION, **one_each(moving_mean="running_mean", moving_variance="running_var")}
    ],
    "layer_normalization": [_NORMALIZATION],
    "group_normalization": [_NORMALIZATION],
    "rms_normalization": [one_each(scale="weight")],
    "prelu": [one_each(alpha="weight")],
    "LSTM": [_CELLS],
    "GRU": [_CELLS],
    "SimpleRNN": [_CELLS],
    "attention": [
        {**_in_blocks(kernel="in_proj_weight", bias="in_proj_bias"), **_OUTPUT},
        {
            **_in_blocks(bias="in_proj_bias"),
            **one_each(**{f"{p}.kernel": f"{p[0]}_proj_weight" for p in ("query", "key", "value")}),
            **_OUTPUT,
        },
    ],
    "projections": [_in_blocks(kernel="weight", bias="bias")],
    ALONE: [one_each(**{ALONE: ALONE})],
}


class _Naming:
    framework = "torch"
    endings = (".pt", ".pth", ".bin", ".ckpt")
    epsilons = MappingProxyType(
        {
            "batch_normalization": 1e-5,
            "layer_normalization": 1e-5,
            "group_normalization": 1e-5,
            "rms_normalization": 2.0**-23,
        }
    )
    momentum = 0.9
    is_common = True
    differs = MappingProxyType(
        {
            "batch_normalization": "the moving variance is that of each batch, which torch "
            "multiplies by n / (n - 1)",
            "LSTM": "the two biases of each gate are trained as their sum",
            "GRU": "its gates are put into unidl's order, the update gate first",
            "SimpleRNN": "the two biases of each gate are trained as their sum",
        }
    )

    def forms(self, family):
        return _FORMS.get(family, [])

    def groups(self, arrays):
        parts = {name: name.rpartition(".") for name in arrays}
        attentions = {prefix for prefix, _, local in parts.values() if local in _PROJECTIONS}
        within = {}  # {path: names of the arrays in it}
        for prefix, _, local in parts.values():
            within.setdefault(prefix, set()).add(local)
        found, ignored = {}, {}
        for name, (prefix, _, local) in parts.items():
            if local == _COUNTER:
                ignored[name] = "it counts batches"
                continue
            path, local, is_reversed = _placed(prefix, local, attentions, within[prefix])
            if local is None:
                path, local = name, ALONE
            group = found.setdefault(path, Group(path, is_reversed=is_reversed))
            group.add(local, name, arrays[name])
        return list(found.values()), ignored

    def read(self, path):
        """Of a file that holds tensors and nothing that runs."""
        try:
            import torch
        except ImportError as error:
            raise ImportError(
                f"load_state_dict: {path} is read by torch. Install it with: {spec.install}; or "
                "save the arrays as a .safetensors file, which needs nothing."
            ) from error
        size = os.path.getsize(path)
        try:
            _require_no_bomb(path, size)
            with (
                warnings.catch_warnings()
            ):  # on pickles of other writers, which are refused or read
                warnings.simplefilter("ignore")
                # Mapped, so that tensors come into memory as they are used.
                mapped = zipfile.is_zipfile(path)
                found = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except pickle.UnpicklingError as error:
            raise ValueError(
                f"load_state_dict: {path} is not read: it holds more than tensors, or is damaged "
                f"({_first_line(error)}). Save module.state_dict() alone: torch.save(module."
                "state_dict(), path)."
            ) from None
        except Exception as error:  # noqa: BLE001 - there is no class for what is wrong with a file
            raise ValueError(
                f"load_state_dict: {path} is not read: it is damaged, or no file of torch.save "
                f"({type(error).__name__}: {_first_line(error)})."
            ) from None
        if not isinstance(found, dict):
            raise ValueError(
                f"load_state_dict: {path} holds a {type(found).__name__}, and no state dict."
            )
        _require_small(found, path, size, torch)
        return dict(found)


def _placed(prefix, local, attentions, beside):
    """(path of the group, name within it or None, whether it goes backwards)."""
    match = _RECURRENT.fullmatch(local)
    if match:
        kind, number, back = match.groups()
        return f"{prefix}.l{number}{back or ''}".lstrip("."), kind, bool(back)
    parent, _, last = prefix.rpartition(".")
    if last == "out_proj" and parent in attentions:
        return parent, f"out_proj.{local}", False
    if prefix in attentions and (local in _PROJECTIONS or "_proj" in local):
        return prefix, local, False
    if local in _OLD_NAMES and not beside & _LOCALS:
        local = _OLD_NAMES[local]
    return prefix, local if local in _LOCALS else None, False


def _require_no_bomb(path, size):
    """Refuse archives that unpack to more than they are; torch itself compresses nothing."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > size:
                raise zipfile.BadZipFile("its members are compressed, which torch.save never does")


def _require_small(found, path, size, torch):
    """A tensor may repeat one number without end; then it has more bytes than the file."""
    inner = [value for value in found.values() if isinstance(value, dict)]
    for values in (found, *inner):
        for name, value in values.items():
            if isinstance(value, torch.Tensor) and value.numel() * value.element_size() > size:
                raise ValueError(
                    f"load_state_dict: {path} is not read: {name!r} has {value.numel():,} numbers, "
                    "more than the file."
                )


def _first_line(error):
    """Without torch's advice to let the file run code."""
    text = str(error).strip()
    found = re.search(r"(Unsupported|Trying to|unexpected|invalid|GLOBAL|Can only)[^\n]*", text)
    return (found.group() if found else text.partition("\n")[0])[:200]


naming = _Naming()
