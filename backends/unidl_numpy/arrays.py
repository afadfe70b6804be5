"""Arrays: conversion, creation and shape are in `shaping`, choice and order in `indexing`."""

from __future__ import annotations

from unidl.backend import contract
from unidl_numpy import indexing, shaping


class Arrays(contract.Arrays):
    asarray = staticmethod(shaping.asarray)
    to_numpy = staticmethod(shaping.to_numpy)
    is_tensor = staticmethod(shaping.is_tensor)
    shape = staticmethod(shaping.shape)
    dtype = staticmethod(shaping.dtype)
    cast = staticmethod(shaping.cast)
    stop_gradient = staticmethod(shaping.stop_gradient)

    full = staticmethod(shaping.full)
    zeros = staticmethod(shaping.zeros)
    full_like = staticmethod(shaping.full_like)
    arange = staticmethod(shaping.arange)
    eye = staticmethod(shaping.eye)

    reshape = staticmethod(shaping.reshape)
    transpose = staticmethod(shaping.transpose)
    broadcast_to = staticmethod(shaping.broadcast_to)
    expand_dims = staticmethod(shaping.expand_dims)
    squeeze = staticmethod(shaping.squeeze)
    concatenate = staticmethod(shaping.concatenate)
    stack = staticmethod(shaping.stack)
    split = staticmethod(shaping.split)
    unstack = staticmethod(shaping.unstack)
    flip = staticmethod(shaping.flip)
    tile = staticmethod(shaping.tile)
    repeat = staticmethod(shaping.repeat)
    pad = staticmethod(shaping.pad)

    getitem = staticmethod(indexing.getitem)
    take = staticmethod(indexing.take)
    take_along_axis = staticmethod(indexing.take_along_axis)
    scatter_add = staticmethod(indexing.scatter_add)
    scatter_update = staticmethod(indexing.scatter_update)
    where = staticmethod(indexing.where)
    sort = staticmethod(indexing.sort)
    argsort = staticmethod(indexing.argsort)
