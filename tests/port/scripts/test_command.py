"""`unidl port`, from files to exit statuses."""

import subprocess
import sys

import pytest

from unidl.cli import main

pytest.importorskip("libcst")

SCRIPT = "import keras\nx = keras.Input((2,))\n"
PORTED = "import unidl\nx = unidl.Input((2,))\n"
PART = "import tensorflow as tf\nx = tf.strings.join(['a'])\n"


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def test_to_standard_output(script, capsys):
    assert main(["port", str(script)]) == 0
    out, err = capsys.readouterr()
    assert out == PORTED
    assert "1 of 1 calls ported" in err
    assert script.read_text() == SCRIPT


def test_to_a_file_and_in_place(script, tmp_path):
    assert main(["port", str(script), "-o", str(tmp_path / "new.py")]) == 0
    assert (tmp_path / "new.py").read_text() == PORTED
    assert main(["port", str(script), "--in-place"]) == 0
    assert script.read_text() == PORTED


def test_what_is_kept_is_listed(script, capsys):
    script.write_text(PART)
    assert main(["port", str(script), "--check"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "line 2: tensorflow.strings.join: tensors of unidl have no text" in err


def test_differences(script, capsys):
    assert main(["port", str(script), "--diff"]) == 0
    assert "-x = keras.Input((2,))\n+import unidl\n" in capsys.readouterr().out


def test_folders(script, tmp_path, capsys):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "part.py").write_text(PART)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "theirs.py").write_text("not python at all")
    assert main(["port", str(tmp_path)]) == 2
    assert "--in-place" in capsys.readouterr().err
    assert main(["port", str(tmp_path), "--in-place"]) == 1
    assert script.read_text() == PORTED


def test_nothing_to_port(script, capsys):
    script.write_text(PORTED)
    assert main(["port", str(script), "--check"]) == 0
    assert "nothing to port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("bad.py", b"import keras\nx = (\n", "line"),
        ("two.py", b'import keras\nprint "keras"\n', "2to3"),
        ("latin.py", "import keras  # é".encode("latin-1"), "not UTF-8"),
        ("binary.py", b"\x00\x01keras", "binary"),
        ("deep.py", b"import keras\nx = " + b"(" * 5000 + b")" * 5000, "deep.py"),
        ("many.py", b"import keras\nx = 1" + b" + 1" * 3000 + b"\n", "nested too deeply"),
    ],
)
def test_what_cannot_be_read(name, content, why, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["port", str(path)]) == 2
    assert why in capsys.readouterr().err
    assert path.read_bytes() == content


def test_missing_files_and_wrong_targets(script, tmp_path, capsys):
    assert main(["port", str(tmp_path / "none.py")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert main(["port", str(script), "-o", str(script)]) == 2
    assert "--in-place" in capsys.readouterr().err
    assert script.read_text() == SCRIPT


def test_marks_encodings_and_ends_of_lines_stay(tmp_path):
    path = tmp_path / "win.py"
    path.write_bytes(b"\xef\xbb\xbfimport keras\r\nx = keras.Input((2,))  # \xc3\xa9\r\n")
    assert main(["port", str(path), "--in-place"]) == 0
    expected = b"\xef\xbb\xbfimport unidl\r\nx = unidl.Input((2,))  # \xc3\xa9\r\n"
    assert path.read_bytes() == expected
    path.write_bytes(b"# coding: latin-1\nimport keras\nkeras.Input((2,))  # \xe9\n")
    assert main(["port", str(path), "--in-place"]) == 0
    assert path.read_bytes() == b"# coding: latin-1\nimport unidl\nunidl.Input((2,))  # \xe9\n"


def test_it_imports_no_framework(script):
    code = (
        "import sys; from unidl.cli import main; "
        f"main(['port', {str(script)!r}, '--check']); "
        "print(*sorted({'tensorflow', 'keras', 'mxnet', 'torch', 'jax'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "", result.stderr
