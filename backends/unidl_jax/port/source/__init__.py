"""Models of unidl as source of JAX: modules of flax.nnx."""
