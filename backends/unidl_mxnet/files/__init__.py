"""MXNet's files, read without MXNet."""
