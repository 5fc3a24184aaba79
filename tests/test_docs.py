"""Laws about the documentation: what it names exists, and what exists is named."""

import functools
import importlib
import inspect
import pkgutil
import re
import types
from pathlib import Path

import pytest
from sklearn.utils import estimator_html_repr

import skquantum
from skquantum import circuits, comparison, execution, kernels
from skquantum._documentation import documentation_page
from tests.extras import is_missing

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "skquantum"
ROOMS = sorted(
    f"skquantum.{path.name.removesuffix('.py')}"
    for path in PACKAGE.iterdir()
    if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists())
)


def documented() -> set[str]:
    """Return the qualified names in the API reference."""
    names, module = set(), ""
    for line in (ROOT / "docs" / "api.rst").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = match[1]
        elif match := re.match(r"(?:   |\.\. data:: )(\w+)$", line):
            names.add(f"{module}.{match[1]}")
    return {name for name in names if not is_missing(name.rpartition(".")[0])}


def resolve(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def test_the_table_of_sources_names_code_and_tests_that_exist():
    page = (ROOT / "docs" / "references.rst").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/*/test_*.py"))
    tests = re.findall(r"- ``(test_\w+)``", page)
    assert tests
    for name in tests:
        assert f"def {name}(" in sources, name
    for place in re.findall(r"- ``(\w+/[\w/.]+|_\w+\.py)``", page):
        assert (PACKAGE / place).exists(), place
    for script in re.findall(r"- ``([^\W_]\w*\.py)``", page):
        assert (ROOT / "benchmarks" / "evidence" / "published" / script).exists(), script


def test_the_api_reference_names_only_what_exists():
    assert documented()
    for name in documented():
        resolve(name)


@pytest.mark.parametrize("module", ["skquantum", *(r for r in ROOMS if not is_missing(r))])
def test_every_public_name_is_in_the_api_reference(module):
    # By identity: what a room and the package both offer is described once.
    described = {id(resolve(name)) for name in documented()}
    for name in getattr(importlib.import_module(module), "__all__", []):
        value = resolve(f"{module}.{name}")
        if not (isinstance(value, types.ModuleType) or name == "__version__"):
            assert id(value) in described, f"docs/api.rst lacks {module}.{name}"


@pytest.mark.parametrize("module", ROOMS)
def test_every_room_is_on_the_architecture_page(module):
    page = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8")
    assert f"``{module.removeprefix('skquantum.')}``" in page


def classes() -> list[type]:
    """Return the classes that modules define, but for protocols and those of a module alone."""
    found = []
    for info in pkgutil.walk_packages(skquantum.__path__, "skquantum."):
        if not (info.name.endswith("__main__") or is_missing(info.name)):
            module = importlib.import_module(info.name)
            found += [c for c in vars(module).values() if inspect.isclass(c)]
    own = [c for c in dict.fromkeys(found) if c.__module__.startswith("skquantum.")]
    return [c for c in own if not c.__name__.startswith("_") and not getattr(c, "_is_protocol", 0)]


def methods(owner: type) -> dict[str, object]:
    """Return the public methods and properties that a class itself defines."""
    kinds = types.FunctionType | property | classmethod | staticmethod | functools.cached_property
    return {k: v for k, v in vars(owner).items() if isinstance(v, kinds) and k[0] != "_"}


def test_every_method_has_a_docstring_of_its_own_or_inherited():
    assert len(classes()) > 100
    bare = [
        f"{owner.__qualname__}.{name}"
        for owner in classes()
        for name in methods(owner)
        if not inspect.getdoc(getattr(owner, name))
    ]
    assert bare == []


def test_no_docstring_repeats_the_one_that_it_could_inherit():
    for owner in classes():
        inherited = {id(c): methods(c) for c in owner.__mro__[1:] if "skquantum" in c.__module__}
        for name, method in methods(owner).items():
            above = [found[name].__doc__ for found in inherited.values() if name in found]
            repeats = method.__doc__ is not None and method.__doc__ in above
            assert not repeats, f"{owner.__qualname__}.{name} repeats what it inherits"


def test_the_readme_example_runs(capsys):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    (printed,) = re.findall(r"```text\n(QuantumKernelSVC.*?)```", readme, flags=re.DOTALL)
    found = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert found == pytest.approx(
        [float(line.split()[-1]) for line in printed.splitlines()], abs=0.011
    )


def test_no_page_but_the_architectures_has_words_of_insiders():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.rst"), *(ROOT / "docs").rglob("*.md")]
    made = ("_build", "gallery", "generated")
    for page in pages:
        if page.name == "architecture.rst" or set(page.parts) & set(made):
            continue
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"\brooms\b|\bnouns\b", text), page


def test_extras_are_installed_from_a_clone():
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "docs").rglob("*.rst"), ROOT / "README.md"]
    for path in sources:
        assert "skquantum[" not in path.read_text(encoding="utf-8"), path


def test_the_version_is_written_once():
    sources = [PACKAGE / "_version.py", *PACKAGE.rglob("*.py")]
    assert sum('__version__ = "' in p.read_text(encoding="utf-8") for p in set(sources)) == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", skquantum.__version__)


PUBLIC = {
    kind
    for module in (skquantum, circuits, comparison, execution, kernels)
    for kind in (getattr(module, name) for name in module.__all__)
    if isinstance(kind, type) and hasattr(kind, "get_params")
}
every_estimator = pytest.mark.parametrize("kind", sorted(PUBLIC, key=lambda kind: kind.__name__))


@every_estimator
def test_every_public_estimator_has_a_page_in_the_reference(kind):
    page = documentation_page(kind)
    assert page.removeprefix("generated/").removesuffix(".html") in documented()


@every_estimator
def test_the_diagram_links_to_the_page(kind, monkeypatch):
    if kind is kernels.GaussianProcessKernel:
        pytest.skip("a kernel of scikit-learn's, which draws no diagrams of them")
    if inspect.isabstract(kind):
        pytest.skip("a base class")
    estimator = kind.__new__(kind)
    monkeypatch.delenv("SKQUANTUM_DOCS_URL", raising=False)
    assert estimator._get_doc_link() == ""
    monkeypatch.setenv("SKQUANTUM_DOCS_URL", "https://example.org/docs/")
    assert estimator._get_doc_link() == f"https://example.org/docs/{documentation_page(kind)}"


def test_a_diagram_without_an_address_has_no_link(monkeypatch):
    model = skquantum.QuantumKernelSVC("zz")
    monkeypatch.setenv("SKQUANTUM_DOCS_URL", "https://example.org/docs")
    page = "https://example.org/docs/generated/skquantum.QuantumKernelSVC.html"
    assert f'href="{page}"' in estimator_html_repr(model)
    monkeypatch.delenv("SKQUANTUM_DOCS_URL")
    assert "example.org" not in estimator_html_repr(model)
    assert "doc_link" not in estimator_html_repr(model).split("</style>")[-1]


def test_classes_of_others_have_no_page_here(monkeypatch):
    monkeypatch.setenv("SKQUANTUM_DOCS_URL", "https://example.org/docs")

    class Mine(skquantum.QuantumKernelSVC):
        pass

    assert Mine()._get_doc_link() == ""
