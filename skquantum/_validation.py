"""Small helpers for error messages, shared by every room."""

from collections.abc import Iterable
from difflib import get_close_matches


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
        ``" Did you mean '...'?"`` with the closest choice, or ``""`` when none is close.

    Examples
    --------
    >>> from skquantum._validation import did_you_mean
    >>> did_you_mean("zzz", ["zz", "angle"])
    " Did you mean 'zz'?"
    >>> did_you_mean("tree", ["zz", "angle"])
    ''
    """
    by_lower = {choice.lower(): choice for choice in choices}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f" Did you mean {by_lower[close[0]]!r}?" if close else ""
