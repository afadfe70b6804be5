"""How fast unidl is beside the loops that people write by hand and beside Keras. Run `python -m
benchmarks --help`."""
