"""The file, written as a stream: one array at a time is in memory beside the model.

A ModelProto is a sequence of fields, each with its length in front, so that the initializers can
follow the rest of their graph without being in one message with it.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO

import numpy as np

from unidl.port.onnx.errors import onnx_package
from unidl.port.onnx_out.dtypes import number_of
from unidl.port.onnx_out.value import Value
from unidl.utils.whole_file import whole_file

# A message of protobuf has less than 2 GiB; weights of more go into a file beside it.
LARGEST_MESSAGE = 2**31 - 2**24
_BESIDE_FROM = 1024  # bytes; smaller arrays stay in the model's file
_ALIGNED = 4096

_GRAPH_OF_MODEL, _INITIALIZER_OF_GRAPH, _RAW_DATA_OF_TENSOR = 7, 5, 9
_LENGTH_DELIMITED = 2


def write(path: str, model: Any, arrays: dict[str, Value], beside: bool | None) -> list[str]:
    """Write `model`, a ModelProto without initializers, with `arrays` as its initializers.

    beside: whether arrays go into PATH.data; None: if they are too large for one file.
    """
    sizes = {name: size_of(value) for name, value in arrays.items()}
    if beside is None:
        beside = sum(sizes.values()) + model.ByteSize() > LARGEST_MESSAGE
    apart = [name for name, size in sizes.items() if beside and size >= _BESIDE_FROM]
    places: dict[str, tuple[int, int]] = {}
    files = [path]
    if apart:
        files.append(f"{path}.data")
        with whole_file(files[1]) as file:
            for name in apart:
                start = -(-file.tell() // _ALIGNED) * _ALIGNED
                file.write(b"\0" * (start - file.tell()))
                file.write(numbers_of(arrays[name]))
                places[name] = start, file.tell() - start
    try:
        with whole_file(path) as file:
            _write_model(file, model, arrays, sizes, places, os.path.basename(files[-1]))
    except BaseException:
        if apart and not os.path.exists(path):
            os.remove(files[1])
        raise
    return files


def _write_model(
    file: BinaryIO, model: Any, arrays: Any, sizes: Any, places: Any, data: str
) -> None:
    heads = {n: _head(n, v, places.get(n), data).SerializeToString() for n, v in arrays.items()}
    graph = model.graph.SerializeToString()
    rest = type(model)()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    file.write(rest.SerializeToString())
    lengths = {}
    for name, head in heads.items():
        raw = 0 if name in places else sizes[name]
        lengths[name] = len(head) + (0 if name in places else _field_size(raw, _RAW_DATA_OF_TENSOR))
    total = len(graph) + sum(_field_size(n, _INITIALIZER_OF_GRAPH) for n in lengths.values())
    file.write(_field(_GRAPH_OF_MODEL, total))
    file.write(graph)
    for name, head in heads.items():
        file.write(_field(_INITIALIZER_OF_GRAPH, lengths[name]))
        file.write(head)
        if name not in places:
            file.write(_field(_RAW_DATA_OF_TENSOR, sizes[name]))
            file.write(numbers_of(arrays[name]))


def _head(name: str, value: Value, place: Any, data: str) -> Any:
    """The TensorProto but for its numbers."""
    onnx = onnx_package()
    head = onnx.TensorProto(name=name, data_type=number_of(value.dtype), dims=value.shape)
    if place is not None:
        head.data_location = onnx.TensorProto.EXTERNAL
        for key, text in (("location", data), ("offset", place[0]), ("length", place[1])):
            head.external_data.add(key=key, value=str(text))
    return head


def size_of(value: Value) -> int:
    """Bytes."""
    width = 1 if value.dtype == "bool" else int("".join(filter(str.isdigit, value.dtype))) // 8
    return int(np.prod(value.shape, dtype="int64")) * width


def numbers_of(value: Value) -> memoryview | bytes:
    """The numbers as ONNX stores them."""
    array = np.ascontiguousarray(value.load())
    if value.dtype == "bfloat16" and array.dtype.itemsize == 4:
        array = _rounded_to_bfloat16(array)
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    return array.view("uint8").reshape(-1).data if array.ndim and array.size else array.tobytes()


def _rounded_to_bfloat16(array: np.ndarray) -> np.ndarray:
    """The upper halves of float32, rounded to even."""
    bits = array.astype("float32").view("uint32")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("uint16")


def _field(number: int, length: int) -> bytes:
    """The head of a field: its number, then its length."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(length)


def _field_size(length: int, number: int) -> int:
    return len(_field(number, length)) + length


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)
