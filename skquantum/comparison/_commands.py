"""What the commands of the command line do."""

import argparse
import ast
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from skquantum._validation import did_you_mean
from skquantum.comparison._advise import advise
from skquantum.comparison._candidates import guess_task, infer_task, why_task
from skquantum.comparison._card import model_card
from skquantum.comparison._data import (
    BUILT_IN,
    Data,
    check_target,
    load_data,
    read_file,
    subsample,
    target_values,
)
from skquantum.comparison._device import DeviceTest
from skquantum.comparison._models import BASELINES, MODELS, models_for
from skquantum.comparison._pages import wrap
from skquantum.comparison._prepare import described
from skquantum.comparison._read import FILES
from skquantum.comparison._result import Comparison
from skquantum.comparison._rule import DecisionRule
from skquantum.comparison._runner import compare
from skquantum.comparison._series import SERIES, load_series, make_windowing, tail
from skquantum.comparison._table_model import TableModel, fit_table, skops_io

FAILED, INTERRUPTED = 1, 130
FLAGS = "--drop and --features"  # of fit


def list_models() -> int:
    """Print the models, the baselines and the data sets; return the exit code."""
    baselines = [name for names in BASELINES.values() for name in names]
    width = max(map(len, [*MODELS, *BUILT_IN, *SERIES, *baselines]))
    print("Models to compare (--model):")
    for name, entry in MODELS.items():
        print(f"  {name:{width}}  {entry.description} [{', '.join(entry.tasks)}]")
    for task, known in BASELINES.items():
        print(f"\nBaselines for {task}:")
        for name, entry in known.items():
            print(f"  {name:{width}}  {entry.description}")
    print("\nData sets:")
    for name, (_, task) in BUILT_IN.items():
        print(f"  {name:{width}}  {task}")
    for name, series in SERIES.items():
        print(f"  {name:{width}}  series: {series.description}")
    return 0


def run_compare(arguments: argparse.Namespace, command: str) -> int:
    """Run a comparison, print it and write what is asked for; return the exit code."""
    _check_outputs(arguments, "report", "json")
    comparison = _compared(arguments, command)
    print(f"\n{comparison}")
    _write_report(comparison, arguments.report)
    if arguments.json is not None:
        print(f"Results: {comparison.to_json(arguments.json)}")
    return _exit_code(comparison)


def run_advise(arguments: argparse.Namespace) -> int:
    """Print advice on data, and write what is asked for; return the exit code."""
    _check_outputs(arguments, "report", "json")
    device = _one(_devices(arguments))
    data = _load(arguments)
    task = data.task if arguments.task == "auto" else arguments.task
    advice = advise(
        data.table_of(data.X),
        data.y,
        task=task,
        features=arguments.features,
        drop=arguments.drop,
        device=device,
        latency=arguments.hardware_latency,
        max_rows=arguments.max_rows,
        random_state=arguments.seed,
    )
    advice = replace(advice, name=data.name)
    print(advice)
    if arguments.report is not None:
        print(f"\nReport: {advice.to_html(arguments.report)}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(advice.to_dict(), indent=1), encoding="utf-8")
        print(f"\nResults: {arguments.json}")
    return 0


def run_fit(arguments: argparse.Namespace) -> int:
    """Fit a model to a table, and save it; return the exit code."""
    _check_outputs(arguments, "out")
    skops_io()  # raises now if it is missing
    data = _load(arguments)
    if data.read is None:
        raise ValueError(
            f"{arguments.data} comes with scikit-learn, and 'skquantum fit' takes a file, for new "
            "files of the same columns."
        )
    from pandas import Series  # which has read the file

    y, task = np.asarray(data.y), data.task if arguments.task == "auto" else arguments.task
    name = arguments.model or models_for(guess_task(y)[0] if task == "auto" else task)[0]
    print(f"{data.name}: {len(y):,} rows, {np.shape(data.X)[1]} features", flush=True)
    model = fit_table(
        name,
        data.read,
        Series(y, name=data.target),
        task=task,
        features=arguments.features,
        drop=arguments.drop,
        scoring=arguments.scoring,
        budget=arguments.budget,
        random_state=arguments.seed,
    )
    print(*described(model.table, model.notes, FLAGS), sep="\n")
    print(f"\n{model.summary}\nSaved: {model.save(arguments.out)}")
    return 0


def run_predict(arguments: argparse.Namespace) -> int:
    """Predict the rows of a file by a saved model; return the exit code."""
    _check_outputs(arguments, "out", "card")
    model = TableModel.load(arguments.file)
    if not Path(arguments.data).is_file():
        raise ValueError(f"There is no file {arguments.data!r}.")
    source = Path(arguments.data)
    if source.suffix.lower() not in FILES:
        raise ValueError(f"{source} is no table: those end in {', '.join(FILES)}.")
    frame, table, repeated = read_file(source, arguments.decimal)
    if twice := repeated & set(model.columns):
        raise ValueError(f"{source} has two columns called {min(twice)!r}: rename one.")
    if arguments.card is not None and model.target not in table.frame:
        raise ValueError(f"--card needs the column {model.target!r} in {source}, to measure.")
    predicted, notes = model.predictions(frame, arguments.decimal)
    for note in notes:
        print(wrap("Note: ", note), file=sys.stderr)
    text = predicted.to_csv(index=False, lineterminator="\n")
    if arguments.out is None:
        print(text, end="")
    else:
        arguments.out.write_text(text, encoding="utf-8")
        print(f"Predictions: {arguments.out}", file=sys.stderr)
    if model.target in table.frame:
        y, kept = target_values(frame, table, model.target)
        rows = model.rows(frame, arguments.decimal)[0][kept]
        print(model.scored(rows, y, predicted[model.target][kept]), file=sys.stderr)
        if arguments.card is not None:
            arguments.card.write_text(model_card(model, rows, y), encoding="utf-8")
            print(f"Model card: {arguments.card}", file=sys.stderr)
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Print a saved comparison, and write its report; return the exit code."""
    _check_outputs(arguments, "report")
    comparison = Comparison.from_json(arguments.file)
    print(comparison)
    if arguments.report is not None:
        print(f"\nReport: {comparison.to_html(arguments.report)}")
    return 0


def rerun(
    arguments: argparse.Namespace, parse: Callable[[Sequence[str]], argparse.Namespace]
) -> int:
    """Run a saved comparison again and say what differs; return the exit code.

    Parameters
    ----------
    arguments : Namespace
    parse : callable
        Takes a command's arguments, and returns them as the command line has them.
    """
    _check_outputs(arguments, "json")
    before = Comparison.from_json(arguments.file)
    command = before.run.get("command", "")
    if not command.startswith("skquantum compare "):
        raise ValueError(
            f"{arguments.file} was not made by the command line, which could be run again: its "
            f"call was {before.run.get('call', 'not kept')!r}."
        )
    again = parse(shlex.split(command)[1:])
    after = _compared(again, command)
    print(f"\n{before.difference(after)}")
    if arguments.json is not None:
        print(f"\nResults: {after.to_json(arguments.json)}")
    return _exit_code(after)


def diff(arguments: argparse.Namespace) -> int:
    """Print how two saved comparisons differ; return the exit code."""
    one, other = (Comparison.from_json(path) for path in (arguments.before, arguments.after))
    print(one.difference(other, (str(arguments.before), str(arguments.after))))
    return 0


def _exit_code(comparison: Comparison) -> int:
    if comparison.failures:
        return FAILED
    return 0 if comparison.complete else INTERRUPTED


def _compared(arguments: argparse.Namespace, command: str) -> Comparison:
    """Run the comparison that the arguments ask for."""
    rule = DecisionRule(
        max_score_drop=arguments.max_score_drop,
        max_cost_ratio=arguments.max_cost_ratio,
        latency_floor=arguments.latency,
        alpha=arguments.alpha,
        hardware_latency=arguments.hardware_latency,
    )
    devices = _devices(arguments)
    data = _load(arguments)
    task = _task(arguments, data)
    models = arguments.model or models_for(task)[:1]
    if not models:
        raise ValueError(f"No registered model does {task}; 'skquantum models' lists them.")
    X, y = _rows(arguments, data, task)
    if not hasattr(X, "frame"):  # a table's notes are told with what is done to it
        for note in data.notes:
            print(f"Note: {note}", flush=True)
    comparison = compare(
        models,
        X,
        y,
        task=task,
        features=arguments.features,
        drop=arguments.drop,
        encode=not arguments.no_encode,
        window=arguments.window,
        horizon=arguments.horizon,
        season=arguments.season,
        cv=arguments.cv,
        scoring=arguments.scoring,
        rule=rule,
        budget=arguments.budget,
        device=devices,
        labels=_numbers("--labels", arguments.labels),
        seeds=arguments.seeds,
        ablate=arguments.ablate,
        sweep=_sweep(arguments.sweep),
        energy=arguments.energy,
        random_state=arguments.seed,
        n_jobs=arguments.n_jobs,
        verbose=1,
    )
    comparison.run = {"name": data.name, **comparison.run, "command": command}
    return comparison


def _numbers(flag: str, text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise ValueError(f"{flag} {text}: give whole numbers, such as 10,20,50.") from None


def _sweep(text: str | None) -> dict[str, list[Any]] | None:
    if text is None:
        return None
    key, equals, offered = text.partition("=")
    if not (key and equals and offered):
        raise ValueError(f"--sweep {text}: give a parameter and values, such as n_layers=1,2,4.")
    return {key: [_value(each) for each in offered.split(",")]}


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text  # a name


def _rows(arguments: argparse.Namespace, data: Data, task: str) -> tuple[Any, np.ndarray | None]:
    """Return the rows to compare on, and print what they are."""
    X, y, n = data.X, data.y, arguments.subsample
    if y is None:
        X = X if n is None else tail(X, n)
        windows = make_windowing(arguments.window, arguments.horizon, arguments.season)
        print(f"{data.name}: {len(X):,} values, {windows}, {task}", flush=True)
        return X, y
    why = why_task(y) if data.task == arguments.task == "auto" and not arguments.model else ""
    if n is not None:
        X, y = subsample(X, check_target(y, task), n, task, arguments.seed)
    described = f"{data.name}: {len(y):,} rows, {np.shape(X)[1]} features, {task}"
    print(described + (f" ({why})" if why else ""), flush=True)
    return data.table_of(X), y


def _one(devices: list[DeviceTest]) -> DeviceTest | None:
    if len(devices) > 1:
        raise ValueError("--device: advice is on one device; 'skquantum compare' takes several.")
    return devices[0] if devices else None


def _devices(arguments: argparse.Namespace) -> list[DeviceTest]:
    given = {
        name: value
        for name in ("shots", "price_per_shot", "price_per_circuit", "seconds_per_shot")
        if (value := getattr(arguments, name)) is not None
    }
    if arguments.device is None:
        if given:
            flag = "--" + next(iter(given)).replace("_", "-")
            raise ValueError(f"{flag} needs --device, such as --device willow_pink.")
        return []
    return [_device(name, given) for name in arguments.device]


def _device(name: str, given: dict[str, Any]) -> DeviceTest:
    try:
        noise: float | str = float(name)
    except ValueError:
        noise = name
    device = DeviceTest(noise, **given)
    try:
        device.check()
    except ValueError as error:
        # What is said to those who call it from Python is of no use here.
        said = str(error).replace(", or pass a cirq.Device", ", or a strength such as 0.01")
        raise ValueError(f"--device {name}: {said}") from error
    return device


def _load(arguments: argparse.Namespace) -> Data:
    source, task = arguments.data, arguments.task
    if task == "series" and source in BUILT_IN:
        raise ValueError(
            f"{source} holds rows, not a series. Series by name are: {', '.join(SERIES)}."
        )
    if source in SERIES and task not in ("auto", "series"):
        raise ValueError(f"{source} is a series: leave --task {task} out.")
    is_series = task == "series" or source in SERIES
    if not Path(source).suffix and did_you_mean(source, SERIES):
        is_series |= not did_you_mean(source, BUILT_IN)  # whose error then suggests the name
    return (load_series if is_series else load_data)(source, arguments.target, arguments.decimal)


def _task(arguments: argparse.Namespace, data: Data) -> str:
    asked = data.task if arguments.task == "auto" else arguments.task
    return infer_task(asked, arguments.model or [], data.y)


def _check_outputs(arguments: argparse.Namespace, *flags: str) -> None:
    """Find out before the run whether files can be written, over none that is read."""
    names = ("data", "file", "before", "after")
    taken = {Path(str(getattr(arguments, name, ""))).resolve(): name for name in names}
    for flag in flags:
        path = getattr(arguments, flag)
        _check_writable(f"--{flag}", path)
        if path is None:
            continue
        if (what := taken.get(path.resolve())) is not None:
            other = what if what in flags else "the file that is read"
            raise ValueError(f"--{flag} {path}: that is {other}. Name another file.")
        taken[path.resolve()] = flag


def _check_writable(flag: str, path: Path | None) -> None:
    """Find out before the run whether a file can be written."""
    if path is None:
        return
    try:
        if path.is_dir() or not path.parent.is_dir():
            raise ValueError(f"{flag} {path}: name a file in a folder that exists.")
        is_new = not path.exists()
        path.open("ab").close()
    except OSError as error:  # names too long, folders that are read-only, full disks
        raise ValueError(f"{flag} {path}: {error.strerror}. Name another file.") from error
    if is_new:
        path.unlink()


def _write_report(comparison: Comparison, path: Path | None) -> None:
    if path is None:
        print("\nFor plots, the circuit and all settings, add: --report report.html")
    else:
        comparison.to_html(path)
        print(f"\nReport: {path}")
