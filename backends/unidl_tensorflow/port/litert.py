"""LiteRT, which was TensorFlow Lite: one file for phones and microcontrollers."""

from __future__ import annotations

import importlib
import os
import re
import tempfile

import numpy as np

from unidl.port.errors import PortError
from unidl.port.exports.format import Format
from unidl_tensorflow.load import tf
from unidl_tensorflow.port.saved_model import Module, output_labels

WHO = "export to litert"
_SERVE = "serve"


class LiteRT(Format):
    suffix = ".tflite"

    def __init__(self, enable_select_tf_ops=False, **attributes):
        super().__init__()
        self._select, self._attributes = enable_select_tf_ops, attributes

    @classmethod
    def check(cls, options, who):
        unknown = [
            name
            for name in options
            if name != "enable_select_tf_ops" and not hasattr(tf.lite.TFLiteConverter, name)
            and name not in _attributes()
        ]
        if unknown:
            raise TypeError(
                f"{who}: got {unknown[0]}={options[unknown[0]]!r}. Options of this format are "
                f"enable_select_tf_ops, verify, {', '.join(_attributes())}."
            )

    def write(self, endpoints, path):
        (endpoint,) = endpoints
        module = Module(endpoints, WHO)
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(module.root, folder, module.signatures)
            converter = tf.lite.TFLiteConverter.from_saved_model(
                folder, signature_keys=[endpoint.name]
            )
            if self._select:
                sets = tf.lite.OpsSet
                converter.target_spec.supported_ops = [sets.TFLITE_BUILTINS, sets.SELECT_TF_OPS]
            for name, value in self._attributes.items():
                setattr(converter, name, value)
            try:
                content = converter.convert()
            except Exception as error:  # of several classes
                raise PortError(endpoint.owner, _reasons(str(error))) from error
        with open(path, "wb") as file:
            file.write(content)

    def runtime(self, path, endpoint):
        return _Loaded(path, endpoint)


def _attributes():
    return ["optimizations", "representative_dataset", "allow_custom_ops", "target_spec"]
