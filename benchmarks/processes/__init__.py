"""A step in one and in several processes: unidl beside loops by hand on each engine."""
