"""Drawings of models: what stands in one (`diagram`), where (`layout`), and how it is written."""
