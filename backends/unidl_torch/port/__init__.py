"""Models of torch, in."""
