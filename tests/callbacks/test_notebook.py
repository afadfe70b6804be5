"""What fit shows in a notebook: one output, which is updated. With IPython's display played by an
object of the same interface, and with a real kernel where nbclient and ipykernel are installed."""

import contextlib
import io
import logging
import re
import sys
import types

import numpy as np
import pytest

import unidl
from unidl import callbacks, layers
from unidl.callbacks.progress.taps import Taps

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")
LINE = r"Epoch {}/{} - 4/4 - \d+s - \d+(us|ms)/step - accuracy: \d\.\d{{4}} - loss: \d\.\d{{4}}"


class Cell:
    """The outputs of a cell, as a front end keeps them.

    Attributes:
        outputs: ["stream", text] and ["display", text] in their order.
        sent: how often an output was made or updated.
    """

    def __init__(self):
        self.outputs, self.sent = [], 0

    def __enter__(self):
        self._before, sys.stdout = sys.stdout, OutStream(self)

    def __exit__(self, *error):
        assert type(sys.stdout) is OutStream  # what fit has put in its place is gone
        sys.stdout = self._before

    def display(self, content, raw, display_id):
        assert (raw, display_id) == (True, True)
        output = ["display", ""]
        self.outputs.append(output)

        def update(content, raw):
            self.sent += 1
            output[1] = content["text/plain"]

        update(content, raw)
        return types.SimpleNamespace(update=update)

    def stream(self, text):
        if not self.outputs or self.outputs[-1][0] != "stream":
            self.outputs.append(["stream", ""])
        self.outputs[-1][1] += text


class OutStream(io.StringIO):
    """A kernel's `sys.stdout`."""

    __module__ = "ipykernel.iostream"

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def write(self, text):
        self.cell.stream(text)
        return len(text)


@pytest.fixture
def cell(monkeypatch):
    cell = Cell()
    shell = types.SimpleNamespace(kernel=object())
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: shell
    display = types.ModuleType("IPython.display")
    display.display = cell.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return cell


def model():
    net = unidl.Sequential([unidl.Input((4,)), layers.Dense(1, activation="sigmoid")])
    net.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return net


def test_one_output_that_is_updated(backend, cell):
    with cell:
        model().fit(X, Y, batch_size=10, epochs=30)
    [(kind, text)] = cell.outputs
    assert kind == "display"
    lines = text.splitlines()
    assert len(lines) == 30
    for number, line in enumerate(lines, 1):
        assert re.fullmatch(LINE.format(number, 30), line)


def test_the_live_line(cell, monkeypatch):
    seen = []
    update = cell.display

    def display(content, **how):
        output = update(content, **how)
        seen.append(content["text/plain"])
        change = output.update
        output.update = lambda content, raw: (
            seen.append(content["text/plain"]),
            change(content, raw=raw),
        )
        return output

    monkeypatch.setattr(sys.modules["IPython.display"], "display", display)
    monkeypatch.setattr("unidl.callbacks.progress.notebook.INTERVAL_S", 0.0)
    monkeypatch.setattr("unidl.callbacks.progress.notebook.CHARACTERS_PER_S", 1e12)
    watching = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    with cell:
        model().fit(X, Y, batch_size=10, epochs=2, callbacks=[watching])
    assert seen[0] == f"Epoch 1/2 - 0/4 {'─' * 24} 0s"
    bar = "━" * 12 + "─" * 12
    assert any(text.startswith(f"Epoch 1/2 - 2/4 {bar} ETA 0s - ") for text in seen)
    assert any(re.match(rf"Epoch 1/2 - 4/4 - .*\nEpoch 2/2 - 2/4 {bar} ETA", text) for text in seen)


def test_prints_stay_beside_their_epoch(cell):
    talks = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epoch == 1 and print("here"))
    with cell:
        model().fit(X, Y, batch_size=10, epochs=4, callbacks=[talks])
    assert [kind for kind, _ in cell.outputs] == ["display", "stream", "display"]
    first, printed, second = (text.splitlines() for _, text in cell.outputs)
    assert [line[:9] for line in first] == ["Epoch 1/4", "Epoch 2/4"]
    assert printed == ["here"]
    assert [line[:9] for line in second] == ["Epoch 3/4", "Epoch 4/4"]


def test_prints_in_each_epoch(cell):
    talks = callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: print("begins", epoch),
        on_epoch_end=lambda epoch, logs: print("ends", epoch),
    )
    with cell:
        model().fit(X, Y, epochs=3, callbacks=[talks])
    assert [kind for kind, _ in cell.outputs] == ["stream"] + ["display", "stream"] * 2 + [
        "display",
        "stream",
    ]


def test_a_handler_that_looks_its_stream_up_needs_no_tap(monkeypatch):
    """As that which `logging` falls back on, and some libraries give to their loggers."""

    class LooksUp(logging.StreamHandler):
        stream = property(lambda self: sys.stderr)

        def __init__(self):
            logging.Handler.__init__(self)

    monkeypatch.setattr(logging.root, "handlers", [*logging.root.handlers, LooksUp()])
    heard = []
    taps = Taps(lambda stream, text: heard.append(text))
    taps.open("stderr")
    try:
        logging.root.warning("seen")
    finally:
        taps.close()
    assert "".join(heard) == "seen\n"


def test_an_error_leaves_what_was_seen_and_gives_the_streams_back(cell):
    def fail(epoch, logs):
        if epoch == 2:
            raise RuntimeError("it is broken")

    before = sys.stderr
    failing = callbacks.LambdaCallback(on_epoch_end=fail)
    with cell, pytest.raises(RuntimeError, match="broken"):
        model().fit(X, Y, epochs=5, callbacks=[failing])
    assert sys.stderr is before
    [(_, text)] = cell.outputs
    assert [line[:9] for line in text.splitlines()][:2] == ["Epoch 1/5", "Epoch 2/5"]


def test_evaluate_and_predict_have_an_output_each(cell):
    net = model()
    with cell:
        net.evaluate(X, Y, batch_size=10)
        net.predict(X, batch_size=10)
    first, second = (text for _, text in cell.outputs)
    assert first.startswith("Evaluate - 4/4 - ")
    assert second.startswith("Predict - 4/4 - ")


def test_a_thousand_epochs_send_few_updates(cell, monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()
    for module in ("progress", "tally", "notebook"):
        monkeypatch.setattr(f"unidl.callbacks.progress.{module}.time", clock)

    def wait(epoch, logs):
        clock.now += 0.01

    net = model()
    ticking = callbacks.LambdaCallback(on_epoch_end=wait)
    with cell:
        net.fit(X, Y, batch_size=40, epochs=1000, callbacks=[ticking])
    [(_, text)] = cell.outputs
    assert len(text.splitlines()) == 1000
    assert cell.sent <= 10 / 0.25 + 3


def test_verbose_2_and_collected_output_are_lines(cell):
    with cell:
        model().fit(X, Y, epochs=2, verbose=2)
    [(kind, text)] = cell.outputs
    assert kind == "stream"
    assert [line[:9] for line in text.splitlines()] == ["Epoch 1/2", "Epoch 2/2"]
    with cell, contextlib.redirect_stdout(io.StringIO()) as collected:
        model().fit(X, Y, epochs=1)
    assert collected.getvalue().startswith("Epoch 1/1 - 2/2 - ")
    assert len(cell.outputs) == 1


CELLS = {
    "start": """
import numpy as np, unidl
X = np.ones((40, 4), "float32"); Y = np.ones((40,), "int32")
net = unidl.Sequential([unidl.Input((4,)), unidl.layers.Dense(1, activation="sigmoid")])
net.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
""",
    "summary": "net.summary()",
    "fit": "net.fit(X, Y, epochs=30, batch_size=10);",
    "print": """
net.fit(X, Y, epochs=2, callbacks=[
    unidl.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print("ends", epoch))]);
""",
    "verbose 2": "net.fit(X, Y, epochs=2, verbose=2);",
    "predict": "net.predict(X);",
}


def test_in_a_real_kernel():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}
    assert [output.output_type for output in outputs["summary"]] == ["display_data"]
    assert "Non-trainable params" in outputs["summary"][0]["data"]["text/plain"]
    [fit] = outputs["fit"]
    assert fit.output_type == "display_data"
    assert [line.split(" - ")[0] for line in fit["data"]["text/plain"].splitlines()] == [
        f"Epoch {number}/30" for number in range(1, 31)
    ]
    kinds = [output.output_type for output in outputs["print"]]
    assert kinds == ["display_data", "stream", "display_data", "stream"]
    first, printed, second, _ = outputs["print"]
    assert first["data"]["text/plain"].startswith("Epoch 1/2 - 2/2 - ")
    assert printed["text"] == "ends 0\n"
    assert second["data"]["text/plain"].startswith("Epoch 2/2 - 2/2 - ")
    lines = "".join(output["text"] for output in outputs["verbose 2"]).splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
    [predict] = outputs["predict"]
    assert predict["data"]["text/plain"].startswith("Predict - 2/2 - ")
