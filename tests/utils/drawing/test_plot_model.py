"""plot_model and model_to_dot: what is in the drawing is what Keras draws."""

import sys
import xml.etree.ElementTree as ET
from collections import Counter

import keras
import pytest

import unidl
from tests.zoo import MODELS
from unidl import layers
from unidl.utils import model_to_dot, plot_model
from unidl.utils.drawing import graphviz

SVG = "{http://www.w3.org/2000/svg}"


class Net(unidl.Model):
    def __init__(self):
        super().__init__(name="net")
        self.first = layers.Dense(3, name="first")
        self.rest = [unidl.Sequential([layers.Dense(2, name="deep")], name="row")]

    def call(self, inputs):
        return self.rest[0](self.first(inputs))


def small():
    inputs = unidl.Input((4,), name="in")
    left, right = layers.Dense(3, name="left")(inputs), layers.Dense(3, name="right")(inputs)
    return unidl.Model(inputs, layers.Add(name="sum")([left, right]), name="small")


def _kinds(dot):
    """{(class, class): edges} of a dot graph and {class: boxes}, clusters' too."""
    kinds = {}
    edges = []

    def walk(part):
        for node in part.get_nodes():
            label = node.get_label()
            if label and node.get_name() not in ("node", "edge"):
                text = label.replace("<b>", "").replace("</b>", "")
                named = text.partition("(")[2].partition(")")[0]
                kinds[node.get_name()] = (named or text.strip('"')).lower().replace("_", "")
        edges.extend((e.get_source(), e.get_destination()) for e in part.get_edges())
        for inner in part.get_subgraphs():
            walk(inner)

    walk(dot)
    kinds = {name: kind.rstrip("0123456789") for name, kind in kinds.items()}
    return Counter(kinds.values()), Counter((kinds[a], kinds[b]) for a, b in edges)


# Keras draws functions as classes, and the function behind a layer that makes its mask.
DRAWN_OTHERWISE = {"functions", "words", "tagger"}


@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("name", sorted(MODELS.keys() - DRAWN_OTHERWISE))
def test_boxes_and_edges_are_those_of_keras(name, expand):
    pytest.importorskip("pydot")
    mine = model_to_dot(MODELS[name](unidl), expand_nested=expand)
    theirs = keras.utils.model_to_dot(MODELS[name](keras), expand_nested=expand)
    assert _kinds(mine) == _kinds(theirs)


def test_an_svg_shows_every_layer(tmp_path):
    drawing = plot_model(
        small(), tmp_path / "m.svg", show_shapes=True, show_dtype=True, show_layer_names=True,
        show_layer_activations=True, show_trainable=True,
    )  # fmt: skip
    root = ET.parse(tmp_path / "m.svg").getroot()
    texts = [text.text for text in root.iter(f"{SVG}text")]
    for expected in (
        "in (InputLayer)", "left (Dense)", "sum (Add)", "in: (None, 4)", "out: (None, 3)",
        "in: [(None, 3), (None, 3)]", "activation: linear", "dtype: float32", "trainable",
    ):  # fmt: skip
        assert expected in texts
    assert len([path for path in root.iter(f"{SVG}path") if path.get("marker-end")]) == 4
    assert drawing._repr_mimebundle_()["image/svg+xml"] == (tmp_path / "m.svg").read_text()


def test_names_and_markup_are_escaped(tmp_path):
    model = unidl.Sequential([unidl.Input((2,)), layers.Dense(1, name='a<b>&"c"')])
    plot_model(model, tmp_path / "m.svg", show_layer_names=True)
    assert 'a<b>&"c" (Dense)' in [t.text for t in ET.parse(tmp_path / "m.svg").iter(f"{SVG}text")]
    text = plot_model(model, tmp_path / "m.mmd", show_layer_names=True).content.decode()
    assert 'n0["<b>a#lt;b#gt;#amp;#quot;c#quot; (Dense)</b>"]' in text


def test_without_a_file_an_svg_is_returned():
    drawing = plot_model(small(), None)
    assert (drawing.kind, drawing.path) == ("svg", None)
    assert repr(drawing) == "<Drawing svg, in no file>"


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
@pytest.mark.parametrize("splines", ["ortho", "curved", "line"])
def test_images(tmp_path, rankdir, splines):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "m.png"
    plot_model(
        MODELS["nested"](unidl), path, expand_nested=True, rankdir=rankdir, splines=splines, dpi=48
    )
    with image.open(path) as picture:
        assert (picture.width > picture.height) == (rankdir in ("LR", "RL"))
        assert len(picture.getcolors(100_000)) > 10


def test_an_image_of_many_layers_stays_in_bounds(tmp_path):
    image = pytest.importorskip("PIL.Image")
    model = unidl.Sequential([unidl.Input((2,)), *(layers.Activation("relu") for _ in range(700))])
    plot_model(model, tmp_path / "m.png")
    with image.open(tmp_path / "m.png") as picture:
        assert max(picture.size) == 60_000


def test_markdown_has_a_mermaid_block(tmp_path):
    text = plot_model(MODELS["nested"](unidl), tmp_path / "m.md", expand_nested=True).content
    lines = text.decode().splitlines()
    assert lines[:2] == ["```mermaid", "flowchart TB"]
    assert lines[-1] == "```"
    assert sum(" --> " in line for line in lines) == 7
    assert sum("subgraph" in line for line in lines) == 2


def test_a_subclass_is_drawn_as_its_tree(tmp_path):
    model = Net()
    model.build((None, 4))
    flat = plot_model(model, tmp_path / "m.mmd", show_layer_names=True, show_shapes=True)
    assert flat.content.decode().splitlines()[1:6] == [
        '    n0["<b>net (Net)</b><br/>out: (None, 2)"]',
        '    n1["<b>first (Dense)</b><br/>out: (None, 3)"]',
        "    n0 --- n1",
        '    n2["<b>row (Sequential)</b><br/>out: (None, 2)"]',
        "    n0 --- n2",
    ]
    assert b"deep" not in flat.content
    assert (
        b"deep (Dense)"
        in plot_model(model, None, show_layer_names=True, expand_nested=True).content
    )
    pytest.importorskip("pydot")
    assert _kinds(model_to_dot(model))[0] == Counter(net=1, dense=1, sequential=1)


def test_dot_files_and_clusters(tmp_path):
    pytest.importorskip("pydot")
    assert b"digraph" in plot_model(small(), tmp_path / "m.dot").content
    assert model_to_dot(small(), subgraph=True).get_label() == '"small"'


def test_graphviz_draws_where_it_is_installed(tmp_path, monkeypatch):
    """The program is played by a script that tells its arguments."""
    pytest.importorskip("pydot")
    script = tmp_path / "dot"
    script.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "sys.exit('no such format') if '-Tabc' in sys.argv else print(sys.argv, sys.stdin.read())\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert graphviz.is_installed()
    written = plot_model(small(), tmp_path / "m.pdf").content
    assert b"'-Tpdf'" in written
    assert b"dpi=72" in written
    with pytest.raises(ValueError, match="Graphviz could not write 'abc': no such format"):
        plot_model(small(), tmp_path / "m.abc")


def test_what_is_missing_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImportError, match=r"pydot and Graphviz.*model\.svg"):
        plot_model(small(), tmp_path / "m.pdf")
    monkeypatch.setattr("unidl.utils.drawing.plot.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"Pillow.*unidl-framework\[images\].*model\.svg"):
        plot_model(small())
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ImportError, match=r"model_to_dot needs pydot.*unidl-framework\[drawing\]"):
        model_to_dot(small())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("function", [plot_model, model_to_dot])
def test_wrong_use(function):
    with pytest.raises(ValueError, match=r"Net 'net' is not built.*model\.build"):
        function(Net())
    with pytest.raises(ValueError, match="rankdir is one of TB, BT, LR, RL, got 'BL'"):
        function(small(), rankdir="BL")
    with pytest.raises(ValueError, match=r"splines is one of.*'curve'.*Did you mean 'curved'"):
        function(small(), splines="curve")
    with pytest.raises(TypeError, match="expected a model, got 3"):
        function(3)
    with pytest.raises(TypeError, match=r"show_shape.*Did you mean 'show_shapes'"):
        function(small(), show_shape=True)
