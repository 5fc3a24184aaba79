"""What a study is: a table beside a comparison."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Study:
    """A table beside a comparison, and what it shows.

    Attributes
    ----------
    title : str
        What is looked into.
    head : list of str
        Titles of the columns.
    rows : list of list of str
        Cells as they are shown.
    said : str
        What the table shows, in a sentence or two.
    values : dict of str to list of float
        The scores behind the cells, by a name for each.
    """

    title: str
    head: list[str]
    rows: list[list[str]]
    said: str
    values: dict[str, list[float]] = field(default_factory=dict)
