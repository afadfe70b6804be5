"""Files with damaged bytes: they load as they were, or a ValueError names the file.

In the suite a few mutations of the smallest valid file of each format; `make fuzz` tries
UNIDL_FUZZ_MUTATIONS of each (10,000), from UNIDL_FUZZ_SEED on.
"""

import json
import os
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

import unidl
from tests.abuse.cases.archives import tar, zipped
from unidl import layers, models
from unidl.datasets._npz import read_npz
from unidl.utils.archives import unpack
from unidl_mxnet.files.params import read_params, write_params

KERAS_2 = Path(__file__).parents[1] / "saving" / "keras2.zip"
ARRAYS = {"x": np.arange(12.0).reshape(3, 4), "y": np.arange(3)}


def model():
    made = unidl.Sequential([unidl.Input((4,)), layers.Dense(3), layers.BatchNormalization()])
    made.compile(unidl.optimizers.SGD(0.5, momentum=0.5), "mse")
    made.optimizer.build(made.trainable_variables)
    return made


class Weights:
    """Numbers of the weights and of the optimizer."""

    name = "m.weights.h5"
    same = True

    def __init__(self, folder):
        self.model = model()
        self.model.set_weights([w + 1 for w in self.model.get_weights()])
        self.model.save_weights(folder / self.name)

    def load(self, path):
        before = self._numbers()
        try:
            self.model.load_weights(path)
        except ValueError:
            assert _equal(self._numbers(), before), "half loaded"
            raise
        return self._numbers()

    def _numbers(self):
        return [*self.model.get_weights(), *(v.numpy() for v in self.model.optimizer.variables)]


class Safetensors(Weights):
    name = "m.safetensors"


class Shards(Weights):
    """Of the file that says where the shards are; they are weight files."""

    name = "m.weights.json"

    def __init__(self, folder):
        self.model = model()
        self.model.set_weights([w + 1 for w in self.model.get_weights()])
        self.model.save_weights(folder / self.name, max_shard_size=1e-7)


class Npz:
    name = "d.npz"
    same = True

    def __init__(self, folder):
        np.savez_compressed(folder / self.name, **ARRAYS)

    def load(self, path):
        found = read_npz(path, {k: (a.shape, a.dtype) for k, a in ARRAYS.items()})
        return [found[name] for name in ARRAYS]


class Tar:
    """What comes out may have another name; a checksum covers the bytes."""

    name = "a.tar.gz"
    kind = "tar"
    same = True

    def __init__(self, folder):
        (folder / self.name).write_bytes(self.valid())
        self.folder = folder

    def valid(self):
        return tar(("a", bytes(range(256))), ("b/c", b"words"))

    def load(self, path):
        out = self.folder / "out" / "inside"
        try:
            unpack(path, out, self.kind)
        finally:
            assert {p.name for p in out.parent.iterdir()} <= {"inside"}
        found = sorted(p for p in out.rglob("*") if p.is_file())
        return [np.frombuffer(p.read_bytes(), "uint8") for p in found]


class Zip(Tar):
    name, kind, same = "a.zip", "zip", False

    def valid(self):
        return zipped(("a", bytes(range(256)), 0o644), ("b/c", b"words", 0o644))


class Json:
    """Another number in the text is another model."""

    name = "m.json"
    same = False

    def __init__(self, folder):
        (folder / self.name).write_text(model().to_json())

    def load(self, path):
        try:
            made = models.model_from_json(path.read_bytes())
        except TypeError as error:
            raise ValueError(f"{path}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        assert isinstance(json.loads(made.to_json()), dict)
        return []


class WholeModel:
    """Another number in the config is another model; checksums cover the bytes."""

    name = "m.keras"
    same = True

    def __init__(self, folder):
        made = model()
        made.set_weights([w + 1 for w in made.get_weights()])
        made.save(folder / self.name)

    def load(self, path):
        made = unidl.saving.load_model(path)
        return [*made.get_weights(), *(v.numpy() for v in made.optimizer.variables)]


class Keras2Model:
    """Keras 2 writes no checksums."""

    name = "m.h5"
    same = False

    def __init__(self, folder):
        with zipfile.ZipFile(KERAS_2) as archive:
            (folder / self.name).write_bytes(archive.read("images.h5"))

    def load(self, path):
        return unidl.saving.load_model(path).get_weights()


class Params:
    """MXNet writes no checksums."""

    name = "m.params"
    same = False

    def __init__(self, folder):
        write_params(folder / self.name, ARRAYS | {"s": np.float32(3)})

    def load(self, path):
        return list(read_params(path).values())


class StateDict:
    """torch checks no checksums; either all weights are new or none is."""

    name = "m.pt"
    same = False
    zipped = True

    def __init__(self, folder):
        torch = pytest.importorskip("torch")
        state = torch.nn.Linear(4, 2).state_dict()
        torch.save(state, folder / self.name, _use_new_zipfile_serialization=self.zipped)
        self.model = unidl.Sequential([unidl.Input((4,)), layers.Dense(2)])

    def load(self, path):
        before = [np.zeros_like(w) for w in self.model.get_weights()]
        self.model.set_weights(before)
        try:
            unidl.port.load_state_dict(self.model, path)
        except unidl.port.PortError as error:  # it is another network's
            raise ValueError(f"{path}: {error}") from error
        except ValueError:
            assert _equal(self.model.get_weights(), before), "half loaded"
            raise
        return self.model.get_weights()


class OldStateDict(StateDict):
    zipped = False


FORMATS = [
    Weights, Safetensors, Shards, Npz, Tar, Zip, Json, WholeModel, Keras2Model, Params, StateDict,
    OldStateDict,
]  # fmt: skip


def mutated(content, draw):
    """`content` with one to three changes of a kind that disks, networks and attackers make."""
    found = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        place, kind = draw.randrange(len(found)), draw.randrange(6)
        if kind <= 1:
            found[place] ^= 1 << draw.randrange(8)
        elif kind == 2:
            found[place] = draw.choice((0, 1, 127, 128, 255))
        elif kind == 3:
            del found[place + 1 :]
        elif kind == 4:
            found[place : place + 8] = draw.choice((bytes(8), b"\xff" * 8, draw.randbytes(8)))
        else:
            length = draw.randrange(1, 64)
            found[place:place] = found[place : place + length]
    return bytes(found)


def _equal(found, wanted):
    return len(found) == len(wanted) and all(map(np.array_equal, found, wanted))


def _try(form, folder, mutations, seed):
    reader = form(folder)
    path = folder / form.name
    valid = path.read_bytes()
    reference = reader.load(path)
    told = 0
    for n in range(mutations):
        content = mutated(valid, random.Random(seed * 1_000_003 + n))
        path.write_bytes(content)
        try:
            found = reader.load(path)
        except Exception as error:  # noqa: BLE001 - which one is the question
            fault = None if isinstance(error, ValueError) and str(path) in str(error) else error
            told += fault is None
        else:
            fault = "other numbers" if form.same and not _equal(found, reference) else None
        if fault is not None:
            pytest.fail(f"mutation {n}: {fault!r}")
    assert told > mutations // 10
    return told


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.__name__)
def test_a_few_mutations(form, tmp_path):
    _try(form, tmp_path, 150, 0)


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.__name__)
def test_many_mutations(form, tmp_path):
    mutations = int(os.environ.get("UNIDL_FUZZ_MUTATIONS", "10000"))
    told = _try(form, tmp_path, mutations, int(os.environ.get("UNIDL_FUZZ_SEED", "0")) + 1)
    print(f"{form.__name__}: {mutations:,} mutations, {told:,} told, the rest loads as it was")
