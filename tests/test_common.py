"""scikit-learn's own checks, over every estimator: no expected failures.

Each public estimator goes through all of them once, with settings that are cheap and real. Most
checks are about validation, tags, clones and attributes, which are code of the class: other
encodings, kernels, backends and solvers go through those that can see them (`SEEN_BY`).
"""

import importlib
import inspect
import pkgutil

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

import skquantum
from skquantum import (
    ClassicalPoolingTransformer,
    QLSTMClassifier,
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
    QuantumKernelClassifier,
    QuantumKernelRegressor,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumKernelTransformer,
    QuantumNystroem,
    QuantumPoolingTransformer,
    QuantumReservoirTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.circuits import (
    AngleEncoding,
    IQPEncoding,
    RealAmplitudes,
    ReuploadingEncoding,
    ZZEncoding,
)
from skquantum.comparison import Persistence, SeasonalNaive
from skquantum.estimators import WeightedFidelityLoss
from skquantum.execution import QsimBackend, ReferenceBackend
from skquantum.kernels import GramRepair
from tests.estimator_checks import SEEN_BY, name_of, parametrize_with_checks_that_see
from tests.extras import is_missing

# Every public estimator once, through all checks, some of which ask for a decent score.
ESTIMATORS = [
    QuantumKernelSVC(),
    QuantumKernelSVR(),
    QuantumGaussianProcessClassifier(),
    QuantumGaussianProcessRegressor(n_restarts_optimizer=0),
    QuantumKernelClassifier(),
    QuantumKernelRegressor(),
    QuantumKernelTransformer(),
    QuantumNystroem(n_components=3),
    VariationalClassifier(
        ansatz=RealAmplitudes(n_layers=1), embedding="linear", max_iter=20, learning_rate=0.2
    ),
    VariationalRegressor(embedding="linear", activation="tanh", solver="lbfgs", max_iter=20),
    QuantumPoolingTransformer(max_iter=3),
    ClassicalPoolingTransformer(),
    QuantumFeatureTransformer(),
    QuantumReservoirTransformer(),
    QLSTMRegressor(cell="chen", hidden_size=3, max_iter=20),
    QLSTMClassifier(max_iter=20),
    GramRepair("clip"),
    Persistence(),
    SeasonalNaive(),
]
# Defaults, and each encoding that takes arbitrary real data, kernel, cell, pooling and repair.
CONFIGURATIONS = [
    QuantumKernelSVC(kernel="fidelity"),
    QuantumKernelSVC(AngleEncoding(), kernel="fidelity"),
    QuantumKernelSVC(
        AngleEncoding(rotation="Z", n_qubits=3, entanglement="circular"), kernel="fidelity"
    ),
    QuantumKernelSVC(ZZEncoding(n_qubits=4)),
    QuantumKernelSVC(IQPEncoding()),
    QuantumKernelSVC(ReuploadingEncoding()),
    QuantumFeatureTransformer(AngleEncoding(n_qubits=2), backend=ReferenceBackend()),
    QuantumKernelSVC(
        AngleEncoding(n_qubits=4), kernel="fidelity", psd="clip", mitigation="depolarizing"
    ),
    QuantumKernelSVR(AngleEncoding(), normalize_y=False),
    QuantumKernelClassifier("zz", "fidelity", n_components=5),
    QuantumKernelRegressor("zz", "fidelity", n_components=5),
    QuantumKernelTransformer("zz", "fidelity"),
    QuantumNystroem("zz", "fidelity", n_components=0.1, landmarks="rpcholesky"),
    QuantumNystroem(n_components=3, landmarks="kmeans"),
    QuantumFeatureTransformer("zz", observables="pauli"),
    VariationalClassifier(),
    VariationalClassifier(embedding="linear", solver="lbfgs", batch_size=20, max_iter=10),
    VariationalClassifier(
        reupload="trainable", loss=WeightedFidelityLoss(), solver="natural", max_iter=10
    ),
    VariationalRegressor(max_iter=20),
    VariationalRegressor(reupload="trainable", solver="natural", batch_size=20, max_iter=5),
    VariationalRegressor(embedding="linear", loss="absolute_error", batch_size=20, max_iter=10),
    QuantumPoolingTransformer(),
    QuantumPoolingTransformer(
        encoding="amplitude", convolution="so4", objective="reconstruction", pooling="measured"
    ),
    QuantumPoolingTransformer(stride=1, observables="XZ", pooling="modular", solver="lbfgs"),
    QLSTMRegressor(max_iter=5),
    QLSTMRegressor(cell="chen6", hidden_size=2, max_iter=3, head="quantum"),
    QLSTMRegressor(cell="lstm", batch_size=20, max_iter=20),
    QLSTMClassifier(cell="chen", hidden_size=2, max_iter=3, data_format="channels_first"),
    QLSTMClassifier(cell="lstm", loss="brier", solver="lbfgs", max_iter=20),
    ClassicalPoolingTransformer(kind="mean", stride=1),
    QuantumFeatureTransformer("zz", ansatz="hardware_efficient"),
    QuantumReservoirTransformer(3, 2, "arctan", "XYZ", ansatz="rings", output="sequence"),
    GramRepair(None),
    GramRepair("shift"),  # "nearest" keeps a diagonal, and that of one check is negative
    SeasonalNaive(season=1),
]


def small(backend):
    """Return small models on a backend: what is checked is their behaviour, not their fit."""
    encoding, ansatz = AngleEncoding(n_qubits=2), RealAmplitudes(n_layers=1)
    parts = {"encoding": encoding, "ansatz": ansatz, "backend": backend, "random_state": 0}
    training = {**parts, "embedding": "linear", "max_iter": 5, "learning_rate": 0.2}
    return [
        QuantumKernelSVC(encoding, backend=backend),
        QuantumKernelSVC(encoding, kernel="projected", backend=backend),
        QuantumKernelSVR(AngleEncoding(n_qubits=5), backend=backend),
        VariationalClassifier(**training),
        VariationalRegressor(**training),
        QuantumPoolingTransformer(backend=backend, max_iter=1, random_state=0),
        QuantumFeatureTransformer(**parts),
        QLSTMRegressor(cell="chen", hidden_size=1, n_layers=1, max_iter=1, backend=backend),
        QLSTMClassifier(cell="chen", hidden_size=1, n_layers=1, max_iter=1, backend=backend),
    ]


def public_estimators():
    """Return every class that a public module lists and that can be fitted."""
    modules = [
        importlib.import_module(f"skquantum.{module.name}")
        for module in pkgutil.iter_modules(skquantum.__path__)
        if not (module.name.startswith("_") or is_missing(f"skquantum.{module.name}"))
    ]
    listed = [getattr(m, name) for m in modules for name in getattr(m, "__all__", ())]
    classes = {value for value in listed if inspect.isclass(value)}
    return {c for c in classes if issubclass(c, BaseEstimator) and hasattr(c, "fit")}


def test_every_public_estimator_goes_through_all_checks_once():
    classes = [type(estimator) for estimator in ESTIMATORS]
    assert sorted(classes, key=repr) == sorted(public_estimators(), key=repr)


def test_the_checks_that_see_a_configuration_exist():
    existing = {
        name_of(check)
        for estimator in ESTIMATORS
        for _, check in estimator_checks_generator(estimator)
    }
    assert existing >= SEEN_BY.keys()


# Whether training has converged on the checks' random data, and whether somebody has scaled these,
# is not what they ask.
def unconverged(test):
    for warning in ("sklearn.exceptions.ConvergenceWarning", "skquantum.circuits.ScaleWarning"):
        test = pytest.mark.filterwarnings(f"ignore::{warning}")(test)
    return test


@unconverged
@parametrize_with_checks(ESTIMATORS)
def test_check_estimator(estimator, check):
    check(estimator)


@unconverged
@parametrize_with_checks_that_see(CONFIGURATIONS)
def test_other_configurations(estimator, check):
    check(estimator)


# A fixed seed makes shots a function of the data: what scikit-learn asks of any estimator. What
# reaches a backend are finite numbers of one type, whatever an estimator was given.
@unconverged
@parametrize_with_checks_that_see(
    [
        model
        for backend in (QsimBackend(noise=0.01), QsimBackend(shots=200, seed=0))
        for model in small(backend)
    ],
    without={"check_estimators_dtypes", "check_estimators_nan_inf"},
)
def test_noise_and_shots(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [*ESTIMATORS, *CONFIGURATIONS], ids=repr)
def test_constructors_only_store_their_arguments(estimator):
    assert vars(estimator).keys() == estimator.get_params(deep=False).keys()
