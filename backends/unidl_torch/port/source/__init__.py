"""Models of unidl as source of PyTorch."""
