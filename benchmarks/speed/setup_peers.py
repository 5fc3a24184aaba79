"""Make one virtual environment per file in ``benchmarks/speed/environments``.

    python benchmarks/speed/setup_peers.py                        # all of them, with this Python
    python benchmarks/speed/setup_peers.py peers qiskit           # only these
    python benchmarks/speed/setup_peers.py --python tfq=python3.11

They are made under ``benchmarks/.venvs``, where the benchmarks look for them. An environment that
is there already is brought up to date, not made again.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENVS = HERE / ".venvs"
ENVIRONMENTS = sorted(path.stem for path in (HERE / "environments").glob("*.txt"))


def interpreter(name):
    """Return where an environment's Python is, or would be."""
    return VENVS / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def named_paths(pairs):
    """Turn ``["NAME=PATH", ...]`` into a dict."""
    named = dict(pair.partition("=")[::2] for pair in pairs)
    unknown = sorted(set(named) - set(ENVIRONMENTS))
    if unknown or not all(named.values()):
        sys.exit(f"--python takes NAME=PATH with NAME one of {', '.join(ENVIRONMENTS)}")
    return named


def install(name, python):
    """Make or update one environment; return whether that worked."""
    target = interpreter(name)
    if not target.exists():
        subprocess.run([python, "-m", "venv", str(VENVS / name)], check=True)
    requirements = HERE / "environments" / f"{name}.txt"
    commands = [["-r", str(requirements)]]
    alone = requirements.with_suffix(".no-deps")  # whose own requirements would not install
    if alone.exists():
        commands.append(["--no-deps", "-r", str(alone)])
    return all(
        subprocess.run(
            [str(target), "-m", "pip", "install", *command], cwd=HERE.parents[1], check=False
        ).returncode
        == 0
        for command in commands
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ENVIRONMENTS))
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="make this environment with another Python",
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(ENVIRONMENTS))
    if unknown:
        parser.error(f"unknown {', '.join(unknown)}; there are {', '.join(ENVIRONMENTS)}")
    pythons = named_paths(arguments.python)
    VENVS.mkdir(exist_ok=True)
    (VENVS / ".gitignore").write_text("*\n")
    failed = [
        name
        for name in arguments.names or ENVIRONMENTS
        if not install(name, pythons.get(name, sys.executable))
    ]
    if failed:
        sys.exit(f"could not install: {', '.join(failed)} (the benchmarks leave them out)")


if __name__ == "__main__":
    main()
