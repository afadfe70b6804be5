"""Models out, as a HybridBlock of Gluon."""
