"""The one search for fitted models inside fitted models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

# What pipelines and unions fit in place. Elsewhere fitted models are in learned attributes.
_FITTED_IN_PLACE = ("steps", "transformer_list")


def fitted_parts(fitted: Any) -> Iterator[Any]:
    """Yield a fitted model and the fitted models inside it, at any depth.

    Pipelines, searches, and models of models keep the fitted ones in attributes with a trailing
    underscore, on their own, in lists, or in dicts.

    Parameters
    ----------
    fitted : estimator
        A fitted model.

    Yields
    ------
    estimator
        The model itself first, then those inside it, each once.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.multiclass import OneVsRestClassifier
    >>> from skquantum import QuantumKernelSVC
    >>> from skquantum.inspection import fitted_parts
    >>> X, y = load_iris(return_X_y=True)
    >>> model = OneVsRestClassifier(QuantumKernelSVC("angle")).fit(X, y)
    >>> sum(isinstance(part, QuantumKernelSVC) for part in fitted_parts(model))
    3
    """
    yield from _walk(fitted, set())


def fitted_attribute(fitted: Any, name: str) -> Any:
    """Return an attribute of the first fitted part that has it.

    Parameters
    ----------
    fitted : estimator
        A fitted model.
    name : str
        The attribute, such as ``"resources_"``.

    Returns
    -------
    object
        Its value; None if no part has it.
    """
    for part in fitted_parts(fitted):
        if (value := getattr(part, name, None)) is not None:
            return value
    return None


def _walk(value: Any, seen: set[int]) -> Iterator[Any]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, list | tuple):
        for item in value:
            yield from _walk(item, seen)
    elif isinstance(value, dict):
        yield from _walk(list(value.values()), seen)
    elif _is_model(value):
        yield value
        for name, held in vars(value).items():
            learned = name.endswith("_") and not name.startswith("_")
            if learned or name in _FITTED_IN_PLACE or (name == "estimator" and _is_shell(value)):
                yield from _walk(held, seen)


def _is_model(value: Any) -> bool:
    acts = any(hasattr(type(value), name) for name in ("fit", "predict", "predict_proba"))
    return acts and hasattr(value, "__dict__") and not isinstance(value, type)


def _is_shell(value: Any) -> bool:
    """Whether `estimator` is fitted: in one fold of a calibration, and where it was frozen."""
    return isinstance(value, FrozenEstimator) or not isinstance(value, BaseEstimator)
