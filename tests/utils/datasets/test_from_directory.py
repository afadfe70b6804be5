"""Data sets of folders, against Keras'."""

import pickle
import wave

import keras
import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.utils import (
    PyDataset,
    audio_dataset_from_directory,
    image_dataset_from_directory,
    save_img,
    text_dataset_from_directory,
)

RNG = np.random.default_rng(0)
CLASSES = {"cats": 3, "birds": 2, "dogs": 2}
QUIET = {"verbose": False}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    pytest.importorskip("PIL")
    folder = tmp_path_factory.mktemp("images")
    for name, count in CLASSES.items():
        (folder / name / "more").mkdir(parents=True)
        for i in range(count):
            place = folder / name / ("more" if i == 1 else "") / f"{i}.png"
            save_img(place, RNG.uniform(size=(9 + i, 13, 3)))
    (folder / "cats" / "notes.txt").write_text("no image")
    (folder / ".hidden").mkdir()
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    for name in ("good", "bad"):
        (folder / name).mkdir()
        for i in range(3):
            (folder / name / f"{i}.txt").write_text(f"{name} Text nummer {i}: größer", "utf-8")
    return folder


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    for name in ("a", "b"):
        (folder / name).mkdir()
        for i in range(2):
            with wave.open(str(folder / name / f"{i}.wav"), "wb") as file:
                file.setnchannels(2)
                file.setsampwidth(2)
                file.setframerate(8000)
                file.writeframes(RNG.integers(-9999, 9999, (5 + i, 2)).astype("<i2").tobytes())
    return folder


def batches(dataset):
    return [tuple(np.asarray(a) for a in (b if isinstance(b, tuple) else (b,))) for b in dataset]


def same(mine, theirs, **close):
    mine, theirs = batches(mine), batches(theirs)
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, **close)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"label_mode": "categorical", "color_mode": "grayscale", "image_size": 7},
        {"label_mode": "binary", "class_names": ["dogs", "cats"], "interpolation": "nearest"},
        {"label_mode": None, "crop_to_aspect_ratio": True},
        {"labels": None, "pad_to_aspect_ratio": True, "color_mode": "rgba"},
        {"labels": [5, 1, 1, 2, 3, 0, 0], "interpolation": "bicubic"},
        {"data_format": "channels_first", "batch_size": None},
        {"validation_split": 0.3, "subset": "validation"},
        {"validation_split": 0.3, "subset": "training"},
    ],
    ids=repr,
)
def test_images(images, arguments):
    arguments = {"batch_size": 3, "image_size": (8, 6), "shuffle": False} | arguments
    mine, theirs = (
        k.utils.image_dataset_from_directory(images, **arguments, **QUIET) for k in (unidl, keras)
    )
    # Keras' decoder rounds grays in another way, and its bicubic weights are from a table.
    tolerance = {"grayscale": 1.01, "bicubic": 0.3}
    atol = max((tolerance.get(value, 1e-3) for value in arguments.values() if type(value) is str),
               default=1e-3)  # fmt: skip
    same(mine, theirs, rtol=1e-5, atol=atol)
    assert all(x.dtype == np.float32 for x, *_ in batches(mine))
    assert mine.class_names == theirs.class_names
    assert mine.file_paths == theirs.file_paths
    assert isinstance(mine, PyDataset)


def test_both_parts_are_those_of_keras_and_shuffled_as_there(images):
    how = {"validation_split": 0.4, "subset": "both", "seed": 3, "image_size": 4} | QUIET
    mine = image_dataset_from_directory(images, **how)
    theirs = keras.utils.image_dataset_from_directory(images, **how)
    for one, other in zip(mine, theirs, strict=True):
        assert one.file_paths == other.file_paths


def test_a_shuffled_folder_has_a_new_order_in_each_epoch(images):
    dataset = image_dataset_from_directory(images, seed=1, batch_size=7, image_size=4, **QUIET)
    first, second = (next(iter(batches(dataset))) for _ in range(2))
    assert not np.array_equal(first[0], second[0])
    for x, label in zip(*second, strict=True):
        place = [i for i in range(7) if np.array_equal(first[0][i], x)]
        assert label in first[1][place]
    again = image_dataset_from_directory(images, seed=1, batch_size=7, image_size=4, **QUIET)
    np.testing.assert_array_equal(next(iter(again))[0], first[0])


def test_fit_takes_it(backend, images):
    dataset = image_dataset_from_directory(images, batch_size=3, image_size=6, seed=0, **QUIET)
    dataset.workers = 2
    model = unidl.Sequential([unidl.Input((6, 6, 3)), layers.Flatten(), layers.Dense(3)])
    model.compile("sgd", unidl.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(dataset, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
    unlabelled = image_dataset_from_directory(images, labels=None, image_size=6, **QUIET)
    assert model.predict(unlabelled, verbose=0).shape == (7, 3)


def test_texts(texts):
    for arguments in ({}, {"max_length": 6, "label_mode": "binary"}):
        mine, theirs = (
            k.utils.text_dataset_from_directory(
                texts, shuffle=False, batch_size=4, **arguments, **QUIET
            )
            for k in (unidl, keras)
        )
        for (x, y), (their_x, their_y) in zip(mine, theirs, strict=True):
            assert list(x) == [text.decode() for text in their_x.numpy()]
            np.testing.assert_array_equal(y, their_y)
        assert mine.class_names == ["bad", "good"]


@pytest.mark.parametrize("length", [None, 4, 9])
def test_sounds(sounds, length):
    how = {"shuffle": False, "batch_size": 2, "output_sequence_length": length} | QUIET
    mine = audio_dataset_from_directory(sounds, **how)
    if length is None:  # where Keras fails on sounds of several lengths
        assert [x.shape for x, _ in mine] == [(2, 6, 2)] * 2
        assert not mine[0][0][0, 5].any()
        return
    same(mine, keras.utils.audio_dataset_from_directory(sounds, **how), rtol=1e-6)


@pytest.mark.parametrize("width", [1, 3, 4])
def test_sounds_of_other_widths(tmp_path, width):
    values = np.array([-(2**31), -(2**30), 0, 2**30], "<i4")
    raw = values.view("u1").reshape(-1, 4)[:, 4 - width :]
    raw = (raw ^ 128) if width == 1 else raw  # which has no sign
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setparams((1, width, 8000, 0, "NONE", ""))
        file.writeframes(raw.tobytes())
    sound = next(iter(audio_dataset_from_directory(tmp_path, labels=None, **QUIET)))
    np.testing.assert_allclose(sound[0, :, 0], [-1, -0.5, 0, 0.5])


def test_worker_processes_can_be_given_them(images, texts, sounds):
    how = {"shuffle": False} | QUIET
    for dataset in (
        image_dataset_from_directory(images, image_size=5, **how),
        text_dataset_from_directory(texts, **how),
        audio_dataset_from_directory(sounds, **how),
    ):
        for one, other in zip(pickle.loads(pickle.dumps(dataset))[0], dataset[0], strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_is_printed(images, capsys):
    image_dataset_from_directory(images, validation_split=0.3, subset="both")
    assert capsys.readouterr().out.splitlines() == [
        "Found 7 files belonging to 3 classes.",
        "Using 5 files for training.",
        "Using 2 files for validation.",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"format": "tf"}, "format must be 'py'.*got 'tf'"),
        ({"label_mode": "ints"}, r"label_mode is one of.*Did you mean 'int'"),
        ({"label_mode": "binary"}, "needs two classes.*has 3: birds, cats, dogs"),
        ({"labels": [1, 2]}, "2 labels were given for the 7 images"),
        ({"labels": "none"}, "labels must be 'inferred', None or a list"),
        (
            {"class_names": ["cat"]},
            r"'cat', which is not a sub-folder.*There are: birds, cats, dogs",
        ),
        ({"labels": None, "class_names": ["cats"]}, "class_names orders the sub-folders"),
        ({"validation_split": 0.2}, "give both validation_split and subset"),
        ({"validation_split": 2.0, "subset": "both"}, "a fraction between 0 and 1"),
        ({"validation_split": 0.2, "subset": "training"}, "subset='both'"),
        ({"validation_split": 0.01, "subset": "both"}, "no images in .* for the validation part"),
        ({"image_size": (3,)}, r"image_size must be \(height, width\)"),
        ({"batch_size": 0}, "batch_size must be a positive integer"),
        ({"interpolation": "area"}, "interpolation is one of"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "mutually exclusive"),
    ],
    ids=repr,
)
def test_wrong_use(images, arguments, told):
    with pytest.raises(ValueError, match=told):
        image_dataset_from_directory(images, **arguments, **QUIET)


def test_wrong_folders(tmp_path, sounds):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        text_dataset_from_directory(tmp_path / "x")
    with pytest.raises(ValueError, match=r"no texts in .*end with \.txt"):
        text_dataset_from_directory(tmp_path, **QUIET)
    with pytest.raises(ValueError, match=r"8000 samples per second instead of 16000"):
        audio_dataset_from_directory(sounds, sampling_rate=16000, **QUIET)[0]
    with pytest.raises(ValueError, match="ragged=True is not supported"):
        audio_dataset_from_directory(sounds, ragged=True)
    (tmp_path / "x.wav").write_bytes(b"noise")
    with pytest.raises(ValueError, match=r"x\.wav is not a WAV file"):
        audio_dataset_from_directory(tmp_path, labels=None, **QUIET)[0]
