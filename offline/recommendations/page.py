"""Writes a report as one HTML page that needs no network and no script."""

from collections.abc import Sequence
from html import escape

from offline.recommendations.charts import drawn
from offline.recommendations.shown import Chart, Table, text_of

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;
color:#1b1b1f;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2.2rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.25rem .7rem;text-align:right;white-space:nowrap;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left}
small{display:block;opacity:.65;font-size:.75rem}
svg{width:100%;max-width:760px;height:auto;font-size:11px;fill:#555}
.grid{stroke:#e2e2e6}.whisker{stroke:#1b1b1f;stroke-width:1.2}
polyline{stroke-width:2}
.legend span{margin-right:1.2rem}
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.35em;border-radius:2px}
@media (prefers-color-scheme:dark){body{color:#e6e6ea;background:#17171a}
th,td{border-color:#3a3a40}svg{fill:#aaa}.grid{stroke:#333338}.whisker{stroke:#e6e6ea}}
"""


def page(title: str, notes: Sequence[str], tables: Sequence[Table], charts: Sequence[Chart]) -> str:
    """Returns the page: notes, tables, then charts."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(note)}</p>" for note in notes),
        *map(_table, tables),
        *(f"<h2>{escape(chart.title)}</h2>{drawn(chart)}" for chart in charts),
        "</body></html>",
    ]
    return "\n".join(parts)


def _table(table: Table) -> str:
    signed = table.name.startswith("differences")
    head = "".join(f"<th>{escape(column)}</th>" for column in ("", *table.columns))
    rows = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f"<td>{_cell(text_of(cell, signed=signed))}</td>" for cell in cells)
        + "</tr>"
        for name, cells in table.rows
    )
    return (
        f"<h2>{escape(table.title)}</h2>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>"
    )


def _cell(text: str) -> str:
    """Returns a cell's text, its interval in small print below."""
    mean, bracket, interval = text.partition(" [")
    small = f"<small>[{escape(interval)}</small>" if bracket else ""
    return escape(mean) + small
