"""Lambdas in configs: written, refused by default, read where the caller says so."""

import contextvars
import copy
import io
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import unidl
from tests.abuse.cases import lambdas as cases
from unidl.saving import deserialize_keras_object, lambdas, orbax_files

pytestmark = pytest.mark.filterwarnings("ignore:The lambda of")
X = np.ones((1, 2), "float32")


def written():
    scale = 3.0
    layer = unidl.layers.Lambda(lambda x, shift=2: x * scale + shift)
    return json.loads(json.dumps(unidl.saving.serialize_keras_object(layer)))


def test_defaults_and_closure_come_back(backend):
    layer = deserialize_keras_object(written(), safe_mode=False)
    assert unidl.ops.convert_to_numpy(layer(X)).tolist() == [[5, 5]]


@pytest.mark.parametrize("safe_mode", [True, None])
def test_refused_by_default(safe_mode):
    with pytest.raises(ValueError, match="safe_mode=False"):
        deserialize_keras_object(written(), safe_mode=safe_mode)
    with pytest.raises(ValueError, match="safe_mode=False"):
        unidl.layers.Lambda.from_config(written()["config"], safe_mode=safe_mode)


def test_a_call_inside_is_no_less_safe():
    with lambdas.reading(True), pytest.raises(ValueError, match="safe_mode=False"):
        deserialize_keras_object(written(), safe_mode=False)


def test_a_load_inside_a_trusted_one_is_safe(tmp_path):
    row(unidl.layers.Lambda(lambda x: x + 1)).save(tmp_path / "m.keras")
    with lambdas.reading(False), pytest.raises(ValueError, match="safe_mode=False"):
        unidl.saving.load_model(tmp_path / "m.keras")


def test_other_threads_are_safe():
    told = []

    def read():
        with pytest.raises(ValueError, match="safe_mode=False") as error:
            deserialize_keras_object(written())
        told.append(error)

    with lambdas.reading(False):
        other = threading.Thread(target=read)
        other.start()
        other.join()
    assert told


def test_enabled_for_the_thread():
    unidl.config.enable_unsafe_deserialization()
    try:
        assert isinstance(deserialize_keras_object(written()), unidl.layers.Lambda)
        with pytest.raises(ValueError, match="safe_mode=False"):
            unidl.layers.Lambda.from_config(written()["config"], safe_mode=True)
    finally:
        unidl.utils.clear_session(free_memory=False)
    with pytest.raises(ValueError, match="safe_mode=False"):
        deserialize_keras_object(written())


@pytest.mark.parametrize("kit", ["unidl", "keras"])
def test_a_permission_stays_in_its_thread(kit):
    """As in Keras: threads from before and after refuse."""
    kit = pytest.importorskip(kit)
    reads = reader(kit)
    with ThreadPoolExecutor(1) as before, ThreadPoolExecutor(1) as after:
        found = [before.submit(reads).result()]
        kit.config.enable_unsafe_deserialization()
        found += [reads(), before.submit(reads).result(), after.submit(reads).result()]
    kit.utils.clear_session(free_memory=False)
    assert [*found, reads()] == [False, True, False, False, False]


def reader(kit):
    """A function that tells whether a lambda is read."""
    config = kit.saving.serialize_keras_object(kit.layers.Lambda(lambda x: x))

    def reads():
        try:
            kit.saving.deserialize_keras_object(copy.deepcopy(config))  # Keras changes it
        except ValueError:
            return False
        return True

    return reads


def test_a_cleared_session_takes_back_the_permission_of_all_threads():
    reads = reader(unidl)

    with ThreadPoolExecutor(1) as other:
        other.submit(unidl.config.enable_unsafe_deserialization).result()
        assert other.submit(reads).result()
        assert not reads()
        unidl.utils.clear_session(free_memory=False)
        assert not other.submit(reads).result()


def test_a_permission_reaches_tasks_and_contexts_of_its_thread():
    """Notebooks run each cell in a context of its own."""
    contextvars.copy_context().run(unidl.config.enable_unsafe_deserialization)
    try:
        assert deserialize_keras_object(written()).function(1) == 5
    finally:
        unidl.utils.clear_session(free_memory=False)


def test_loads_in_many_threads_obey_their_own_argument(tmp_path):
    row(unidl.layers.Lambda(lambda x: x + 1)).save(tmp_path / "m.keras")
    together = threading.Barrier(4)

    def load(safe_mode):
        together.wait()
        try:
            return unidl.saving.load_model(tmp_path / "m.keras", safe_mode=safe_mode) is not None
        except ValueError:
            return False

    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            assert list(pool.map(load, [False, True, False, None])) == [True, False, True, False]


def test_the_code_of_the_cases_of_abuse_is_real(monkeypatch):
    opened = []
    function = deserialize_keras_object(cases.LAMBDA, safe_mode=False).function
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", lambda *args: opened.append(args) or io.StringIO())
        function(3)
    assert opened == [(cases.MARK, "w")]


def row(*layers):
    return unidl.Sequential([unidl.Input((2,)), *layers])


def test_file_and_layer_are_named(tmp_path):
    inner = row(unidl.layers.Lambda(lambda x: x + 1, name="plus"))
    row(inner, unidl.layers.Dense(2)).save(tmp_path / "m.keras")
    with pytest.raises(
        ValueError, match=r"m\.keras is not loaded: Lambda 'plus': .* named function"
    ):
        unidl.saving.load_model(tmp_path / "m.keras")


def test_folders_of_orbax(monkeypatch):
    """With or without the package: the config in such a folder is read under the same gate."""
    text = json.dumps(
        unidl.saving.serialize_keras_object(row(unidl.layers.Lambda(lambda x: x + 1)))
    )
    monkeypatch.setattr(orbax_files, "is_checkpoint", lambda path: True)
    monkeypatch.setattr(orbax_files, "config_in", lambda path, who: ("step", text, 100))
    monkeypatch.setattr(orbax_files, "load_state", lambda *args: None)
    for safe_mode in (True, None):
        with pytest.raises(ValueError, match=r"step is not loaded: Lambda .*safe_mode=False"):
            unidl.saving.load_model("folder", safe_mode=safe_mode)
    assert unidl.saving.load_model("folder", safe_mode=False).layers[0].function(1) == 2


def test_losses_and_metrics(backend, tmp_path):
    model = row(unidl.layers.Dense(2))
    model.compile("sgd", loss=lambda y, p: (y - p) ** 2, metrics=[lambda y, p: y - p])
    model.fit(X, X, verbose=0)
    model.save(tmp_path / "m.keras")
    with pytest.raises(
        ValueError, match=r"m\.keras cannot be compiled .*safe_mode=False.*compile="
    ):
        unidl.saving.load_model(tmp_path / "m.keras")
    assert not unidl.saving.load_model(tmp_path / "m.keras", compile=False).compiled
    again = unidl.saving.load_model(tmp_path / "m.keras", safe_mode=False)
    assert again.evaluate(X, X, verbose=0) == model.evaluate(X, X, verbose=0)


def test_global_names_are_told():
    with pytest.warns(UserWarning, match="It uses `X` of its module"):
        config = unidl.layers.Lambda(lambda x: x + X).get_config()
    with pytest.raises(ValueError, match=r"Lambda 'lambda.*uses `X` of the module .*scale=scale"):
        unidl.layers.Lambda.from_config(config, safe_mode=False)
    config = unidl.layers.Lambda(lambda x: unidl.ops.sum(np.abs(x) + len(x))).get_config()
    assert float(unidl.layers.Lambda.from_config(config, safe_mode=False).function(X)) == 4


def test_a_global_name_of_another_meaning_is_told():
    function = eval("lambda x: np(x)", {"np": abs})
    with pytest.warns(UserWarning, match="It uses `np` of its module"):
        unidl.layers.Lambda(function).get_config()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"python": "cpython-27"}, "written by 'cpython-27'"),
        ({"code": "!"}, "damaged"),
        ({"code": "aQEAAAA="}, "not code"),
        ({"closure": None}, "do not fit"),
        ({"defaults": 3}, "its parts"),
    ],
)
def test_damage_is_told(change, text):
    config = written()
    config["config"]["function"]["config"].update(change)
    with pytest.raises(ValueError, match=text):
        deserialize_keras_object(config, safe_mode=False)


def test_what_cannot_be_written_is_told():
    lock = object()
    with pytest.raises(ValueError, match="cannot be written"):
        unidl.layers.Lambda(lambda x: (x, lock)).get_config()
    with pytest.raises(ValueError, match="keyword-only"):
        unidl.layers.Lambda(lambda x, *, a=1: x + a).get_config()
    dense = unidl.layers.Dense(1)
    with pytest.raises(ValueError, match="has variables"):
        unidl.layers.Lambda(lambda x: dense(x)).get_config()
    fall = lambda x: fall(x - 1)  # noqa: E731
    with pytest.raises(ValueError, match="recursion") as error:
        unidl.layers.Lambda(fall).get_config()
    assert len(str(error.value)) < 400


def test_values_of_a_closure_come_back():
    parts = [np.ones(2), {"name": "relu", "of": np.zeros(3)}]
    config = unidl.layers.Lambda(lambda x: parts).get_config()
    found = unidl.layers.Lambda.from_config(json.loads(json.dumps(config)), safe_mode=False)
    (ones, named) = found.function(0)
    assert ones.tolist() == [1, 1]
    assert named["name"] == "relu"
    assert named["of"].shape == (3,)


def test_a_clone_keeps_the_function():
    layers = [unidl.Input((2,)), unidl.layers.Lambda(lambda x: x + 1)]
    inner = unidl.Sequential(layers)
    model = unidl.Sequential([unidl.Input((2,)), inner])
    clone = unidl.models.clone_model(model)
    assert clone.layers[0].layers[0].function is layers[1].function
    other = unidl.models.clone_model(inner)
    assert other.layers[0].function is layers[1].function


def test_a_clone_keeps_the_loss():
    model = row(unidl.layers.Dense(2))
    model.compile("sgd", loss=lambda y, p: (y - p) ** 2)
    assert unidl.models.clone_model(model).loss is model.loss


def test_copies_keep_the_function_and_pickles_cannot(backend):
    model = row(unidl.layers.Lambda(lambda x: x + 1))
    assert copy.deepcopy(model).layers[0].function is model.layers[0].function
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model)
