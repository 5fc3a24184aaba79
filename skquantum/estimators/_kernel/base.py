"""What classifier and regressor share: libsvm on the kernel matrix of the distinct rows."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from skquantum._lazy import by_blocks, labels
from skquantum.estimators._base import settled
from skquantum.estimators._kernel.kept import kept_values, row_blocks
from skquantum.estimators._kernel.parts import KernelPartsMixin
from skquantum.estimators._kernel.resolve import resolve_kernel
from skquantum.estimators._rows import merge_equal_rows
from skquantum.execution import circuit_resources, resolve_backend
from skquantum.kernels import (
    MITIGATIONS,
    PSD,
    GramRepair,
    Kernel,
)


class QuantumKernelSVM(KernelPartsMixin):
    """What classifier and regressor share: a libsvm model on the quantum kernel matrix."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **KernelPartsMixin._parameter_constraints,
        "C": [Interval(Real, 0, None, closed="neither")],
        "psd": [StrOptions(set(PSD)), None],
        "mitigation": [StrOptions(set(MITIGATIONS)), None],
        "cache_size": [Interval(Real, 0, None, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, -1, None, closed="left")],
    }

    _for_many_rows: ClassVar[str]
    psd: str | None
    mitigation: str | None

    def _fit_svm(self, X: Any, y: Any, sample_weight: Any) -> None:
        """Fit on the distinct rows: y holds numbers, for a classifier those of the classes."""
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        kernel = resolve_kernel(self.kernel, self.encoding, self.backend)
        # Building the circuit checks the encoding before anything is simulated.
        kernel.circuits(X.shape[1])
        first, self._place, weight = merge_equal_rows(X, y, weight)
        self._check_size(kernel, len(first))
        used = np.flatnonzero(weight)
        self._check_distinct(y[first[used]])
        kernel = settled(kernel.fitted_to(X[first[used]], y[first[used]], weight[used]))
        circuits = kernel.circuits(X.shape[1])
        self._check_mitigation(kernel, circuits)
        self._matrix = matrix = kernel(X[first])
        if len(used) < len(first):
            matrix = matrix[np.ix_(used, used)]
        n_qubits = max(map(cirq.num_qubits, circuits), default=None)
        matrix = self._repaired(matrix, X[first[used]], n_qubits)
        self._fit_matrix(matrix, y[first[used]], weight[used])
        self.kernel_ = kernel
        self.support_ = first[used][self.svm_.support_]
        self.support_vectors_ = X[self.support_]
        self.dual_coef_ = self.svm_.dual_coef_
        self.intercept_ = self.svm_.intercept_
        self.n_iter_ = self.svm_.n_iter_
        n_blocks, n_circuits = kernel.n_blocks(X.shape[1]), kernel.n_circuits(len(first))
        self.resources_ = _resources(circuits) | {
            "n_circuits": None if n_circuits is None else n_blocks * n_circuits,
            # One state for each row and block.
            "n_simulations": len(first) * len(circuits) * n_blocks,
        }

    @property
    def circuit_(self) -> cirq.Circuit:
        """The encoding circuit, with one symbol for each feature."""
        check_is_fitted(self, "kernel_")
        circuits = self.kernel_.circuits(self.n_features_in_)
        if len(circuits) != 1:
            raise AttributeError(
                f"{self.kernel_!r} runs {len(circuits)} circuits, not one; "
                "kernel_.circuits(n_features_in_) returns them."
            )
        return circuits[0].unfreeze()

    def _check_size(self, kernel: Kernel, n_rows: int) -> None:
        """Refuse what the backend has no memory for, with the model that needs less."""
        parts = kernel.get_params().items()
        for backend in [value for name, value in parts if name.split("__")[-1] == "backend"]:
            try:
                resolve_backend(backend).check_matrix(n_rows, n_rows)
            except ValueError as error:
                raise ValueError(
                    f"{error} {self._for_many_rows} keeps no matrix of all pairs of rows."
                ) from error

    def _check_mitigation(self, kernel: Kernel, circuits: tuple[cirq.FrozenCircuit, ...]) -> None:
        if self.mitigation is None:
            return
        if self.mitigation not in kernel.mitigations:
            raise ValueError(
                f"mitigation={self.mitigation!r} is for fidelities, whose diagonal shows how much "
                f"noise there is, and {kernel!r} does not say that its matrix holds them: its "
                f"mitigations are {kernel.mitigations!r}. Set mitigation=None, or mitigate its "
                "expectation values with skquantum.execution.MitigatedBackend."
            )
        if kernel.n_blocks(self.n_features_in_) > 1:
            raise ValueError(
                f"mitigation={self.mitigation!r} is for one circuit, but the features are in "
                f"{kernel.n_blocks(self.n_features_in_)} blocks, each a circuit of its own. Set "
                "encoding__n_qubits=8, which folds them onto one register, or mitigation=None."
            )
        if len(circuits) != 1:
            raise ValueError(
                f"mitigation={self.mitigation!r} needs the width of the circuit, and {kernel!r} "
                f"runs {len(circuits)} circuits. Set mitigation=None."
            )

    def _repaired(self, matrix: np.ndarray, rows: np.ndarray, n_qubits: int | None) -> np.ndarray:
        """Return the Gram matrix of the training rows as `psd` and `mitigation` want it."""
        self._repair, self._rows, self.kernel_repair_ = None, None, None
        if self.psd is None and self.mitigation is None:
            return matrix
        repair = GramRepair(self.psd, self.mitigation, n_qubits)
        matrix = repair.fit_transform(matrix)
        self._repair, self.kernel_repair_ = repair, repair.report_
        if repair.needs_all_rows:
            self._rows = rows
        return matrix

    def _check_distinct(self, y: np.ndarray) -> None:
        """Check the targets of the distinct rows of positive weight, before any simulation."""

    def _fit_matrix(self, matrix: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        raise NotImplementedError

    @property
    def kernel_matrix_(self) -> np.ndarray:
        """Kernel matrix of the training rows as it was computed, before `psd` and `mitigation`.

        Shape (n_samples, n_samples).
        """
        check_is_fitted(self)
        return self._matrix[np.ix_(self._place, self._place)]

    def _by_blocks(self, X: ArrayLike, method: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return what a method makes of the kernel values of new rows, a block at a time."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        values = self._kernel_values()
        blocks = row_blocks(len(rows), self.svm_.shape_fit_[0])
        return np.concatenate([method(values(rows[block])) for block in blocks])

    def _kernel_values(self) -> Callable[[np.ndarray], np.ndarray]:
        """Return what gives kernel values of new rows with the training rows.

        Only those of the support rows matter, unless `psd` mixes them with the others.
        """
        repair, n_train, support = self._repair, self.svm_.shape_fit_[0], self.svm_.support_
        if repair is not None and self._rows is not None:
            all_values = kept_values(self, self.kernel_, self._rows)
            return lambda rows: repair.transform(all_values(rows))

        def values(rows: np.ndarray) -> np.ndarray:
            matrix = np.zeros((len(rows), n_train))
            if len(support):
                kept = kept_values(self, self.kernel_, self.support_vectors_)
                matrix[:, support] = kept(rows)
            return matrix if repair is None else repair.transform(matrix)

        return values

    @by_blocks(labels)
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict labels or values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predictions.
        """
        return self._by_blocks(X, lambda matrix: self.svm_.predict(matrix))


def _resources(circuits: tuple[cirq.FrozenCircuit, ...]) -> dict[str, int | None]:
    """Return qubits, depth and gates of the circuit; of several, the largest of each."""
    each = [circuit_resources(circuit) for circuit in circuits]
    return {name: max(one[name] for one in each) for name in (each[0] if each else ())}
