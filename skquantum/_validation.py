"""Small helpers for refusals and their messages, shared by every room.

What takes long to import is imported where it is used: the command line needs the texts alone.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from numbers import Number
from types import NoneType
from typing import Any, TypeVar

from skquantum._records import recording

Method = TypeVar("Method", bound=Callable[..., Any])


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


def unknown(what: str, value: Any, known: Iterable[str], otherwise: str = "") -> str:
    """Return the message of an error about a name that is not known.

    Parameters
    ----------
    what : str
        What the name would be of, most often a parameter.
    value : object
        The name that was not found.
    known : iterable of str
        The names that exist.
    otherwise : str, default=""
        What else works, as the end of a sentence.

    Returns
    -------
    message : str
        What was given, which name was meant if one is close, and what there is to choose from.

    Examples
    --------
    >>> from skquantum._validation import unknown
    >>> unknown("solver", "adma", ["adam", "sgd"])
    "Unknown solver 'adma'. Did you mean 'adam'? Choose from 'adam', 'sgd'."
    >>> unknown("init", "one", ["uniform"], "an array of weights works too")
    "Unknown init 'one'. Choose from 'uniform'; an array of weights works too."
    """
    names = list(known)
    given = repr(value) if isinstance(value, str) else shown(value)
    listed = ", ".join(map(repr, names)) + (f"; {otherwise}" if otherwise else "")
    return f"Unknown {what} {given}.{did_you_mean(str(value), names)} Choose from {listed}."


def install_hint(extra: str) -> str:
    """Return how to install an extra, for errors: from a clone, as the package is on no index.

    Examples
    --------
    >>> from skquantum._validation import install_hint
    >>> install_hint("google")
    "in a clone of the repository, pip install '.[google]'"
    """
    return f"in a clone of the repository, pip install '.[{extra}]'"


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


def all_or_nothing(method: Method) -> Method:
    """Decorate a method that fits an estimator, so that a call which is refused changes nothing.

    The method runs on a draft, an object with the same attributes, and only at its end does the
    estimator take those of the draft, in one step. Whatever ends the method before, an error of
    scikit-learn's validation (which has set ``n_features_in_`` by then), of a backend or from the
    keyboard, leaves the estimator as it was; meanwhile other threads may predict with it. Objects
    that the estimator holds are shared with the draft: the method replaces them, and does not
    change them in place.

    An estimator with a parameter `backend` gets ``run_records_``: what the call ran.

    Parameters
    ----------
    method : callable
        A method such as `fit`. It returns the object that it is called on, or anything else.

    Returns
    -------
    callable
        The method, which returns the estimator in place of the draft.

    Examples
    --------
    >>> from skquantum._validation import all_or_nothing
    >>> class Half:
    ...     @all_or_nothing
    ...     def fit(self, value):
    ...         self.value_ = value
    ...         self.half_ = value / 2
    ...         return self
    >>> half = Half().fit(3)
    >>> try:
    ...     half.fit("three")
    ... except TypeError:
    ...     print(half.value_, half.half_)
    3 1.5
    """

    @wraps(method)
    def whole(self: Any, *args: Any, **kwargs: Any) -> Any:
        draft = object.__new__(type(self))
        vars(draft).update(vars(self))
        try:
            with recording() as log:
                result = method(draft, *args, **kwargs)
        except ValueError as error:
            if "could not convert string to float" in str(error) and (said := _text_in(args)):
                raise ValueError(said) from error
            raise
        if hasattr(draft, "backend"):
            draft.run_records_ = log.records()
        self.__dict__ = vars(draft)
        return self if result is draft else result

    return whole  # type: ignore[return-value]


def _text_in(args: tuple[Any, ...]) -> str:
    """Say which columns of a data frame hold text, "" if the first argument is none."""
    frame: Any = args[0] if args else None
    if not (hasattr(frame, "columns") and hasattr(frame, "iloc")):
        return ""
    for place, name in enumerate(frame.columns):
        text = next((cell for cell in frame.iloc[:, place] if isinstance(cell, str)), None)
        try:
            float(text or 0)
        except ValueError:
            return (
                f"The column {plain(name)!r} of X holds text, such as {plain(text)!r}. Encode it, "
                "by OneHotEncoder in a ColumnTransformer for instance, or leave it out; "
                "skquantum.compare and skquantum.comparison.fit_table take such tables."
            )
    return ""


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
    from sklearn.utils._param_validation import (
        InvalidParameterError,
        validate_parameter_constraints,
    )

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


_PLAIN = (str, Number, NoneType)
_REMEMBERED = 1000
_valid: set[tuple[Any, ...]] = set()


def _refuse_booleans(part: Any) -> None:
    """Refuse True where a number is needed: for scikit-learn's intervals it is one."""
    import numpy as np
    from sklearn.utils._param_validation import InvalidParameterError

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
    from sklearn.utils._param_validation import StrOptions

    for name, constraints in part._parameter_constraints.items():
        value = getattr(part, name, None)
        if isinstance(value, str) and f"The {name!r} parameter" in message:
            known = [c.options for c in constraints if isinstance(c, StrOptions)]
            return did_you_mean(value, set().union(*known))
    own = getattr(part, "_advice", None)  # what a class can say that constraints can not
    return own(message) if own is not None else ""


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
