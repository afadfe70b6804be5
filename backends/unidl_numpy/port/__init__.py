"""Models out of unidl as plain NumPy."""
