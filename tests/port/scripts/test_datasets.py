"""Pipelines of tf.data give what TensorFlow's give."""

import numpy as np
import pytest

import unidl

pytest.importorskip("libcst")

from unidl.port.scripts import port_source

START = """
import numpy as np
import tensorflow as tf

x = np.arange(20.0).reshape(10, 2)
y = np.arange(10, dtype="int64")
both = tf.data.Dataset.from_tensor_slices((x, y))
"""
SAME = {
    "arrays": "both",
    "one array": "D.from_tensor_slices(x)",
    "Python's numbers": "D.from_tensor_slices([[1.0, 2.0], [3.0, 4.0]])",
    "Python's integers in a dict": "D.from_tensor_slices({'a': [1, 2], 'b': (x[:2], y[:2])})",
    "a tensor": "D.from_tensor_slices(tf.constant([1, 2, 3]))",
    "batches": "both.batch(4)",
    "whole batches": "both.batch(batch_size=4, drop_remainder=True)",
    "batches of batches": "D.from_tensor_slices(x).batch(2).batch(3)",
    "a function of samples": "both.map(lambda a, b: (a * 2, b))",
    "a function of batches": "both.batch(5).map(lambda a, b: tf.square(a), num_parallel_calls=2)",
    "a named function": "both.map(map_func=lambda a, b: {'sum': tf.reduce_sum(a) + 1.0})",
    "a function of a dict": "D.from_tensor_slices({'a': y}).map(lambda d: d['a'] + d['a'])",
    "the first": "both.take(3)",
    "all of them": "both.take(-1).take(99)",
    "without the first": "both.skip(count=8)",
    "without any": "both.skip(99)",
    "twice": "both.skip(8).repeat(2)",
    "endless": "both.skip(8).repeat().batch(3).take(4)",
    "one behind the other": "both.take(2).concatenate(both.skip(9))",
    "in order": "both.shuffle(1).batch(3)",
    "chosen": "both.filter(lambda a, b: b > 6)",
    "kept in memory": "both.map(lambda a, b: b).cache().repeat(2).prefetch(tf.data.AUTOTUNE)",
    "side by side": "D.zip((both.skip(1), D.from_tensor_slices(y[:4]))).batch(3)",
}


def elements(text):
    """{case: (its elements, how many the dataset says there are)}."""
    names = {}
    exec(text, names)
    return {case: (list(d.as_numpy_iterator()), size_of(d)) for case, d in names["found"].items()}


def size_of(dataset):
    try:
        return len(dataset)
    except TypeError:
        return None


@pytest.fixture(scope="module")
def both():
    """(of TensorFlow, of the ported script)."""
    pytest.importorskip("tensorflow")
    lines = [
        f"    {case!r}: {text.replace('D.', 'tf.data.Dataset.')}," for case, text in SAME.items()
    ]
    script = "\n".join([START, "found = {", *lines, "}", ""])
    found = port_source(script)
    assert found.whole, found.kept
    assert port_source(found.text).text == found.text
    with unidl.use_backend("numpy"):
        return elements(script), elements(found.text)


@pytest.mark.parametrize("case", SAME)
def test_the_elements_are_the_same(case, both):
    (theirs, expected), (ours, length) = (found[case] for found in both)
    assert len(ours) == len(theirs)
    if case != "endless":  # of which TensorFlow knows that it is endless
        assert length == expected
    for one, other in zip(ours, theirs, strict=True):
        _compare(one, other)


def _compare(one, other):
    if isinstance(other, dict):
        assert one.keys() == other.keys()
        one, other = tuple(one[key] for key in other), tuple(other.values())
    if isinstance(other, tuple):
        assert isinstance(one, tuple)
        for part, there in zip(one, other, strict=True):
            _compare(part, there)
    else:
        assert (np.shape(one), np.asarray(one).dtype) == (other.shape, other.dtype)
        np.testing.assert_array_equal(one, other)


def test_elements_are_tensors_of_the_backend(backend):
    names = {}
    script = f"{START}pairs = both.take(1).map(lambda a, b: (a, b)).batch(1)\n"
    exec(port_source(script).text, names)
    for dataset in (names["both"], names["pairs"]):
        x, y = next(iter(dataset))
        assert type(x) is type(y) is type(unidl.ops.zeros(1))
        found = [unidl.backend.standardize_dtype(one.dtype) for one in (x, y)]
        assert found == ["float64", "int64"]


def test_shuffling_draws_from_a_buffer():
    names = {}
    text = "d = tf.data.Dataset.from_tensor_slices(np.arange(100))\n"
    exec(port_source(f"import numpy as np\nimport tensorflow as tf\n{text}").text, names)

    def shuffled(**options):
        with unidl.use_backend("numpy"):
            mixed = names["d"].shuffle(10, **options).batch(100)
            return [batch.tolist() for _ in range(2) for batch in mixed]

    first, second = shuffled(seed=3)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    assert max(value - place for place, value in enumerate(first)) == 9
    assert shuffled(seed=3) == [first, second]
    assert shuffled(seed=4) != [first, second]
    once, again = shuffled(seed=3, reshuffle_each_iteration=False)
    assert once == again != list(range(100))
    unidl.utils.set_random_seed(1)
    drawn = shuffled()
    unidl.utils.set_random_seed(1)
    assert drawn == shuffled()


FOLDER = """
import tensorflow as tf

found = tf.keras.utils.image_dataset_from_directory(PATH, image_size=(4, 4), shuffle=False)
names = found.class_names
count = tf.data.experimental.cardinality(found) + found.cardinality()
scaled = found.map(lambda x, y: (x / 255.0, y)).cache().prefetch(buffer_size=tf.data.AUTOTUNE)
"""


def test_folders_have_the_methods_of_datasets(tmp_path):
    for name, value in (("a", 0), ("b", 255)):
        (tmp_path / name).mkdir()
        unidl.utils.save_img(tmp_path / name / "1.png", np.full((4, 4, 3), value), scale=False)
    found = port_source(FOLDER.replace("PATH", repr(str(tmp_path))))
    assert found.whole, found.kept
    assert "TFDataset.of(found).map(" in found.text
    names = {}
    with unidl.use_backend("numpy"):
        exec(found.text, names)
        ((x, y),) = names["scaled"]
    assert (names["names"], names["count"]) == (["a", "b"], 2)
    np.testing.assert_array_equal(x[:, 0, 0, 0], [0.0, 1.0])
    assert y.tolist() == [0, 1]
