"""Layers that act in training alone: dropout and noise."""
