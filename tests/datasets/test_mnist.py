import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from unidl.datasets import mnist


def assert_is(data, made):
    (x_train, y_train), (x_test, y_test) = data
    np.testing.assert_array_equal(x_train, made.arrays["x_train"])
    np.testing.assert_array_equal(y_train, made.arrays["y_train"])
    np.testing.assert_array_equal(x_test, made.arrays["x_test"])
    np.testing.assert_array_equal(y_test, made.arrays["y_test"])


def serve_instead(server, content, monkeypatch):
    """Let the server have other content, which counts as the right one."""
    server.content = content
    monkeypatch.setattr(mnist, "SHA256", hashlib.sha256(content).hexdigest())


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_downloads_once(server, cache, mnist_like):
    assert_is(mnist.load_data(), mnist_like)
    assert_is(mnist.load_data(), mnist_like)
    assert server.asked == [None]
    assert files(cache) == ["mnist.npz"]


def test_another_name_in_the_cache(server, cache):
    mnist.load_data("other.npz")
    assert files(cache) == ["other.npz"]


def test_a_broken_connection_is_resumed_at_once(server, cache, mnist_like):
    """All the complete chunks of 2**14 bytes are kept: 6 of the first 100,000 bytes, 3 of the next
    50,000."""
    server.faults = [100_000, 50_000]
    assert_is(mnist.load_data(), mnist_like)
    assert server.asked == [None, f"bytes={6 * 2**14}-", f"bytes={9 * 2**14}-"]
    assert files(cache) == ["mnist.npz"]


def test_the_next_call_resumes(server, cache, mnist_like):
    server.faults = [100_000, "503"]
    with pytest.raises(ConnectionError, match="503"):
        mnist.load_data()
    assert files(cache) == ["mnist.npz.part"]
    assert_is(mnist.load_data(), mnist_like)
    assert server.asked == [None, f"bytes={6 * 2**14}-", f"bytes={6 * 2**14}-"]
    assert files(cache) == ["mnist.npz"]


def test_a_connection_that_brings_nothing_is_given_up(server):
    server.faults = [0] * 10
    with pytest.raises(ConnectionError):
        mnist.load_data()
    assert server.asked == [None]


def test_a_server_without_ranges_starts_over(server, cache, mnist_like):
    server.faults = [100_000, "no ranges"]
    assert_is(mnist.load_data(), mnist_like)
    assert server.asked == [None, f"bytes={6 * 2**14}-"]


@pytest.mark.parametrize("length", [1000, 10**6])
def test_a_rest_of_another_file_is_thrown_away(server, cache, mnist_like, length):
    """Shorter than the file: the checksum tells. Longer: the server has no such range."""
    cache.mkdir(parents=True)
    (cache / "mnist.npz.part").write_bytes(b"x" * length)
    assert_is(mnist.load_data(), mnist_like)
    assert server.asked == [f"bytes={length}-", None]
    assert files(cache) == ["mnist.npz"]


def test_a_wrong_checksum(server, cache):
    server.content = b"<html>log in first</html>"
    with pytest.raises(ValueError, match="is not the expected file, and was deleted") as info:
        mnist.load_data()
    assert hashlib.sha256(server.content).hexdigest() in str(info.value)
    assert mnist.SHA256 in str(info.value)
    assert files(cache) == []


def test_not_found(server, cache):
    server.faults = ["404"]
    with pytest.raises(ConnectionError, match="404"):
        mnist.load_data()
    assert files(cache) == []


def test_offline_says_what_to_do(server, cache, mnist_like, monkeypatch):
    monkeypatch.setattr(mnist, "URL", "http://127.0.0.1:1/mnist.npz")  # nothing listens on port 1
    with pytest.raises(ConnectionError) as info:
        mnist.load_data()
    for told in (mnist.URL, mnist.SHA256, str(cache / "mnist.npz"), "load_data(path="):
        assert told in str(info.value)

    (cache / "mnist.npz").write_bytes(mnist_like.content)
    assert_is(mnist.load_data(), mnist_like)


def test_a_damaged_file_in_the_cache_is_replaced(server, cache, mnist_like):
    cache.mkdir(parents=True)
    (cache / "mnist.npz").write_bytes(mnist_like.content[:-1])
    with pytest.warns(UserWarning, match="was damaged") as caught:
        assert_is(mnist.load_data(), mnist_like)
    assert caught[0].filename == __file__
    assert files(cache) == ["mnist.npz"]


def test_a_truncated_archive_is_not_kept(server, cache, mnist_like, monkeypatch):
    serve_instead(server, mnist_like.content[:5000], monkeypatch)
    with pytest.raises(ValueError, match="damaged"):
        mnist.load_data()
    assert files(cache) == []


def test_an_archive_of_pickles_is_not_kept(server, cache, tmp_path, monkeypatch):
    np.savez(tmp_path / "hostile.npz", x_train=np.array([{}], object))
    serve_instead(server, (tmp_path / "hostile.npz").read_bytes(), monkeypatch)
    with pytest.raises(ValueError, match="never loaded"):
        mnist.load_data()
    assert files(cache) == []


@pytest.mark.parametrize("kind", [str, Path])
def test_a_local_file(cache, mnist_like, kind):
    assert_is(mnist.load_data(kind(mnist_like.path)), mnist_like)
    assert not cache.exists()


def test_a_path_object_is_a_local_file_without_a_folder_too(cache, mnist_like, monkeypatch):
    monkeypatch.chdir(mnist_like.path.parent)
    assert_is(mnist.load_data(Path(mnist_like.path.name)), mnist_like)
    assert not cache.exists()


def test_a_file_in_the_home_folder(cache, mnist_like, monkeypatch):
    monkeypatch.setenv("HOME", str(mnist_like.path.parent))
    assert_is(mnist.load_data(f"~/{mnist_like.path.name}"), mnist_like)


def test_a_damaged_local_file_is_refused_and_left_alone(tmp_path, mnist_like):
    mine = tmp_path / "mine.npz"
    mine.write_bytes(mnist_like.content[:5000])
    with pytest.raises(ValueError, match=r"mine\.npz is damaged"):
        mnist.load_data(str(mine))
    assert mine.exists()


def test_a_missing_local_file(cache, tmp_path):
    with pytest.raises(FileNotFoundError):
        mnist.load_data(str(tmp_path / "none.npz"))


@pytest.mark.parametrize("name", ["", "..", "mnist"])
def test_what_is_no_file_name(cache, name):
    with pytest.raises(ValueError, match="expected a file name"):
        mnist.load_data(name)


def test_a_cache_that_cannot_be_written(server, cache):
    cache.parent.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="UNIDL_HOME"):
        mnist.load_data()


@pytest.mark.skipif(os.name == "nt", reason="there is no lock on Windows")
def test_two_at_once_download_once(server, mnist_like):
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(mnist.load_data) for _ in range(2)]:
            assert_is(future.result(), mnist_like)
    assert server.asked == [None]


def test_the_true_file_is_described_here():
    """The tests replace these, so nothing else would notice a slip of the keyboard."""
    assert mnist.URL == "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
    assert mnist.SHA256 == "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
