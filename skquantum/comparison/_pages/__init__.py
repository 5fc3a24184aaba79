"""How findings are shown: the report, its notebook form, text for terminals, and plots."""

from skquantum.comparison._pages._html import fragment, page
from skquantum.comparison._pages._plots import plot
from skquantum.comparison._pages._text import text, wrap

__all__ = ["fragment", "page", "plot", "text", "wrap"]
