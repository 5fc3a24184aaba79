"""The look of all pages. All names start with skq, so that notebooks keep theirs."""

from collections.abc import Iterable
from html import escape

CSS = """\
.skq { --paper: #fff; --ink: #1c2024; --soft: #59626c; --line: #d9dee4; --panel: #f4f6f8;
  --good: #0b7a43; --mid: #8a6100; --bad: #b3261e; --mark: #dff3e6; --accent: #c2500a;
  --hit: 11, 122, 67; --miss: 194, 80, 10; --deep: .5; --deeper: .8;
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) {
  .skq-page .skq { --paper: #14191e; --ink: #e4e8ec; --soft: #b4bec8; --line: #39424c;
    --panel: #1f262d; --good: #5fd394; --mid: #e5b94e; --bad: #ff8a80; --mark: #1d4a33;
    --accent: #f0884a; --hit: 95, 211, 148; --miss: 240, 136, 74;
    --deep: .36; --deeper: .45; }
  .skq-page { background: #14191e; }
}
.skq-notebook { background: var(--paper); border-radius: 4px; padding: .8rem 1rem; }
body.skq-page { margin: 0; }
.skq-page .skq { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
.skq h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0 .2rem; overflow-wrap: anywhere; }
.skq h2 { border-top: 1px solid var(--line); font-size: 1.15rem; margin: 2.4rem 0 .7rem;
  padding-top: 1.1rem; }
.skq h3 { font-size: 1rem; margin: 1rem 0 .4rem; overflow-wrap: anywhere; }
.skq p { margin: .5rem 0; max-width: 46rem; overflow-wrap: anywhere; }
.skq small, .skq-small { color: var(--soft); font-size: .84em; }
.skq .skq-answer { background: var(--panel); border-left: 6px solid var(--soft);
  border-radius: 4px; font-size: 1.3rem; font-weight: 600; line-height: 1.4; margin: 1.1rem 0;
  max-width: none; padding: 1rem 1.3rem; }
.skq .skq-rule { border-left: 6px solid var(--line); color: var(--soft); margin: 0;
  max-width: 52rem; padding-left: 1.3rem; }
.skq .skq-rule b { color: var(--ink); }
.skq-verdict { border-left: 4px solid var(--soft); margin: 1rem 0; padding: .1rem 1.1rem; }
.skq .skq-use { border-color: var(--good); }
.skq .skq-either { border-color: var(--mid); }
.skq .skq-reject, .skq .skq-failed { border-color: var(--bad); }
.skq .skq-stamp { color: var(--soft); font-size: .84em; margin: 0; }
.skq .skq-advice { font-weight: 600; margin: .1rem 0 .2rem; }
.skq .skq-note { border-left: 4px solid var(--mid); padding-left: 1.1rem; }
.skq-scroll { overflow-x: auto; }
.skq table { border-collapse: separate; border-spacing: 0; font-size: .9em;
  font-variant-numeric: tabular-nums; width: 100%; }
.skq th, .skq td { background: none; border-bottom: 1px solid var(--line); padding: .45rem .6rem;
  text-align: right; vertical-align: top; white-space: nowrap; }
.skq thead th { color: var(--soft); font-weight: 600; vertical-align: bottom;
  white-space: normal; }
.skq abbr { cursor: help; text-decoration: underline dotted; text-underline-offset: .2em; }
.skq td small, .skq tbody th small { display: block; font-weight: 400; }
.skq th:first-child { background: var(--paper); left: 0; position: sticky; text-align: left;
  z-index: 1; }
.skq tbody th { font-weight: 500; }
.skq .skq-compared th { font-weight: 700; }
.skq tbody th i { border-radius: 50%; display: inline-block; height: .65em; margin-right: .45em;
  width: .65em; }
.skq tbody th i + small, .skq tbody th i ~ small { padding-left: 1.1em; }
.skq td.skq-best { background: var(--mark); font-weight: 700; }
.skq .skq-matrix { width: auto; }
.skq .skq-matrix td { min-width: 2.4rem; }
.skq td.skq-right { background: rgba(var(--hit), calc(var(--deep) * var(--share))); }
.skq td.skq-wrong { background: rgba(var(--miss), calc(var(--deeper) * var(--share))); }
.skq-prose td, .skq-prose th { text-align: left; white-space: normal; }
.skq-prose td { min-width: 9rem; }
.skq-tuning td:nth-child(2) { min-width: 11rem; }
.skq-tuning :is(td, th):nth-child(n + 3):nth-child(-n + 5) { min-width: 0; text-align: right; }
.skq-tuning td:last-child { white-space: nowrap; }
.skq-plots { display: grid; gap: 1.6rem 1.2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
.skq figure { margin: 0; max-width: 40rem; min-width: 0; }
.skq figcaption { font-weight: 600; margin-bottom: .3rem; overflow-wrap: anywhere; }
.skq svg { color: var(--ink); display: block; height: auto; width: 100%; }
.skq svg text { font-family: inherit !important; }
.skq-wire { stroke: var(--line); stroke-width: 1.2; }
.skq-data { fill: var(--accent); stroke: var(--accent); stroke-width: 1.3; }
.skq-fixed { fill: var(--paper); stroke: var(--soft); stroke-width: 1.3; }
.skq-data-line { stroke: var(--accent); stroke-width: 1.3; }
.skq-fixed-line { stroke: var(--soft); stroke-width: 1.3; }
.skq pre { background: var(--panel); border-radius: 4px; overflow-x: auto; padding: .8rem 1rem;
  font: 13px/1.25 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.skq pre.skq-command { white-space: pre-wrap; overflow-wrap: anywhere; }
.skq code { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
.skq details { margin: .8rem 0; }
.skq summary { color: var(--soft); cursor: pointer; }
.skq dt { color: var(--soft); }
.skq dd { margin: 0 0 .4rem; overflow-wrap: anywhere; }
.skq-run { display: grid; gap: .15rem 1rem; grid-template-columns: max-content 1fr; }
@media (max-width: 36rem) {
  .skq-page .skq { padding: 1rem .9rem 3rem; }
  .skq-run { grid-template-columns: 1fr; }
  .skq h1 { font-size: 1.3rem; }
  .skq .skq-answer { font-size: 1.12rem; padding: .8rem 1rem; }
  .skq-scroll tbody th { min-width: 8rem; max-width: 11rem; overflow-wrap: break-word;
    white-space: normal; }
  .skq-matrix tbody th { min-width: 0; }
}
@media print { .skq details { display: block; } .skq-scroll { overflow: visible; } }
"""


def document(title: str, sections: Iterable[str]) -> str:
    """Return a page of its own; empty sections are left out."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{CSS}</style>\n</head>\n"
        '<body class="skq-page"><main class="skq">\n'
        + "\n".join(filter(None, sections))
        + "\n</main></body>\n</html>\n"
    )
