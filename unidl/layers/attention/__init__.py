"""Layers in which positions look at each other."""
