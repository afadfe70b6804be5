"""Models of Keras 3, in. No backend: Keras runs on one of its own."""
