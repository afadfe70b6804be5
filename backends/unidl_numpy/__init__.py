"""The NumPy adapter of unidl: plain arrays, reverse mode of its own. The default backend, and the
float64 oracle of the others."""

from unidl.backend.spec import BackendSpec

spec = BackendSpec(
    name="numpy",
    adapter="unidl_numpy.adapter:NumpyBackend",
    framework="numpy",
    distributions=("numpy",),
    tensor_roots=("numpy", "unidl_numpy"),
    install="pip install unidl-framework",
    launch="unidl_numpy.launch:commands",
    source={"numpy": "unidl_numpy.port.source.writer:NumpyWriter"},
)
