"""The command line: ``skquantum advise``, ``compare``, ``fit``, ``predict`` and others.

What the commands do is in `skquantum.comparison`, which is imported only when one of them runs:
``--help``, ``--version`` and errors in the arguments should not wait for it.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from skquantum._validation import did_you_mean, plain
from skquantum._version import __version__

BAD_INPUT, INTERRUPTED = 2, 130
# Flags that people try, and what they are called here.
OTHER_WORDS = {"--metric": "--scoring", "--score": "--scoring", "--latency": "--hardware-latency"}

# As `skquantum.comparison` has them: said in --help, which does not import it.
TASKS = ("classification", "regression", "series")
MAX_SCORE_DROP, MAX_COST_RATIO, LATENCY, ALPHA = 0.02, 1.5, 0.001, 0.05
WINDOW, HORIZON = 12, 1
SHOTS = 1000


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
    try:
        argv = sys.argv[1:] if argv is None else list(argv)
        arguments = _parsed(argv)
        return int(arguments.run(arguments, shlex.join(["skquantum", *argv])))
    except (ValueError, TypeError, ImportError, OSError) as error:
        print(f"skquantum: error: {plain(' '.join(str(error).split()))}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:  # in the seconds that imports take, too
        print("skquantum: interrupted before anything was finished", file=sys.stderr)
        return INTERRUPTED


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Return what the arguments of a command say, or end with its usage."""
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:
        _refuse(arguments.parser, unknown)
    _take_data_from_models(arguments)
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skquantum",
        description="Quantum models that behave like scikit-learn models, compared honestly.",
        epilog="Start with: skquantum compare breast_cancer --report report.html",
    )
    parser.add_argument("--version", action="version", version=f"skquantum {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    models = commands.add_parser("models", help="list the models, the baselines and the data sets")
    models.set_defaults(run=_models, parser=models)
    _add_advise(commands)
    _add_compare(commands)
    _add_fit(commands)
    _add_predict(commands)
    _add_records(commands)
    return parser


def _refuse(parser: argparse.ArgumentParser, unknown: list[str]) -> NoReturn:
    """Say what a command does not take, with the command's own usage."""
    flags = [flag for action in parser._actions for flag in action.option_strings]
    wrong = next((text for text in unknown if text.startswith("-")), None)
    flag = "" if wrong is None else wrong.split("=")[0]
    hint = did_you_mean(OTHER_WORDS.get(flag, flag), flags)
    parser.error(f"unrecognized arguments: {shlex.join(unknown)}.{hint}")


def _take_data_from_models(arguments: argparse.Namespace) -> None:
    """Sort out ``compare --model NAME ... DATA``: the last of several names is the data.

    Names may be separated by commas as well.
    """
    if arguments.run is not _compare:
        return
    given = arguments.model or []
    if arguments.data is None:
        if len(given) < 2 or _is_model(given[-1]):
            arguments.parser.error(
                "compare needs DATA: a name out of 'skquantum models', or a file"
            )
        arguments.data = given.pop()
    arguments.model = [name for text in given for name in text.split(",") if name] or None


def _is_model(name: str) -> bool:
    from skquantum.comparison import MODELS

    return name in MODELS


def _add_compare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "compare",
        help="compare quantum models with tuned classical ones",
        description="Compare quantum models with tuned classical baselines by nested "
        "cross-validation, under a decision rule fixed before the run.",
    )
    parser.set_defaults(run=_compare, parser=parser)
    parts = (
        _add_data,
        _add_table,
        _add_protocol,
        _add_studies,
        _add_series,
        _add_device,
        _add_rule,
    )
    for add in parts:
        add(parser)


def _add_advise(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "advise",
        help="say in seconds whether a comparison is worth running",
        description="Say in seconds, from a sample of the rows and a few cheap fits, whether "
        "quantum models are worth a comparison on these data.",
    )
    parser.set_defaults(run=_advise, parser=parser, model=None)
    add = parser.add_argument
    add("data", metavar="DATA", help="rows: a name out of 'skquantum models', or a file")
    add("--target", metavar="COL", help="column to predict, in a file (default: target)")
    add("--task", choices=["auto", *TASKS[:2]], default="auto", help="default: what the data tell")
    add("--report", metavar="FILE", type=Path, help="write an HTML page")
    add("--json", metavar="FILE", type=Path, help="write all numbers")
    add("--seed", metavar="S", type=int, default=0, help="default: %(default)s")
    add("--max-rows", metavar="N", type=int, default=300, help="sample (default: %(default)s)")
    add(
        "--hardware-latency", metavar="S", type=float,
        help="seconds within which quantum hardware would have to answer",
    )  # fmt: skip
    _add_columns(parser)
    _add_device(parser)


def _add_fit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "fit",
        help="tune and fit a model on all rows of a file, and save it",
        description="Tune and fit a model on all rows of a file, behind the steps that 'skquantum "
        "compare' puts before it, and save it without pickle.",
    )
    parser.set_defaults(run=_fit, parser=parser)
    add = parser.add_argument
    add("data", metavar="FILE", help="a table, as for 'skquantum compare'")
    add("--target", metavar="COL", help="column to predict (default: target)")
    add(
        "--model", metavar="NAME",
        help="out of 'skquantum models', baselines too (default: the first that does the task)",
    )  # fmt: skip
    add("--out", metavar="FILE", type=Path, required=True, help="such as model.skops")
    add("--task", choices=["auto", *TASKS[:2]], default="auto", help="default: what the data tell")
    add("--scoring", metavar="NAME", help="to choose settings by (default: accuracy, or r2)")
    add(
        "--budget", metavar="B", type=int, default=6,
        help="settings to try on three inner folds (default: %(default)s)",
    )  # fmt: skip
    add("--seed", metavar="S", type=int, default=0, help="default: %(default)s")
    _add_columns(parser)


def _add_predict(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "predict",
        help="predict the rows of a file by a model that 'fit' saved",
        description="Predict the rows of a file by a model that 'skquantum fit' saved. "
        "Predictions are printed as CSV, notes on stderr; where the file has the target, the "
        "score as well.",
    )
    parser.set_defaults(run=_predict, parser=parser)
    add = parser.add_argument
    add("file", metavar="MODEL", type=Path, help="such as model.skops")
    add("data", metavar="FILE", help="a table with the columns that the model learned from")
    add("--out", metavar="FILE", type=Path, help="write the predictions here")
    add("--card", metavar="FILE", type=Path, help="write a model card (Markdown) with its scores")
    add("--decimal", choices=[".", ","], help="decimal mark (default: as in training)")


def _add_records(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    show = commands.add_parser("show", help="show a comparison that --json wrote")
    show.set_defaults(run=_show, parser=show)
    show.add_argument("file", metavar="FILE", type=Path)
    show.add_argument("--report", metavar="FILE", type=Path, help="write an HTML report")
    rerun = commands.add_parser("rerun", help="run such a comparison again, and say what differs")
    rerun.set_defaults(run=_rerun, parser=rerun)
    rerun.add_argument("file", metavar="FILE", type=Path)
    rerun.add_argument("--json", metavar="FILE", type=Path, help="write the new results")
    diff = commands.add_parser("diff", help="say how two such comparisons differ")
    diff.set_defaults(run=_diff, parser=diff)
    diff.add_argument("before", metavar="BEFORE", type=Path)
    diff.add_argument("after", metavar="AFTER", type=Path)


def _add_data(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "data",
        metavar="DATA",
        nargs="?",
        help="rows or a series: a name out of 'skquantum models', such as iris, or a file: text "
        "with separated columns (.csv, .tsv, .txt), .parquet, .feather or .xlsx",
    )
    add("--target", metavar="COL", help="column to predict, in a file (default: target)")
    add(
        "--model",
        metavar="NAME",
        nargs="+",
        action="extend",
        help="quantum models to compare, out of 'skquantum models', separated by spaces or commas "
        "(default: the first that does the task)",
    )
    add("--task", choices=["auto", *TASKS], default="auto", help="default: what the data tell")


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--cv",
        metavar="K",
        type=int,
        default=5,
        help="outer folds, of a series forward in time (default: %(default)s)",
    )
    add(
        "--budget",
        metavar="B",
        type=int,
        default=6,
        help="settings that each model may try on a fold (default: %(default)s)",
    )
    add(
        "--subsample",
        metavar="N",
        type=int,
        help="use N rows, in the classes' proportions; of a series the last N values",
    )
    add("--report", metavar="FILE", type=Path, help="write an HTML report")
    add("--json", metavar="FILE", type=Path, help="write all results, for 'skquantum show'")
    add(
        "--scoring",
        metavar="NAME",
        help="deciding score (default: accuracy, r2, or minus the logarithm of the error)",
    )
    add("--seed", metavar="S", type=int, default=0, help="default: %(default)s")
    add(
        "--n-jobs",
        metavar="N",
        type=int,
        default=-1,
        help="processes (default: as many as there are cores; the numbers are the same with 1, "
        "the times less blurred)",
    )


def _add_studies(parser: argparse.ArgumentParser) -> None:
    studies = parser.add_argument_group(
        "what else to look into, at one setting of each model (no say in the verdict)"
    )
    add = studies.add_argument
    add("--labels", metavar="N,N", help="how many labels does it take? such as 10,20,50,100")
    add("--seeds", metavar="N", type=int, default=0, help="is it stable, or luck? such as 5")
    add("--ablate", action="store_true", help="which stage of the quantum models helps?")
    add("--energy", action="store_true", help="how much does a fit take? (extra energy)")
    add("--sweep", metavar="NAME=V,V", help="values of a parameter, such as n_layers=1,2,4")


def _add_series(parser: argparse.ArgumentParser) -> None:
    series = parser.add_argument_group("series (--task series)")
    series.add_argument(
        "--window", metavar="N", type=int, help=f"values that a model sees (default: {WINDOW})"
    )
    series.add_argument(
        "--horizon", metavar="N", type=int, help=f"values that it forecasts (default: {HORIZON})"
    )
    series.add_argument(
        "--season",
        metavar="N",
        type=int,
        help="steps of a season, for the seasonal naive forecast (default: found in the windows)",
    )


def _add_device(parser: argparse.ArgumentParser) -> None:
    device = parser.add_argument_group("device: would the model survive one?")
    device.add_argument(
        "--device",
        metavar="NAME",
        action="append",
        help="try the quantum models with this Google device's noise, such as willow_pink, or "
        "with depolarizing noise of this strength, such as 0.01; given again, compare tries the "
        "same fitted models on each",
    )
    device.add_argument(
        "--shots", metavar="N", type=int, help=f"runs of each circuit there (default: {SHOTS})"
    )
    device.add_argument("--price-per-shot", metavar="P", type=float, help="to estimate the cost")
    device.add_argument("--price-per-circuit", metavar="P", type=float, help="likewise")
    device.add_argument(
        "--seconds-per-shot",
        metavar="S",
        type=float,
        help="to estimate the time (default: 1e-4)",
    )


def _add_rule(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("decision rule")
    limits.add_argument(
        "--max-score-drop", metavar="D", type=float, default=MAX_SCORE_DROP,
        help="below the best baseline's score (default: %(default)s)",
    )  # fmt: skip
    limits.add_argument(
        "--max-cost-ratio", metavar="R", type=float, default=MAX_COST_RATIO,
        help="prediction time relative to that of the cheapest baseline that scores as well as "
        "the best (default: %(default)s)",
    )  # fmt: skip
    limits.add_argument(
        "--latency", metavar="S", type=float, default=LATENCY,
        help="seconds a row within which a prediction is cheap, whatever a baseline takes "
        "(default: %(default)s)",
    )  # fmt: skip
    limits.add_argument(
        "--alpha", type=float, default=ALPHA,
        help="level of the test (default: %(default)s)",
    )  # fmt: skip
    limits.add_argument(
        "--hardware-latency", metavar="S", type=float,
        help="seconds within which quantum hardware would have to answer",
    )  # fmt: skip


def _add_table(parser: argparse.ArgumentParser) -> None:
    _add_columns(parser).add_argument(
        "--no-encode",
        action="store_true",
        help="take numbers only: text, dates and gaps are an error",
    )


def _add_columns(parser: argparse.ArgumentParser) -> "argparse._ArgumentGroup":
    table = parser.add_argument_group(
        "table (what is done to each column of a file is printed first)"
    )
    table.add_argument(
        "--drop", metavar="COLS", action="append", help="columns to leave out, separated by commas"
    )
    table.add_argument(
        "--features",
        metavar="COLS",
        action="append",
        help="columns to learn from, and no others, even if they seem to tell rows apart",
    )
    table.add_argument(
        "--decimal",
        choices=[".", ","],
        help="decimal mark of the file's numbers (default: found out column by column)",
    )
    return table


def _models(arguments: argparse.Namespace, command: str) -> int:
    from skquantum.comparison import list_models

    return list_models()


def _compare(arguments: argparse.Namespace, command: str) -> int:
    from skquantum.comparison import run_compare

    return run_compare(arguments, command)


def _advise(arguments: argparse.Namespace, command: str) -> int:
    from skquantum.comparison import run_advise

    return run_advise(arguments)


def _fit(arguments: argparse.Namespace, command: str) -> int:
    from skquantum.comparison import run_fit

    return run_fit(arguments)


def _predict(arguments: argparse.Namespace, command: str) -> int:
    from skquantum.comparison import run_predict

    return run_predict(arguments)


def _show(arguments: argparse.Namespace, command: str) -> int:
    from skquantum.comparison import show

    return show(arguments)


def _rerun(arguments: argparse.Namespace, command: str) -> int:
    from skquantum.comparison import rerun

    return rerun(arguments, _parsed)


def _diff(arguments: argparse.Namespace, command: str) -> int:
    from skquantum.comparison import diff

    return diff(arguments)
