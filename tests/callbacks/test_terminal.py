"""What fit, evaluate and predict show on a real pseudo-terminal."""

import re

import pytest

from tests import terminal

START = """
import sys, time
import numpy as np
import unidl
from unidl import callbacks, layers
X = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")
net = unidl.Sequential([unidl.Input((4,)), layers.Dense(1, activation="sigmoid")])
net.compile("sgd", "binary_crossentropy", metrics=["accuracy"])

class Slow(callbacks.Callback):
    "Each step takes longer than the pause between two pictures."
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.11)
    on_test_batch_end = on_train_batch_end
"""
PACE = r"\d+s - \d+(us|ms|s)/step"
NUMBER = r"\d\.\d{4}(e-\d\d)?"
TRAINING = f"accuracy: {NUMBER} - loss: {NUMBER}"
VALIDATION = f"val_accuracy: {NUMBER} - val_loss: {NUMBER}"


def run(program, **how):
    environment = {"UNIDL_BACKEND": "numpy"}
    return terminal.run(START + program, environment=environment, **how)


def finished(seen):
    """The output of a program that ended well, and left the terminal as it was."""
    assert seen.status == 0, "\n".join(seen.lines)
    assert not seen.cursor_is_hidden
    return seen.lines


def live_lines(seen):
    """The last line of each screen, where something was running."""
    found = []
    for screen in seen.screens:
        last = next((line for line in reversed(screen) if line), "")
        if re.search(r"ETA|/\? - \d+s|━", last):
            found.append(last)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50)])
def test_forty_epochs_scroll(columns, rows):
    seen = run("net.fit(X, Y, epochs=40, batch_size=8)", columns=columns, rows=rows)
    lines = finished(seen)
    assert len(lines) == 40
    for number, line in enumerate(lines, 1):
        assert re.fullmatch(f"Epoch {number}/40 - 10/10 - {PACE} - {TRAINING}", line)
    for screen in seen.screens:  # never more than one live line
        assert sum("━" in line for line in screen) <= 1


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (80, 24),
        pytest.param(200, 50, marks=pytest.mark.slow),
        pytest.param(40, 24, marks=pytest.mark.slow),
    ],
)
def test_every_number_is_shown_whole(columns, rows):
    program = "net.fit(X, Y, epochs=2, batch_size=16, validation_data=(X, Y), callbacks=[Slow()])"
    seen = run(program, columns=columns, rows=rows)
    lines = finished(seen)
    assert all(len(line) < columns for line in lines)
    epochs = re.split("(?=Epoch)", re.sub(r"\n    ", " - ", "\n".join(lines)))[1:]
    assert len(epochs) == 2
    for number, epoch in enumerate(epochs, 1):
        whole = f"Epoch {number}/2 - 5/5 - {PACE} - {TRAINING} - {VALIDATION}"
        assert re.fullmatch(whole, epoch.strip())
    assert (len(lines) == 2) == (columns == 200)
    live = [line for screen in seen.screens for line in screen]
    assert any(re.search(r"validation +\d+/5", line) for line in live)
    assert "…" not in seen.written
    assert "..." not in seen.written


@pytest.mark.parametrize(("columns", "bar"), [(200, 24), (92, 12), (80, 0)])
def test_the_live_line(columns, bar):
    """Steps done, the time that is left, the pace and the numbers; the bar if there is room."""
    seen = run("net.fit(X, Y, batch_size=8, callbacks=[Slow()])", columns=columns)
    finished(seen)
    numbers = r"ETA \d+s - 1[123]\dms/step - " + TRAINING
    middle = rf" [━╸╺]{{{bar}}} " if bar else " - "
    assert any(
        re.fullmatch(r"Epoch 1/1 -  [2-9]/10" + middle + numbers, line) for line in live_lines(seen)
    ), live_lines(seen)


def test_prints_stay_in_order_above_the_live_line():
    seen = run("""
class Talks(callbacks.Callback):
    def on_train_begin(self, logs=None):
        print("train begins")
    def on_epoch_begin(self, epoch, logs=None):
        print("epoch", epoch, "begins")
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.11)
        print("batch ", end="")
        print(batch)
        sys.stderr.write(f"error {batch}\\n")
    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch, "ends")
    def on_train_end(self, logs=None):
        print("train ends")

net.fit(X, Y, batch_size=40, epochs=2, callbacks=[Talks()])
print("after")
""")
    lines = finished(seen)
    expected = ["train begins"]
    for epoch in (0, 1):
        expected.append(f"epoch {epoch} begins")
        for batch in (0, 1):
            expected += [f"batch {batch}", f"error {batch}"]
        expected += [f"epoch {epoch} ends", f"Epoch {epoch + 1}/2 - 2/2"]
    assert [re.sub(" - .s - .*", "", line) for line in lines] == [*expected, "train ends", "after"]
    live = [screen for screen in seen.screens if any("ETA" in line for line in screen)]
    for screen in live:  # it is the last line of all, but for a line that is being printed
        place = max(number for number, line in enumerate(screen) if "ETA" in line)
        assert not any(screen[place + 1 :])


@pytest.mark.slow
def test_text_without_a_newline_is_kept():
    seen = run("""
class Dots(Slow):
    def on_train_batch_end(self, batch, logs=None):
        print(".", end="", flush=True)
        super().on_train_batch_end(batch)
net.fit(X, Y, epochs=2, batch_size=20, callbacks=[Dots()])
""")
    lines = finished(seen)
    assert [line[:9] for line in lines] == ["....", "Epoch 1/2", "....", "Epoch 2/2"]


def test_an_evaluate_in_a_callback_has_a_line_of_its_own():
    seen = run("""
class Evaluates(Slow):
    def on_epoch_end(self, epoch, logs=None):
        self.model.evaluate(X, Y, batch_size=40, callbacks=[Slow()])
net.fit(X, Y, epochs=2, batch_size=40, callbacks=[Evaluates()])
net.predict(X, batch_size=20)
""")
    lines = finished(seen)
    patterns = [
        f"Evaluate - 2/2 - {PACE} - {TRAINING}",
        f"Epoch 1/2 - 2/2 - {PACE} - {TRAINING}",
        f"Evaluate - 2/2 - {PACE} - {TRAINING}",
        f"Epoch 2/2 - 2/2 - {PACE} - {TRAINING}",
        f"Predict - 4/4 - {PACE}",
    ]
    assert len(lines) == len(patterns)
    for pattern, line in zip(patterns, lines, strict=True):
        assert re.fullmatch(pattern, line)
    both = [
        [line for line in screen if re.match(r"(Epoch 1/2|Evaluate) - [12]/2 [━-]", line)]
        for screen in seen.screens
    ]
    assert ["Epoch", "Evaluate"] in [[line.split(" ")[0] for line in lines] for lines in both]


ERRORS = {
    "a callback": """
class Fails(Slow):
    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch)
        if batch == 3:
            raise RuntimeError("it is broken")
net.fit(X, Y, batch_size=8, epochs=3, callbacks=[Fails()])
""",
    "a generator": """
def batches():
    for number in range(4):
        time.sleep(0.11)
        yield X, Y
    raise RuntimeError("it is broken")
net.fit(batches(), epochs=3)
""",
    "the end of an epoch": """
class Fails(Slow):
    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("it is broken")
net.fit(X, Y, batch_size=8, epochs=3, callbacks=[Fails()])
""",
    "evaluate": """
class Fails(Slow):
    def on_test_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch)
        if batch == 3:
            raise RuntimeError("it is broken")
net.evaluate(X, Y, batch_size=8, callbacks=[Fails()])
""",
    "evaluate in a callback": """
class Fails(Slow):
    def on_test_batch_end(self, batch, logs=None):
        raise RuntimeError("it is broken")
class Evaluates(Slow):
    def on_epoch_end(self, epoch, logs=None):
        self.model.evaluate(X, Y, callbacks=[Fails()])
net.fit(X, Y, batch_size=8, epochs=3, callbacks=[Evaluates()])
""",
    "a bar of one's own": """
bar = unidl.utils.Progbar(10)
for step in range(10):
    bar.add(1, [("loss", 0.5)])
    time.sleep(0.11)
    if step == 3:
        raise RuntimeError("it is broken")
""",
}


@pytest.mark.parametrize(
    "where", [w if w == "a callback" else pytest.param(w, marks=pytest.mark.slow) for w in ERRORS]
)
def test_an_error_is_the_last_that_is_shown(where):
    seen = run(ERRORS[where])
    assert seen.status == 1
    assert not seen.cursor_is_hidden
    assert seen.lines[-1] == "RuntimeError: it is broken"
    start = seen.lines.index("Traceback (most recent call last):")
    assert not any("ETA" in line or "━" in line for line in seen.lines[start:])
    assert start > 0 or "own" in where  # how far it had come stays


def test_ctrl_c():
    program = "net.fit(X, Y, batch_size=8, epochs=30, callbacks=[Slow()])\nprint('never')"
    seen = run(program, interrupt_at="Epoch 2/30 -  4/10")
    assert seen.status != 0
    assert not seen.cursor_is_hidden
    assert seen.lines[-1] == "KeyboardInterrupt"
    start = seen.lines.index("Traceback (most recent call last):")
    assert [line[:16] for line in seen.lines[:start]][:2] == [
        "Epoch 1/30 - 10/",
        "Epoch 2/30 -  4/",
    ]
    assert not any("━" in line for line in seen.lines[start:])


def test_after_an_error_that_somebody_catches_all_is_as_before():
    seen = run("""
before = sys.stdout, sys.stderr
try:
    net.fit((batch for batch in [(X, Y), (X, None)]), epochs=2)
except (ValueError, TypeError):
    print("caught")
assert before == (sys.stdout, sys.stderr)
net.fit(X, Y, batch_size=8)
print("after")
assert before == (sys.stdout, sys.stderr)
""")
    lines = finished(seen)
    assert [line[:9] for line in lines[-3:]] == ["caught", "Epoch 1/1", "after"]


@pytest.mark.slow
def test_a_bar_of_ones_own():
    seen = run("""
bar = unidl.utils.Progbar(5, unit_name="page")
for page in range(5):
    bar.add(1, [("loss", 0.5)])
    time.sleep(0.11)
    if page == 2:
        print("page two")
print("after")
""")
    lines = finished(seen)
    assert lines[0] == "page two"
    assert re.fullmatch(r"5/5 - \d+s - \d+ms/page - loss: 0.5000", lines[1])
    assert lines[2:] == ["after"]


@pytest.mark.slow
def test_more_lines_than_the_terminal_has():
    """What could not be taken away again is not drawn; the line of the finished epoch is whole."""
    seen = run(
        """
class Many(Slow):
    def on_epoch_end(self, epoch, logs=None):
        logs.update({f"number_{i}": i + 0.5 for i in range(40)})
        self.model.evaluate(X, Y, batch_size=40)
    def on_train_batch_end(self, batch, logs=None):
        logs.update({f"number_{i}": i + 0.5 for i in range(40)})
        super().on_train_batch_end(batch, logs)
net.fit(X, Y, batch_size=20, epochs=2, callbacks=[Many()])
""",
        columns=40,
        rows=10,
    )
    lines = finished(seen)
    for number in range(40):
        found = [line for line in lines if f"number_{number}: {number}.5000" in line]
        assert len(found) == 2
    assert sum(line.startswith("Epoch") for line in lines) == 2


@pytest.mark.slow
def test_a_terminal_without_a_cursor_to_move_gets_lines():
    seen = terminal.run(
        START + "net.fit(X, Y, epochs=2, batch_size=8, callbacks=[Slow()])",
        environment={"UNIDL_BACKEND": "numpy", "TERM": "dumb"},
    )
    assert [line[:9] for line in finished(seen)] == ["Epoch 1/2", "Epoch 2/2"]
    assert "\x1b" not in seen.written


def test_a_terminal_without_unicode_and_colours():
    seen = terminal.run(
        START + "net.fit(X, Y, epochs=2, batch_size=20, callbacks=[Slow()])",
        environment={
            "UNIDL_BACKEND": "numpy",
            "NO_COLOR": "1",
            "PYTHONIOENCODING": "ascii",
        },
        columns=200,
    )
    assert [line[:9] for line in finished(seen)] == ["Epoch 1/2", "Epoch 2/2"]
    assert seen.written.isascii()
    assert not re.search(r"\x1b\[[0-9;]*m", seen.written)


@pytest.mark.slow
def test_log_messages_have_lines_of_their_own():
    seen = run("""
import logging
logging.basicConfig(level="INFO", format="%(message)s")
class Logs(Slow):
    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch)
        logging.getLogger("mine").info("batch %d", batch)
net.fit(X, Y, batch_size=20, epochs=2, callbacks=[Logs()])
logging.info("after")
assert logging.root.handlers[0].stream is sys.stderr
""")
    lines = finished(seen)
    batches = [f"batch {batch}" for batch in range(4)]
    assert [line[:9].strip() for line in lines] == [
        *batches,
        "Epoch 1/2",
        *batches,
        "Epoch 2/2",
        "after",
    ]


@pytest.mark.slow
def test_two_fits_in_two_threads_have_a_line_each():
    seen = run("""
import threading
def train(epochs):
    net = unidl.Sequential([unidl.Input((4,)), layers.Dense(1, activation="sigmoid")])
    net.compile("sgd", "binary_crossentropy")
    net.fit(X, Y, batch_size=20, epochs=epochs, callbacks=[Slow()])
threads = [threading.Thread(target=train, args=(epochs,)) for epochs in (2, 3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("after")
""")
    lines = finished(seen)
    assert sorted(line[:9] for line in lines[:-1]) == [
        "Epoch 1/2",
        "Epoch 1/3",
        "Epoch 2/2",
        "Epoch 2/3",
        "Epoch 3/3",
    ]
    assert lines[-1] == "after"
    assert not any("━" in line for line in lines)


@pytest.mark.slow
def test_a_debugger_asks_on_a_line_of_its_own():
    seen = run(
        """
class Stops(Slow):
    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch)
        if batch == 2:
            breakpoint()
net.fit(X, Y, batch_size=20, callbacks=[Stops()])
""",
        answer=("(Pdb)", "continue\n"),
    )
    lines = finished(seen)
    asked = [line for line in lines if "(Pdb)" in line]
    assert asked == ["(Pdb) continue"]
    assert lines[-1].startswith("Epoch 1/1 - 4/4 - ")
