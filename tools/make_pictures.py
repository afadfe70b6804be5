"""Make docs/pictures/: what a terminal and a notebook show, and drawings of models.

python -m tools.make_pictures [--notebook]

Terminals are real pseudo-terminals, read by pyte. The notebook is run by nbclient and photographed
by a browser, Chromium, where the two are installed; only --notebook asks for it.
"""

from __future__ import annotations

import argparse
import io
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

import unidl
from tests import terminal
from unidl import layers
from unidl.utils import plot_model

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"

MODEL = """
import numpy as np
import unidl
from unidl import layers

(x, y), _ = unidl.datasets.digits.load_data()
x = x[..., None] / 16
model = unidl.Sequential(
    [
        unidl.Input((8, 8, 1)),
        layers.Conv2D(16, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ],
    name="digits",
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
"""
FIT = """
class Slow(unidl.callbacks.Callback):  # so that there is something to be seen
    def on_train_batch_end(self, batch, logs=None):
        import time
        time.sleep(0.02)

model.fit(x, y, epochs=6, validation_split=0.2, callbacks=[Slow()])
"""
CELLS = [
    MODEL.strip(),
    "model.summary(cost=True)",
    "history = model.fit(x, y, epochs=4, validation_split=0.2)",
    "unidl.utils.plot_model(model, None, show_shapes=True, show_layer_names=True)",
]

# rich's own frame, without the fonts that it fetches.
FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}">
<style>.{unique_id}-matrix{{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;\
font-size:{char_height}px;line-height:{line_height}px;font-variant-east-asian:full-width}}
.{unique_id}-title{{font-size:18px;font-weight:bold;font-family:sans-serif}}
{styles}</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x},{terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g></svg>
"""


def terminal_picture(name, program, title, columns, rows, until=None):
    """The screen when the program had ended, or as it was the last time that it showed `until`."""
    seen = terminal.run(program, columns=columns, rows=rows, environment={"UNIDL_BACKEND": "numpy"})
    assert seen.status == 0, "\n".join(seen.lines)
    screen = pyte.Screen(columns, rows)
    stream = pyte.Stream(screen)
    pieces = re.split(r"(?<=\n)|(?=\r)", seen.written)
    shown = None
    for piece in pieces:
        stream.feed(piece)
        if until is not None and any(re.search(until, line) for line in screen.display):
            shown = _coloured(screen)
    shown = shown if until is not None else _coloured(screen)
    assert shown is not None, f"{name}: {until} was never on the screen"
    console = Console(record=True, width=columns, file=io.StringIO())
    console.print(shown, soft_wrap=True)
    svg = console.export_svg(title=title, code_format=FRAME, unique_id=name)
    (PICTURES / f"{name}.svg").write_text(svg)


def _coloured(screen):
    lines = []
    for y in range(screen.lines):
        cells = [screen.buffer[y][x] for x in range(screen.columns)]
        line = Text()
        for (colour, bold), run in itertools.groupby(cells, lambda cell: (cell.fg, cell.bold)):
            text = "".join(cell.data for cell in run)
            line.append(text, Style(color=_colour(colour), bold=bold))
        line.rstrip()
        lines.append(line)
    while lines and not lines[-1].plain:
        lines.pop()
    return Text("\n").join(lines)


def _colour(name):
    """pyte's name of a colour as rich's."""
    if name == "default":
        return None
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return {"brown": "yellow"}.get(name, name.replace("bright", "bright_"))


def residual(blocks):
    inputs = unidl.Input((32, 32, 3), name="image")
    h = layers.Conv2D(16, 3, padding="same", name="stem")(inputs)
    for i in range(blocks):
        side = layers.BatchNormalization(name=f"norm_{i}")(h)
        side = layers.Conv2D(16, 3, padding="same", activation="relu", name=f"conv_{i}")(side)
        h = layers.Add(name=f"add_{i}")([h, side])
    h = layers.GlobalAveragePooling2D(name="pool")(h)
    return unidl.Model(inputs, layers.Dense(10, activation="softmax", name="classes")(h))


def twins():
    """Two inputs through one encoder, a model of its own."""
    word = unidl.Input((20,), name="words", dtype="int32")
    h = layers.Embedding(1000, 32, name="embedding")(word)
    h = layers.LSTM(64, name="lstm")(h)
    encoder = unidl.Model(word, layers.Dense(16, name="code")(h), name="encoder")
    left, right = (unidl.Input((20,), name=n, dtype="int32") for n in ("question", "answer"))
    both = layers.Concatenate(name="both")([encoder(left), encoder(right)])
    return unidl.Model([left, right], layers.Dense(1, activation="sigmoid", name="match")(both))


def drawings():
    shown = {"show_shapes": True, "show_layer_names": True}
    plot_model(residual(2), PICTURES / "residual.svg", show_layer_activations=True, **shown)
    plot_model(twins(), PICTURES / "nested.svg", expand_nested=True, rankdir="LR", **shown)


def notebook():
    import nbclient
    import nbformat
    from nbconvert import HTMLExporter

    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    book = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    browser = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None
    )
    if browser is None:
        sys.exit("--notebook needs Chromium, which is not on the PATH.")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "notebook.html")
        page.write_text(HTMLExporter().from_notebook_node(book)[0])
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
            "--window-size=1000,1570", f"--screenshot={PICTURES / 'notebook.png'}", page.as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--notebook", action="store_true", help="the notebook too")
    asked = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    drawings()
    summary = MODEL + "model.summary(cost=True)"
    terminal_picture("summary", summary, "model.summary(cost=True)", 80, 30)
    for columns, rows in ((80, 24), (200, 50)):
        name = f"fit-{columns}x{rows}"
        title = f"fit in {columns}x{rows}"
        terminal_picture(name, MODEL + FIT, title, columns, rows, until=r"Epoch 4/6 - 2\d/")
    if asked.notebook:
        notebook()


if __name__ == "__main__":
    main()
