"""Layers that make one tensor out of several."""
