"""From text to values: numbers, dates, yes and no, gaps."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from skquantum._validation import plain

#: What stands for a gap in any column, in lower case; pandas' list, and a question mark.
GAPS = frozenset(
    ["", "na", "n/a", "<na>", "#n/a", "#na", "#n/a n/a", "nan", "-nan", "null", "none", "?", "nil"]
    + ["1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "nat", "#value!", "#div/0!", "missing"]
    + ["k.a.", "k. a."]  # keine Angabe
)
#: What stands for a gap among numbers and dates; elsewhere it may be a category, beside "+".
DASHES = frozenset(["-", "--", "---", "–", "—", ".", ".."])
#: What is 1, and what is 0.
YES = {"yes": "no", "y": "n", "true": "false", "t": "f", "on": "off", "ja": "nein", "oui": "non"}

MOSTLY = 0.9  # share of numbers from which on a column is one of numbers, with a few gaps
MANY = 1000  # values that are looked at to find out what a column is
MOST_FORMATS = 4  # of dates in one column
LIMIT = re.compile(r"[<>≤≥]=?\s*(.+)")  # of detection
EXACT = 2**53  # whole numbers beyond this are not told apart as float64
UNITS = "%$€£¥"
SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-", "’": "'"})
DATE_NAME = re.compile(r"date|day|datum|time|when", re.IGNORECASE)

_EXPONENT = r"(?:[eE][+-]?\d+)?"
_GROUPS = r"[+-]?[1-9]\d{{0,2}}(?P<t>[{t}])\d{{3}}(?:(?P=t)\d{{3}})*(?:[{d}]\d*)?"
_NUMBER = {
    d: re.compile(
        rf"[+-]?(?:\d+(?:[{d}]\d*)?|[{d}]\d+){_EXPONENT}"
        rf"|{_GROUPS.format(d=d, t=t)}"
        r"|[+-]?inf(?:inity)?",
        re.IGNORECASE,
    )
    for d, t in ((".", ", '"), (",", ". '"))
}


def is_number(value: Any) -> bool:
    """Whether a field of a file is a number, with whatever decimal mark."""
    if not isinstance(value, str):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return re.fullmatch(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?", value) is not None


@dataclass(frozen=True)
class Hints:
    """What is known of a file before a column of it is looked at.

    Attributes
    ----------
    decimal : {".", ","} or None
        The decimal mark of all numbers, if the user gives it.
    commas : bool or None
        Whether numbers that leave no doubt have decimal commas; None if none tells.
    separated_by_commas : bool
        Whether a comma separates the columns, so that one in a number sets thousands apart.
    """

    decimal: str | None = None
    commas: bool | None = None
    separated_by_commas: bool = False

    def decimal_of(self, text: str) -> str:
        """Return the decimal mark of a number that may be read both ways."""
        if self.commas is not None:
            return "," if self.commas else "."
        return "," if "," in text and not self.separated_by_commas else "."


@dataclass(frozen=True)
class Values:
    """What the text of a column turned out to be.

    Attributes
    ----------
    kind : {"numbers", "yes or no", "dates", "text"}
        What it is.
    values : list
        float, int, bool, datetime or str, None in gaps.
    done : tuple of str
        What is to be said of it.
    """

    kind: str
    values: list[Any]
    done: tuple[str, ...] = ()


def parse_column(name: str, cells: Sequence[str | None], hints: Hints) -> Values:
    """Find out what the cells of a column are."""
    text = [None if v is None or v.strip().lower() in GAPS else v.strip() for v in cells]
    found = Counter(v for v in text if v is not None)
    without_dashes = Counter({v: n for v, n in found.items() if v not in DASHES})
    if not without_dashes:
        return Values("text", [None] * len(text))
    for parse in (_yes_or_no, _numbers, _dates, _times):
        table = parse(name, without_dashes, hints)
        if table is not None:
            return _looked_up(table, text)
    dashes = set(found) - set(without_dashes)
    if dashes and "+" not in found:
        text = [None if v in dashes else v for v in text]
    return Values("text", text, _why_text(without_dashes))


@dataclass(frozen=True)
class _Table:
    """The values of the texts of a column; a text that is missing here is a gap."""

    kind: str
    of: dict[str, Any]
    done: tuple[str, ...] = ()


def _looked_up(table: _Table, text: list[str | None]) -> Values:
    values = [None if v is None else table.of.get(v) for v in text]
    lost = Counter(
        v for v in text if v is not None and v not in DASHES and table.of.get(v) is None
    )
    done = table.done
    if lost:
        shown = ", ".join(repr(plain(v)) for v in list(lost)[:3])
        done = (*done, f"{lost.total()} that are no {table.kind} ({shown}) taken for gaps")
    return Values(table.kind, values, done)


def _yes_or_no(name: str, found: Counter[str], hints: Hints) -> _Table | None:
    if {v.lower() for v in found} not in [set(pair) for pair in YES.items()]:
        return None
    return _Table("yes or no", {v: v.lower() in YES for v in found})


# --- numbers ------------------------------------------------------------------------------------


def parse_number(text: str, decimal: str) -> float | int | None:
    """Return a number written with this decimal mark, None if it is none.

    Thousands may be set apart by the other mark, a space or an apostrophe, in groups of three.
    """
    text = text.translate(SPACES)
    if text.startswith("(") and text.endswith(")"):  # as accountants write losses
        text = "-" + text[1:-1]
    match = _NUMBER[decimal].fullmatch(text)
    if match is None:
        return None
    if match.group("t"):
        text = text.replace(match.group("t"), "")
    text = text.replace(",", ".")
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def _without_unit(text: str) -> tuple[str, str]:
    """Return a text without a percent or currency sign, and the sign."""
    sign = next((end for end in (text[:1], text[-1:]) if end and end in UNITS), "")
    if text[:1] == "-" and text[1:2] and text[1:2] in UNITS:  # -$5
        return "-" + text[2:].strip(), text[1]
    return (text.strip(UNITS + " \u00a0\u202f"), sign) if sign else (text, "")


def _numbers(name: str, found: Counter[str], hints: Hints) -> _Table | None:
    """Read numbers; of limits of detection, such as <0.5, the number beside the sign."""
    signed = {text: LIMIT.fullmatch(text) for text in found}
    limits = {text: m[1] for text, m in signed.items() if m and is_number(m[1])}
    if limits:
        merged = Counter[str]()
        for text, n in found.items():
            merged[limits.get(text, text)] += n
        inner = _numbers(name, merged, hints)
        if inner is None:
            return None
        n_limits = sum(found[text] for text in limits)
        said = f"limits such as {plain(next(iter(limits)))!r} ({n_limits}) read as their number"
        of = {text: inner.of.get(limits.get(text, text)) for text in found}
        return _Table(inner.kind, of, (*inner.done, said))
    if any(re.fullmatch(r"0\d+", text) for text in found):
        return None  # codes
    bare = {text: _without_unit(text) for text in found}
    units = Counter[str]()
    for text, n in found.items():
        units[bare[text][1]] += n
    unit = units.most_common(1)[0][0]
    texts = [text for text in found if bare[text][1] == unit or bare[text][0] == "0"]
    read = {d: {text: parse_number(bare[text][0], d) for text in texts} for d in ".,"}
    table, done = _decided(read, found, hints)
    if table is None or _beyond(table):
        return None
    if unit:
        done = (*done, "percentages" if unit == "%" else f"in {unit}")
    return _Table("numbers", table, done)


_Read = dict[str, float | int | None]


def _decided(
    read: dict[str, _Read], found: Counter[str], hints: Hints
) -> tuple[_Read | None, tuple[str, ...]]:
    """Decide for decimal points or commas, by what can be read in one way only."""
    share = {
        d: sum(found[text] for text, value in table.items() if value is not None) / found.total()
        for d, table in read.items()
    }
    if hints.decimal:
        d = hints.decimal
        return (read[d], ()) if share[d] >= MOSTLY else (None, ())
    points, commas = read["."], read[","]
    both = [text for text in points if None not in (points[text], commas[text])]
    differ = [text for text in both if points[text] != commas[text]]
    if share["."] == share[","] >= MOSTLY:
        if not differ:
            return points, ()
        d = hints.decimal_of(differ[0])
        value = read[d][differ[0]]
        return read[d], (f"{plain(differ[0])} is read as {value:g} (--decimal changes it)",)
    d = max(share, key=share.__getitem__)
    if share[d] >= MOSTLY:
        return read[d], ("with decimal commas",) if d == "," and _has(",", read[d]) else ()
    # Some with points, others with commas, each readable in one way.
    unclear = frozenset(differ)
    mixed = {t: points[t] if commas[t] is None else commas[t] for t in points if t not in unclear}
    known = sum(found[text] for text, value in mixed.items() if value is not None)
    if known >= MOSTLY * found.total():
        return mixed, ("some with decimal points, some with commas",)
    return None, ()


def _has(mark: str, table: _Read) -> bool:
    return any(mark in text for text, value in table.items() if value is not None)


def _beyond(table: _Read) -> bool:
    return any(isinstance(v, int) and abs(v) > EXACT for v in table.values())


def decimal_commas(columns: Iterable[Sequence[Any]]) -> bool | None:
    """Return whether numbers of these columns that leave no doubt have decimal commas.

    None if there are no such numbers, or of both kinds.
    """
    seen = set()
    for cells in columns:
        for cell in dict.fromkeys(c for c in islice(cells, MANY) if isinstance(c, str)):
            bare = _without_unit(cell.strip())[0]
            point, comma = parse_number(bare, "."), parse_number(bare, ",")
            if (point is None) != (comma is None):
                seen.add(point is None)
    return seen.pop() if len(seen) == 1 else None


def _why_text(found: Counter[str]) -> tuple[str, ...]:
    if all(re.fullmatch(r"0*\d+", text) for text in found):
        zeros = any(text.startswith("0") and len(text) > 1 for text in found)
        return ("codes with leading zeros" if zeros else "numbers too long to be exact",)
    spelled: dict[str, str] = {}
    for text in list(found)[:MANY]:
        other = spelled.setdefault(text.casefold(), text)
        if other != text:
            return (f"{plain(other)!r} and {plain(text)!r} are not the same",)
    return ()


# --- dates --------------------------------------------------------------------------------------

_DAYS = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y",
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y",
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%b %d %Y", "%b %d, %Y", "%b-%d-%Y",
    "%d %B %Y", "%d. %B %Y", "%B %d, %Y", "%B %d %Y", "%b %Y", "%B %Y", "%b-%y", "%Y-%m", "%m/%Y",
]  # fmt: skip
_HOURS = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S"]
FORMATS = [day + hour for day in _DAYS for hour in _HOURS]


def _strptime(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    # In universal time, so that offsets do not count as differences.
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def _dates(name: str, found: Counter[str], hints: Hints) -> _Table | None:
    rest = list(found)
    if not all(any(c.isdigit() for c in text) and len(text) >= 6 for text in rest[:MANY]):
        return None
    done: list[str] = []
    table: dict[str, datetime] = {}
    orders = []
    for _ in range(MOST_FORMATS):
        if rest and (best := _best_format(rest, hints, done)) is not None:
            orders.append(best[0])
            table |= best[1]
        rest = [text for text in rest[1:] if text not in table]
    known = sum(found[text] for text in table)
    if known < MOSTLY * found.total():
        return None
    if _contradict(orders):
        return _Table(
            "text", {text: text for text in found}, ("dates, some with the month first: as text",)
        )
    if len(orders) > 1:
        done.append("in several formats")
    return _Table("dates", dict(table), tuple(done))


def _contradict(orders: list[str]) -> bool:
    """Whether days and months change places from one row to another."""
    begins = {order[:5] for order in orders}
    return any({f"%d{mark}%m", f"%m{mark}%d"} <= begins for mark in "/-")


def _best_format(texts: list[str], hints: Hints, done: list[str]) -> "_Format | None":
    """Read the first text, in the format that reads most of the others, and all that it reads."""
    tried: list[tuple[str, Callable[[str], datetime | None]]] = [("ISO", _iso)]
    tried += [(form, partial(_strptime, form=form)) for form in FORMATS]
    able = []
    for form, parse in tried:
        if parse(texts[0]) is not None:
            read = {text: value for text in texts if (value := parse(text)) is not None}
            able.append((form, read))
    if not able:
        return None
    most = max(len(read) for _, read in able)
    best = [(form, read) for form, read in able if len(read) == most]
    if len(best) > 1 and best[0][1] != best[1][1]:
        chosen = _day_or_month(best[:2], hints)
        order = "day" if chosen[0].startswith("%d") else "month"
        done.append(f"the {order} comes first, which is a guess (2020-01-31 leaves no doubt)")
        return chosen
    return best[0]


_Format = tuple[str, dict[str, datetime]]


def _day_or_month(best: list[_Format], hints: Hints) -> _Format:
    """Take the order in which the rows are sorted; else what goes with the decimal mark."""
    for form, read in best:
        days = list(read.values())
        if len(days) > 2 and days in (sorted(days), sorted(days, reverse=True)):
            return form, read
    dotted = best[0][0].startswith("%d.")
    day_first = [item for item in best if item[0].startswith("%d")]
    return day_first[0] if day_first and (dotted or hints.commas) else best[-1]


def _times(name: str, found: Counter[str], hints: Hints) -> _Table | None:
    """Read times of day as hours."""
    table = {}
    for text in found:
        match = re.fullmatch(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?", text)
        if match is None:
            return None
        hours, minutes, seconds = (float(part or 0) for part in match.groups())
        table[text] = hours + minutes / 60 + seconds / 3600
    return _Table("numbers", table, ("times, in hours",))


def compact_dates(name: str, values: list[Any]) -> list[datetime | None] | None:
    """Read whole numbers such as 20200131 as dates, where the column's name says so."""
    given = {v for v in values if v is not None and not (isinstance(v, float) and math.isnan(v))}
    if not DATE_NAME.search(name) or not all(1e7 <= v < 1e8 and v == int(v) for v in given):
        return None
    read = {v: _strptime(str(int(v)), "%Y%m%d") for v in given}
    if not given or None in read.values():
        return None
    return [read.get(v) for v in values]
