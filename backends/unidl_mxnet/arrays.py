"""Arrays, in two parts: conversion, creation and shape; indexing, choice and order."""

from __future__ import annotations

from unidl_mxnet.indexing import Indexing
from unidl_mxnet.shaping import Shaping


class Arrays(Shaping, Indexing):
    """The parts together."""
