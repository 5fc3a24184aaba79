"""scikit-learn's own checks, over every estimator: no expected failures."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skquantum import QuantumKernelSVC, QuantumKernelSVR
from skquantum.circuits import AngleEncoding, IQPEncoding, ReuploadingEncoding, ZZEncoding
from skquantum.execution import ReferenceBackend

# Every estimator with its defaults, and over each encoding that takes arbitrary real data.
ESTIMATORS = [
    QuantumKernelSVC(),
    QuantumKernelSVC(kernel="projected"),
    QuantumKernelSVC(AngleEncoding()),
    QuantumKernelSVC(AngleEncoding(rotation="Z", n_qubits=3, entanglement="circular")),
    QuantumKernelSVC(ZZEncoding(n_qubits=4)),
    QuantumKernelSVC(IQPEncoding()),
    QuantumKernelSVC(ReuploadingEncoding()),
    QuantumKernelSVC(AngleEncoding(n_qubits=2), backend=ReferenceBackend()),
    QuantumKernelSVR(),
    QuantumKernelSVR(AngleEncoding()),
]


@parametrize_with_checks(ESTIMATORS)
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_constructors_only_store_their_arguments(estimator):
    assert vars(estimator).keys() == estimator.get_params(deep=False).keys()
