"""Event files that TensorBoard reads, written by tensorboardX, which needs no framework."""

from __future__ import annotations

import io
import itertools
import os
from importlib import import_module
from typing import Any

import numpy as np

from unidl.utils.images import pillow

_BUCKETS = 30  # of a histogram
_IMAGES = 3  # shown under one tag
_numbers = itertools.count()


class EventFile:
    """A new event file in `folder`, which is made.

    Raises:
        ImportError: tensorboardX is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            writer = import_module("tensorboardX")
        except ImportError as error:
            raise ImportError(
                "TensorBoard: event files are written by tensorboardX. Install it with: "
                "pip install 'unidl-framework[tensorboard]'"
            ) from error
        self._protos = import_module("tensorboardX.proto.summary_pb2")
        # The name has the time in seconds: without more, a second file would replace the first.
        suffix = f".{os.getpid()}.{next(_numbers):04d}"
        self._writer = writer.FileWriter(os.fspath(folder), filename_suffix=suffix)

    def scalar(self, tag: str, value: float, step: int) -> None:
        self._add(step, tag=tag, simple_value=float(value))

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """Of all finite numbers in the array `values`; how many are not is told as "tag/nonfinite"
        where there are such."""
        values = np.asarray(values, "float64").ravel()
        finite = values[np.isfinite(values)]
        if finite.size < values.size:
            self.scalar(f"{tag}/nonfinite", values.size - finite.size, step)
        if not finite.size:
            return
        counts, edges = np.histogram(finite, _BUCKETS)
        histogram = self._protos.HistogramProto(
            min=finite.min(),
            max=finite.max(),
            num=finite.size,
            sum=finite.sum(),
            sum_squares=finite @ finite,
            bucket_limit=edges[1:].tolist(),
            bucket=counts.tolist(),
        )
        self._add(step, tag=tag, histo=histogram)

    def images(self, tag: str, images: Any, step: int) -> None:
        """The first of images (n, height, width, channels), 1, 3 or 4 channels: uint8, or floats
        from 0 to 1, which are cut off beyond."""
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
            raise ValueError(
                "TensorBoard: images have the shape (n, height, width, channels) with 1, 3 or 4 "
                f"channels, got {images.shape}. For a single image: image[None]; for grey images: "
                "image[..., None]."
            )
        if images.dtype.kind == "f":
            images = np.rint(np.clip(np.nan_to_num(images), 0, 1) * 255).astype("uint8")
        elif images.dtype != np.uint8:
            raise TypeError(
                f"TensorBoard: images must be uint8, or floats from 0 to 1, got {images.dtype}."
            )
        _, height, width, _ = images.shape
        texts = [str(width).encode(), str(height).encode(), *map(png, images[:_IMAGES])]
        self._tensor(tag, "images", texts, step)

    def text(self, tag: str, text: str, step: int) -> None:
        """`text` is shown as Markdown."""
        self._tensor(tag, "text", [text.encode()], step, scalar=True)

    def graph(self, model_json: str) -> None:
        """The model as Keras' JSON, which TensorBoard draws."""
        self._tensor("keras", "graph_keras_model", [model_json.encode()], 0, b"1", scalar=True)

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()

    def _tensor(
        self,
        tag: str,
        plugin: str,
        texts: list[bytes],
        step: int,
        content: bytes = b"",
        scalar: bool = False,
    ) -> None:
        tensors = import_module("tensorboardX.proto.tensor_pb2")
        shapes = import_module("tensorboardX.proto.tensor_shape_pb2")
        metadata = self._protos.SummaryMetadata(
            plugin_data=self._protos.SummaryMetadata.PluginData(plugin_name=plugin, content=content)
        )
        axes = [] if scalar else [shapes.TensorShapeProto.Dim(size=len(texts))]
        tensor = tensors.TensorProto(
            dtype="DT_STRING", string_val=texts, tensor_shape=shapes.TensorShapeProto(dim=axes)
        )
        self._add(step, tag=tag, metadata=metadata, tensor=tensor)

    def _add(self, step: int, **value: Any) -> None:
        summary = self._protos.Summary(value=[self._protos.Summary.Value(**value)])
        self._writer.add_summary(summary, int(step))


def png(image: np.ndarray) -> bytes:
    """The bytes of a PNG file of an image (height, width, 1, 3 or 4), uint8."""
    buffer = io.BytesIO()
    grey = image.shape[-1] == 1
    pillow("TensorBoard").fromarray(image[..., 0] if grey else image).save(buffer, "png")
    return buffer.getvalue()
