"""`ExportArchive`: a SavedModel with functions of one's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from unidl import tree
from unidl.backend import Variable, registry
from unidl.layers import Layer
from unidl.optimizers import HostVariable
from unidl.port.exports.endpoint import Endpoint
from unidl.port.exports.export import check_path, format_named, write
from unidl.port.exports.signature import signature_from

_FORMAT = "tf_saved_model"
_WHO = "ExportArchive"


class ExportArchive:
    """A SavedModel of several functions, its endpoints, that compute with layers and models.

    The functions are written in terms of `unidl.ops` and layers, on any backend; `write_out` traces
    them with TensorFlow. Each may be called after `tf.saved_model.load(path)` by its name, and is a
    signature for TensorFlow Serving, the first one also as "serving_default".

    Examples:
        >>> model = unidl.Sequential([unidl.Input((3,)), unidl.layers.Dense(2)])
        >>> archive = unidl.export.ExportArchive()
        >>> archive.track(model)
        >>> spec = unidl.InputSpec(shape=(None, 3), dtype="float32")
        >>> _ = archive.add_endpoint("serve", lambda x: model(x), [spec])
        >>> _ = archive.add_endpoint("classify", lambda x: unidl.ops.argmax(model(x), -1), [spec])
        >>> archive.write_out("/tmp/served", verbose=False)
    """

    def __init__(self) -> None:
        self._tracked: list[Layer] = []
        self._endpoints: dict[str, tuple[Callable[..., Any], Any]] = {}
        self._collections: dict[str, list[Variable]] = {}

    @property
    def variables(self) -> list[Variable]:
        """Of what is tracked."""
        found = [v for layer in self._tracked for v in layer.variables]
        return list(dict.fromkeys(found))

    @property
    def trainable_variables(self) -> list[Variable]:
        """Those that are trained."""
        return [v for v in self.variables if v.trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """Those that are not."""
        return [v for v in self.variables if not v.trainable]

    def track(self, resource: Layer) -> None:
        """Keep the variables of a layer or model in the file, also those that no endpoint reads.

        Args:
            resource: a layer or model that has its weights.
        """
        if not isinstance(resource, Layer):
            raise ValueError(
                f"{_WHO}.track: expected a Layer or Model, got {type(resource).__name__}. What is "
                "not of unidl, such as a lookup table, is not written: look up before the model."
            )
        if not resource.built:
            raise ValueError(
                f"{_WHO}.track: {resource.name} has no weights yet. Call it on data, or build it, "
                "before it is exported."
            )
        self._tracked.append(resource)

    def add_endpoint(
        self, name: str, fn: Callable[..., Any], input_signature: Any = None, **kwargs: Any
    ) -> Callable[..., Any]:
        """Add a function.

        Args:
            name: under which it is called after loading.
            fn: a function of tensors, in terms of `unidl.ops` and of layers.
            input_signature: an `InputSpec`, or a structure of them, for each argument of `fn`, with
                None for open axes.
            **kwargs: none are taken; Keras has some for its JAX backend.

        Returns:
            `fn`.
        """
        if kwargs:
            raise ValueError(
                f"{_WHO}.add_endpoint: {next(iter(kwargs))} is for Keras' JAX backend. Leave it "
                "out: functions are traced by TensorFlow, whichever backend is active."
            )
        if name in self._endpoints:
            raise ValueError(f"{_WHO}: the endpoint name {name!r} is already taken.")
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"{_WHO}: an endpoint's name is one of Python, got {name!r}.")
        if input_signature is None:
            raise ValueError(
                f"{_WHO}.add_endpoint: what {name!r} takes is not known. Give it: "
                'input_signature=[unidl.InputSpec(shape=(None, 8), dtype="float32")], one for each '
                "argument. Functions that TensorFlow has traced already are not taken: give the "
                "Python function, in terms of unidl.ops."
            )
        self._endpoints[name] = fn, input_signature
        return fn

    def track_and_add_endpoint(
        self, name: str, resource: Layer, input_signature: Any, **kwargs: Any
    ) -> Callable[..., Any]:
        """`track` a layer or model and add its call as an endpoint."""
        self.track(resource)
        return self.add_endpoint(name, resource.__call__, input_signature, **kwargs)

    def add_variable_collection(self, name: str, variables: Any) -> None:
        """Keep variables in the file under a name, such as those of an optimizer.

        Args:
            name: of the list that the loaded object has.
            variables: a list, tuple or set of Variables.
        """
        if not isinstance(variables, list | tuple | set):
            raise ValueError(
                f"{_WHO}.add_variable_collection: expected a list, tuple or set of Variables, got "
                f"{type(variables).__name__}."
            )
        others = [v for v in variables if not isinstance(v, Variable | HostVariable)]
        if others:
            raise ValueError(
                f"{_WHO}.add_variable_collection: expected Variables, got "
                f"{type(others[0]).__name__} among them."
            )
        self._collections[name] = list(variables)

    def write_out(
        self, filepath: str | os.PathLike[str], options: Any = None, verbose: bool = True
    ) -> None:
        """Write the folder, load it again and compare each endpoint with its function.

        Args:
            filepath: of the folder. What was there is replaced when the new one is whole.
            options: a `tf.saved_model.SaveOptions`.
            verbose: whether to print the endpoints, and how they compare.

        Raises:
            PortError: with all that cannot be written. Nothing is written.
            ValueError: there are no endpoints.
        """
        if not self._endpoints:
            raise ValueError(
                f"{_WHO}.write_out: there are no endpoints. Call add_endpoint() first."
            )
        kind = format_named(_FORMAT)
        path = check_path(filepath, kind, f"{_WHO}.write_out")
        writer = kind(save_options=options, variables=self.variables, collections=self._collections)
        endpoints = [self._endpoint(name) for name in self._endpoints]
        found = write(writer, endpoints, path, _FORMAT, True)
        if verbose:
            print(found)

    def _endpoint(self, name: str) -> Endpoint:
        fn, given = self._endpoints[name]
        structure = list(given) if isinstance(given, list | tuple) else [given]
        leaves = tree.flatten(structure)
        names = [getattr(leaf, "name", None) or f"input_{i}" for i, leaf in enumerate(leaves)]
        layers = [one for layer in self._tracked for one in layer._flatten_layers()]
        variables = self.variables
        dtype = layers[0].compute_dtype if layers else "float32"
        return Endpoint(
            name,
            self._tracked[0].name if self._tracked else name,
            variables[0].backend if variables else registry.get_backend(),
            fn,
            signature_from(structure, names, dtype, _WHO),
            layers,
            variables,
        )
