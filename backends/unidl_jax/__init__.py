"""JAX as a unidl backend. Importing this package imports no JAX."""

from unidl.backend.spec import BackendSpec

spec = BackendSpec(
    name="jax",
    adapter="unidl_jax.adapter:JaxBackend",
    framework="jax",
    distributions=("jax",),
    tensor_roots=("jax", "jaxlib"),
    install="pip install 'unidl-framework[jax]'",
    launch="unidl_jax.launch:commands",
    source={"jax": "unidl_jax.port.source.writer:JaxWriter"},
)
