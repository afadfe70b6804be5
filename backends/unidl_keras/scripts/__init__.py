"""What becomes of scripts for Keras, alone or within TensorFlow. Imports neither."""
