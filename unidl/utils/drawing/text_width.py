"""How wide a text is in Helvetica, whose widths other sans-serif fonts have too, or nearly."""

from __future__ import annotations

import unicodedata

# Thousandths of the size for the characters from blank to ~ (Adobe's font metrics).
_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
_BOLD = 1.1
_ROOM = 1.14  # for fonts that are wider


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Pixels that the text takes up at most, in whichever font is there."""
    thousandths = sum(_width(character) for character in text)
    return thousandths / 1000 * size * (_BOLD if bold else 1.0) * _ROOM


def _width(character: str) -> int:
    place = ord(character) - 32
    if 0 <= place < len(_WIDTHS):
        return _WIDTHS[place]
    if unicodedata.combining(character):
        return 0
    return 1000 if unicodedata.east_asian_width(character) in "WF" else 600
