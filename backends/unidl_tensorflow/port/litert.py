"""LiteRT, which was TensorFlow Lite: one file for phones and microcontrollers."""

from __future__ import annotations

import importlib
import re
import tempfile
import warnings

from unidl.port.errors import PortError
from unidl.port.exports.format import Format
from unidl_tensorflow.load import tf
from unidl_tensorflow.port.litert_relay import LiteRTRelay
from unidl_tensorflow.port.saved_model import Module

WHO = "export to litert"


class LiteRT(Format):
    """
    Args:
        enable_select_tf_ops: whether operators of TensorFlow may be in the file, which runtimes
            have that are linked with it.
        optimizations, representative_dataset, allow_custom_ops, target_spec: of
            `tf.lite.TFLiteConverter`.
    """

    suffix = ".tflite"
    options = (
        "allow_custom_ops", "enable_select_tf_ops", "optimizations", "representative_dataset",
        "target_spec",
    )  # fmt: skip

    def write(self, endpoints, path):
        (endpoint,) = endpoints
        if not hasattr(tf, "lite"):
            raise ImportError(
                f"{WHO} needs the converter tf.lite, which TensorFlow {tf.__version__} has not. "
                "Install it with: pip install 'tensorflow-cpu==2.21.*'"
            )
        module = Module(endpoints, WHO, LiteRTRelay)
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(module.root, folder, module.signatures)
            converter = tf.lite.TFLiteConverter.from_saved_model(
                folder, signature_keys=[endpoint.name]
            )
            if self.enable_select_tf_ops:
                sets = tf.lite.OpsSet
                converter.target_spec.supported_ops = [sets.TFLITE_BUILTINS, sets.SELECT_TF_OPS]
            for name in self.options:
                value = getattr(self, name)
                if value is not None and name != "enable_select_tf_ops":
                    setattr(converter, name, value)
            try:
                content = converter.convert()
            except Exception as error:  # of several classes
                raise PortError(endpoint.owner, _refused(str(error))) from error
        self._labels = module.labels[endpoint.name]
        with open(path, "wb") as file:
            file.write(content)

    def runtime(self, path, endpoint):
        return _Loaded(path, endpoint, self._labels)


def _refused(text):
    """[(layer, reason)] of what the converter says: each operator with the name of its node."""
    found = re.findall(r"""fused\["[^"]*", "([^"@]+)@[^\n]*?'(tf\.\w+)' op is neither""", text)
    if not found:
        return [("", " ".join(text.split())[:500])]
    operators = {}
    for node, operator in found:
        operators.setdefault(node.rpartition("/")[0], {})[operator] = None
    return [
        (
            layer,
            f"LiteRT has no operator for {', '.join(names)} in the dtypes that they have here. "
            "enable_select_tf_ops=True keeps TensorFlow's, for runtimes that have those",
        )
        for layer, names in operators.items()
    ]


class _Loaded:
    """A file that was loaded."""

    def __init__(self, path, endpoint, labels):
        self.name, interpreter = _interpreter(path)
        self._names, self._labels = endpoint.names, labels
        self._run = interpreter.get_signature_runner(endpoint.name)

    def run(self, inputs):
        made = self._run(**dict(zip(self._names, inputs, strict=True)))
        return [made[name] for name in self._labels]


def _interpreter(path):
    """(its name, the interpreter): that of LiteRT, else the older one that TensorFlow brings."""
    try:
        module = importlib.import_module("ai_edge_litert.interpreter")
    except ImportError:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it will be gone some day
            return f"tf.lite of TensorFlow {tf.__version__}", tf.lite.Interpreter(path)
    return "LiteRT", module.Interpreter(path)
