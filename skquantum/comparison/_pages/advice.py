"""The page of advice: a sentence, tables, and what else is to be said."""

from collections.abc import Sequence
from html import escape

from skquantum.comparison._pages.appendix import data_html
from skquantum.comparison._pages.style import document


def advice_page(
    title: str,
    kind: str,
    sentence: str,
    tables: Sequence[tuple[str, Sequence[Sequence[str]]]],
    paragraphs: Sequence[str],
    data: tuple[Sequence[tuple[str, str]], Sequence[str]],
) -> str:
    """Return a page of its own.

    Parameters
    ----------
    title, kind, sentence : str
        `kind` is the class of the sentence: use, either or reject.
    tables : sequence of (str, rows)
        Titles, and rows of cells, the first of which are heads.
    paragraphs : sequence of str
    data : (table, notes)
        Columns with what was done to each, and what is to be said of the data.
    """
    sections = [
        f"<header><h1>{escape(title)}</h1></header>",
        f'<p class="skq-answer skq-{kind}">{escape(sentence)}</p>',
        *(_table(name, rows) for name, rows in tables),
        "<section><h2>What else speaks for or against it</h2><ul>"
        + "".join(f"<li>{escape(text)}</li>" for text in paragraphs)
        + "</ul></section>",
        f"<section>{data_html(*data)}</section>",
    ]
    return document(title, sections)


def _table(title: str, rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{escape(cell)}</th>' if i == 0 else f"<td>{escape(cell)}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows[1:]
    )
    return (
        f'<section><h2>{escape(title)}</h2><div class="skq-scroll"><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table></div></section>"
    )
