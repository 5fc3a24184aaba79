"""Other backends for whole pipelines: before they are fitted, and afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from sklearn.base import BaseEstimator, clone

from skquantum._named_parts import is_part
from skquantum.execution import Backend, QsimBackend
from skquantum.inspection._fitted import fitted_parts
from skquantum.kernels import Kernel
from skquantum.layers import QuantumLayer


def with_backend(fitted: Any, backend: Backend) -> Any:
    """Return a fitted model that runs its circuits on another backend, and is else the same.

    What was learned stays what it is: a model trained on an exact simulator then predicts with
    noise, with a finite number of shots, or on a device.

    Parameters
    ----------
    fitted : estimator
        A fitted quantum model, or a fitted pipeline or search with one in it. It stays as it is.
    backend : Backend
        Where circuits are to run.

    Returns
    -------
    estimator
        A copy.

    Raises
    ------
    TypeError
        If `backend` is none.
    ValueError
        If no part of the model runs circuits, or `backend` can't run them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skquantum import QuantumKernelSVC
    >>> from skquantum.execution import QsimBackend
    >>> from skquantum.inspection import with_backend
    >>> X, y = load_iris(return_X_y=True)
    >>> exact = make_pipeline(StandardScaler(), QuantumKernelSVC()).fit(X, y)
    >>> noisy = with_backend(exact, QsimBackend(noise=0.001, shots=1000, seed=0))
    >>> print(f"exact {exact.score(X, y):.1f}, with noise and 1000 shots {noisy.score(X, y):.1f}")
    exact 0.9, with noise and 1000 shots 0.9
    """
    if not isinstance(backend, Backend):
        raise TypeError(f"backend must be a Backend such as QsimBackend(), got {backend!r}.")
    copy = deepcopy(fitted)
    found = False
    for part in fitted_parts(copy):
        for value in list(_held(vars(part))):
            if isinstance(value, QuantumLayer):
                value.move_to(backend)
                found = True
            elif isinstance(value, Kernel):
                value.backend = backend
                found = True
        if isinstance(part, BaseEstimator):
            _set_backends(part, lambda _: backend, deep=False)
    if not found:
        raise ValueError(
            f"{type(fitted).__name__} has no fitted part that runs circuits; fit it before."
        )
    return copy


def on_other_backend(
    estimator: BaseEstimator, change: Callable[[Backend | None], Backend]
) -> BaseEstimator:
    """Return an unfitted copy of a model with other backends.

    Parameters
    ----------
    estimator : estimator
        A model or a pipeline.
    change : callable
        Takes the backend of a part, None for the default one, and returns the other.

    Raises
    ------
    ValueError
        If no part has a parameter `backend`.
    """
    copy = clone(estimator)
    if not _set_backends(copy, change, deep=True):
        raise ValueError(
            f"{type(estimator).__name__} has no part with a parameter 'backend': nothing in it "
            "runs circuits."
        )
    return copy


def _set_backends(
    estimator: BaseEstimator, change: Callable[[Backend | None], Backend], *, deep: bool
) -> int:
    params = estimator.get_params(deep=deep)
    changed = {}
    for name, value in params.items():
        *owner, last = name.split("__")
        if last != "backend" or isinstance(params.get("__".join(owner)), Backend):
            continue
        if owner and not is_part(params["__".join(owner)]):
            continue  # a part given by its name takes the backend of what holds it
        # A kernel that is no name brings its own backend, and does not take another.
        if not isinstance(params.get("__".join([*owner, "kernel"])), Kernel):
            changed[name] = change(value)
    estimator.set_params(**changed)
    return len(changed)


def noisy(
    backend: Backend | None, noise: Any, shots: int | None, seed: int | None = None
) -> Backend:
    """Return a backend like another one, with noise and a finite number of shots.

    A backend that wraps one, as :class:`skquantum.execution.MitigatedBackend` does, stays around
    it.
    """
    if backend is None:
        backend = QsimBackend()
    params = backend.get_params(deep=False)
    if {"noise", "shots", "seed"} <= params.keys():
        return clone(backend).set_params(noise=noise, shots=shots, seed=seed)
    if isinstance(params.get("backend"), Backend):
        return clone(backend).set_params(backend=noisy(params["backend"], noise, shots, seed))
    raise ValueError(
        f"{backend!r} has no parameters 'noise' and 'shots' that could be set; use QsimBackend, "
        "or MitigatedBackend around one."
    )


def _held(attributes: dict[str, Any]) -> Iterator[QuantumLayer | Kernel]:
    """Yield what runs circuits among fitted attributes, and in objects of this package there."""
    seen: set[int] = set()

    def walk(value: Any) -> Iterator[QuantumLayer | Kernel]:
        if id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, QuantumLayer):
            yield value
        elif isinstance(value, Kernel):
            if "backend" in value.get_params(deep=False):
                yield value
            yield from walk(vars(value))  # a kernel made of kernels
        elif isinstance(value, dict | list | tuple):
            for item in value.values() if isinstance(value, dict) else value:
                yield from walk(item)
        elif type(value).__module__.startswith("skquantum.") and not isinstance(value, Backend):
            yield from walk(getattr(value, "__dict__", {}))

    # Parameters stay as they are.
    yield from walk({k: v for k, v in attributes.items() if k.endswith("_") or k.startswith("_")})
