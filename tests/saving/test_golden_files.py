"""Files that versions of Keras from 3.0 to 3.15 wrote (tools/make_golden_files.py): the same
outputs here, and training goes on."""

import io
import tarfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import unidl

pytest.importorskip("h5py")

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = sorted((p.name.removesuffix(".tar.xz") for p in GOLDEN.glob("*.tar.xz")),
                  key=lambda version: tuple(map(int, version.split("."))))  # fmt: skip
NAMES = ("images", "words", "attention")


@cache
def members(version):
    """{name: bytes} of what a version wrote."""
    with tarfile.open(GOLDEN / f"{version}.tar.xz") as archive:
        return {m.name: archive.extractfile(m).read() for m in archive.getmembers()}


def put(version, name, folder):
    path = folder / name
    path.write_bytes(members(version)[name])
    return path


def facts(version, name):
    """(inputs, targets, outputs)."""
    with np.load(io.BytesIO(members(version)[f"{name}.npz"])) as found:
        x = [found[key] for key in sorted(found.files) if key.startswith("x")]
        return x if len(x) > 1 else x[0], found["y"], found["out"]


def assert_same(model, version, name):
    x, y, wanted = facts(version, name)
    found = np.asarray(model.predict(x, verbose=0))
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    return x, y


def test_there_are_files_of_many_versions():
    assert len(VERSIONS) >= 6
    assert VERSIONS[0].startswith("3.0.")
    assert VERSIONS[-1].startswith("3.15.")


def row(version, name):
    quick = version in (VERSIONS[0], VERSIONS[-1]) and name == "attention"
    return pytest.param(version, name, marks=() if quick else pytest.mark.slow)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize(("version", "name"), [row(v, n) for v in VERSIONS for n in NAMES])
def test_whole_models_and_weights(backend, version, name, tmp_path):
    model = unidl.saving.load_model(put(version, f"{name}.keras", tmp_path))
    x, y = assert_same(model, version, name)
    model.set_weights([w * 0 for w in model.get_weights()])
    model.load_weights(put(version, f"{name}.weights.h5", tmp_path))
    assert_same(model, version, name)
    assert int(model.optimizer.iterations) == 1
    assert np.isfinite(model.train_on_batch(x, y)).all()


@pytest.mark.parametrize(("version", "name"), [(v, n) for v in VERSIONS for n in NAMES])
def test_every_version_on_one_backend(version, name, tmp_path):
    with unidl.use_backend("numpy"):
        test_whole_models_and_weights(None, version, name, tmp_path)


@pytest.mark.parametrize(
    ("version", "name"),
    [(v, n) for v in VERSIONS for n in NAMES if f"{n}.h5" in members(v)],
)
def test_the_older_format(version, name, tmp_path):
    assert_same(unidl.saving.load_model(put(version, f"{name}.h5", tmp_path)), version, name)
