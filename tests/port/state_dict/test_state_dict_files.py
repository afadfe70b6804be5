"""Files of state dicts: what is read, and that no file runs code or takes more memory than it is
long."""

import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import unidl  # noqa: E402
from unidl import layers, port  # noqa: E402


def model():
    return unidl.Sequential([unidl.Input((4,)), layers.Dense(2)])


@pytest.mark.parametrize("ending", [".pt", ".pth", ".bin", ".ckpt", "old.pt", ".safetensors"])
def test_formats(tmp_path, ending):
    module, path, ours = torch.nn.Linear(4, 2), tmp_path / f"m{ending}", model()
    if ending == ".safetensors":
        pytest.importorskip("safetensors.torch").save_file(module.state_dict(), path)
    else:
        zipped = ending != "old.pt"
        torch.save(module.state_dict(), path, _use_new_zipfile_serialization=zipped)
    found = port.load_state_dict(ours, path)
    np.testing.assert_array_equal(ours.get_weights()[0], module.weight.detach().numpy().T)
    assert list(found.names) in (["weight", "bias"], ["bias", "weight"])


class Runs:
    def __reduce__(self):
        return os.system, ("touch /tmp/unidl_was_here",)


def written(tmp_path, value, **options):
    torch.save(value, tmp_path / "m.pt", **options)
    return tmp_path / "m.pt"


def bomb(tmp_path):
    path = written(tmp_path, {"weight": torch.zeros(2, 4)})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("more", bytes(10**6))
    return path


def cut(tmp_path):
    path = written(tmp_path, {"weight": torch.zeros(20, 40)})
    path.write_bytes(path.read_bytes()[:900])
    return path


def junk(tmp_path, content=b"junk"):
    (tmp_path / "m.pt").write_bytes(content)
    return tmp_path / "m.pt"


HOSTILE = {
    "code": (lambda t: written(t, {"w": Runs()}), "it holds more than tensors"),
    "a whole module": (lambda t: written(t, torch.nn.Linear(2, 2)), "it holds more than tensors"),
    "a pickle": (lambda t: junk(t, pickle.dumps(Runs())), "is not read"),
    "one number without end": (
        lambda t: written(t, {"w": torch.zeros(1).expand(10**9)}), "more than the file"
    ),
    "a bomb": (bomb, "members are compressed"),
    "cut": (cut, "damaged"),
    "junk": (junk, "is not read"),
    "nothing": (lambda t: junk(t, b""), "is not read"),
    "a list": (lambda t: written(t, [torch.zeros(2)]), "holds a list, and no state dict"),
    "an optimizer": (
        lambda t: written(t, torch.optim.SGD([torch.zeros(2)], 0.1).state_dict()), "has no arrays"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files(tmp_path, what):
    make, told = HOSTILE[what]
    path = make(tmp_path)
    with pytest.raises(ValueError, match=told) as caught:
        port.load_state_dict(model(), path)
    assert "weights_only" not in str(caught.value)
    assert not os.path.exists("/tmp/unidl_was_here")


def test_no_file_at_all(tmp_path):
    ours = model()
    with pytest.raises(FileNotFoundError):
        port.load_state_dict(ours, tmp_path / "m.pt")
    (tmp_path / "d.pt").mkdir()
    with pytest.raises(ValueError, match="a folder"):
        port.load_state_dict(ours, tmp_path / "d.pt")
    with pytest.raises(ValueError, match=r"of no known kind\. Files that are read end in"):
        port.load_state_dict(ours, "weights.npz")


WITHOUT = """
import sys
sys.modules["torch"] = sys.modules["mxnet"] = None
import unidl
from unidl import layers
model = unidl.Sequential([unidl.Input((4,)), layers.Dense(2)])
print(len(unidl.port.load_state_dict(model, sys.argv[1] + ".safetensors").matched))
try:
    unidl.port.load_state_dict(model, sys.argv[1] + ".pt")
except ImportError as error:
    print(error)
"""


def test_without_frameworks(tmp_path):
    state = torch.nn.Linear(4, 2).state_dict()
    pytest.importorskip("safetensors.torch").save_file(state, tmp_path / "m.safetensors")
    torch.save(state, tmp_path / "m.pt")
    command = [sys.executable, "-c", WITHOUT, str(tmp_path / "m")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
    assert said[0] == "1"
    assert "is read by torch. Install it with: pip install" in said[1]


def test_damaged_safetensors(tmp_path):
    (tmp_path / "m.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(ValueError, match="it is not a safetensors file"):
        port.load_state_dict(model(), tmp_path / "m.safetensors")
