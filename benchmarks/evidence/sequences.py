"""Accuracy of the quantum LSTM on labelled sequences, next to classical classifiers of series.

    pip install aeon                                     # brings the sets, and its classifiers
    python benchmarks/evidence/sequences.py              # print the tables, half an hour
    python benchmarks/evidence/sequences.py --only italy_power --resamples 2
    python benchmarks/evidence/sequences.py --write      # into docs/guide/sequences.rst

The first split of a set is the published one, the others are stratified resamples of the same
sizes, as in the comparisons of the UCR archive (Middlehurst, Schaefer and Bagnall, "Bake off
redux", 2024, https://arxiv.org/abs/2304.13029). Settings are tuned by folds of the training rows,
test rows are seen once. Recurrent networks and the linear model get standardised channels,
nearest neighbours and MiniRocket the values as they are, as is the custom.
"""

import argparse
import time
import warnings

import numpy as np
from aeon.benchmarking.resampling import stratified_resample_data
from aeon.classification.convolution_based import MiniRocketClassifier
from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier
from aeon.datasets import (
    load_basic_motions,
    load_gunpoint,
    load_italy_power_demand,
    load_japanese_vowels,
)
from qlstm import table, write
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from skquantum import QLSTMClassifier

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
RNN_GRID = {"hidden_size": [4, 8], "learning_rate": [0.01, 0.03, 0.1]}
VOWEL_STEPS = 20  # of 7 to 29


class Channels(TransformerMixin, BaseEstimator):
    """Sequences with standardised channels, if wanted as rows of a table."""

    def __init__(self, flat=False):
        self.flat = flat

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=(0, 2), keepdims=True)
        self.unit_ = X.std(axis=(0, 2), keepdims=True)
        return self

    def transform(self, X):
        X = (X - self.mean_) / self.unit_
        return X.reshape(len(X), -1) if self.flat else X


def vowels(split):
    """Return sequences of one length, by linear interpolation in time."""
    sequences, labels = load_japanese_vowels(split=split)
    at = np.linspace(0, 1, VOWEL_STEPS)
    X = [
        [np.interp(at, np.linspace(0, 1, len(channel)), channel) for channel in sequence]
        for sequence in sequences
    ]
    return np.array(X), labels


SETS = {
    "italy_power": load_italy_power_demand,
    "gunpoint": load_gunpoint,
    "basic_motions": load_basic_motions,
    "japanese_vowels": vowels,
}


def models(n_channels, seed):
    """Return the models by name."""

    def rnn(cell):
        model = QLSTMClassifier(
            cell,
            n_channels=n_channels,
            data_format="channels_first",
            max_iter=300,
            random_state=seed,
        )
        search = GridSearchCV(model, RNN_GRID, cv=FOLDS, error_score="raise")
        return make_pipeline(Channels(), search)

    logistic = GridSearchCV(
        LogisticRegression(max_iter=5000), {"C": [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]}, cv=FOLDS
    )
    return {
        "the most frequent class": make_pipeline(Channels(flat=True), DummyClassifier()),
        "logistic regression": make_pipeline(Channels(flat=True), logistic),
        "1-NN, Euclidean distance": KNeighborsTimeSeriesClassifier(distance="euclidean"),
        "1-NN, dynamic time warping": KNeighborsTimeSeriesClassifier(distance="dtw"),
        "MiniRocket": MiniRocketClassifier(random_state=seed),
        'QLSTMClassifier(cell="lstm")': rnn("lstm"),
        "QLSTMClassifier()": rnn("linear_enhanced"),
    }


def splits(load, number):
    """Yield training and test rows: the published ones, then resamples."""
    whole = (*load(split="train"), *load(split="test"))
    yield whole
    for seed in range(1, number):
        yield stratified_resample_data(*whole, random_state=seed)


def accuracy_table(load, options):
    scores, seconds = {}, {}
    for seed, (X, y, X_test, y_test) in enumerate(splits(load, options.resamples)):
        for name, model in models(X.shape[1], seed).items():
            start = time.perf_counter()
            fitted = clone(model).fit(X, y)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
            scores.setdefault(name, []).append(np.mean(fitted.predict(X_test) == y_test))
            print(f"{seed} {name}: {scores[name][-1]:.3f}, {seconds[name][-1]:.2g} s", flush=True)
    rows = [
        [name, f"{found[0]:.3f}", f"{np.mean(found):.3f} ± {np.std(found, ddof=1):.3f}"]
        + [f"{np.median(seconds[name]):.2g}"]
        for name, found in scores.items()
    ]
    head = ["", "published split", f"{options.resamples} splits", "fit and tuning, s"]
    size = f"{len(X)} rows to train on, {len(X_test)} to test, {len(np.unique(y))} classes, "
    size += f"{X.shape[2]} time steps of {X.shape[1]} channel" + "s" * (X.shape[1] > 1)
    return [f"{size}:", table(head, rows, "40 20 24 16")]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SETS), metavar="A,B")
    parser.add_argument("--resamples", type=int, default=5, help="splits, the first published")
    parser.add_argument("--write", action="store_true", help="write the tables into the guide")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name in options.only.split(","):
        print(f"--- {name}", flush=True)
        with threadpool_limits(1):  # the products are small
            parts = accuracy_table(SETS[name], options)
        print("\n\n".join(parts), flush=True)
        if options.write:
            write(name, parts, "sequences.py")


if __name__ == "__main__":
    main()
