"""Error of quantum LSTM cells next to classical forecasts, on generated and on real series.

    pip install 'skquantum[series]'
    python benchmarks/evidence/qlstm.py                     # print the tables, some minutes
    python benchmarks/evidence/qlstm.py --only pendulum,bessel --seeds 1
    python benchmarks/evidence/qlstm.py --write             # into docs/guide/sequences.rst

The tables "pendulum" and "bessel" are the experiments of Chen, Yoo and Fang (2020), the others
rolling-origin comparisons by `skquantum.compare`, which also words the verdicts.
"""

import argparse
import functools
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from skquantum import QLSTMRegressor, VariationalRegressor, compare
from skquantum.comparison import BASELINES, DecisionRule, Persistence
from skquantum.comparison._series import load_series
from skquantum.datasets import make_bessel, make_damped_pendulum, make_windows

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "sequences.rst"

# --- the experiments of the paper ---------------------------------------------------------------

WINDOW, TRAINING_SHARE = 4, 0.67
TRAINED = {"batch_size": 8, "learning_rate": 0.02, "max_iter": 100}  # the same for all cells


def cell(name, hidden_size):
    return QLSTMRegressor(name, hidden_size=hidden_size, **TRAINED)


def paper_models():
    """Return the models by name: a quantum one? and the model."""
    mlp = MLPRegressor(hidden_layer_sizes=(8,), max_iter=2000, solver="lbfgs")
    return {
        'QLSTMRegressor(cell="chen", hidden_size=3)': (True, cell("chen", 3)),
        'QLSTMRegressor(cell="chen6", hidden_size=3)': (True, cell("chen6", 3)),
        'QLSTMRegressor(cell="linear_enhanced")': (True, cell("linear_enhanced", 4)),
        "amplitudes between linear maps": (True, hybrid()),
        'QLSTMRegressor(cell="lstm")': (False, cell("lstm", 4)),
        "MLPRegressor, 8 units": (False, mlp),
        "linear autoregression, AR(4)": (False, LinearRegression()),
        "persistence": (False, Persistence()),
    }


def hybrid(**parameters):
    """Return linear map, amplitudes, circuit, linear map: the model of arXiv:2412.13769."""
    return VariationalRegressor(
        encoding="amplitude",
        embedding="linear",
        reupload=False,
        n_qubits=4,
        batch_size=32,
        max_iter=300,
        **parameters,
    )


def paper_windows(series):
    """Return windows of the series between -1 and 1, and how many of them are for training."""
    series = 2 * (series - series.min()) / np.ptp(series) - 1
    X, y = make_windows(series, WINDOW)
    return X, y, round(TRAINING_SHARE * len(X))


def n_parameters(model):
    """Count trained numbers."""
    if isinstance(model, QLSTMRegressor):
        return model.resources_["n_parameters"]
    arrays = [*getattr(model, "coefs_", []), *getattr(model, "intercepts_", [])]
    names = ("weights_", "coef_", "readout_coef_", "intercept_")
    names += ("embedding_coef_", "embedding_intercept_")
    arrays += [value for name in names if (value := getattr(model, name, None)) is not None]
    return sum(map(np.size, arrays))


def paper_table(make, options):
    X, y, n = paper_windows(make())
    rows, medians = [], {}
    for name, (is_quantum, model) in paper_models().items():
        errors, seconds = [], []
        for seed in range(options.seeds):
            fitted = clone(model)
            if "random_state" in fitted.get_params():
                fitted.set_params(random_state=seed)
            start = time.perf_counter()
            fitted.fit(X[:n], y[:n])
            seconds.append(time.perf_counter() - start)
            errors.append(np.mean((fitted.predict(X[n:]) - y[n:]) ** 2))
        medians[name] = is_quantum, np.median(errors)
        spread = f"{min(errors):.1e} to {max(errors):.1e}" if np.ptp(errors) > 0 else ""
        rows.append(
            [name, n_parameters(fitted), f"{np.median(errors):.1e}", spread]
            + [f"{np.median(seconds):.2g}"]
        )
        print("  ".join(map(str, rows[-1])), flush=True)
    head = ["", "trained numbers", "test MSE", f"of {options.seeds} seeds", "fit, s"]
    return [table(head, rows, "40 14 12 24 10"), paper_verdict(medians)]


def paper_verdict(medians):
    best = {}
    for name, (is_quantum, error) in medians.items():
        best[is_quantum] = min(best.get(is_quantum, (np.inf, "")), (error, name))
    (quantum, its_name), (classical, their_name) = best[True], best[False]
    ratio = quantum / classical
    side = f"{ratio:.0f} times that" if ratio >= 1 else f"{1 / ratio:.1f} times less than that"
    return (
        f"The best quantum model, {code(its_name)}, has an error of {quantum:.1e}: {side} of the "
        f"best classical one, {code(their_name)}."
    )


def code(name):
    return f"``{name}``" if "(" in name and "=" in name else name


# --- real series, rolling origin ----------------------------------------------------------------


def changes_of_co2():
    """Return what each monthly mean differs from the one before: the level has a trend."""
    return np.diff(load_series("co2").X)


def sunspots():
    return load_series("sunspots").X


RNN_GRID = {"learning_rate": [0.01, 0.03, 0.1]}


def rolling_models(seed):
    def rnn(name):
        return QLSTMRegressor(name, random_state=seed), RNN_GRID

    return {
        "QLSTMRegressor": rnn("linear_enhanced"),
        "QLSTMRegressor, cell chen": (
            QLSTMRegressor("chen", hidden_size=3, random_state=seed),
            RNN_GRID,
        ),
        "amplitudes between linear maps": (hybrid(random_state=seed), {"alpha": [0.1, 1.0, 10.0]}),
    }


def baselines(seed):
    """Return the baselines of `compare`, and the network with classical gates."""
    found = {
        label: (BASELINES["series"][name].make(), BASELINES["series"][name].grid)
        for name, label in LABELS.items()
    }
    return found | {
        "QLSTMRegressor, cell lstm": (QLSTMRegressor("lstm", random_state=seed), RNN_GRID)
    }


def rolling_table(make, options, window, horizon=1, models=rolling_models):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is to be read with care is in the text
        comparison = compare(
            models(0),
            make(),
            window=window,
            horizon=horizon,
            baselines=baselines(0),
            rule=DecisionRule(max_cost_ratio=1000),  # times are in the table, and no reason here
            cv=options.folds,
            budget=options.budget,
            verbose=1,
        )
    rows = []
    for name in comparison.models:
        errors = [comparison.mean(name, key) for key in ("mse", "mae")]
        cells = [f"{digits(mean, 3)} ± {digits(spread, 2)}" for mean, spread in errors]
        seconds = f"{comparison.mean(name, 'fit_time')[0]:.2g}"
        rows.append([name, *cells, seconds])
        print("  ".join(rows[-1]), flush=True)
    head = ["", f"MSE, {options.folds} folds", "MAE", "fit, s"]
    # Of a verdict, without the sentence on the time of a prediction.
    verdicts = [f"- {v.text[: v.text.index(' A prediction costs')]}" for v in comparison.verdicts]
    print("\n".join(verdicts), flush=True)
    return [table(head, rows, "40 22 22 16"), "\n".join(verdicts)]


def digits(value, n):
    """Write a number with so many digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.{n}g}"


LABELS = {
    "persistence": "persistence",
    "seasonal naive": "seasonal naive",
    "ridge autoregression": "linear autoregression (ridge)",
    "gradient boosting": "gradient boosting",
    "small MLP": "MLP of 32 units",
}


def ablation_models(seed):
    """Return the hybrid with its circuit, and the two linear maps alone, which are one."""
    return {
        "amplitudes between linear maps": (hybrid(random_state=seed), {"alpha": [0.1, 1.0, 10.0]}),
        "the same without its circuit": LinearRegression(),
    }


TABLES = {
    "pendulum": functools.partial(paper_table, make_damped_pendulum),
    "bessel": functools.partial(paper_table, make_bessel),
    "sunspots": functools.partial(rolling_table, sunspots, window=22),
    "co2": functools.partial(rolling_table, changes_of_co2, window=12),
    "ablation": functools.partial(
        rolling_table, changes_of_co2, window=24, horizon=12, models=ablation_models
    ),
}

# --- writing ------------------------------------------------------------------------------------


def table(head, rows, widths):
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in [head, *rows]:
        cells = [code(str(cell)) for cell in row]
        lines += [f"   {'*' if i == 0 else ' '} - {cell}".rstrip() for i, cell in enumerate(cells)]
    return "\n".join(lines)


def write(name, parts, script="qlstm.py"):
    """Replace a part of the guide, between its two comments."""
    text = GUIDE.read_text(encoding="utf-8")
    begin, end = f".. {name}: begin (benchmarks/evidence/{script} --write)", f".. {name}: end"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    body = "\n\n".join(parts)
    GUIDE.write_text(f"{before}{begin}\n\n{body}\n\n{end}{after}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(TABLES), metavar="A,B")
    parser.add_argument("--seeds", type=int, default=3, help="of the paper's experiments")
    parser.add_argument("--folds", type=int, default=5, help="of the rolling origin")
    parser.add_argument("--budget", type=int, default=6, help="settings to try on each fold")
    parser.add_argument("--write", action="store_true", help="write the tables into the guide")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name in options.only.split(","):
        print(f"--- {name}", flush=True)
        with threadpool_limits(1):  # the products are small
            parts = TABLES[name](options=options)
        if options.write:
            write(name, parts)


if __name__ == "__main__":
    main()
