"""What TensorBoard's page shows of our files, in a real browser."""

import base64
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from tests.callbacks.test_tensorboard import ALL, run
from tests.utils.drawing.test_in_a_browser import BROWSER, FLAGS

pytest.importorskip("tensorboardX")
pytest.importorskip("tensorboard")

# The texts of the page, those in shadow trees too.
TEXTS = """
function texts(root) {
  return [...root.querySelectorAll('*')].map(e =>
    (e.children.length || ['STYLE', 'SCRIPT'].includes(e.tagName) ? '' : e.textContent)
    + (e.shadowRoot ? texts(e.shadowRoot) : '')).join(' ');
}
function find(root, name) {
  return root.querySelector(name) || [...root.querySelectorAll('*')].map(
    e => e.shadowRoot && find(e.shadowRoot, name)).find(e => e);
}
"""


class Page:
    """A page of Chromium, over a pipe in the DevTools protocol."""

    def __init__(self, send, answers):
        self._send, self._answers, self._numbers = send, answers, itertools.count(1)
        self._session = {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def call(self, method, **params):
        number, message = next(self._numbers), b""
        asked = {"id": number, "method": method, "params": params, **self._session}
        self._send.write(json.dumps(asked).encode() + b"\0")
        while True:
            byte = self._answers.read(1)
            assert byte, "the browser ended"
            if byte != b"\0":
                message += byte
                continue
            answer, message = json.loads(message), b""
            if answer.get("id") == number:
                return answer["result"]

    def run(self, script):
        found = self.call("Runtime.evaluate", expression=TEXTS + script, returnByValue=True)
        return found["result"].get("value")

    def wait(self, script, seconds=60):
        until = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < until, f"not on the page: {script}"
            time.sleep(0.3)

    def picture(self):
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextmanager
def opened(folder):
    """A Page, closed at the end."""
    to_read, to_send = os.pipe()
    of_answers, to_answer = os.pipe()
    # The browser reads from its descriptor 3 and writes to 4.
    start = "import os, sys; a = sys.argv; os.dup2(int(a[1]), 3); os.dup2(int(a[2]), 4); "
    start += "os.execv(a[3], a[3:])"
    command = [BROWSER, *FLAGS, "--remote-debugging-pipe", "--window-size=1250,640"]
    command += ["--hide-scrollbars", f"--user-data-dir={folder}"]
    browser = subprocess.Popen(
        [sys.executable, "-c", start, str(to_read), str(to_answer), *command],
        pass_fds=(to_read, to_answer),
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_answer)
    with open(to_send, "wb", buffering=0) as send, open(of_answers, "rb") as answers:
        try:
            yield Page(send, answers)
        finally:
            browser.terminate()
            browser.wait(30)


@contextmanager
def served(folder):
    """The address of a TensorBoard over a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port"]
    command += [str(port), "--load_fast=false"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < until
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
def test_the_page_shows_it(tmp_path):
    import unidl

    _, board = run(unidl, tmp_path / "logs", **ALL)
    board.text("note", "**bold words**", 1)
    board.images("square", np.ones((1, 4, 4, 3)), 0)
    board.on_train_end()
    with served(tmp_path / "logs") as address, opened(tmp_path / "browser") as page:
        for name, script in {
            "timeseries": "texts(document).includes('epoch_loss')",
            "histograms": "texts(document).includes('kernel/histogram')",
            "images": "texts(document).includes('square')",
            "text": "texts(document).includes('bold words')",
        }.items():
            page.call("Page.navigate", url="about:blank")
            page.call("Page.navigate", url=f"{address}#{name}")
            page.wait(script)
            assert page.picture().startswith(b"\x89PNG")
        page.call("Page.navigate", url="about:blank")
        page.call("Page.navigate", url=f"{address}#graphs")
        # The page asks for a graph of operations first, which Keras' files do not have either.
        choice = "find(document, '[name=conceptual_graph]')"
        page.wait(choice + " != null")
        page.wait(f"{choice}.click(), find(document, 'g.node title') != null")
