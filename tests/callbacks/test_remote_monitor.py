"""RemoteMonitor, with a server that keeps what it gets."""

import json
import threading
import urllib.parse
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from unidl import callbacks


@contextmanager
def server(status=200):
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            got.append((self.path, self.headers["Content-Type"], self.headers["X-Key"], body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", got
        http.shutdown()
        thread.join()


def test_a_form_or_json():
    logs = {"loss": np.float32(0.5), "acc": 1.0}
    with server() as (root, got):
        callbacks.RemoteMonitor(root, headers={"X-Key": "k"}).on_epoch_end(2, logs)
        callbacks.RemoteMonitor(root, "/to", send_as_json=True).on_epoch_end(3, logs)
    (path, kind, key, body), (path2, kind2, _, body2) = got
    assert (path, kind, key) == ("/publish/epoch/end/", "application/x-www-form-urlencoded", "k")
    form = urllib.parse.parse_qs(body)["data"][0]
    assert json.loads(form) == {"epoch": 2, "loss": 0.5, "acc": 1.0}
    assert (path2, kind2) == ("/to", "application/json")
    assert json.loads(body2)["epoch"] == 3


def test_a_server_that_is_not_there_is_a_warning():
    with pytest.warns(UserWarning, match="epoch 1 was not sent to http://127.0.0.1:9/p"):
        callbacks.RemoteMonitor("http://127.0.0.1:9", "/p").on_epoch_end(0, {"loss": 1.0})
    with server(500) as (root, _), pytest.warns(UserWarning, match="500"):
        callbacks.RemoteMonitor(root).on_epoch_end(0, {"loss": 1.0})


def test_files_are_no_servers():
    with pytest.raises(ValueError, match='root must begin with "http://"'):
        callbacks.RemoteMonitor("file:///etc")
