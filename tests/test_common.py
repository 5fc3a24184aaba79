"""scikit-learn's own checks, over every estimator: no expected failures."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skquantum import (
    ClassicalPoolingTransformer,
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.circuits import AngleEncoding, IQPEncoding, ReuploadingEncoding, ZZEncoding
from skquantum.execution import ReferenceBackend

# Every estimator with its defaults, and over each encoding that takes arbitrary real data.
ESTIMATORS = [
    QuantumKernelSVC(),
    QuantumKernelSVC(kernel="fidelity"),
    QuantumKernelSVC(AngleEncoding(), kernel="fidelity"),
    QuantumKernelSVC(
        AngleEncoding(rotation="Z", n_qubits=3, entanglement="circular"), kernel="fidelity"
    ),
    QuantumKernelSVC(ZZEncoding(n_qubits=4)),
    QuantumKernelSVC(IQPEncoding()),
    QuantumKernelSVC(ReuploadingEncoding()),
    QuantumKernelSVC(AngleEncoding(n_qubits=2), backend=ReferenceBackend()),
    QuantumKernelSVR(),
    QuantumKernelSVR(AngleEncoding(), normalize_y=False),
    VariationalClassifier(),
    VariationalClassifier(embedding="linear", solver="lbfgs", batch_size=20),
    VariationalRegressor(),
    VariationalRegressor(embedding="linear", loss="absolute_error", batch_size=20, max_iter=50),
    QuantumPoolingTransformer(),
    QuantumPoolingTransformer(
        encoding="amplitude", convolution="so4", objective="reconstruction", pooling="measured"
    ),
    QuantumPoolingTransformer(stride=1, observables="XZ", pooling="modular", solver="lbfgs"),
    QLSTMRegressor(),
    QLSTMRegressor(cell="chen", hidden_size=3, max_iter=20),
    QLSTMRegressor(cell="chen6", hidden_size=2, max_iter=10, head="quantum"),
    QLSTMRegressor(cell="lstm", batch_size=20),
    ClassicalPoolingTransformer(),
    ClassicalPoolingTransformer(kind="mean", stride=1),
    QuantumFeatureTransformer(),
    QuantumFeatureTransformer("zz", ansatz="hardware_efficient"),
]


# Whether training has converged on the checks' random data, and whether somebody has scaled these,
# is not what they ask.
@pytest.mark.filterwarnings("ignore::skquantum.circuits.ScaleWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_constructors_only_store_their_arguments(estimator):
    assert vars(estimator).keys() == estimator.get_params(deep=False).keys()
