"""How findings are shown: the report, its notebook form, text for terminals, and plots."""

from skquantum.comparison._pages.advice import advice_page
from skquantum.comparison._pages.circuit import assumptions, price_on, time_on
from skquantum.comparison._pages.html import fragment, page
from skquantum.comparison._pages.plots import plot
from skquantum.comparison._pages.text import aligned, text, wrap

__all__ = [
    "advice_page",
    "aligned",
    "assumptions",
    "fragment",
    "page",
    "plot",
    "price_on",
    "text",
    "time_on",
    "wrap",
]
