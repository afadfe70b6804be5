"""Layers that change shapes and sizes."""
