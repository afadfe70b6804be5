"""A small web server whose faults a test chooses."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from unidl.datasets import mnist


class FaultyServer(ThreadingHTTPServer):
    """Serves `content` at every path.

    `faults`: one for each coming request, in order; when they are used up, requests succeed.
    - an int: the connection breaks after so many bytes of the body;
    - "404" and the like: that status;
    - "no ranges": the whole file, whatever was asked for.
    `asked`: the Range header of every request so far, None where there was none.
    """

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.faults = []
        self.asked = []
        self.url = f"http://127.0.0.1:{self.server_port}/mnist.npz"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        fault = self.server.faults.pop(0) if self.server.faults else None
        content = self.server.content
        start = (
            int(wanted.removeprefix("bytes=").removesuffix("-"))
            if wanted and fault != "no ranges"
            else 0
        )
        if isinstance(fault, str) and fault.isdigit():
            self.send_error(int(fault))
            return
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(
            content[start : start + fault] if isinstance(fault, int) else content[start:]
        )

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def mnist_like(tmp_path_factory):
    """`path` of an .npz file with arrays as large as MNIST's, its `content` in bytes, and its
    `arrays`."""
    rows = np.random.RandomState(0).randint(0, 256, (10, 28, 28), np.uint8)
    arrays = {
        "x_train": np.tile(rows, (6000, 1, 1)),
        "y_train": np.tile(np.arange(10, dtype=np.uint8), 6000),
        "x_test": np.tile(rows[::-1], (1000, 1, 1)),
        "y_test": np.tile(np.arange(10, dtype=np.uint8), 1000),
    }
    path = tmp_path_factory.mktemp("mnist") / "made.npz"
    np.savez_compressed(path, **arrays)
    return SimpleNamespace(path=path, content=path.read_bytes(), arrays=arrays)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache folder, empty and not yet made."""
    monkeypatch.setenv("UNIDL_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "datasets"


@pytest.fixture
def server(cache, mnist_like, monkeypatch):
    """A server from which `mnist.load_data()` downloads the file of `mnist_like`."""
    with FaultyServer(mnist_like.content) as server:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(mnist, "URL", server.url)
        monkeypatch.setattr(mnist, "SHA256", hashlib.sha256(mnist_like.content).hexdigest())
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()
        yield server
        server.shutdown()
        thread.join()
