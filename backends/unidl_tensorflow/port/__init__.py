"""Models as programs of TensorFlow."""
