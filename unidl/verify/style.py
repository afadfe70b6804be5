"""How the page looks, by day and by night."""

STYLE = """
:root{--bg:#fbfbf9;--card:#fff;--ink:#1c2430;--soft:#667084;--line:#e3e5e8;--good:#0f7b4f;--bad:#c02b3c;--warn:#a86400}
@media(prefers-color-scheme:dark){:root{--bg:#14171c;--card:#1c2027;--ink:#e8eaee;--soft:#9aa3b2;--line:#313743;--good:#4cc38a;--bad:#ff6b7a;--warn:#f0b04a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:36px 20px 60px}
h1{font-size:27px;margin:0 0 2px;letter-spacing:-.01em}
h2{font-size:16px;margin:34px 0 10px}
p{margin:6px 0}
.soft{color:var(--soft)}
.small{font-size:13px}
.verdict{display:inline-block;padding:3px 12px;border-radius:99px;color:#fff;font-weight:600;font-size:14px;margin-bottom:12px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;overflow-x:auto}
table{border-collapse:separate;border-spacing:3px;font-variant-numeric:tabular-nums}
th{font-weight:500;color:var(--soft);font-size:13px;padding:2px 8px}
th.row{text-align:left;color:var(--ink);white-space:nowrap;padding-right:14px}
th.row span{color:var(--soft);font-weight:400}
td{padding:5px 9px;border-radius:5px;text-align:right;font-size:13px;min-width:76px;color:#17202b}
td.none{color:var(--soft);text-align:center}
td.gap{min-width:14px;padding:0}
td.bad{color:#fff;font-weight:600}
tr.rule td,tr.rule th{padding-top:10px}
.first{border-left:4px solid var(--bad);padding-left:12px;margin:8px 0}
.key i{display:inline-block;width:34px;height:11px}
.env{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;font-size:14px}
.env dt{color:var(--soft)}
.env dd{margin:0}
.plots{display:flex;gap:16px;flex-wrap:wrap}
.plots figure{margin:0;flex:1 1 440px}
figcaption{font-size:13px;color:var(--soft);margin-bottom:4px}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--soft);font-size:11px}
svg .grid{stroke:var(--line)}
svg .axis{stroke:var(--soft)}
.legend span{margin-right:16px;white-space:nowrap;font-size:13px}
.legend svg{display:inline-block;width:26px;height:10px;margin-right:6px}
ul{margin:6px 0;padding-left:20px}
footer{margin-top:40px;color:var(--soft);font-size:13px}
"""
