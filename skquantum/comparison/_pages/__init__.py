"""How findings are shown: the report, its notebook form, text for terminals, and plots."""

from skquantum.comparison._pages._advice import advice_page
from skquantum.comparison._pages._circuit import assumptions, price_on, time_on
from skquantum.comparison._pages._html import fragment, page
from skquantum.comparison._pages._plots import plot
from skquantum.comparison._pages._text import text, wrap

__all__ = [
    "advice_page",
    "assumptions",
    "fragment",
    "page",
    "plot",
    "price_on",
    "text",
    "time_on",
    "wrap",
]
