"""Models of unidl as source of NumPy: inference alone."""
