"""What the estimators share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator


class NamedPartsMixin(BaseEstimator):
    """Lets nested parameters reach a part that is given by its name.

    ``QuantumKernelSVC(encoding="zz").set_params(encoding__reps=3)`` would fail, since a string
    has no parameters: the named part is first replaced by the part with its defaults. So a grid
    search over ``encoding__reps`` needs no template spelled out.
    """

    _named_parts: ClassVar[dict[str, Callable[[Any], BaseEstimator]]] = {}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of parts given by their names included.

        Parameters
        ----------
        **params : dict
            Parameters; ``<part>__<parameter>`` for those of a part.

        Returns
        -------
        self : estimator instance
        """
        for part, resolve in self._named_parts.items():
            current = params.get(part, getattr(self, part))
            if any(name.startswith(f"{part}__") for name in params) and not isinstance(
                current, BaseEstimator
            ):
                params[part] = resolve(current)
        return super().set_params(**params)
