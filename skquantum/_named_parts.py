"""Parameters that are parts, or names of parts: how nested parameters reach them at any depth."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError

from skquantum._documentation import DocumentedMixin
from skquantum._portable import PortableMixin


class NamedPartsMixin(DocumentedMixin, PortableMixin, BaseEstimator):
    """What templates, kernels, backends and estimators share: a name stands for a part.

    A parameter that is a part may be given by a name, or left at None: it then stands for a part
    with its defaults, everywhere and at any depth. ``FidelityKernel("zz")`` has the parameter
    ``encoding__reps``, `get_params` lists it and `set_params` sets it, by putting the encoding in
    its name's place. What is stored stays as it came until then.

    A class lists such parameters in `_named_parts`, with the functions that make parts of them.
    Where a part given by its name takes parameters from what holds it, as a kernel takes
    `encoding` and `backend`, `_shared` lists these. They are then one parameter under two names:
    while they agree, setting one sets the other.
    """

    _named_parts: ClassVar[dict[str, Callable[[Any], BaseEstimator]]] = {}
    _shared: ClassVar[dict[str, tuple[str, ...]]] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to list those of parts, too, also of parts that are given by a name.

        Returns
        -------
        params : dict
            Names and values.
        """
        params = super().get_params(deep=deep)
        if deep:
            for part in self._parts_of(params):
                if not is_part(params[part]):
                    params |= self._nested(part, params)
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of parts given by a name included.

        Parameters
        ----------
        **params : dict
            Parameters; ``<part>__<parameter>`` for those of a part.

        Returns
        -------
        self : estimator instance
            The same object.
        """
        own = super().get_params(deep=False)
        params = self._without_unchanged(params)
        target = own | {name: value for name, value in params.items() if "__" not in name}
        followers = [
            (part, name)
            for part, names in self._shared.items()
            for name in names
            if self._agree(part, name, target if part in params else own)
        ]
        for part, name in followers:
            params = _renamed(params, f"{part}__{name}", name)
        target |= {name: value for name, value in params.items() if "__" not in name}
        for part in self._parts_of(own):
            if not is_part(target[part]):
                params = self._with_part(part, target, params)
                target[part] = params.get(part, target[part])
        super().set_params(**params)
        for part, name in followers:
            self._follow(part, name)
        return self

    def _validate_params(self) -> None:
        """Validate the parameters: the parts first, whose resolvers know what would work."""
        own = super().get_params(deep=False) if self._named_parts else {}
        for part in self._parts_of(own):
            try:
                self._named_parts[part](own[part])
            except TypeError as error:
                raise InvalidParameterError(f"{type(self).__name__}: {error}") from None
        super()._validate_params()

    def _parts_of(self, params: dict[str, Any]) -> list[str]:
        # A subclass may have a constructor of its own, without some of them.
        return [part for part in self._named_parts if part in params]

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        """Return what the name of a part stands for, beside the other parameters."""
        return self._named_parts[part](value)

    def _nested(self, part: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            resolved = self._resolve_part(part, params[part], params)
        except (TypeError, ValueError):  # no part: the error comes when parameters are validated
            return {}
        return {f"{part}__{name}": value for name, value in resolved.get_params().items()}

    def _without_unchanged(self, params: dict[str, Any]) -> dict[str, Any]:
        """Leave out nested parameters that come with their parts and have their values already.

        So ``set_params(**get_params())`` puts no part in the place of a name.
        """
        if not any("__" in name for name in params):
            return params
        now = self.get_params()
        changed = {n for n, value in params.items() if n not in now or not is_same(value, now[n])}

        def is_needed(name: str) -> bool:
            pieces = name.split("__")
            above = {"__".join(pieces[:i]) for i in range(1, len(pieces))}
            is_listing = above <= params.keys()  # of a whole part, as `get_params` returns it
            return name in changed or not above or not is_listing or bool(above & changed)

        return {name: value for name, value in params.items() if is_needed(name)}

    def _with_part(
        self, part: str, target: dict[str, Any], params: dict[str, Any]
    ) -> dict[str, Any]:
        """Put a part in the place of its name, if nested parameters are to be set on it."""
        prefix = f"{part}__"
        nested = {n.removeprefix(prefix): v for n, v in params.items() if n.startswith(prefix)}
        if not nested:
            return params
        # Set before the part is stored: a refused name changes nothing.
        resolved = self._resolve_part(part, target[part], target).set_params(**nested)
        return {n: v for n, v in params.items() if not n.startswith(prefix)} | {part: resolved}

    def _agree(self, part: str, name: str, params: dict[str, Any]) -> bool:
        if not is_part(params[part]):
            try:
                resolved = self._resolve_part(part, params[part], params)
            except (TypeError, ValueError):
                return False
            return name in resolved.get_params(deep=False)
        own = params[part].get_params(deep=False)
        return name in own and is_same(own[name], params[name])

    def _follow(self, part: str, name: str) -> None:
        """Let a part that agreed in a shared parameter agree again."""
        held, value = getattr(self, part), getattr(self, name)
        if is_part(held) and not is_same(held.get_params(deep=False)[name], value):
            held = copy(held)  # the caller's object stays as it is
            setattr(held, name, value)
            setattr(self, part, held)


def is_part(value: Any) -> bool:
    """Whether a parameter's value has parameters of its own."""
    return hasattr(value, "set_params") and not isinstance(value, type)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values of a parameter describe the same, as a part and its clone do."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseEstimator):
        ones, others = one.get_params(deep=False), other.get_params(deep=False)
        return all(is_same(value, others[name]) for name, value in ones.items())
    try:
        return bool(np.all(one == other))
    except (TypeError, ValueError):
        return False


def _renamed(params: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return parameters with all that are named `old`, or nested in it, under another name."""
    out = {n: v for n, v in params.items() if n != old and not n.startswith(f"{old}__")}
    for name in params.keys() - out.keys():
        renamed, value = new + name.removeprefix(old), params[name]
        if renamed in out and not is_same(out[renamed], value):
            raise ValueError(
                f"{name} and {renamed} are one parameter here, and can't be set to both "
                f"{value!r} and {out[renamed]!r}."
            )
        out[renamed] = value
    return out
