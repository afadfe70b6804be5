"""Layers that move a window over their input: convolutions and pooling."""
