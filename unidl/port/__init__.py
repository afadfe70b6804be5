"""Models in and out: what is common to all formats."""
