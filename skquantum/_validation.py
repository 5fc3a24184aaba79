"""Small helpers for error messages, shared by every room."""

from collections.abc import Iterable
from difflib import get_close_matches
from types import NoneType
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)


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


def validate_description(part: Any) -> None:
    """Validate the parameters of a backend, a kernel or the like, before it is used.

    They are checked against the ``_parameter_constraints`` of the class, as scikit-learn's
    estimators check theirs in `fit`. What was found valid is not checked again as long as it
    stays what it is: descriptions are used many times, for one row each.

    Parameters
    ----------
    part : sklearn.base.BaseEstimator
        A description: its constructor stores its arguments as they came.

    Raises
    ------
    InvalidParameterError
        A ValueError and a TypeError, that names the class, the parameter and what would work.
    """
    values = part.__dict__.items()
    # Of what is no number or text, constraints know the type alone.
    key = type(part), *((n, type(v), v if isinstance(v, _PLAIN) else None) for n, v in values)
    if key in _valid:
        return
    _refuse_booleans(part)
    try:
        validate_parameter_constraints(
            part._parameter_constraints, part.get_params(deep=False), type(part).__name__
        )
    except InvalidParameterError as error:
        raise InvalidParameterError(f"{error}{_suggestion(part, str(error))}") from None
    if len(_valid) >= _REMEMBERED:
        _valid.clear()
    _valid.add(key)


_PLAIN = (str, int, float, np.generic, NoneType)
_REMEMBERED = 1000
_valid: set[tuple[Any, ...]] = set()


def _refuse_booleans(part: Any) -> None:
    """Refuse True where a number is needed: for scikit-learn's intervals it is one."""
    for name, constraints in part._parameter_constraints.items():
        value = getattr(part, name, None)
        if isinstance(value, bool | np.bool_) and not {bool, "boolean"} & {
            c for c in constraints if isinstance(c, type | str)
        }:
            raise InvalidParameterError(
                f"The {name!r} parameter of {type(part).__name__} must not be {value}."
            )


def _suggestion(part: Any, message: str) -> str:
    """Return which name was meant, where an error is about one of a few names."""
    for name, constraints in part._parameter_constraints.items():
        value = getattr(part, name, None)
        if isinstance(value, str) and f"The {name!r} parameter" in message:
            known = [c.options for c in constraints if isinstance(c, StrOptions)]
            return did_you_mean(value, set().union(*known))
    return ""
