"""Small helpers for error messages, shared by every room."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return a suggestion to append to an error about an unknown name.

    Parameters
    ----------
    name : str
        The name that was not found.
    choices : iterable of str
        The names that exist.

    Returns
    -------
    suggestion : str
        ``" Did you mean '...'?"`` with the choice that begins like the name or is the
        closest, or ``""`` when none is close.

    Examples
    --------
    >>> from skquantum._validation import did_you_mean
    >>> did_you_mean("zzz", ["zz", "angle"])
    " Did you mean 'zz'?"
    >>> did_you_mean("acc", ["jaccard", "accuracy"])
    " Did you mean 'accuracy'?"
    >>> did_you_mean("tree", ["zz", "angle"])
    ''
    """
    by_lower = {choice.lower(): choice for choice in choices}
    begun = [choice for choice in by_lower if len(name) > 2 and choice.startswith(name.lower())]
    close = sorted(begun, key=len) or get_close_matches(name.lower(), by_lower, n=1)
    return f" Did you mean {by_lower[close[0]]!r}?" if close else ""


def shown(value: Any) -> str:
    """Return a value as an error message shows it: on one line, short, without private paths.

    Parameters
    ----------
    value : object
        What was given.

    Returns
    -------
    text : str
        Its repr if that is short; else what it is.

    Examples
    --------
    >>> from skquantum._validation import shown
    >>> shown("qsim"), shown(dict), shown(list(range(100)))
    ("'qsim'", 'the class dict', 'an object of class list')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    text = repr(value)
    is_short = len(text) <= 80 and "\n" not in text and not text.startswith("<")
    return text if is_short else f"an object of class {type(value).__name__}"


def class_hint(value: Any, base: type) -> str:
    """Return a hint to append where an instance is needed and its class was given, else ``""``.

    Parameters
    ----------
    value : object
        What was given.
    base : type
        What an instance of is needed.

    Returns
    -------
    hint : str
        ``" Did you mean ...()?"`` or ``""``.

    Examples
    --------
    >>> from skquantum._validation import class_hint
    >>> class_hint(bool, int), class_hint(True, int)
    (' Did you mean bool()?', '')
    """
    is_class = isinstance(value, type) and issubclass(value, base)
    return f" Did you mean {value.__name__}()?" if is_class else ""


def plain(text: Any) -> str:
    r"""Return a text whose control characters are written out.

    What a file or a model says can then not move a terminal's cursor or change its colours.

    Parameters
    ----------
    text : object
        What is to be shown.

    Returns
    -------
    text : str
        The same, printable.

    Examples
    --------
    >>> from skquantum._validation import plain
    >>> print(plain("red\x1b[31m"))
    red\x1b[31m
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text)
    )
