"""Arrays and data frames of dask: who goes through them block by block, and who can't.

The one place that knows of dask. It is imported only where the input is a collection of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cached_property, wraps
from math import prod
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

import numpy as np
from joblib import parallel_config
from sklearn.utils import get_tags
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    check_is_fitted,
    validate_data,
)

Method = TypeVar("Method", bound=Callable[..., Any])


class Output(NamedTuple):
    """What a method returns for each row.

    Parameters
    ----------
    width : int or None
        Number of columns; None for one value, an array of one axis.
    dtype : dtype, default=float64
        Of the values.
    """

    width: int | None
    dtype: Any = np.float64


def is_lazy(value: Any) -> bool:
    """Whether a value is a collection of dask: an array, a data frame or one of its columns.

    Examples
    --------
    >>> from skquantum._lazy import is_lazy
    >>> is_lazy([[1.0, 2.0]])
    False
    """
    if "dask" not in sys.modules:  # then there is none
        return False
    return any(kind.__module__.partition(".")[0] == "dask" for kind in type(value).__mro__)


def by_blocks(output: Callable[[Any, np.dtype], Output]) -> Callable[[Method], Method]:
    """Decorate a method of rows alone, such as `transform`, so that dask's collections stay lazy.

    For a dask array, in blocks of rows, or a dask data frame, the method returns a lazy dask array
    with as many blocks of rows, computed with the model as it is now. Anything else goes to the
    method as it is.

    Parameters
    ----------
    output : callable
        From the fitted estimator and the dtype of its input to the `Output` of the method.

    Returns
    -------
    callable
        Decorator of a method that takes rows and returns an array.
    """

    def decorate(method: Method) -> Method:
        @wraps(method)
        def lazily(self: Any, *args: Any, **kwargs: Any) -> Any:
            X = next(iter((*args, *kwargs.values())), None)
            if is_lazy(X):
                return _mapped(self, method, X, output)
            return method(self, *args, **kwargs)

        return lazily  # type: ignore[return-value]

    return decorate


def precision(dtype: np.dtype) -> Any:
    """Return the dtype of what a transformer returns: single precision for single precision."""
    return np.float32 if dtype == np.float32 else np.float64


def transformed(model: Any, dtype: np.dtype) -> Output:
    """Return what `transform` returns."""
    return Output(len(model.get_feature_names_out()), precision(dtype))


def labels(model: Any, dtype: np.dtype) -> Output:
    """Return what a classifier's `predict` returns."""
    return Output(None, model.classes_.dtype)


def chances(model: Any, dtype: np.dtype) -> Output:
    """Return what a classifier's `predict_proba` returns."""
    return Output(len(model.classes_))


def decisions(model: Any, dtype: np.dtype) -> Output:
    """Return what a classifier's `decision_function` returns."""
    n_classes = len(model.classes_)
    return Output(None if n_classes == 2 else n_classes)


def in_memory(method: Method) -> Method:
    """Decorate a method that needs all rows in memory, so that it refuses dask's collections.

    Parameters
    ----------
    method : callable
        A method such as `fit`.

    Returns
    -------
    callable
        The method, which raises a TypeError where an argument is a collection of dask: it would
        be pulled into memory as a whole.
    """

    @wraps(method)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        if any(is_lazy(value) for value in (*args, *kwargs.values())):
            raise TypeError(
                f"{type(self).__name__}.{method.__name__} needs all rows in memory, and got a "
                "lazy collection of dask. Give it X.compute(), if that fits, or some of the "
                "rows, such as X.blocks[0].compute() or df.get_partition(0).compute(). Larger "
                "tables: QuantumNystroem.fit takes them as they are, and partial_fit, where a "
                "model has it, takes them a block at a time."
            )
        return method(self, *args, **kwargs)

    return checked  # type: ignore[return-value]


class LazyRows:
    """Rows of a dask collection, of which some can be taken without the others.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame
        Blocks of rows. Where their lengths are not known, they are counted, which computes the
        blocks and keeps none.
    model : estimator
        Whose training rows they are.
    first : bool
        Whether it learns width and names from them; else they are checked against it at once.

    Attributes
    ----------
    shape : tuple
        Number of rows, nan before they are counted, and of features.
    """

    def __init__(self, X: Any, model: Any, *, first: bool) -> None:
        self._blocks, self._example = _checked(X)
        self._model, self._first = model, first
        if not first:
            _check_feature_names(model, self._example, reset=False)
            _check_width(model, self._blocks)
        self.shape = self._blocks.shape

    @cached_property
    def _ends(self) -> np.ndarray:
        lengths = self._blocks.chunks[0]
        if np.isnan(lengths).any():
            ones, none = ((1,) * len(lengths),), np.empty(0, dtype=int)
            counted = self._blocks.map_blocks(_counted, drop_axis=1, chunks=ones, meta=none)
            lengths = counted.compute()
        return np.cumsum(np.asarray(lengths, dtype=np.intp))

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        """Return some rows, checked; blocks without any of them are not computed."""
        from dask.base import compute
        from dask.delayed import delayed

        if not len(indices) and len(self):
            return np.empty((0, self.shape[1]))
        order = np.argsort(indices)
        ordered, starts = indices[order], np.concatenate([[0], self._ends])
        places = np.searchsorted(self._ends, ordered, side="right")
        blocks = self._blocks.to_delayed().ravel()
        # On the workers, so that no other rows leave them.
        parts = [
            delayed(_taken)(blocks[place], ordered[places == place] - starts[place])
            for place in np.unique(places)
        ]
        rows = np.concatenate([np.empty((0, self.shape[1])), *compute(*parts)])
        if not isinstance(self._example, np.ndarray):
            rows = type(self._example)(rows, columns=self._example.columns)
        checked = validate_data(self._model, rows, dtype=np.float64, reset=self._first)
        return checked[np.argsort(order)]


def _mapped(model: Any, method: Callable[..., Any], X: Any, output: Any) -> Any:
    """Return what a method makes of each block, lazily; what can be checked is checked now."""
    import dask.array
    from dask.delayed import delayed

    check_is_fitted(model)
    owner, _, name = method.__qualname__.rpartition(".")
    _check_parts(model, name)
    blocks, example = _checked(X, n_axes=_n_axes(model))
    _check_feature_names(model, example, reset=False)
    _check_width(model, blocks)
    width, dtype = output(model, blocks.dtype)
    own = object.__new__(type(model))  # a later fit has no influence
    # Names are checked: blocks have none.
    vars(own).update({k: v for k, v in vars(model).items() if k != "feature_names_in_"})
    dtype = np.dtype(dtype)
    axes: tuple[Sequence[int], ...] = () if width is None else ((width,),)
    return dask.array.map_blocks(
        _of_block,
        blocks,
        # A task of its own, so that each worker gets the model once.
        model=delayed(own, name=f"{type(model).__name__}-{uuid4().hex}", traverse=False),
        # As it stands in the class that has it: one that inherits may call it with all blocks.
        owner=[kind for kind in type(model).__mro__ if kind.__qualname__ == owner][-1],
        method=name,
        width=width,
        kind=dtype,
        dtype=dtype,
        drop_axis=list(range(1 + len(axes), blocks.ndim)),
        chunks=(blocks.chunks[0], *axes),
        meta=np.empty((0,) * (1 + len(axes)), dtype=dtype),
    )


def _of_block(
    block: Any, model: Any, owner: type, method: str, width: int | None, kind: np.dtype
) -> np.ndarray:
    if not len(block):  # a filter has left nothing of it
        return np.empty((0,) if width is None else (0, width), dtype=kind)
    with parallel_config(backend="sequential"):  # the blocks are the jobs
        return np.asarray(getattr(owner, method)(model, block)).astype(kind, copy=False)


def _counted(block: Any) -> np.ndarray:
    return np.array([len(block)])


def _taken(block: Any, places: np.ndarray) -> np.ndarray:
    return np.asarray(block[places], dtype=np.float64)


def _checked(X: Any, n_axes: float = 2) -> tuple[Any, Any]:
    """Return blocks of rows as a dask array, and an example without rows that bears the names."""
    import dask.array

    example = None
    if hasattr(type(X), "to_dask_array") and X.ndim == 2:  # a data frame
        example, X = X._meta, X.to_dask_array()
    if not isinstance(X, dask.array.Array) or not 2 <= X.ndim <= n_axes:
        shape = f" of shape {X.shape}" if isinstance(X, dask.array.Array) else ""
        raise ValueError(
            f"Expected 2D array, got the dask {type(X).__name__}{shape} instead: X must be a dask "
            "array of shape (n_samples, n_features) or a dask data frame. A single feature is "
            "X.reshape(-1, 1), a single sample X.reshape(1, -1)."
        )
    if any(number > 1 for number in X.numblocks[1:]):
        raise ValueError(
            f"X has its features in {max(X.numblocks[1:])} blocks (chunks {X.chunks[1:]}), and a "
            "circuit needs all features of a row: use "
            f"X.rechunk({{{', '.join(f'{axis}: -1' for axis in range(1, X.ndim))}}})."
        )
    return X, np.empty((0, X.shape[1])) if example is None else example


def _n_axes(model: Any) -> float:
    has_axes = hasattr(model, "input_shape_") or get_tags(model).input_tags.three_d_array
    return np.inf if has_axes else 2


def _check_width(model: Any, X: Any) -> None:
    if X.ndim == 2:
        _check_n_features(model, X, reset=False)
        return
    shape = getattr(model, "input_shape_", None)
    if shape not in (None, X.shape[1:]) or prod(X.shape[1:]) != model.n_features_in_:
        raise ValueError(
            f"X has rows of shape {X.shape[1:]}, but {type(model).__name__} was fitted on rows of "
            + (f"{model.n_features_in_} values." if shape is None else f"shape {shape}.")
        )


def _check_parts(model: Any, name: str) -> None:
    """Refuse what would not stay lazy, or would be counted by each worker on its own."""
    container = _get_output_config(name, model)["dense"] if name == "transform" else "default"
    if container != "default":
        raise ValueError(
            f"set_output(transform={container!r}) would pull the whole dask collection into "
            f"memory: use {type(model).__name__}.set_output(transform='default')."
        )
    for parameter, part in model.get_params().items():
        if getattr(part, "has_budget", False):
            raise ValueError(
                f"{parameter}={type(part).__name__}(...) has a budget of circuits, which workers "
                f"can't share. Call {name} on one block at a time: X.blocks[0].compute()."
            )
