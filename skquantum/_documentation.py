"""Where the documentation is, and which of its pages describes an object."""

from __future__ import annotations

import importlib
import itertools
import os
from typing import Any

#: Address of the published documentation, without a slash at the end; "" while there is none. The
#: environment variable SKQUANTUM_DOCS_URL takes its place, for a copy of your own.
DOCS_URL = ""


def docs_url() -> str:
    """Return the address of the documentation, or "" if none is known."""
    return os.environ.get("SKQUANTUM_DOCS_URL", DOCS_URL).rstrip("/")


def documentation_page(kind: type) -> str | None:
    """Return the page of the API reference on a class, relative to the documentation.

    Parameters
    ----------
    kind : type

    Returns
    -------
    str or None
        None for a class that is not public.

    Examples
    --------
    >>> from skquantum import QuantumKernelSVC
    >>> from skquantum._documentation import documentation_page
    >>> documentation_page(QuantumKernelSVC)
    'generated/skquantum.QuantumKernelSVC.html'
    """
    parts = kind.__module__.split(".")
    public = ".".join(itertools.takewhile(lambda part: not part.startswith("_"), parts))
    for name in dict.fromkeys((parts[0], public)):
        module = importlib.import_module(name)
        listed = kind.__name__ in getattr(module, "__all__", ())
        if listed and getattr(module, kind.__name__) is kind:
            return f"generated/{name}.{kind.__name__}.html"
    return None


class DocumentedMixin:
    """What makes scikit-learn's diagrams of an estimator link to its page here."""

    # The names are those that scikit-learn asks third parties for. A diagram has no link where
    # the module is not the class's own.
    @property
    def _doc_link_module(self) -> str:
        known = docs_url() and documentation_page(type(self))
        return "skquantum" if known else ""

    @property
    def _doc_link_template(self) -> str:
        return docs_url() + "/{page}"

    def _doc_link_url_param_generator(self) -> dict[str, Any]:
        return {"page": documentation_page(type(self))}
