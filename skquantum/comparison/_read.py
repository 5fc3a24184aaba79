"""From a file to rows of text: its encoding, what separates its columns, its header."""

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from skquantum._validation import install_hint, plain
from skquantum.comparison._values import is_number

#: What is read, by the end of the file's name; text is told apart by its contents.
TEXT = (".csv", ".tsv", ".tab", ".txt", ".dat")
BY_SPACES = (".txt", ".dat")  # may have columns that spaces separate
BINARY = {".parquet": "read_parquet", ".pq": "read_parquet", ".feather": "read_feather"}
EXCEL = (".xlsx", ".xlsm")
FILES = (*TEXT, *BINARY, *EXCEL)

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}
NO_SEPARATOR = "\x1f"  # of one-column files: a character that stands in none
SNIFFED_ROWS = 200
REGULAR = 0.8  # share of rows with as many fields as most
SHOWN = 3  # rows, columns or values that a message lists

Row = list[Any]


@dataclass
class Raw:
    """A table as it stands in a file, and what is to be said of the file.

    Attributes
    ----------
    names : list of str
        Of the columns.
    rows : list of list
        Text, or whatever a spreadsheet's cells hold.
    notes : list of str
        Whole sentences.
    separator : str
        What separates the columns, "" in a spreadsheet.
    repeated : set of str
        Names that stand twice in the file.
    """

    names: list[str]
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    separator: str = ""
    repeated: set[str] = field(default_factory=set)


def read_text(path: Path) -> Raw:
    """Read a text file with separated columns."""
    text, notes = _decode(path)
    lines = text.splitlines(keepends=True)
    if lines and re.fullmatch(r'"?sep=(.)"?\s*', lines[0]):  # what Excel writes for itself
        lines = lines[1:]
    lines, commented, said = _without_comments(lines)
    notes += said
    text = "".join(lines)
    separator = _separator(text)
    rows = _split(text, separator)
    if not rows:
        raise ValueError("it is empty.")
    if separator == NO_SEPARATOR and path.suffix.lower() in BY_SPACES and _by_spaces(lines):
        rows, separator = [line.split() for line in lines if line.strip()], " "
    if separator not in (",", NO_SEPARATOR):
        notes.append(f"The columns are separated by {SEPARATORS[separator]}.")
    return _with_header(rows, commented, separator, notes)


def read_excel(path: Path) -> Raw:
    """Read the first sheet of a workbook."""
    import pandas as pd

    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = book.sheet_names
            # Cells as they are: names that stand twice are not for pandas to change in silence.
            cells = book.parse(sheets[0], header=None, dtype=object)
    except ImportError:
        raise ImportError(
            f"Reading {path.suffix} files needs openpyxl: {install_hint('excel')}. A CSV file "
            "does not need it."
        ) from None
    rows = [
        ["" if value is None or value != value else value for value in row]
        for row in cells.to_numpy(dtype=object).tolist()
    ]
    rows = [row for row in rows if any(value != "" for value in row)]
    if not rows:
        raise ValueError("its first sheet is empty.")
    notes = []
    if len(sheets) > 1:
        notes.append(f"Of {len(sheets)} sheets the first, {plain(sheets[0])!r}, is read.")
    return _with_header(rows, None, "", notes)


# --- characters ---------------------------------------------------------------------------------


def _decode(path: Path) -> tuple[str, list[str]]:
    """Return a file's text, and what to say of its encoding."""
    raw = path.read_bytes()
    boms = {
        codecs.BOM_UTF8: "utf-8-sig",
        codecs.BOM_UTF32_LE: "utf-32",  # begins like UTF-16
        codecs.BOM_UTF32_BE: "utf-32",
        codecs.BOM_UTF16_LE: "utf-16",
        codecs.BOM_UTF16_BE: "utf-16",
    }
    encoding = next((name for bom, name in boms.items() if raw.startswith(bom)), None)
    if encoding is None and b"\0" in raw[:1000]:
        # Every other byte of Latin letters in UTF-16 is zero.
        odd, even = raw[1:1000:2].count(0), raw[:1000:2].count(0)
        encoding = "utf-16-le" if odd > even else "utf-16-be"
    for name in [encoding] if encoding else ["utf-8", "cp1252", "latin-1"]:
        try:
            text = raw.decode(name)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ValueError(f"it is no text in {encoding}.")
    if "\0" in text:
        raise ValueError("it is no text, but something binary.")
    if name in ("utf-8", "utf-8-sig"):
        return text, []
    shown = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}.get(name, name.upper())
    guess = encoding is None
    return text, [
        f"The file is read as {shown}"
        + (", as it is not UTF-8: save it as UTF-8 if letters look wrong." if guess else ".")
    ]


# --- rows ---------------------------------------------------------------------------------------


def _without_comments(lines: list[str]) -> tuple[list[str], str | None, list[str]]:
    """Leave lines on top that begin with ``#`` out; return the last of them, too.

    It may be the header, which the rows will tell.
    """
    first = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if not first:
        return lines, None, []
    said = f"What begins with # on top ({_count(first, 'line')}) is taken for a comment."
    return lines[first:], lines[first - 1].lstrip("# "), [said]


def _split(text: str, separator: str, limit: int | None = None) -> list[Row]:
    """Return the rows of a text, without empty ones; quoted fields may hold line breaks."""
    try:
        return _parse(text, separator, limit, strict=True)
    except csv.Error as error:
        if limit is None and "end of data" in str(error):
            raise ValueError(f"a quotation mark is opened and not closed ({error}).") from error
    try:
        return _parse(text, separator, limit, strict=False)  # "quoted" and more in one field
    except csv.Error as error:
        if limit is None:
            raise ValueError(f"{error}.") from error
        return []


def _parse(text: str, separator: str, limit: int | None, strict: bool) -> list[Row]:
    lines = io.StringIO(text, newline="")
    rows: list[Row] = []
    after_spaces = separator != "\t"
    for row in csv.reader(
        lines, delimiter=separator, skipinitialspace=after_spaces, strict=strict
    ):
        row = [value.strip() for value in row]
        # A line of separators alone is empty, as spreadsheets write below their tables.
        if any(row):
            rows.append(row)
            if len(rows) == limit:
                break
    return rows


def _separator(text: str) -> str:
    """Return what separates the columns: what cuts most rows into as many fields as the header.

    Semicolons, tabs and bars come before commas, which may stand in numbers.
    """
    found = {}
    for separator in ",;\t|":
        rows = _split(text, separator, SNIFFED_ROWS) if separator in text else []
        if not rows:
            continue
        counts = Counter(map(len, rows))
        width, n_rows = counts.most_common(1)[0]
        # Not a title above the header, and no numbers with decimal commas below it.
        header = next((r for r in rows if len(r) > 1 and not all(map(is_number, r))), rows[0])
        # A comma that is not in the header is a decimal one.
        if width > 1 and (len(header) > 1 or separator != ","):
            regular = n_rows >= REGULAR * len(rows)
            found[separator] = (regular, len(header) == width, separator != ",")
    return max(found, key=found.__getitem__) if found else NO_SEPARATOR


def _by_spaces(lines: list[str]) -> bool:
    """Whether spaces cut the lines into as many fields as the first."""
    widths = [len(line.split()) for line in lines if line.strip()]
    return widths[0] > 1 and widths.count(widths[0]) >= REGULAR * len(widths)


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


# --- header -------------------------------------------------------------------------------------


def _with_header(
    rows: list[Row],
    commented: str | None,
    separator: str,
    notes: list[str],
) -> Raw:
    """Find the header, and bring all rows to its width."""
    rows = _without_title(rows, notes)
    names = rows[0]
    if _is_data(rows, notes):
        candidate = _split(commented, separator, 1) if commented else []
        if candidate and len(candidate[0]) == len(names):
            names = candidate[0]
            notes.append("The last line that begins with # is taken for the header.")
        else:
            names = [f"column {i + 1}" for i in range(len(names))]
            listed = ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
            notes.append(
                "The first row looks like the others, so the file is taken to have no header; the "
                f"columns are called {listed}."
            )
    else:
        rows = _without_headers(rows, notes)
    if not rows:
        raise ValueError("it has no rows.")
    names = [_name(value) for value in names]
    names, rows = _of_one_width(names, rows, notes)
    repeated = {name for name in names if name and names.count(name) > 1}
    return Raw(_unnamed(names, notes), rows, notes, separator, repeated)


def _name(value: Any) -> str:
    """Return a name on one line."""
    return plain(" ".join(str(value).split()))


def _without_headers(rows: list[Row], notes: list[str]) -> list[Row]:
    """Leave the header out, wherever it stands: files that were put together repeat it."""
    kept = [row for row in rows if row != rows[0]]
    if more := len(rows) - len(kept) - 1:
        notes.append(f"The header is repeated between the rows: {_count(more, 'line')} left out.")
    return kept


def _without_title(rows: list[Row], notes: list[str]) -> list[Row]:
    """Leave lines above the header out that have one field only, in a table of several."""
    width = Counter(_width(row) for row in rows[1 : SNIFFED_ROWS + 1]).most_common(1)
    if not width or width[0][0] < 2:
        return rows
    first = next((i for i, row in enumerate(rows) if _width(row) > 1), 0)
    if first:
        notes.append(f"Left out above the header: {_count(first, 'line')}.")
    return rows[first:]


def _width(row: Row) -> int:
    """Return the number of fields up to the last that is not empty."""
    return max((i + 1 for i, value in enumerate(row) if value != ""), default=0)


def _is_data(rows: list[Row], notes: list[str]) -> bool:
    """Whether the first row is one of data: of numbers, or of what stands below as well.

    Names are rarely numbers; where they are, they count: years, or places.
    """
    names = rows[0]
    below = [row for row in rows[1 : SNIFFED_ROWS + 1] if row != names]
    numbers = [float(str(v).replace(",", ".")) for v in names if is_number(v)]
    again = sum(
        v != "" and not is_number(v) and any(row[i : i + 1] == [v] for row in below)
        for i, v in enumerate(names)
    )
    if (
        2 * (len(numbers) + again) < len([v for v in names if v != ""])
        or not numbers + [0] * again
    ):
        return False
    steps = {b - a for a, b in zip(numbers, numbers[1:], strict=False)}
    if not again and len(steps) == 1 and min(steps) > 0 and all(n == round(n) for n in numbers):
        listed = ", ".join(map(str, names[:SHOWN]))
        notes.append(f"The first row ({listed}, ...) is taken for the names of the columns.")
        return False
    return True


def _of_one_width(
    names: list[str], rows: list[Row], notes: list[str]
) -> tuple[list[str], list[Row]]:
    """Cut empty fields off and fill short rows, saying so; refuse rows with more fields."""
    while len(names) > 1 and names[-1] == "" and all(_width(row) < len(names) for row in rows):
        names = names[:-1]
    n = len(names)
    rows = _without_remarks(rows, n, notes)
    widths, full = [_width(row) for row in rows], [len(row) for row in rows]
    if min(full) == max(full) == n + 1 and max(widths) == n + 1:
        first = [str(row[0]) for row in rows]
        if len(set(first)) == len(first):
            notes.append(
                "Every row has one field more than the header has names: the first is taken for "
                "names of the rows, as R writes them, and called 'row'. If it is a number with a "
                "decimal comma instead, quote it or separate the columns by semicolons."
            )
            return ["row", *names], rows
    surplus = [i for i, width in enumerate(widths) if width > n]
    if surplus:
        i = surplus[0]
        raise ValueError(
            f"the header has {n} names, but {_count(len(surplus), 'row')} of {len(rows):,}"
            f" have more fields; the first is row {i + 1}: "
            f"{plain(', '.join(map(str, rows[i]))[:80])!r}. Quote fields that hold the separator "
            "(a decimal comma?), or separate the columns by semicolons or tabs."
        )
    if short := sum(length < n for length in full):
        notes.append(
            f"In {short:,} of {len(rows):,} rows there are fewer fields than the header has "
            "names: what is missing at their ends is taken for gaps."
        )
    return names, [[*row[:n], *[""] * (n - len(row))] for row in rows]


def _without_remarks(rows: list[Row], n_columns: int, notes: list[str]) -> list[Row]:
    """Leave comments between the rows out."""
    kept = [row for row in rows if len(row) == n_columns or not str(row[0]).startswith("#")]
    if len(kept) < len(rows):
        notes.append(
            "What begins with # between the rows "
            f"({_count(len(rows) - len(kept), 'line')}) is taken for a comment."
        )
    return kept


def _unnamed(names: list[str], notes: list[str]) -> list[str]:
    """Give a name of its own to every column."""
    found: list[str] = []
    for i, name in enumerate(names, start=1):
        name = name or f"column {i}"
        if name in found:
            free = (f"{name}.{k}" for k in count(1))
            other = next(text for text in free if text not in found + names)
            notes.append(f"Two columns are called {name!r}: number {i} is called {other!r} here.")
            name = other
        found.append(name)
    return found
