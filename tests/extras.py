"""Rooms that need a package which the tests may do without."""

from importlib.util import find_spec

NEEDED_BY = {"skquantum.torch": "torch"}


def is_missing(module: str) -> bool:
    """Whether a module of the package can't be imported here for want of an extra."""
    return module in NEEDED_BY and find_spec(NEEDED_BY[module]) is None
