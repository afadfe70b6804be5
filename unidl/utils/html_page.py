"""A report as one HTML page that needs no script, font or network; by day and by night."""

from __future__ import annotations

from html import escape

import numpy as np

# Share of the budget that an error uses up -> the class of its cell, and what it means.
_SHARES = (
    (0.0, "s0", "0"),
    (1e-3, "s1", "up to 0.1 %"),
    (1e-2, "s2", "up to 1 %"),
    (0.1, "s3", "up to 10 %"),
    (0.5, "s4", "up to 50 %"),
    (1.0, "s5", "up to 100 %"),
    (np.inf, "s6", "beyond, as rounding explains"),
)

_STYLE = """
:root{--bg:#fbfbf9;--card:#fff;--ink:#1c2430;--soft:#667084;--line:#e3e5e8;--good:#0f7b4f;
--bad:#c02b3c;--warn:#a86400}
@media(prefers-color-scheme:dark){:root{--bg:#14171c;--card:#1c2027;--ink:#e8eaee;--soft:#9aa3b2;
--line:#313743;--good:#4cc38a;--bad:#d6455a;--warn:#c98a1f}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,"Segoe UI",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:36px 20px 60px}
h1{font-size:27px;margin:0 0 2px;letter-spacing:-.01em}
p{margin:6px 0}ul{margin:6px 0;padding-left:20px}
.soft{color:var(--soft)}.small{font-size:13px}.hint{display:none}
.verdict{display:inline-block;padding:3px 12px;border-radius:99px;color:#fff;font-weight:600;
font-size:14px;margin-bottom:12px}
.found{border-left:4px solid var(--bad);padding-left:12px;margin:8px 0}
.found.warn{border-color:var(--warn)}h2{font-size:16px;margin:34px 0 10px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;
overflow-x:auto}
table{border-collapse:separate;border-spacing:3px;font-variant-numeric:tabular-nums}
th{font-weight:500;color:var(--soft);font-size:13px;padding:2px 8px;text-align:left}
.map th{text-align:center}
.map th.row{position:sticky;left:0;background:var(--card);text-align:left;color:var(--ink);
white-space:nowrap;padding-right:14px}
th.row span{color:var(--soft);font-weight:400}td.number{text-align:right}
td{padding:4px 9px;border-radius:5px;font-size:13px;vertical-align:top}
.map td{text-align:right;min-width:64px;white-space:nowrap;line-height:20px;color:#17202b}
.map td.none{color:var(--soft);text-align:center}
td.gap{min-width:14px!important;padding:0}tr.rule td,tr.rule th{padding-top:10px}
.s0{background:#eef4f1}.s1{background:#dff0e7}.s2{background:#cfe8da}.s3{background:#bce0cb}
.s4{background:#a6d6ba}.s5{background:#f0e3a0}.s6{background:#f3b562}
.absent{background:#f1e3f5}.known{background:#b3a1c9}
.map td.bad,.key i.bad{background:var(--bad);color:#fff;font-weight:600}
.key span{white-space:nowrap;margin-right:14px}
.key i{display:inline-block;width:22px;height:11px;margin-right:6px;border-radius:3px}
.env{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;font-size:14px}
.env dt{color:var(--soft)}.env dd{margin:0}
.plots{display:flex;gap:16px;flex-wrap:wrap}.plots figure{margin:0;flex:1 1 440px}
figcaption{font-size:13px;color:var(--soft);margin-bottom:4px}
svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:11px}
svg .grid{stroke:var(--line)}svg .axis{stroke:var(--soft)}
.legend span{margin-right:16px;white-space:nowrap;font-size:13px}
.legend svg{display:inline-block;width:26px;height:10px;margin-right:6px}
footer{margin-top:40px;color:var(--soft);font-size:13px}
@media(max-width:700px){main{padding:20px 10px 40px}.card{padding:10px}.hint{display:block}
.map th.row{white-space:normal;overflow-wrap:anywhere;min-width:96px;max-width:34vw}
.env{grid-template-columns:1fr}.plots figure{flex-basis:100%}}
"""


def render(title, heading, verdict, tone, parts) -> str:
    """The page; `tone` of the verdict: "good", "bad" or "warn"."""
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n"
        f'<div class="verdict {tone}" style="background:var(--{tone})">{escape(verdict)}</div>'
        f"<h1>{escape(heading)}</h1>\n{body}\n</main></body></html>\n"
    )


def table(head, rows) -> str:
    """A plain table: `head` are texts, `rows` are rows of texts and of ints (to the right)."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "\n".join(f"<tr>{''.join(map(_plain, row))}</tr>" for row in rows)
    return _scrolling(
        f"<table><thead><tr>{top}</tr></thead><tbody>\n{lines}\n</tbody></table>", len(head)
    )


def _plain(value):
    number = isinstance(value, int)
    text = f"{value:,}" if number else escape(str(value))
    return f'<td class="number">{text}</td>' if number else f"<td>{text}</td>"


def heat_map(groups, rows) -> str:
    """A table of coloured cells.

    groups: [(heading, names of its columns)]. rows: [(heading as HTML, cells of each group, whether
    a rule stands above)], the cells as `cell` makes them.
    """
    gap = '<td class="gap"></td>'
    top = gap.join(f'<th colspan="{len(names)}">{escape(title)}</th>' for title, names in groups)
    second = gap.join("".join(f"<th>{escape(n)}</th>" for n in names) for _, names in groups)
    lines = "\n".join(
        f'<tr{" class=rule" if rule else ""}><th class="row" scope="row">{heading}</th>'
        f"{gap.join(''.join(cells) for cells in parts)}</tr>"
        for heading, parts, rule in rows
    )
    head = f"<thead><tr><th></th>{top}</tr><tr><th></th>{second}</tr></thead>"
    width = sum(len(names) for _, names in groups)
    return _scrolling(f'<table class="map">{head}<tbody>\n{lines}\n</tbody></table>', width)


def _scrolling(content, columns):
    hint = '<p class="hint small soft">Swipe the table to the left to see all columns.</p>'
    return f'{hint if columns > 2 else ""}<div class="card">{content}</div>'


def cell(text, kind, title) -> str:
    """A cell of a heat map; `kind` from `kind_of`, or "bad", "none", "absent", "known"."""
    return f'<td class="{kind}" title="{escape(title)}">{escape(text)}</td>'


def kind_of(share) -> str:
    """The class of a cell for an error that uses up this share of its budget."""
    return next(kind for limit, kind, _ in _SHARES if share <= limit)


def key(*more) -> str:
    """What the colours mean; `more`: further (class, meaning)."""
    items = [(kind, meaning) for _, kind, meaning in _SHARES] + [*more, ("bad", "✗ different")]
    body = "".join(f'<span><i class="{kind}"></i>{meaning}</span>' for kind, meaning in items)
    return f'<p class="key small soft">Share of the budget: {body}</p>'
