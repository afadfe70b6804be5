"""Lines over training steps, as SVG."""

from __future__ import annotations

import math
from html import escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 480, 250, 58, 30, 10, 10
_COLOURS = ("#2f6fde", "#e07b27", "#16a08a", "#a04fc4", "#c8385e", "#7a8a2b", "#5b6b82")
_DASHES = {"float64": "", "float32": "5 4"}
_DOTS = "1.5 4"
_SMALLEST = 1e-18  # what a logarithmic plot shows for zero


def plot(series, targets, logarithmic=False) -> str:
    """`series`: [(target, dtype, values by step)]; values that are not finite break the line.

    The targets "reference" and "budget" have lines of their own.
    """
    series = [(t, d, [_shown(v, logarithmic) for v in values]) for t, d, values in series]
    values = [v for _, _, points in series for v in points if v is not None]
    if not values:
        return '<p class="soft small">No finite value to plot.</p>'
    steps = max(len(points) for _, _, points in series)
    low, high = min(values), max(values)
    if logarithmic:
        low, high = math.floor(low), math.ceil(high)
    margin = 0 if logarithmic and high > low else (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    low, high = low - margin, high + margin

    def across(step):
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (step / max(1, steps - 1))

    def up(value):
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))

    parts = []
    for tick in _ticks(low, high, logarithmic):
        text = f"10{_superscript(tick)}" if logarithmic else f"{tick:.4g}"
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{up(tick):.1f}" '
            f'y2="{up(tick):.1f}"/>'
        )
        parts.append(
            f'<text x="{_LEFT - 8}" y="{up(tick) + 4:.1f}" text-anchor="end">{text}</text>'
        )
    for step in sorted({0, steps - 1, *(round((steps - 1) * part / 4) for part in range(5))}):
        parts.append(
            f'<text x="{across(step):.1f}" y="{_HEIGHT - 10}" '
            f'text-anchor="middle">{step + 1}</text>'
        )
    base = _HEIGHT - _BOTTOM
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{base}" y2="{base}"/>'
    )
    for target, dtype, points in series:
        colour, wide, dash = {
            "reference": ("var(--line)", 7, ""),
            "budget": ("var(--soft)", 1.4, _DOTS),
        }.get(target) or (colour_of(target, targets), 1.8, _DASHES[dtype])
        for piece in _pieces(points):
            path = " ".join(f"{across(step):.1f},{up(v):.1f}" for step, v in piece)
            title = f"<title>{escape(target)}, {dtype}</title>"
            if len(piece) == 1:
                parts.append(
                    f'<circle cx="{path.split(",")[0]}" cy="{path.split(",")[1]}" r="3" '
                    f'fill="{colour}">{title}</circle>'
                )
            else:
                parts.append(
                    f'<polyline points="{path}" fill="none" stroke="{colour}" '
                    f'stroke-width="{wide}" stroke-linejoin="round" '
                    f'stroke-dasharray="{dash}">{title}</polyline>'
                )
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(parts)}</svg>'


def legend(drawn, targets, dtypes) -> str:
    """What the colours and dashes of `plot` mean, for those of the `targets` that are `drawn`."""

    def line(colour, dash):
        stroke = f'stroke="{colour}" stroke-width="2.4" stroke-dasharray="{dash}"'
        return f'<svg viewBox="0 0 26 10"><line x1="0" x2="26" y1="5" y2="5" {stroke}/></svg>'

    items = [f"<span>{line(colour_of(t, targets), '')}{escape(t)}</span>" for t in drawn]
    items += [f"<span>{line('var(--soft)', _DASHES[d])}{d}</span>" for d in _DASHES if d in dtypes]
    items.append(f"<span>{line('var(--soft)', _DOTS)}budget of the largest error</span>")
    return f'<p class="legend">{"".join(items)}</p>'


def colour_of(target, targets):
    return _COLOURS[targets.index(target) % len(_COLOURS)]


def _shown(value, logarithmic):
    if not math.isfinite(value):
        return None
    return math.log10(max(value, _SMALLEST)) if logarithmic else value


def _pieces(points):
    """Runs of (step, value) without a gap."""
    found, piece = [], []
    for step, value in enumerate(points):
        if value is None:
            found, piece = found + [piece] * bool(piece), []
        else:
            piece.append((step, value))
    return found + [piece] * bool(piece)


def _ticks(low, high, logarithmic):
    if logarithmic:
        every = max(1, math.ceil((high - low) / 7))
        return range(math.ceil(low), math.floor(high) + 1, every)
    raw = (high - low) / 5
    unit = 10 ** math.floor(math.log10(raw))
    every = unit * min((m for m in (1, 2, 5, 10) if m * unit >= raw), default=10)
    return [n * every for n in range(math.ceil(low / every), math.floor(high / every) + 1)]


def _superscript(number):
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
