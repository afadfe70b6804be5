"""Models of unidl in Flax, the library of modules for JAX."""
