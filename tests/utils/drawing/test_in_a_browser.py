"""Texts fit into their boxes with the fonts that a browser has."""

import re
import shutil
import subprocess

import pytest

import unidl
from tests.zoo import MODELS
from unidl.utils import plot_model

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# Of each text: how far it is from the sides of the box around its middle.
MEASURE = """
<script>
const boxes = [...document.querySelectorAll('svg g rect, svg > rect')].slice(1);
const rooms = [...document.querySelectorAll('svg text')].map(text => {
  const t = text.getBBox(), x = t.x + t.width / 2, y = t.y + t.height / 2;
  const around = boxes.map(box => box.getBBox()).filter(
    b => b.x < x && x < b.x + b.width && b.y < y && y < b.y + b.height);
  const b = around.sort((a, b) => a.width - b.width)[0];
  return Math.min(t.x - b.x, b.x + b.width - t.x - t.width);
});
document.title = rooms.map(room => room.toFixed(1)).join(' ');
</script>
"""


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
@pytest.mark.parametrize("name", ["nested", "functions", "cnn"])
def test_texts_fit_into_their_boxes(name, tmp_path):
    drawing = plot_model(
        MODELS[name](unidl), None, show_shapes=True, show_dtype=True, show_layer_names=True,
        expand_nested=True, show_layer_activations=True,
    )  # fmt: skip
    page = tmp_path / "page.html"
    page.write_text(f"<html><body>{drawing.content.decode()}{MEASURE}</body></html>")
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120)
    title = re.search(r"<title>([-0-9. ]+)</title>", done.stdout)
    rooms = [float(room) for room in title[1].split()]
    assert len(rooms) > 10
    assert min(rooms) > 2
