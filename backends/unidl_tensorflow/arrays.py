"""Arrays, in two parts: conversion, creation and shape; indexing, choice and order."""

from __future__ import annotations

from unidl_tensorflow.indexing import Indexing
from unidl_tensorflow.shaping import Shaping


class Arrays(Shaping, Indexing):
    """The parts together."""
