"""What becomes of Gluon scripts. Imports no MXNet."""
