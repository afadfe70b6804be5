"""Models of unidl as source of Keras."""
