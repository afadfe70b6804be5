"""What the texts in attributes claim to have, before HDF5 makes room for it."""

import io

import pytest

from unidl.saving import hdf5
from unidl.saving.object_header import Layout, claims

h5py = pytest.importorskip("h5py")

TEXTS = {"short": ["", "a", "some words"], "long": ["x" * 5000, "y"], "alone": "ä" * 70}


def of_texts(attributes, where="/g", **file):
    made = io.BytesIO()
    with h5py.File(made, "w", **file) as h5:
        h5.create_group("other").attrs["short"] = ["no"] * 7
        for name, value in attributes.items():
            h5.require_group(where).attrs[name] = value
        h5["d"] = 1.0
    return made


def found(file, name, where="/g"):
    with h5py.File(file, "r") as h5:
        plist = h5.id.get_create_plist()
        layout = Layout(*plist.get_sizes(), plist.get_userblock())
        return claims(file, h5py.h5o.get_info(h5[where].id).addr, name, layout)


@pytest.mark.parametrize("where", ["/", "/g"])
@pytest.mark.parametrize(
    "kind",
    [
        {"libver": "earliest"},
        {"libver": ("v108", "v108")},
        {"libver": "latest"},
        {"libver": "latest", "track_order": True},
        {"libver": "earliest", "userblock_size": 512},
    ],
    ids=str,
)
def test_every_kind_of_header(kind, where):
    file = of_texts(TEXTS, where, **kind)
    for name, value in TEXTS.items():
        texts = [value] if isinstance(value, str) else value
        assert found(file, name, where) == [len(text.encode()) for text in texts]
    assert found(file, "not there", where) == []


def test_many_attributes_continue_elsewhere():
    names = [f"{i}" * 40 for i in range(60)]
    file = of_texts(dict.fromkeys(names, "abc"))
    assert all(found(file, name) == [3] for name in names)


def test_attributes_in_a_heap_of_their_own_are_told(tmp_path):
    path = tmp_path / "x.h5"
    path.write_bytes(of_texts({str(i): "a" for i in range(20)}, libver="latest").getvalue())
    with (
        pytest.raises(ValueError, match=r"attribute '3' is kept in a way that unidl does not"),
        hdf5.reading(path, "test") as reader,
    ):
        reader.words("g", "3")


def test_a_text_longer_than_the_file(tmp_path):
    content = bytearray(of_texts({"a": "words"}, "/", libver="earliest").getvalue())
    with h5py.File(io.BytesIO(content), "r") as h5:
        place = h5py.h5o.get_info(h5.id).addr
    reference = content.index((5).to_bytes(4, "little") + content_address(content), place)
    content[reference : reference + 4] = (4_000_000_000).to_bytes(4, "little")
    path = tmp_path / "x.h5"
    path.write_bytes(content)
    with (
        pytest.raises(ValueError, match=r"'a' contains a text of 4,000,000,000 bytes, which"),
        hdf5.reading(path, "test") as reader,
    ):
        reader.text_attribute("a")


def content_address(content):
    return content.index(b"GCOL").to_bytes(8, "little")


@pytest.mark.parametrize("cut", range(0, 400, 23))
def test_damage_is_no_other_error(cut):
    whole = of_texts({"short": TEXTS["short"]}).getvalue()
    for place in range(0, 2000, 40):
        spoilt = io.BytesIO(whole[:cut] + b"\xff" * 40 + whole[cut + 40 :])
        assert isinstance(claims(spoilt, place, "short", Layout(8, 8, 0)), list)
