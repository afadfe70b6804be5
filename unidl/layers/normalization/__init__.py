"""Layers that shift and scale to given moments."""
