"""Models of MXNet, in; from files also without MXNet."""
