"""Settings of the documentation's build (no network is needed)."""

import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from skquantum._documentation import docs_url
from skquantum._version import __version__

project = "skquantum"
author = "The skquantum developers"
copyright = f"2026, {author}"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "myst_parser",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
root_doc = "index"
templates_path = ["_templates"]
exclude_patterns = ["_build", "examples", "gallery/**/*.md5", "sg_execution_times.rst"]
default_role = "code"
nitpicky = False

extlinks = {
    "arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s"),
    "doi": ("https://doi.org/%s", "doi:%s"),
}
autosummary_generate = True
autodoc_mock_imports = ["torch"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections tell them, with shapes and units
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": ["examples"],
    "gallery_dirs": ["gallery"],
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 0,
    "write_computation_times": False,
    "within_subsection_order": "FileNameSortKey",
}

myst_heading_anchors = 3

html_baseurl = docs_url()  # where the site is, once it is published
html_theme = "pydata_sphinx_theme"
html_title = "skquantum"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_align": "left",
}
html_sidebars = {
    name: []
    for name in (
        "quickstart",
        "installation",
        "troubleshooting",
        "changelog",
        "citation",
        "architecture",
        "extending",
    )
}

# One process and thread for each example: what a gallery page times is then comparable.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The examples hold to the tests' law: warnings are errors.
warnings.filterwarnings("error", module=r"skquantum\.")


def skip_inherited_from_others(app, what, name, obj, skip, options):
    """Leave out what scikit-learn and Cirq document themselves (set_params, Gate.on, ...)."""
    module = getattr(obj, "__module__", None)
    return True if isinstance(module, str) and not module.startswith("skquantum") else skip


def setup(app):
    app.connect("autodoc-skip-member", skip_inherited_from_others)
