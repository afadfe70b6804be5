"""Training: data in, compiled steps, loops, the losses and metrics of compile."""
