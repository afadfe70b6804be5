"""TensorBoard."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from unidl.callbacks.batch_trace import BatchTrace, batches_of
from unidl.callbacks.callback import Callback
from unidl.callbacks.event_files import EventFile
from unidl.layers.core.embedding import Embedding
from unidl.saving.shards import refuse_split
from unidl.training import own_steps
from unidl.utils.rules import FLAG, FROM_ZERO, PATH, Rule


def _is_frequency(value: Any) -> bool:
    return value in ("epoch", "batch") or (type(value) is int and value > 0)


class TensorBoard(Callback):
    """Write what TensorBoard shows: `tensorboard --logdir logs`.

    Tags are Keras': "epoch_loss", "epoch_learning_rate" and so on in "train" and "validation",
    "evaluation_loss_vs_iterations", "batch_loss", and "<path of a weight>/histogram". The files are
    written by tensorboardX: `pip install 'unidl-framework[tensorboard]'`.

    Args:
        log_dir: a folder, created if needed.
        histogram_freq: write histograms of all weights after every so many epochs; 0: never.
        write_graph: write the graph of a Sequential or functional model.
        write_images: with the histograms, also write weights as images.
        write_steps_per_second: write the steps per second of each epoch, and with `update_freq` of
            batches.
        update_freq: "epoch", "batch", or write "batch_..." after every so many batches. Numbers are
            read from the device only for these batches.
        profile_batch: the number of a training batch, counted from 1 over all epochs, or a pair
            (first, last): the framework's own profiler traces these once in each fit, into
            `log_dir`/plugins/profile/<time>/. 0: none. For layer times on any backend use
            `callbacks.Profiler`.
        embeddings_freq: write the weights of Embedding layers for the projector after every so many
            epochs; 0: never.
        embeddings_metadata: path of a file with a label for each row, relative to `log_dir`, or
            {name of a layer: path}.

    `scalar`, `histogram`, `images` and `text` write other things, at any time.

    Raises:
        ImportError: tensorboardX is not installed.
        ValueError: `profile_batch` is no batch or pair of them, or `embeddings_metadata` names no
            Embedding layer.
        UnsupportedError: at the beginning of fit, if `profile_batch` is given and the framework has
            no profiler.

    Examples:
        >>> model = unidl.Sequential([unidl.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((8, 2)), np.zeros((8, 1))
        >>> board = unidl.callbacks.TensorBoard("logs", histogram_freq=1)
        >>> history = model.fit(x, y, verbose=0, callbacks=[board])
        >>> board.text("notes", "one epoch of *nothing*", step=0)
        >>> import os
        >>> sorted(os.listdir("logs"))
        ['train']
    """

    of_one_process = True

    _rules: ClassVar = {
        "log_dir": PATH,
        "histogram_freq": FROM_ZERO,
        "write_graph": FLAG,
        "write_images": FLAG,
        "write_steps_per_second": FLAG,
        "update_freq": Rule('"epoch", "batch" or a positive integer', _is_frequency),
        "embeddings_freq": FROM_ZERO,
    }

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int | tuple[int, int] | str = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        traced = batches_of(profile_batch)
        self._trace = None if traced is None else BatchTrace(self.log_dir, *traced)
        self.histogram_freq, self.write_graph, self.write_images = (
            histogram_freq,
            write_graph,
            write_images,
        )
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq, self.embeddings_metadata = embeddings_freq, embeddings_metadata
        self._files: dict[str, EventFile] = {}
        self._step = self._test_step = 0
        self._training = False
        if self.update_freq != "epoch" or self._trace is not None:
            # Only then does the training loop have to show this callback every batch.
            self.__class__ = _EveryBatches

    # -- for users' own numbers --------------------------------------------------------------------

    def scalar(self, tag: str, value: float, step: int, run: str = "train") -> None:
        """Write a number. `run` is the folder below `log_dir`, here and below."""
        self._file(run).scalar(tag, value, step)

    def histogram(self, tag: str, values: Any, step: int, run: str = "train") -> None:
        """Write the distribution of all numbers in an array of any shape."""
        self._file(run).histogram(tag, values, step)

    def images(self, tag: str, images: Any, step: int, run: str = "train") -> None:
        """Write the first three of images (n, height, width, channels): uint8, or floats from 0 to
        1; 1, 3 or 4 channels."""
        self._file(run).images(tag, images, step)

    def text(self, tag: str, text: str, step: int, run: str = "train") -> None:
        """Write a text, which is shown as Markdown."""
        self._file(run).text(tag, text, step)

    # -- events ------------------------------------------------------------------------------------

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self.histogram_freq or self.embeddings_freq:
            refuse_split(model, "TensorBoard", "Give histogram_freq=0 and embeddings_freq=0.")
        self._close()
        if self.embeddings_freq:
            self._describe_embeddings()

    def on_train_begin(self, logs: Any = None) -> None:
        self._training = True
        self._step = self._test_step = 0
        if self._trace is not None:
            self._trace.prepare(self.model.backend)
        if self.write_graph and self.model._plan is not None:
            self._write_graph()

    def on_train_end(self, logs: Any = None) -> None:
        self._training = False
        if self._trace is not None:
            self._trace.end(self._step)
        self._close()

    def _leave(self) -> None:
        if self._trace is not None:
            self._trace.stop()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began, self._done_before = time.perf_counter(), self._iterations()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = logs or {}
        train = {k: v for k, v in logs.items() if not k.startswith("val_")} | self._rates()
        if self.write_steps_per_second:
            steps = self._iterations() - self._done_before
            train["steps_per_second"] = steps / (time.perf_counter() - self._began)
        for name, value in train.items():
            self.scalar(f"epoch_{name}", value, epoch)
        for name, value in logs.items():
            if name.startswith("val_"):
                self.scalar(f"epoch_{name.removeprefix('val_')}", value, epoch, "validation")
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        for file in self._files.values():
            file.flush()

    def on_test_end(self, logs: Any = None) -> None:
        for name, value in (logs or {}).items():
            tag = f"evaluation_{name}_vs_iterations"
            self.scalar(tag, value, self._iterations(), "validation")
        if not self._training:
            self._close()

    # -- what is written ---------------------------------------------------------------------------

    def _file(self, run: str) -> EventFile:
        if run not in self._files:
            self._files[run] = EventFile(os.path.join(self.log_dir, run))
        return self._files[run]

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    def _iterations(self) -> int:
        return sum(int(o.iterations) for o in own_steps.optimizers_of(self.model)[:1])

    def _rates(self) -> dict[str, float]:
        optimizer = self.model.optimizer
        return {} if optimizer is None else {"learning_rate": float(optimizer.learning_rate)}

    def _write_graph(self) -> None:
        try:
            text = self.model.to_json()
        except (TypeError, ValueError) as error:
            warnings.warn(f"TensorBoard: the graph was not written: {error}", stacklevel=2)
            return
        self._file("train").graph(text)

    def _write_weights(self, epoch: int) -> None:
        for layer in self.model.layers:
            for weight in layer.weights:
                tag, value = weight.path.replace(":", "_"), weight.numpy()
                self.histogram(f"{tag}/histogram", value, epoch)
                image = _as_images(value) if self.write_images else None
                if image is not None:
                    self.images(f"{tag}/image", image, epoch)

    def _embedding_layers(self) -> list[Embedding]:
        return [layer for layer in self.model._flatten_layers() if isinstance(layer, Embedding)]

    def _describe_embeddings(self) -> None:
        """The file from which TensorBoard's projector knows what there is."""
        layers, given = self._embedding_layers(), self.embeddings_metadata
        names = [layer.name for layer in layers]
        unknown = sorted(set(given) - set(names)) if isinstance(given, Mapping) else []
        if unknown:
            raise ValueError(
                f"TensorBoard: embeddings_metadata names {', '.join(map(repr, unknown))}, but the "
                f"Embedding layers of the model are: {', '.join(names) or 'none'}."
            )
        lines = []
        for name in names:
            path = given.get(name) if isinstance(given, Mapping) else given
            fields = {"tensor_name": name, "tensor_path": _tensor_file(name)}
            if path is not None:
                fields["metadata_path"] = os.fspath(path)
            inner = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in fields.items())
            lines.append(f"embeddings {{\n{inner}}}\n")
        os.makedirs(self.log_dir, exist_ok=True)
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "w") as file:
            file.writelines(lines)

    def _write_embeddings(self) -> None:
        for layer in self._embedding_layers():
            path = os.path.join(self.log_dir, _tensor_file(layer.name))
            np.savetxt(path, layer.embeddings.numpy(), delimiter="\t", fmt="%.8g")


class _EveryBatches(TensorBoard):
    """With `update_freq` in batches, or with a trace of some; several of them may have passed
    between two calls."""

    def on_epoch_begin(self, epoch: Any, logs: Any = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._last_batch = -1

    def on_train_batch_begin(self, batch: Any, logs: Any = None) -> None:
        if self._trace is not None:
            # `batch` is the first of a launch.
            self._trace.before(self._step + self.model.steps_per_execution)
        self._batch_began = time.perf_counter()

    def _reads_after(self, batch: int) -> bool:
        if self.update_freq == "epoch":
            return False
        every = int(self.update_freq)
        return (self._step + batch - self._last_batch) // every > self._step // every

    def on_train_batch_end(self, batch: Any, logs: Any = None) -> None:
        is_due = self._reads_after(batch)
        steps, self._last_batch = batch - self._last_batch, batch
        self._step += steps
        if self._trace is not None:
            self._trace.after(self._step)
        if not is_due:
            return
        for name, value in (logs or {}).items():
            self.scalar(f"batch_{name}", value, self._step)
        if self.write_steps_per_second:
            took = time.perf_counter() - self._batch_began
            self.scalar("batch_steps_per_second", steps / took, self._step)


def _tensor_file(name: str) -> str:
    return f"{name.replace('/', '_')}.tsv"


def _as_images(weight: np.ndarray) -> np.ndarray | None:
    """(n, height, width, channels) of a weight with few enough axes, else None.

    A vector is a column, a matrix lies on its longer side, and kernels (height, width, n) are an
    image each.
    """
    weight = np.squeeze(weight)
    if weight.ndim == 1:
        return weight[None, :, None, None]
    if weight.ndim == 2:
        weight = weight.T if weight.shape[0] > weight.shape[1] else weight
        return weight[None, :, :, None]
    if weight.ndim == 3:
        return np.moveaxis(weight, -1, 0)[..., None]
    return weight if weight.ndim == 4 and weight.shape[-1] in (1, 3, 4) else None
