"""What fit, evaluate and predict print where the output is no terminal, and what it costs."""

import re
import types
from itertools import pairwise

import numpy as np
import pytest

import unidl
from unidl import callbacks, layers
from unidl.callbacks.progress import text
from unidl.callbacks.progress.display import Display
from unidl.callbacks.progress.progress import Progress
from unidl.callbacks.progress.screen import Screen
from unidl.callbacks.progress.tally import Steps, Tally

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")


def model():
    net = unidl.Sequential([unidl.Input((4,)), layers.Dense(1, activation="sigmoid")])
    net.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return net


class Batches:
    """An iterable of `count` batches that does not tell its length."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return ((X[:4], Y[:4]) for _ in range(self.count))


class Clock:
    """Stands for the module `time` where a display looks at it."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for module in ("progress", "tally", "notebook"):
        monkeypatch.setattr(f"unidl.callbacks.progress.{module}.time", clock)
    return clock


PACE = r"\d+s - \d+(us|ms|s)/step"
NUMBERS = r"accuracy: \d\.\d{4} - loss: \d\.\d{4}"


@pytest.mark.parametrize("verbose", [1, 2, "auto"])
def test_a_line_an_epoch_in_the_manner_of_keras(backend, capsys, verbose):
    model().fit(X, Y, epochs=2, batch_size=10, verbose=verbose, validation_data=(X, Y))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    for number, line in enumerate(lines, 1):
        validation = NUMBERS.replace("accuracy", "val_accuracy").replace("loss", "val_loss")
        assert re.fullmatch(f"Epoch {number}/2 - 4/4 - {PACE} - {NUMBERS} - {validation}", line)


def test_evaluate_and_predict_say_what_they_are(backend, capsys):
    net = model()
    net.evaluate(X, Y, batch_size=10)
    net.predict(X, batch_size=15)
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(f"Evaluate - 4/4 - {PACE} - {NUMBERS}", first)
    assert re.fullmatch(f"Predict - 3/3 - {PACE}", second)


def test_silence(backend, capsys):
    net = model()
    net.fit(X, Y, verbose=0)
    net.evaluate(X, Y, verbose=0)
    net.predict(X, verbose=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("count", [7, 50, 1000])
def test_batches_that_nobody_has_counted(backend, capsys, count):
    model().fit(Batches(count), epochs=2, verbose=2)
    assert [line.split(" - ")[1] for line in capsys.readouterr().out.splitlines()] == [
        f"{count}/{count}"
    ] * 2
    model().evaluate(Batches(count), verbose=2)
    model().predict(X[:4], batch_size=1, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[1] for line in lines] == [f"{count}/{count}", "4/4"]


def test_a_generator_ends_with_its_count(backend, capsys):
    model().fit(iter(Batches(50)), verbose=2)
    assert "Epoch 1/1 - 50/50 - " in capsys.readouterr().out


def test_the_second_epoch_knows_the_length_of_the_first(backend, monkeypatch):
    shown = []

    class Shown(Display):
        interval, at_once = 0.0, True

        def show(self, tally, logs):
            validation = tally.validation and tally.validation.count
            shown.append((tally.head, tally.steps.count, validation))

    monkeypatch.setattr("unidl.callbacks.progress.progress.Lines", lambda *_, **__: Shown())
    model().fit(Batches(5), epochs=2, validation_data=Batches(3))
    first, second = "Epoch 1/2", "Epoch 2/2"
    assert sorted(set(shown), key=shown.index) == [
        (first, None, None),
        (first, 5, None),
        (second, 5, None),
        (second, 5, 3),
    ]


def test_more_and_fewer_batches_than_in_the_first_epoch():
    more = Steps(3, guessed=True)
    more.advance(4)
    assert (text.count(more), more.seconds_left) == ("4/?", None)
    more.end()
    assert text.count(more) == "4/4"
    fewer = Steps(300, guessed=True)
    fewer.advance(2)
    assert text.count(fewer) == "  2/300"
    fewer.end()
    assert text.count(fewer) == "2/2"
    stopped = Steps(300)
    stopped.advance(2)
    stopped.end()
    assert text.count(stopped) == "  2/300"  # of steps that somebody has counted


def test_numbers_of_callbacks_and_prints_belong_to_the_line_of_their_epoch(capsys):
    class Talks(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            print(f"{epoch} begins")

        def on_epoch_end(self, epoch, logs=None):
            logs["mine"] = np.float32(epoch)
            print(f"{epoch} ends")

    plateau = callbacks.ReduceLROnPlateau("loss")
    model().fit(X, Y, epochs=2, callbacks=[Talks(), plateau])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] + lines[3:5] == ["0 begins", "0 ends", "1 begins", "1 ends"]
    assert lines[2].endswith(" - mine: 0.0000e+00 - learning_rate: 0.0100")
    assert lines[5].endswith(" - mine: 1.0000 - learning_rate: 0.0100")


def test_a_display_draws_ten_times_a_second_at_most_and_reads_nothing_in_between(clock):
    drawn, read = [], []

    class Drawn(Display):
        interval, at_once = 0.1, True

        def show(self, tally, logs):
            drawn.append((clock.now, logs))

    progress = Progress(0)
    progress._display = Drawn()
    progress.begin("Epoch 1/1")
    progress.begin_pass(5000)
    for step in range(5000):
        clock.now += 0.001
        progress.step(step + 1, lambda step=step: read.append(step) or {"loss": 1.0 + step})
    assert len(read) == len(drawn) - 1 <= 50
    assert min(b - a for (a, _), (b, _) in pairwise(drawn)) > 0.0999
    assert drawn[-1][1]["loss"] == 1.0 + read[-1]
    progress.end_pass()
    progress.begin_pass(5000, validation=True)
    for step in range(5000):
        clock.now += 0.001
        progress.step(step + 1, None)  # a validation shows its count alone
    assert len(drawn) <= 101


def test_a_silent_fit_reads_once_an_epoch(backend, monkeypatch):
    net = model()
    net.fit(X, Y, verbose=0)
    reads, results = [], net.objective.results
    monkeypatch.setattr(net.objective, "results", lambda: (reads.append(1), results())[1])
    for verbose in (0, 2, 1):  # none of them is a terminal
        reads.clear()
        net.fit(X, Y, batch_size=1, epochs=3, verbose=verbose)
        assert len(reads) == 3


def test_news_of_a_long_epoch_in_a_file(clock, capsys):
    for verbose, expected in (
        (1, ["30/1000", "90/1000", "210/1000", "450/1000", "930/1000"]),
        (2, []),
    ):
        progress = Progress(verbose)
        for epoch in range(2):
            progress.begin(f"Epoch {epoch + 1}/2")
            progress.begin_pass(1000)
            for step in range(1000):
                clock.now += 1.0
                progress.step(step + 1, lambda: {"loss": 0.5})
            progress.end_pass()
            progress.end({"loss": 0.25})
            lines = capsys.readouterr().out.splitlines()
            assert [line.split(" - ")[1].strip() for line in lines[:-1]] == expected
            if expected:
                assert lines[0].endswith(" -   30/1000 - ETA 16:10 - 1s/step - loss: 0.5000")
            assert lines[-1] == f"Epoch {epoch + 1}/2 - 1000/1000 - 1000s - 1s/step - loss: 0.2500"


def test_the_first_step_does_not_count_for_the_pace(clock):
    tally = Tally("Epoch 1/1")
    tally.steps = Steps(11)
    clock.now += 60.0  # it compiles
    tally.steps.advance(1)
    assert tally.steps.seconds_each == 60.0
    clock.now += 0.05
    tally.steps.advance(11)
    tally.steps.end()
    clock.now += 3.0  # a validation has seconds, but no steps of these
    assert text.finished(tally, {}, "step") == ["Epoch 1/1", "11/11", "63s", "5ms/step"]
    several = Steps(20)  # steps that came together have no first one
    clock.now += 1.0
    several.advance(10)
    clock.now += 3.0
    several.advance(20)
    assert several.seconds_each == 0.2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (59.4, "59s"),
        (59.9, "1:00"),
        (67, "1:07"),
        (3667, "1:01:07"),
        (90000, "25:00:00"),
    ],
)
def test_durations(seconds, words):
    assert text.duration(seconds) == words


def test_metrics_in_words():
    logs = {
        "half": 0.5,
        "tiny": 2.5e-5,
        "rate": 0.001,
        "large": 123456.789,
        "count": 3,
        "numpy": np.float32(0.25),
        "scalar": np.array(2.0),
        "nan": float("nan"),
        "many": np.ones(2),
        "word": "good",
        "nothing": None,
    }
    assert text.metrics(logs) == [
        "half: 0.5000",
        "tiny: 2.5000e-05",
        "rate: 0.0010",
        "large: 123456.7890",
        "count: 3.0000",
        "numpy: 0.2500",
        "scalar: 2.0000",
        "nan: nan",
    ]


def test_lines_are_those_of_keras(capsys):
    """The part behind the head, with the numbers of time left out."""
    keras = pytest.importorskip("keras")
    bars = [
        keras.utils.Progbar(4, verbose=2, stateful_metrics=["loss"]),
        unidl.utils.Progbar(4, verbose=2, stateful_metrics=["loss"]),
    ]
    found = []
    for bar in bars:
        for step, loss in enumerate((0.5, 0.25, 2e-4, 0.125), 1):
            bar.update(step, [("loss", loss)])
        found.append(re.sub(r"\d+[mu]?s", "TIME", capsys.readouterr().out))
    assert found[0] == found[1]


def test_output_without_a_stream_or_without_isatty(monkeypatch):
    class Writes:
        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    monkeypatch.setattr("sys.stdout", None)
    model().fit(X, Y)
    monkeypatch.setattr("sys.stdout", writes := Writes())
    model().fit(X, Y)
    assert writes.text.startswith("Epoch 1/1 - 2/2 - ")


def test_an_unknown_verbosity():
    with pytest.raises(ValueError, match="verbose"):
        Progress(3)


def test_lines_that_a_narrower_terminal_has_wrapped_are_taken_away_whole():
    screen = Screen()
    screen._console, screen._drawn = types.SimpleNamespace(width=40, height=24), [100, 30]
    assert screen._away() == "\r\x1b[3A\x1b[J"  # the first stands on three rows now
    assert screen._away() == ""
