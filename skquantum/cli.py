"""The command line: ``skquantum compare`` and ``skquantum models``."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skquantum._version import __version__
from skquantum.comparison import MODELS, DecisionRule, compare
from skquantum.comparison._candidates import infer_task
from skquantum.comparison._data import BUILT_IN, Data, check_target, load_data, subsample
from skquantum.comparison._models import BASELINES, TASKS, models_for
from skquantum.comparison._result import Comparison

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments; by default those of the process.

    Returns
    -------
    code : int
        0, or 1 if a model failed, 2 for bad input, 130 after Ctrl-C.

    Examples
    --------
    >>> from skquantum.cli import main
    >>> main(["--version"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = _parser()
    arguments = parser.parse_args(argv)
    _take_data_from_models(parser, arguments)
    try:
        return int(arguments.run(arguments, shlex.join(["skquantum", *argv])))
    except (ValueError, TypeError, ImportError, OSError) as error:
        print(f"skquantum: error: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("skquantum: interrupted before anything was finished", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skquantum",
        description="Quantum models that behave like scikit-learn models, compared honestly.",
        epilog="Start with: skquantum compare breast_cancer --report report.html",
    )
    parser.add_argument("--version", action="version", version=f"skquantum {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    models = commands.add_parser("models", help="list the models, the baselines and the data sets")
    models.set_defaults(run=_models)
    _add_compare(commands)
    return parser


def _take_data_from_models(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Sort out ``compare --model NAME ... DATA``: the last of several names is the data."""
    models = getattr(arguments, "model", None) or []
    if "data" in arguments and arguments.data is None:
        if len(models) < 2 or models[-1] in MODELS:
            parser.error("compare needs DATA: " + ", ".join(BUILT_IN) + ", or a file")
        arguments.data = models.pop()


def _add_compare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    rule = DecisionRule()
    parser = commands.add_parser(
        "compare",
        help="compare quantum models with tuned classical ones",
        description="Compare quantum models with tuned classical baselines by nested "
        "cross-validation, under a decision rule fixed before the run.",
    )
    parser.set_defaults(run=_compare)
    add = parser.add_argument
    add("data", metavar="DATA", nargs="?", help=f"{', '.join(BUILT_IN)}, or a CSV or Parquet file")
    add("--target", metavar="COL", help="column to predict, in a file (default: target)")
    add(
        "--model",
        metavar="NAME",
        nargs="+",
        action="extend",
        help="quantum models to compare, out of 'skquantum models' (default: the first that does "
        "the task)",
    )
    add("--task", choices=["auto", *TASKS], default="auto", help="default: what the data tell")
    add("--cv", metavar="K", type=int, default=5, help="outer folds (default: %(default)s)")
    add(
        "--budget",
        metavar="B",
        type=int,
        default=6,
        help="settings that each model may try on a fold (default: %(default)s)",
    )
    add("--subsample", metavar="N", type=int, help="use N rows, in the classes' proportions")
    add("--report", metavar="FILE", type=Path, help="write an HTML report")
    add("--scoring", metavar="NAME", help="deciding score (default: accuracy or r2)")
    add("--seed", metavar="S", type=int, default=0, help="default: %(default)s")
    add("--n-jobs", metavar="N", type=int, help="processes; more than one blurs the times")
    limits = parser.add_argument_group("decision rule")
    limits.add_argument(
        "--max-score-drop", metavar="D", type=float, default=rule.max_score_drop,
        help="below the best baseline's score (default: %(default)s)",
    )  # fmt: skip
    limits.add_argument(
        "--max-cost-ratio", metavar="R", type=float, default=rule.max_cost_ratio,
        help="prediction time relative to the best baseline's (default: %(default)s)",
    )  # fmt: skip
    limits.add_argument(
        "--alpha", type=float, default=rule.alpha,
        help="level of the test (default: %(default)s)",
    )  # fmt: skip
    limits.add_argument(
        "--hardware-latency", metavar="S", type=float,
        help="seconds within which quantum hardware would have to answer",
    )  # fmt: skip


def _models(arguments: argparse.Namespace, command: str) -> int:
    width = max(
        map(len, [*MODELS, *BUILT_IN, *(n for names in BASELINES.values() for n in names)])
    )
    print("Models to compare (--model):")
    for name, entry in MODELS.items():
        print(f"  {name:{width}}  {entry.description} [{', '.join(entry.tasks)}]")
    for task, baselines in BASELINES.items():
        print(f"\nBaselines for {task}:")
        for name, entry in baselines.items():
            print(f"  {name:{width}}  {entry.description}")
    print("\nData sets:")
    for name, (_, task) in BUILT_IN.items():
        print(f"  {name:{width}}  {task}")
    return 0


def _compare(arguments: argparse.Namespace, command: str) -> int:
    _check_report(arguments.report)
    rule = DecisionRule(
        max_score_drop=arguments.max_score_drop,
        max_cost_ratio=arguments.max_cost_ratio,
        alpha=arguments.alpha,
        hardware_latency=arguments.hardware_latency,
    )
    data = load_data(arguments.data, arguments.target)
    task = _task(arguments, data)
    models = arguments.model or models_for(task)[:1]
    if not models:
        raise ValueError(f"No registered model does {task}; 'skquantum models' lists them.")
    X, y = data.X, data.y
    if arguments.subsample is not None:
        X, y = subsample(X, check_target(y, task), arguments.subsample, task, arguments.seed)
    print(f"{data.name}: {len(y):,} rows, {np.shape(X)[1]} features, {task}", flush=True)
    for note in data.notes:
        print(f"Note: {note}", flush=True)
    comparison = compare(
        models,
        X,
        y,
        task=task,
        cv=arguments.cv,
        scoring=arguments.scoring,
        rule=rule,
        budget=arguments.budget,
        random_state=arguments.seed,
        n_jobs=arguments.n_jobs,
        verbose=1,
    )
    comparison.run = {"name": data.name, **comparison.run, "command": command}
    print(f"\n{comparison}")
    _write_report(comparison, arguments.report)
    if comparison.failures:
        return FAILED
    return 0 if comparison.complete else INTERRUPTED


def _task(arguments: argparse.Namespace, data: Data) -> str:
    asked = data.task if arguments.task == "auto" else arguments.task
    return infer_task(asked, arguments.model or [], data.y)


def _check_report(path: Path | None) -> None:
    """Find out before the run whether the report can be written."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise ValueError(f"--report {path}: name a file in a folder that exists.")


def _write_report(comparison: Comparison, path: Path | None) -> None:
    if path is None:
        print("\nFor plots, the circuit and all settings, add: --report report.html")
    else:
        comparison.to_html(path)
        print(f"\nReport: {path}")
