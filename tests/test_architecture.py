"""Laws about who imports whom, and how large a piece may be, checked by parsing the package."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "skquantum"

# A room imports only from rooms of strictly lower rank, and from itself.
RANKS = {
    "_documentation": -2,
    "_lazy": -2,
    "_named_parts": -1,
    "_paired": -2,
    "_portable": -2,
    "_records": -3,
    "_rooms": -2,
    "_symbols": -1,
    "_validation": -2,
    "_version": -4,
    "_steps": -4,
    "circuits": 0,
    "datasets": 0,
    "execution": 0,
    "metrics": 0,
    "kernels": 1,
    "layers": 1,
    "estimators": 2,
    "inspection": 3,
    "saving": 3,
    "testing": 3,
    "torch": 2,
    "comparison": 4,
    "cli": 5,
    "__main__": 6,
    "__init__": 6,
}
RUN_TIME = {"cirq", "joblib", "matplotlib", "numpy", "qsimcirq", "scipy", "sklearn", "sympy"}
RUN_TIME |= {"threadpoolctl"}  # like joblib, comes with scikit-learn
RUN_TIME |= {"networkx"}  # like sympy, comes with Cirq
EXTRAS = {
    *(
        "cirq_google",
        "codecarbon",
        "dask",
        "distributed",
        "mlflow",
        "pandas",
        "pyarrow",
        "skops",
        "skrub",
    ),
    *("statsmodels", "torch"),
}

# Limits that only go down.
MODULE_LINES = 700
BODY_LINES = 50  # of a function, without its docstring

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path, nodes: ast.AST | None = None) -> Iterator[tuple[str, int]]:
    """Yield the dotted name of everything that a module imports, and the line.

    ``from a import b`` yields ``a.b``, as `b` may be a module. Imports inside functions, and those
    for type checking only, count too.
    """
    package = ("skquantum", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(nodes or parsed(path)):
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
    for statement in parsed(path).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from imports_of(path, statement)


def from_other_rooms() -> Iterator[tuple[Path, str, list[str], int]]:
    """Yield each import from another room: who, the room, the parts of what is taken, the line."""
    for path in MODULES:
        for target, line in imports_of(path):
            parts = target.split(".")
            if parts[0] == "skquantum" and len(parts) > 1:
                # What is no room is a public name of the package's own __init__.
                room = parts[1] if parts[1] in RANKS else "__init__"
                if room != room_of(path):
                    yield path, room, parts, line


def file_of(target: str) -> Path | None:
    """Return the module that an import takes, or takes a name from."""
    parts = target.split(".")[1:]
    for stop in (len(parts), len(parts) - 1):
        base = PACKAGE.joinpath(*parts[:stop])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if stop and path.is_file():
                return path
    return None


def test_every_module_is_in_a_ranked_room():
    assert not {room_of(path) for path in MODULES} - RANKS.keys()


def test_every_room_stands_with_its_rank_on_the_architecture_page():
    page = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8")
    table = {room: int(rank) for rank, room in re.findall(r"\* - (\d+)\n     - ``(\w+)``", page)}
    rooms = {room_of(path) for path in MODULES}
    assert table == {room: RANKS[room] for room in rooms if not room.startswith("_")}


def test_rooms_import_only_from_lower_ranks():
    wrong = [
        f"{name_of(path)}:{line}, of rank {RANKS[room_of(path)]}, imports {'.'.join(parts)}, of "
        f"rank {RANKS[room]}"
        for path, room, parts, line in from_other_rooms()
        if RANKS[room] >= RANKS[room_of(path)]
    ]
    assert not wrong, "\n".join(wrong)


def test_other_rooms_are_entered_by_their_door():
    wrong = [
        f"{name_of(path)}:{line} takes {'.'.join(parts)}; let skquantum.{room} hand it out"
        for path, room, parts, line in from_other_rooms()
        if (PACKAGE / room).is_dir()
        if len(parts) > 3 or file_of(".".join(parts)) != PACKAGE / room / "__init__.py"
    ]
    assert not wrong, "\n".join(wrong)


def test_no_underscored_name_goes_from_room_to_room():
    wrong = [
        f"{name_of(path)}:{line} takes {'.'.join(parts)}"
        for path, room, parts, line in from_other_rooms()
        if not room.startswith("_") and any(part.startswith("_") for part in parts[2:])
    ]
    assert not wrong, "\n".join(wrong)


def test_there_is_no_circle_inside_a_room():
    modules, folders = nx.DiGraph(), nx.DiGraph()
    for path in MODULES:
        for target, _ in imports_of(path):
            other = file_of(target) if target.startswith("skquantum.") else None
            if other is None or room_of(other) != room_of(path) or other == path:
                continue
            modules.add_edge(name_of(path), name_of(other))
            # A folder inside a room counts as one, too.
            a, b = ("/".join(Path(name_of(p)).parts[:2]) for p in (path, other))
            if a != b:
                folders.add_edge(a, b)
    circles = [
        sorted(circle)
        for graph in (modules, folders)
        for circle in nx.strongly_connected_components(graph)
        if len(circle) > 1
    ]
    assert not circles


def test_modules_and_functions_are_short():
    long = {}
    for path in MODULES:
        length = path.read_text(encoding="utf-8").count("\n")
        assert length <= MODULE_LINES, f"{name_of(path)} has {length} lines"
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                if lines > BODY_LINES:
                    long[f"{name_of(path)}: {node.name}"] = lines
    assert not long


def concrete_parts() -> dict[str, str]:
    """Return the encodings, ansätze, kernels and backends of this package, with their rooms."""
    classes = (
        (path, node)
        for path in MODULES
        if room_of(path) in ("circuits", "execution", "kernels")
        for node in parsed(path).body
        if isinstance(node, ast.ClassDef)
    )
    kinds = re.compile("Encoding|Ansatz|Kernel|Backend|Evaluator")
    return {
        node.name: room_of(path)
        for path, node in classes
        if any(kinds.search(ast.unparse(base)) for base in node.bases)
    }


def classes_asked_for(path: Path) -> Iterator[str]:
    """Yield the names in ``isinstance(..., names)`` and ``type(...) is name``."""
    for node in ast.walk(parsed(path)):
        asked: list[ast.AST] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
            asked = [node.args[1]]
        elif isinstance(node, ast.Compare) and ast.unparse(node.left).startswith("type("):
            asked = list(node.comparators)
        yield from (n.id for tree in asked for n in ast.walk(tree) if isinstance(n, ast.Name))


def test_no_part_is_asked_for_its_class_outside_its_room():
    parts = concrete_parts()
    assert {"AmplitudeEncoding", "FidelityKernel", "QsimBackend"} <= parts.keys()
    found = {
        f"{name_of(path)}: {name}"
        for path in MODULES
        for name in classes_asked_for(path)
        if parts.get(name, room_of(path)) != room_of(path)
    }
    assert not found, "ask it what it can do"


def test_only_one_file_touches_qsims_binding():
    users = {
        name_of(path)
        for path in MODULES
        for target, _ in imports_of(path)
        if target.split(".")[0] == "qsimcirq"
    }
    assert users == {"execution/_engine/qsim.py"}


def test_third_party_imports_are_declared():
    def foreign(imports: Iterator[tuple[str, int]]) -> set[str]:
        names = {target.split(".")[0] for target, _ in imports}
        return names - sys.stdlib_module_names - {"skquantum"}

    undeclared = {name_of(p): foreign(imports_of(p)) - RUN_TIME - EXTRAS for p in MODULES}
    # An extra is imported where it is used, so that the package works without it.
    too_early = {name_of(p): foreign(top_level_imports_of(p)) - RUN_TIME for p in MODULES}
    for found in (undeclared, too_early):
        assert not {name: names for name, names in found.items() if names}


def test_public_classes_bear_the_name_of_their_room():
    # So files of saved models do, and the modules inside a room can move.
    for room in sorted({room_of(path) for path in MODULES if path.parent != PACKAGE}):
        door = importlib.import_module(f"skquantum.{room}")
        for name in door.__all__:
            kind = getattr(door, name)
            if isinstance(kind, type):
                assert f"{kind.__module__}.{kind.__qualname__}" == f"{door.__name__}.{name}"
                # doctest looks for a class at the door, and for functions where they stand.
                members = [m for m in vars(kind).values() if callable(m) or hasattr(m, "__func__")]
                assert not [m for m in members if ">>>" in (m.__doc__ or "")], kind


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


def test_what_is_unknown_is_told_by_one_function():
    """`_validation.unknown` writes the sentence, so that it reads alike for every parameter."""
    own = re.compile(r'"Unknown |"There are: |Did you mean')
    told = {str(path.relative_to(PACKAGE)) for path in MODULES if own.search(path.read_text())}
    assert told == {"_validation.py"}
