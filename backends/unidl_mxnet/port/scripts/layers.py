"""Layers of `gluon.nn`, with Gluon's defaults written out."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import libcst as cst

from unidl.port.scripts.calls import bound, code
from unidl.port.scripts.source import NotPorted
from unidl_mxnet.port.scripts.functions import ACTIVATIONS
from unidl_mxnet.port.scripts.initializers import initializer

_IGNORED = ("prefix", "params", "in_units", "in_channels")
_NORMALIZATION = (
    "center scale beta_initializer gamma_initializer running_mean_initializer "
    "running_variance_initializer in_channels prefix params"
)
_PARAMETERS = {
    "Dense": "units activation use_bias flatten dtype weight_initializer bias_initializer in_units",
    "Conv": "channels kernel_size strides padding dilation groups layout activation use_bias "
    "weight_initializer bias_initializer in_channels",
    "ConvTranspose": "channels kernel_size strides padding output_padding dilation groups layout "
    "activation use_bias weight_initializer bias_initializer in_channels",
    "Pool": "pool_size strides padding layout ceil_mode count_include_pad",
    "MaxPool": "pool_size strides padding layout ceil_mode",
    "GlobalPool": "layout",
    "BatchNorm": "axis momentum epsilon center scale use_global_stats beta_initializer "
    "gamma_initializer running_mean_initializer running_variance_initializer in_channels",
    "LayerNorm": "axis epsilon center scale beta_initializer gamma_initializer in_channels",
    "Dropout": "rate axes",
    "Embedding": "input_dim output_dim dtype weight_initializer sparse_grad",
    "Activation": "activation",
    "LeakyReLU": "alpha",
    "ELU": "alpha",
    "SELU": "",
    "GELU": "",
    "Flatten": "",
}
Given = dict[str, cst.BaseExpression]


def layer(name: str, node: cst.Call, default: str | None) -> list[str]:
    """The code of the layers that do what `gluon.nn.<name>(...)` does, one after the other.

    default: the code of the initializer for weights that have none of their own, None where it is
    not known.
    """
    kind, rank = (name[:-2], int(name[-2])) if name[-2:] in ("1D", "2D", "3D") else (name, 0)
    makers: dict[str, tuple[str, Callable[..., list[str]]]] = {
        "Dense": ("Dense", _dense),
        "Conv": ("Conv", _conv),
        "ConvTranspose": ("ConvTranspose", _conv_transpose),
        "MaxPool": ("MaxPool", _pool),
        "AvgPool": ("Pool", _pool),
        "GlobalAvgPool": ("GlobalPool", _global_pool),
        "GlobalMaxPool": ("GlobalPool", _global_pool),
        "BatchNorm": ("BatchNorm", _batch_norm),
        "LayerNorm": ("LayerNorm", _layer_norm),
        "Dropout": ("Dropout", _dropout),
        "Embedding": ("Embedding", _embedding),
        "Activation": ("Activation", _activation),
        "LeakyReLU": ("LeakyReLU", _leaky),
        "ELU": ("ELU", _elu),
        "SELU": ("SELU", _fixed("selu")),
        "GELU": ("GELU", _fixed("gelu")),
        "Flatten": ("Flatten", lambda given, **_: ["unidl.layers.Flatten()"]),
    }
    if name.startswith("Conv") and name.endswith("DTranspose"):
        kind, rank = "ConvTranspose", int(name[4])
    if kind not in makers:
        raise NotPorted("unidl has no layer of the same meaning. Write a unidl.layers.Layer")
    parameters, make = makers[kind]
    given = bound(node, [*_PARAMETERS[parameters].split(), *_IGNORED], f"nn.{name}")
    return make(without_ignored(given), kind=kind, rank=rank, default=default)


def without_ignored(given: Given) -> Given:
    """The arguments that mean something. Raises NotPorted where weights are those of another."""
    if "params" in given and code(given["params"]) != "None":
        raise NotPorted(
            "params= shares the weights of another layer, and is ported for a Dense that takes "
            "those of an Embedding. Call that layer a second time, or write a unidl.layers.Layer"
        )
    return {key: value for key, value in given.items() if key not in _IGNORED}


def tied_dense(node: cst.Call, embeddings: set[str]) -> list[str] | None:
    """The code for `nn.Dense(..., params=embedding.params)`, None for any other Dense. Raises
    NotPorted."""
    given = bound(node, [*_PARAMETERS["Dense"].split(), *_IGNORED], "nn.Dense")
    owner, _, attribute = code(given["params"]).rpartition(".") if "params" in given else ("",) * 3
    if attribute != "params" or owner not in embeddings:
        return None
    flat = _literal(given.get("flatten"), True, "flatten")
    arguments = [code(given["units"]), owner, *activation_of(given)]
    if "use_bias" in given:
        arguments.append(f"use_bias={code(given['use_bias'])}")
    made = f"GluonTiedDense({', '.join(arguments)})"
    return ["unidl.layers.Flatten()", made] if flat else [made]


def _dense(given: Given, default: str | None, **_: Any) -> list[str]:
    flat = _literal(given.pop("flatten", None), True, "flatten")
    arguments = [code(given["units"]), *activation_of(given), *_weights(given, default)]
    made = f"unidl.layers.Dense({', '.join(arguments)})"
    # Gluon's Dense flattens its inputs by itself.
    return ["unidl.layers.Flatten()", made] if flat else [made]


def _conv(given: Given, rank: int, default: str | None, **_: Any) -> list[str]:
    kernel, strides = given["kernel_size"], given.get("strides")
    data_format = _data_format(given, rank)
    arguments = [code(given["channels"]), code(kernel)]
    if strides is not None and code(strides) not in ("1", "(1, 1)", "(1,1)"):
        arguments.append(f"strides={code(strides)}")
    if "dilation" in given:
        arguments.append(f"dilation_rate={code(given['dilation'])}")
    if "groups" in given:
        arguments.append(f"groups={code(given['groups'])}")
    padding = code(given["padding"]) if "padding" in given else "0"
    arguments += [f"data_format={data_format}", *activation_of(given), *_weights(given, default)]
    if _is_same(given):
        arguments.insert(2, 'padding="same"')
        padding = "0"
    made = f"unidl.layers.Conv{rank}D({', '.join(arguments)})"
    if _is_zero(padding):
        return [made]
    if rank == 1:
        if data_format != '"channels_last"':
            raise NotPorted("unidl pads the axis of sequences with layout='NWC' only")
        return [f"unidl.layers.ZeroPadding1D({padding.strip('(),')})", made]
    return [f"unidl.layers.ZeroPadding{rank}D({padding}, data_format={data_format})", made]


def _is_same(given: Given) -> bool:
    """Whether zeros on both sides keep the size: then "same" adds as many."""
    texts = {
        name: code(given[name])
        for name in ("kernel_size", "padding", "strides", "dilation")
        if name in given
    }
    try:
        sizes = {name: ast.literal_eval(text) for name, text in texts.items()}
    except ValueError:
        return False
    if any(
        sizes.get(name, 1) not in (1, (1,), (1, 1), (1, 1, 1)) for name in ("strides", "dilation")
    ):
        return False
    kernel, padding = sizes["kernel_size"], sizes.get("padding", 0)
    if isinstance(kernel, int) and isinstance(padding, int):
        return padding > 0 and kernel == 2 * padding + 1
    if isinstance(kernel, int) or isinstance(padding, int):
        return False
    return any(padding) and all(k == 2 * p + 1 for k, p in zip(kernel, padding, strict=True))


def _conv_transpose(given: Given, rank: int, default: str | None, **_: Any) -> list[str]:
    data_format = _data_format(given, rank)
    for name in ("output_padding", "dilation", "groups"):
        if name in given and not _is_zero(code(given[name])):
            raise NotPorted(f"{name} of a transposed convolution is not ported")
    kernel, strides, padding = (
        _sizes(given.get(name), rank, default_)
        for name, default_ in (("kernel_size", 1), ("strides", 1), ("padding", 0))
    )
    if not any(padding) and all(k >= s for k, s in zip(kernel, strides, strict=True)):
        kept = "valid"
    elif all(2 * p == k - s for k, s, p in zip(kernel, strides, padding, strict=True)):
        kept = "same"
    else:
        raise NotPorted("with this padding the sizes are neither those of 'valid' nor of 'same'")
    arguments = [code(given["channels"]), code(given["kernel_size"])]
    if "strides" in given:
        arguments.append(f"strides={code(given['strides'])}")
    arguments += [f'padding="{kept}"', f"data_format={data_format}"]
    arguments += [*activation_of(given), *_weights(given, default)]
    return [f"unidl.layers.Conv{rank}DTranspose({', '.join(arguments)})"]


def _pool(given: Given, kind: str, rank: int, **_: Any) -> list[str]:
    data_format = _data_format(given, rank)
    if _literal(given.get("ceil_mode"), False, "ceil_mode"):
        raise NotPorted("ceil_mode=True: unidl's pooling drops what does not fill a window")
    if "padding" in given and not _is_zero(code(given["padding"])):
        raise NotPorted("pooling with padding is not ported. Pad before, with a layer of its own")
    name = "MaxPooling" if kind == "MaxPool" else "AveragePooling"
    size = code(given["pool_size"]) if "pool_size" in given else "2"
    strides = f"strides={code(given['strides'])}, " if "strides" in given else ""
    return [f"unidl.layers.{name}{rank}D({size}, {strides}data_format={data_format})"]


def _global_pool(given: Given, kind: str, rank: int, **_: Any) -> list[str]:
    name = "GlobalAveragePooling" if "Avg" in kind else "GlobalMaxPooling"
    data_format = _data_format(given, rank)
    return [f"unidl.layers.{name}{rank}D(data_format={data_format}, keepdims=True)"]


def _batch_norm(given: Given, **_: Any) -> list[str]:
    if "use_global_stats" in given and code(given["use_global_stats"]) != "False":
        raise NotPorted("use_global_stats: call the layer with training=False")
    names = {"axis": "1", "momentum": "0.9", "epsilon": "1e-5"}
    return [f"unidl.layers.BatchNormalization({_with_defaults(given, names)})"]


def _layer_norm(given: Given, **_: Any) -> list[str]:
    names = {"axis": "-1", "epsilon": "1e-5"}
    return [f"unidl.layers.LayerNormalization({_with_defaults(given, names)})"]


def _with_defaults(given: Given, defaults: dict[str, str]) -> str:
    found = {name: code(given[name]) if name in given else defaults[name] for name in defaults}
    found |= {name: code(given[name]) for name in ("center", "scale") if name in given}
    for name in given:
        if name.endswith("_initializer"):
            new = name.replace("running_mean", "moving_mean")
            new = new.replace("running_variance", "moving_variance")
            found[new] = initializer(given[name])
    return ", ".join(f"{name}={value}" for name, value in found.items())


def _dropout(given: Given, **_: Any) -> list[str]:
    if "axes" in given:
        raise NotPorted("Dropout with axes. Write noise_shape of unidl.layers.Dropout")
    return [f"unidl.layers.Dropout({code(given['rate'])})"]


def _embedding(given: Given, default: str | None, **_: Any) -> list[str]:
    sizes = f"{code(given['input_dim'])}, {code(given['output_dim'])}"
    made = initializer(given["weight_initializer"]) if "weight_initializer" in given else default
    if made is None:
        raise NotPorted(UNKNOWN)
    return [f"unidl.layers.Embedding({sizes}, embeddings_initializer={made})"]


def _activation(given: Given, **_: Any) -> list[str]:
    return [f"unidl.layers.Activation({activation_of(given)[0].partition('=')[2]})"]


def _leaky(given: Given, **_: Any) -> list[str]:
    return [f"unidl.layers.LeakyReLU({code(given['alpha'])})"]


def _elu(given: Given, **_: Any) -> list[str]:
    return [f"unidl.layers.ELU({code(given['alpha']) if 'alpha' in given else ''})"]


def _fixed(name: str) -> Callable[..., list[str]]:
    return lambda given, **_: [f'unidl.layers.Activation("{name}")']


UNKNOWN = (
    "the script initializes its networks in several ways, and which holds here shows only when it "
    "runs. Give the layer a weight_initializer"
)


def _weights(given: Given, default: str | None) -> list[str]:
    made = initializer(given["weight_initializer"]) if "weight_initializer" in given else default
    if made is None:
        raise NotPorted(UNKNOWN)
    found = [f"kernel_initializer={made}"]
    if "use_bias" in given:
        found.append(f"use_bias={code(given['use_bias'])}")
    if "bias_initializer" in given and code(given["bias_initializer"]).strip("'\"") != "zeros":
        found.append(f"bias_initializer={initializer(given['bias_initializer'])}")
    if "dtype" in given and code(given["dtype"]).strip("'\"") != "float32":
        found.append(f"dtype={code(given['dtype'])}")
    return found


def activation_of(given: Given) -> list[str]:
    if "activation" not in given or code(given["activation"]) == "None":
        return []
    text = code(given["activation"])
    name = text.strip("'\"")
    if name in ACTIVATIONS:
        return [f'activation="{ACTIVATIONS[name]}"']
    if text != name:
        raise NotPorted(f"unidl has no activation {text}")
    return [f"activation={text}"]


_FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}
_LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}


def _data_format(given: Given, rank: int) -> str:
    layout = _literal(given.get("layout"), _FIRST[rank], "layout")
    if layout == _FIRST[rank]:
        return '"channels_first"'
    if layout == _LAST[rank]:
        return '"channels_last"'
    raise NotPorted(f"layout {layout!r}: unidl has {_FIRST[rank]} and {_LAST[rank]}")


def _literal(node: cst.BaseExpression | None, default: Any, name: str) -> Any:
    if node is None:
        return default
    try:
        return ast.literal_eval(code(node))
    except ValueError as error:
        raise NotPorted(f"{name} is known only when the script runs. Write its value") from error


def _sizes(node: cst.BaseExpression | None, rank: int, default: int) -> tuple[int, ...]:
    found = _literal(node, default, "a size or padding of a transposed convolution")
    return (found,) * rank if isinstance(found, int) else tuple(found)


def _is_zero(text: str) -> bool:
    return set(text) <= set("(0, )")
