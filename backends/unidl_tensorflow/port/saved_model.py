"""SavedModel: a folder that TensorFlow, TensorFlow Serving and their kin read."""

from __future__ import annotations

import numpy as np

from unidl import tree
from unidl.port.exports.format import Format
from unidl.port.exports.names import Names
from unidl.port.exports.tracing import Program
from unidl_tensorflow.load import tf
from unidl_tensorflow.port.relay import TensorFlowRelay, adapter

WHO = "export to tf_saved_model"


class SavedModel(Format):
    """
    Args:
        save_options: a `tf.saved_model.SaveOptions`.
        variables: Variables to keep beside those that endpoints read. collections: {name: some of
            them}, lists that the loaded object has.
    """

    options = ("save_options",)

    def __init__(self, save_options=None, variables=(), collections=None):
        super().__init__(save_options=save_options)
        self._variables, self._collections = variables, collections or {}

    def write(self, endpoints, path):
        module = Module(endpoints, WHO, variables=self._variables)
        for name, variables in self._collections.items():
            setattr(module.root, name, [module.hold(v) for v in variables])
        tf.saved_model.save(module.root, path, module.signatures, self.save_options)

    def runtime(self, path, endpoint):
        return _Loaded(path, endpoint)


class Module:
    """Endpoints as functions of TensorFlow.

    Attributes:
        labels: {name of an endpoint: names of its outputs in its signature}.
        root: what TensorFlow saves, with a method for each endpoint, and the lists `variables`,
            `trainable_variables` and `non_trainable_variables`, as Keras' files have them.
        signatures: {name of an endpoint, or "serving_default": function of named tensors}.
    """

    def __init__(self, endpoints, who, relay=TensorFlowRelay, variables=()):
        programs = [Program(e, relay, adapter(), who) for e in endpoints]
        self.held = {}
        for variable in (*variables, *(v for program in programs for v in program.variables)):
            self.hold(variable)
        self.root = tf.__internal__.tracking.AutoTrackable()
        self.root.variables = list(self.held.values())
        self.root.trainable_variables = [v for v in self.held.values() if v.trainable]
        self.root.non_trainable_variables = [v for v in self.held.values() if not v.trainable]
        self.signatures, self.labels = {}, {}
        for program in programs:
            name = program.endpoint.name
            setattr(self.root, name, self._function(program))
            self.signatures[name] = self._signature(program)
        self.signatures.setdefault("serving_default", self.signatures[programs[0].endpoint.name])

    def hold(self, variable):
        """TensorFlow's variable for one of the model."""
        if variable not in self.held:
            self.held[variable] = _held(variable)
        return self.held[variable]

    def _function(self, program):
        """A function of arguments with the endpoint's structure."""
        signature = program.endpoint.signature
        specs = signature.arguments(_specs(signature))

        def function(*arguments):
            return self._run(program, tree.flatten(list(arguments)))

        made = tf.function(function, input_signature=specs, autograph=False)
        made.get_concrete_function()
        return made

    def _signature(self, program):
        """A function of the inputs by name, as files of Keras have it, of a dict of outputs."""
        names = [i.name for i in program.endpoint.signature.inputs]
        labels = self.labels[program.endpoint.name] = _labels(program.outputs)

        def function(**named):
            found = tree.flatten(self._run(program, [named[name] for name in names]))
            return dict(zip(labels, map(tf.identity, found), strict=True))

        specs = {s.name: s for s in _specs(program.endpoint.signature)}
        return tf.function(function, autograph=False).get_concrete_function(**specs)

    def _run(self, program, inputs):
        return program([self.held[v].value() for v in program.variables], inputs)


def _labels(outputs):
    """output_0, output_1 ... or the keys of a dict."""
    names = Names()
    if isinstance(outputs, dict):
        paths = [path for path, _ in tree.flatten_with_path(outputs)]
        return [names.new("_".join(map(str, path))) for path in paths]
    return [f"output_{i}" for i in range(len(tree.flatten(outputs)))]


def _specs(signature):
    return [
        tf.TensorSpec([None if isinstance(s, str) else s for s in i.shape], i.dtype, i.name)
        for i in signature.inputs
    ]


def _held(variable):
    value = np.asarray(variable.numpy())
    with tf.device("/cpu:0"):
        return tf.Variable(
            value, trainable=variable.trainable, dtype=variable.dtype, name=variable.path
        )


class _Loaded:
    """A function of a file that was loaded."""

    def __init__(self, path, endpoint):
        self.name = f"TensorFlow {tf.__version__}"
        self._loaded = tf.saved_model.load(path)
        self._endpoint = endpoint

    def run(self, inputs):
        signature = self._endpoint.signature
        given = [tf.constant(x, i.dtype) for x, i in zip(inputs, signature.inputs, strict=True)]
        outputs = getattr(self._loaded, self._endpoint.name)(*signature.arguments(given))
        return [_array(y) for y in tree.flatten(outputs)]


def _array(y):
    return np.asarray((tf.cast(y, tf.float32) if y.dtype == tf.bfloat16 else y).numpy())
