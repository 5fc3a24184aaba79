"""Settings that every test shares."""

import os

import matplotlib
import pytest
from hypothesis import settings

matplotlib.use("Agg")

# A shared machine makes wall-clock deadlines flaky; what is slow shows in --durations.
settings.register_profile("default", deadline=None, print_blob=True)
# In CI the same examples each time: a red run is then due to the change.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(items):
    """Refuse names of tests that differ from process to process: pytest-xdist can't run them."""
    unstable = [item.nodeid for item in items if " object at 0x" in item.nodeid]
    if unstable:
        raise pytest.UsageError(f"Give these tests ids without addresses: {unstable}")
