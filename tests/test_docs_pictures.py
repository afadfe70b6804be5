"""The pictures of the documentation are there, and are what they should be."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_pictures_are_there():
    text = "".join((DOCS / page).read_text() for page in ("display.md", "callbacks.md"))
    named = set(re.findall(r"\]\((pictures/[^)]+)\)", text))
    assert named == {f"pictures/{path.name}" for path in (DOCS / "pictures").iterdir()}
    for path in (DOCS / "pictures").glob("*.svg"):
        text = path.read_text()
        assert ET.fromstring(text).tag.endswith("svg")
        assert "url(http" not in text  # nothing is fetched
