"""What every layer is made of: calls, weights, names, masks, configs."""
