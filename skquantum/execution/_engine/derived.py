"""A cache that lives as long as what it was computed from."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")


def derived(function: Callable[..., T]) -> Callable[..., T]:
    """Remember a function's results on its first argument, an object of a compiled program.

    Unlike a cache of the function's own, it holds nothing that nobody needs any more: state
    vectors' worth of indices and matrices go when the program goes.
    """

    @wraps(function)
    def remembered(owner: Any, *args: Any) -> T:
        # Past __setattr__, which frozen dataclasses forbid.
        results = vars(owner).setdefault("_derived", {})
        key = (function.__name__, *args)
        if key not in results:
            results[key] = function(owner, *args)
        return results[key]

    return remembered
