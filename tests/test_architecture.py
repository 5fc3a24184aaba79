"""Laws about who imports whom, checked by parsing every module of the package."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "skquantum"

# A room imports only from rooms of strictly lower rank, and from itself.
RANKS = {
    "_validation": -1,
    "_version": -1,
    "circuits": 0,
    "datasets": 0,
    "execution": 0,
    "metrics": 0,
    "kernels": 1,
    "layers": 1,
    "estimators": 2,
    "comparison": 3,
    "inspection": 3,
    "testing": 3,
    "cli": 4,
    "__main__": 5,
    "__init__": 5,
}
RUN_TIME = {"cirq", "joblib", "matplotlib", "numpy", "qsimcirq", "scipy", "sklearn", "sympy"}
RUN_TIME |= {"threadpoolctl"}  # like joblib, comes with scikit-learn
RUN_TIME |= {"networkx"}  # like sympy, comes with Cirq
EXTRAS = {"cirq_google", "pandas", "pyarrow", "skrub", "statsmodels"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path, nodes: ast.AST | None = None) -> Iterator[tuple[str, int]]:
    """Yield the dotted name of everything that a module imports, and the line.

    ``from a import b`` yields ``a.b``, as `b` may be a module. Imports inside functions, and those
    for type checking only, count too.
    """
    package = ("skquantum", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(nodes or ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            yield from ((".".join((*base, alias.name)), node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "__import__")
        ):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value), node.lineno


def top_level_imports_of(path: Path) -> Iterator[tuple[str, int]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from imports_of(path, statement)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_is_in_a_ranked_room(path):
    assert room_of(path) in RANKS, f"give {room_of(path)!r} a rank in {Path(__file__).name}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rooms_import_only_from_lower_ranks(path):
    room = room_of(path)
    wrong = []
    for target, line in imports_of(path):
        parts = target.split(".")
        if parts[0] != "skquantum":
            continue
        # What is no room is a public name of the package's own __init__.
        other = parts[1] if len(parts) > 1 and parts[1] in RANKS else "__init__"
        if other != room and RANKS[other] >= RANKS[room]:
            wrong.append(f"line {line}: {target}, of rank {RANKS[other]}")
    assert not wrong, f"{name_of(path)}, of rank {RANKS[room]}, imports {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_one_file_touches_qsims_binding(path):
    if name_of(path) != "execution/qsim.py":
        assert not [use for use in imports_of(path) if use[0].split(".")[0] == "qsimcirq"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_third_party_imports_are_declared(path):
    def foreign(imports: Iterator[tuple[str, int]]) -> set[str]:
        names = {target.split(".")[0] for target, _ in imports}
        return names - sys.stdlib_module_names - {"skquantum"}

    assert foreign(imports_of(path)) <= RUN_TIME | EXTRAS
    # An extra is imported where it is used, so that the package works without it.
    assert foreign(top_level_imports_of(path)) <= RUN_TIME


def test_the_parser_sees_every_kind_of_import(tmp_path, monkeypatch):
    source = (
        "import numpy.linalg as la\n"
        "from skquantum.kernels import FidelityKernel\n"
        "from ..execution import qsim\n"
        "from . import _base\n"
        "def f():\n"
        "    import pandas\n"
        "    return importlib.import_module('qsimcirq.qsim_avx512')\n"
    )
    path = tmp_path / "circuits" / "zz.py"
    path.parent.mkdir()
    path.write_text(source, encoding="utf-8")
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    assert {target for target, _ in imports_of(path)} == {
        "numpy.linalg",
        "skquantum.kernels.FidelityKernel",
        "skquantum.execution.qsim",
        "skquantum.circuits._base",
        "pandas",
        "qsimcirq.qsim_avx512",
    }
    assert {target for target, _ in top_level_imports_of(path)} == {
        "numpy.linalg",
        "skquantum.kernels.FidelityKernel",
        "skquantum.execution.qsim",
        "skquantum.circuits._base",
    }


def test_the_package_imports_its_rooms_when_they_are_used():
    code = (
        "import sys, skquantum\n"
        "assert not {'cirq', 'numpy', 'sklearn'} & set(sys.modules)\n"
        "from skquantum import *\n"
        "assert all(name in globals() for name in skquantum.__all__)\n"
        "assert set(skquantum.__all__) == {*skquantum._ORIGINS, '__version__'}\n"
        "assert set(skquantum.__all__) <= set(dir(skquantum))\n"
        "try:\n    skquantum.QuantumKernelSCV\n"
        "except AttributeError as error:\n    assert 'QuantumKernelSCV' in str(error)\n"
        "else:\n    raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT)
