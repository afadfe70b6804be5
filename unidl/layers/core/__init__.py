"""Layers that stand alone: Dense, Embedding, activations."""
