"""TensorBoard: what is in the event files, what its server makes of them, and Keras' tags."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

import unidl
from tests.written_for_keras.both import X, Y, dense
from unidl import callbacks, layers

pytest.importorskip("tensorboardX")
pytest.importorskip("tensorboard")


def tags(folder):
    """{run: {tag: [(step, value)]}} of the event files below a folder."""
    from tensorboard.backend.event_processing import plugin_event_multiplexer

    files = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance={"tensors": 0})
    files.AddRunsFromDirectory(str(folder))
    files.Reload()
    return {
        run: {
            tag: [(event.step, _value(event.tensor_proto)) for event in files.Tensors(run, tag)]
            for tag in content["tensors"]
        }
        for run, content in files.Runs().items()
    }


def _value(proto):
    from tensorboard.util import tensor_util

    array = tensor_util.make_ndarray(proto)
    return array.tolist() if array.dtype.kind == "f" else [bytes(v) for v in array.ravel()]


def run(k, folder, **arguments):
    model = k.Sequential([k.Input((3,)), dense(k, name="dense")])
    model.compile(k.optimizers.SGD(0.01), "mse", metrics=["mae"])
    board = k.callbacks.TensorBoard(folder, **arguments)
    model.fit(
        X,
        Y,
        epochs=2,
        batch_size=1,
        shuffle=False,
        verbose=0,
        validation_data=(X, Y),
        callbacks=[board],
    )
    return model, board


ALL = {"histogram_freq": 1, "write_images": True, "update_freq": 2}


def test_the_same_tags_and_numbers_as_keras(backend, tmp_path):
    keras = pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    run(unidl, tmp_path / "ours", **ALL)
    run(keras, tmp_path / "theirs", **ALL)
    ours, theirs = tags(tmp_path / "ours"), tags(tmp_path / "theirs")
    assert ours.keys() == theirs.keys() == {"train", "validation"}
    # Keras writes the step's graph on one of its backends, which is of no model.
    for name in ours:
        mine = {tag.split("/")[-1] for tag in ours[name]}
        assert mine == {tag.split("/")[-1] for tag in theirs[name]}
    for name, tag in [
        ("train", "epoch_loss"),
        ("train", "epoch_mae"),
        ("train", "epoch_learning_rate"),
        ("train", "batch_loss"),
        ("validation", "epoch_loss"),
        ("validation", "evaluation_loss_vs_iterations"),
    ]:
        one, other = ours[name][tag], theirs[name][tag]
        assert [step for step, _ in one] == [step for step, _ in other], tag
        np.testing.assert_allclose([v for _, v in one], [v for _, v in other], rtol=2e-5)


def test_embeddings_for_the_projector(tmp_path):
    model = unidl.Sequential([unidl.Input((2,)), layers.Embedding(4, 3, name="words")])
    model.compile("sgd", "mse")
    board = callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata="words.txt")
    x = np.array([[0, 1], [2, 3]])
    model.fit(x, np.zeros((2, 2, 3)), verbose=0, callbacks=[board])
    text = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "words.tsv"' in text
    assert 'metadata_path: "words.txt"' in text
    rows = np.loadtxt(tmp_path / "words.tsv", delimiter="\t")
    np.testing.assert_allclose(rows, model.get_weights()[0], rtol=1e-6)
    with pytest.raises(ValueError, match=r"'verbs'.*are: words"):
        callbacks.TensorBoard(
            tmp_path, embeddings_freq=1, embeddings_metadata={"verbs": "v.txt"}
        ).set_model(model)


def test_numbers_are_read_for_the_batches_that_are_written(tmp_path, monkeypatch):
    reads = []
    model = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    step = model._step("train")
    results = step.results
    monkeypatch.setattr(step, "results", lambda *args: reads.append(0) or results(*args))
    board = callbacks.TensorBoard(tmp_path, update_freq=2, write_graph=False)
    model.fit(X, Y, batch_size=1, verbose=0, callbacks=[board])
    assert len(reads) == 2 + 1  # of 4 batches, and the epoch's end


def test_what_is_not_written_is_said(tmp_path):
    board = callbacks.TensorBoard(tmp_path)
    with pytest.raises(ValueError, match=r"\(n, height, width, channels\)"):
        board.images("x", np.zeros((4, 4)), 0)
    with pytest.raises(TypeError, match="uint8, or floats"):
        board.images("x", np.zeros((1, 4, 4, 1), "int64"), 0)


@pytest.mark.slow
def test_a_server_shows_it(tmp_path):
    _, board = run(unidl, tmp_path, **ALL)
    board.text("note", "**bold**", 1)
    board.images("square", np.ones((1, 4, 4, 3)), 0)
    board.histogram("weights", np.array([1.0, np.nan, 2.0]), 0)
    board.on_train_end()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(tmp_path), "--port"]
    command += [str(port), "--load_fast=false"]
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ}
    )

    def ask(path, wait=60.0):
        until = time.monotonic() + wait
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/data/{path}") as answer:
                    return answer.read()
            except OSError:
                if time.monotonic() > until or server.poll() is not None:
                    raise
                time.sleep(0.3)

    try:
        until = time.monotonic() + 60
        while "note" not in str(ask("plugin/text/tags")) and time.monotonic() < until:
            time.sleep(0.3)
        scalars = json.loads(ask("plugin/scalars/tags"))
        assert {"epoch_loss", "batch_loss", "epoch_learning_rate"} <= scalars["train"].keys()
        points = json.loads(ask("plugin/scalars/scalars?tag=epoch_loss&run=train"))
        assert [step for _, step, _ in points] == [0, 1]
        assert "weights" in json.loads(ask("plugin/histograms/tags"))["train"]
        assert "square" in json.loads(ask("plugin/images/tags"))["train"]
        found = json.loads(ask("plugin/images/images?tag=square&run=train&sample=0"))
        picture = ask("plugin/images/individualImage?" + found[0]["query"])
        assert picture.startswith(b"\x89PNG")
        assert "<strong>bold</strong>" in str(ask("plugin/text/text?tag=note&run=train"))
        graph = ask("plugin/graphs/graph?run=train&tag=keras&conceptual=true")
        assert b"dense" in graph
    finally:
        server.terminate()
        server.wait()
        server.stderr.close()
