"""Data sets from files and arrays, as `PyDataset`s: no framework is needed, and every backend takes
them."""
