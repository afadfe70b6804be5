"""The page: one style for both reports, colours that warn of nothing ordinary, budgets drawn."""

import numpy as np
import pytest

import unidl
from unidl import layers
from unidl.conformance import html
from unidl.conformance.engine import Record
from unidl.utils import html_page
from unidl.verify import verify


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Of two backends, of which one cannot train."""
    unidl.utils.set_random_seed(1)
    model = unidl.Sequential([unidl.Input((4,)), layers.Dense(3, name="a <b>")])
    second = type("Second", (type(unidl.get_backend("numpy")),), {"name": "second"})()

    def unsupported(*args, **kwargs):
        raise unidl.backend.UnsupportedError("no training")

    second.adam_update = unsupported
    report = verify(model, np.ones((4, 4)), backends=["numpy", second], steps=3)
    path = tmp_path_factory.mktemp("page") / "r.html"
    report.to_html(path)
    return path.read_text()


@pytest.mark.parametrize(
    ("share", "kind"),
    [(0, "s0"), (2 / 16, "s4"), (8 / 16, "s4"), (0.9, "s5"), (1.0, "s5"), (2, "s6")],
)
def test_an_ordinary_error_is_green(share, kind):
    """Two roundings of sixteen are what float32 makes everywhere."""
    assert html_page.kind_of(share) == kind


def test_only_backends_with_a_line_are_in_the_legend(page):
    legend = page[page.index('class="legend"') :]
    legend = legend[: legend.index("</p>")]
    assert ">numpy<" in legend.replace("</svg>", ">")
    assert "second" not in legend
    assert "budget" in legend


def test_the_budgets_are_drawn(page):
    for dtype in ("float64", "float32"):
        assert f"<title>budget, {dtype}</title>" in page


def test_on_a_phone_the_table_can_be_swiped_and_says_so(page):
    assert "Swipe the table" in page
    assert "position:sticky" in page
    assert "@media(max-width:700px)" in page
    assert "white-space:nowrap;line-height:20px" in page  # a mark makes no row taller


def test_names_are_escaped_and_nothing_is_loaded(page):
    assert "a &lt;b&gt;" in page
    assert "a <b>" not in page
    assert all(word not in page for word in ("<script", "http://", "https://", "src=", "href="))


def test_both_reports_have_one_style(page):
    def record(what, **more):
        given = {"error": 2.0, "budget": 16.0, "passed": True} | more
        return Record("tanh: <b>", "numpy", "cpu:0", "float32", what, **given, version="1")

    records = [record("forward"), record("gradient of x", passed=False, known="six digits")]
    other = html.page(records)

    def style(text):
        return text[text.index("<style>") : text.index("</style>")]

    assert style(other) == style(page)
    assert 'class="known"' in other
    assert "tanh: &lt;b&gt;" in other
    assert "All 2 records are as they should be" in other
    failed = html.page([record("forward", error=20.0, passed=False)])
    assert "1 of 1 records failed" in failed
    assert '<td class="bad"' in failed
