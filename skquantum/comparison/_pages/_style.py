"""The look of the report. All names start with skq, so that notebooks keep theirs."""

CSS = """\
.skq { --paper: #fff; --ink: #1c2024; --soft: #5d6670; --line: #d9dee4; --panel: #f4f6f8;
  --good: #0b7a43; --mid: #8a6100; --bad: #b3261e; --mark: #dff3e6;
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) {
  .skq-page .skq { --paper: #14191e; --ink: #e4e8ec; --soft: #9aa5b1; --line: #39424c;
    --panel: #1f262d; --good: #5fd394; --mid: #e5b94e; --bad: #ff8a80; --mark: #1d4a33; }
  .skq-page { background: #14191e; }
}
.skq-notebook { background: var(--paper); border-radius: 4px; padding: .8rem 1rem; }
body.skq-page { margin: 0; }
.skq-page .skq { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
.skq h1 { font-size: 1.7rem; line-height: 1.2; margin: .5rem 0 1rem; }
.skq h2 { font-size: 1.2rem; margin: 2.2rem 0 .7rem; }
.skq h3 { font-size: 1rem; margin: 1rem 0 .4rem; }
.skq p { margin: .5rem 0; max-width: 46rem; }
.skq small, .skq-small { color: var(--soft); font-size: .84em; }
.skq .skq-rule { border-left: 3px solid var(--line); padding-left: .8rem; color: var(--soft); }
.skq .skq-rule b { color: var(--ink); }
.skq-verdict { background: var(--panel); border-left: 5px solid var(--soft); border-radius: 4px;
  margin: 1rem 0; padding: .7rem 1.1rem; }
.skq-use { border-color: var(--good); }
.skq-either { border-color: var(--mid); }
.skq-reject, .skq-failed { border-color: var(--bad); }
.skq .skq-stamp { color: var(--soft); font-size: .84em; margin: 0; }
.skq .skq-advice { font-size: 1.18rem; font-weight: 600; line-height: 1.35;
  margin: .1rem 0 .4rem; }
.skq .skq-note { border-left: 3px solid var(--mid); padding-left: .8rem; }
.skq-scroll { overflow-x: auto; }
.skq table { border-collapse: separate; border-spacing: 0; font-size: .9em;
  font-variant-numeric: tabular-nums; width: 100%; }
.skq th, .skq td { background: none; border-bottom: 1px solid var(--line); padding: .45rem .6rem;
  text-align: right; vertical-align: top; white-space: nowrap; }
.skq thead th { font-weight: 600; vertical-align: bottom; white-space: normal; }
.skq td small, .skq tbody th small { display: block; font-weight: 400; }
.skq th:first-child { background: var(--paper); left: 0; position: sticky; text-align: left; }
.skq tbody th { font-weight: 500; }
.skq .skq-compared th { font-weight: 700; }
.skq tbody th i { border-radius: 50%; display: inline-block; height: .65em; margin-right: .45em;
  width: .65em; }
.skq tbody th i + small, .skq tbody th small { padding-left: 1.1em; }
.skq td.skq-best { background: var(--mark); font-weight: 700; }
.skq-prose td, .skq-prose th { text-align: left; white-space: normal; }
.skq-prose td:nth-child(2) { min-width: 11rem; }
.skq-prose :is(td, th):nth-child(n + 3):nth-child(-n + 5) { text-align: right; }
.skq-prose td:last-child { white-space: nowrap; }
.skq-plots { display: grid; gap: 1.2rem;
  grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); }
.skq figure { margin: 0; max-width: 40rem; min-width: 0; }
.skq figcaption { font-weight: 600; margin-bottom: .3rem; }
.skq svg { color: var(--ink); display: block; height: auto; width: 100%; }
.skq svg text { font-family: inherit !important; }
.skq pre { background: var(--panel); border-radius: 4px; overflow-x: auto; padding: .8rem 1rem;
  font: 13px/1.25 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.skq code { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
.skq details { margin: .8rem 0; }
.skq summary { cursor: pointer; }
.skq dt { color: var(--soft); }
.skq dd { margin: 0 0 .4rem; overflow-wrap: anywhere; }
.skq-run { display: grid; gap: .15rem 1rem; grid-template-columns: max-content 1fr; }
@media (max-width: 36rem) {
  .skq-run { grid-template-columns: 1fr; }
  .skq h1 { font-size: 1.35rem; }
}
"""
