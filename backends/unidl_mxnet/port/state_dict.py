"""How Gluon and MXNet's symbols call parameters; files are read without MXNet."""

from __future__ import annotations

import re
from types import MappingProxyType

from unidl.port.state_dict.naming import ALONE, Group, Source, one_each
from unidl_mxnet.files.params import read_params

# "features.0.weight" of save_parameters, "net0_dense0_weight" of collect_params, "arg:fc_weight".
_NAME = re.compile(
    r"(?:(?:arg|aux):)?(?:(?P<path>.*?)[._])??(?P<cell>[lr]\d+_)?"
    r"(?P<local>(?:i2h|h2h)_(?:weight|bias)|weight|bias|gamma|beta|alpha"
    r"|(?:running|moving)_(?:mean|var))"
)
_CELLS = {
    "kernel": Source(("i2h_weight",)),
    "recurrent_kernel": Source(("h2h_weight",)),
    "bias": Source(("i2h_bias", "h2h_bias")),
}


_NORMALIZATION = one_each(gamma="gamma", beta="beta")
_FORMS = {
    "linear": [one_each(kernel="weight", bias="bias")],
    "embedding": [one_each(embeddings="weight")],
    "batch_normalization": [
        {**_NORMALIZATION, **one_each(moving_mean="running_mean", moving_variance="running_var")}
    ],
    "layer_normalization": [_NORMALIZATION],
    "group_normalization": [_NORMALIZATION],
    "rms_normalization": [one_each(scale="gamma")],
    "prelu": [one_each(alpha="alpha")],
    "LSTM": [_CELLS],
    "GRU": [_CELLS],
    "SimpleRNN": [_CELLS],
    ALONE: [one_each(**{ALONE: ALONE})],
}


class _Naming:
    framework = "MXNet"
    endings = (".params",)
    epsilons = MappingProxyType(
        {"batch_normalization": 1e-5, "layer_normalization": 1e-5, "group_normalization": 1e-5}
    )
    momentum = 0.9
    is_common = False
    differs = MappingProxyType(
        {
            "LSTM": "the two biases of each gate are trained as their sum",
            "GRU": "its gates are put into unidl's order, the update gate first",
            "SimpleRNN": "the two biases of each gate are trained as their sum",
        }
    )

    def forms(self, family):
        return _FORMS.get(family, [])

    def groups(self, arrays):
        found, ignored = {}, {}
        for name, array in arrays.items():
            match = _NAME.fullmatch(name)
            if match is None:
                path, local, cell = name, ALONE, ""
            else:
                path, local = match["path"] or "", match["local"].replace("moving", "running")
                cell = (match["cell"] or "").rstrip("_")
            path = f"{path}.{cell}".lstrip(".") if cell else path
            group = found.setdefault(path, Group(path, is_reversed=cell.startswith("r")))
            group.add(local, name, array)
        return list(found.values()), ignored

    def read(self, path):
        return read_params(path)


naming = _Naming()
