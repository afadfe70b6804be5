"""Files from the web, asked of a local server."""

import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from unidl.utils import get_file


def archive():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("inside/words.txt", "yes no")
    return data.getvalue()


FILES = {"/words.txt": b"yes no", "/words.zip": archive()}


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Its URL; it counts requests in `asked`."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path not in FILES:
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(FILES[self.path])

        def log_message(self, *args):
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("UNIDL_HOME", str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(
            target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        running.asked, running.url = asked, f"http://127.0.0.1:{running.server_port}"
        yield running
        running.shutdown()


def test_a_file_is_downloaded_once(server, tmp_path):
    for _ in range(2):
        path = get_file("mine.txt", server.url + "/words.txt")
        assert path == str(tmp_path / "datasets" / "mine.txt")
        assert Path(path).read_bytes() == b"yes no"
    assert len(server.asked) == 1
    get_file("mine.txt", server.url + "/words.txt", force_download=True)
    assert len(server.asked) == 2


def test_a_file_is_checked(server):
    for algorithm in ("md5", "sha256"):
        digest = hashlib.new(algorithm, b"yes no").hexdigest()
        get_file(origin=server.url + "/words.txt", file_hash=digest, force_download=True)
        get_file(origin=server.url + "/words.txt", file_hash=digest, hash_algorithm=algorithm)
    get_file(origin=server.url + "/words.txt", md5_hash=hashlib.md5(b"yes no").hexdigest())
    with pytest.raises(ValueError, match="hash"):
        get_file("other.txt", server.url + "/words.txt", file_hash="0" * 64)


def test_an_archive_is_unpacked(server, tmp_path):
    folder = get_file(origin=server.url + "/words.zip", extract=True, cache_subdir="own")
    assert Path(folder).parent == tmp_path / "own"
    assert (Path(folder) / "inside" / "words.txt").read_text() == "yes no"


def test_errors_say_what_to_do(server):
    with pytest.raises(ConnectionError, match="Put it by hand"):
        get_file(origin=server.url + "/nothing.txt")
    with pytest.raises(ValueError, match="origin="):
        get_file("name.txt")
    with pytest.raises(ValueError, match="archive_format"):
        get_file(origin=server.url + "/words.txt", extract=True)
