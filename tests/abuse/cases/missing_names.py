"""Names that Keras has and unidl has not: why, and what to write instead."""

from __future__ import annotations

from unittest import mock

import unidl
from tests.abuse.case import told
from unidl import layers
from unidl.backend import install, registry
from unidl.backend.spec import BackendSpec


def look_up(path):
    value = unidl
    for name in path.split("."):
        value = getattr(value, name)
    return value


def imported(path):
    module, _, name = f"unidl.{path}".rpartition(".")
    exec(f"from {module} import {name}", {})


NAMES = [
    told(f"Keras has {path}", lambda path=path: look_up(path),
         rf"Keras' {path.rpartition('.')[2]} is not in unidl.*{instead}", kind=AttributeError)
    for path, instead in [
        ("version", "__version__"),
        ("wrappers", "estimator"),
        ("applications", "load_weights"),
        ("distribution.distribute_tensor", "fit"),
        ("layers.TextVectorization", "Embedding"),
        ("layers.StringLookup", "np.unique"),
        ("layers.CategoryEncoding", "to_categorical"),
        ("layers.RandomFlip", "unidl.random"),
        ("layers.RandomRotation", "unidl.random"),
        ("layers.CenterCrop", "Cropping2D"),
        ("layers.MelSpectrogram", "stft"),
        ("layers.TorchModuleWrapper", "custom Layer"),
        ("datasets.cifar10", "get_file"),
        ("datasets.imdb", "get_file"),
        ("ops.image.resize", "layers.Resizing"),
        ("ops.image.crop_images", "a slice"),
        ("config.set_backend", "unidl.set_backend"),
        ("dtype_policies.DTypePolicyMap", "dtype="),
        ("Quantizer", "not offered"),
        ("quantizers", "not offered"),
    ]
] + [
    told(f"from unidl.{path} import", lambda path=path: imported(path),
         rf"Keras' {path.rpartition('.')[2]} is not in unidl.*Instead", kind=ImportError)
    for path in ("layers.StringLookup", "applications")
] + [
    told("from unidl.layers import Densee", lambda: imported("layers.Densee"),
         "Densee.*Did you mean 'Dense'", kind=ImportError),
    told("from unidl import Sequental", lambda: imported("Sequental"),
         "Sequental.*Did you mean 'Sequential'", kind=ImportError),
] + [
    told(f"Keras' models have {name}()", lambda name=name: getattr(unidl.Sequential(), name),
         f"{name}.*{instead}", kind=AttributeError)
    for name, instead in [("quantize", "not offered"), ("add_metric", ".")]
] + [
    told(f"Keras' layers have {name}=", lambda name=name: layers.Dense(2, **{name: 3}),
         rf"Dense: {name}.*not supported")
    for name in ("lora_rank", "quantization_config")
]  # fmt: skip


# -- where to install a framework from -------------------------------------------------------------


def _spec(name, command):
    return BackendSpec(name, "unidl_absent:Absent", "framework_absent", (name,), (), command)


def absent(command, source):
    """What is said of a backend whose framework is absent, where unidl came from `source`."""
    known = {**registry.specs(), "absent": _spec("absent", command)}
    with (
        mock.patch.object(registry, "specs", return_value=known),
        mock.patch.object(install, "_source", return_value=source),
    ):
        registry._load("absent")


EXTRA = "pip install 'unidl-framework[absent]'"
INSTALLS = [
    told("an absent framework, in a checkout", lambda: absent(EXTRA, (True, ".")),
         r"framework_absent.*Install it with: pip install -e '\.\[absent\]'", kind=ImportError),
    told("an absent framework, elsewhere than the checkout",
         lambda: absent(EXTRA, (True, "/home/me/unidl")),
         r"pip install -e '/home/me/unidl\[absent\]'", kind=ImportError),
    told("an absent framework, from a file",
         lambda: absent(EXTRA, (False, "file:///tmp/unidl.whl")),
         r"pip install 'unidl-framework\[absent\] @ file:///tmp/unidl.whl'", kind=ImportError),
    told("an absent framework, from the index", lambda: absent(EXTRA, None),
         r"Install it with: pip install 'unidl-framework\[absent\]'", kind=ImportError),
    told("an absent framework of a stranger's package",
         lambda: absent("pip install paddle-for-unidl", (True, ".")),
         r"Install it with: pip install paddle-for-unidl\n", kind=ImportError),
]  # fmt: skip

CASES = NAMES + INSTALLS
