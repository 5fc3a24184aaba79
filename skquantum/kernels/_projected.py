"""The projected kernel."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from numbers import Real
from typing import Any, ClassVar

import cirq
import numpy as np
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import kernels as gaussian_process
from sklearn.gaussian_process.kernels import Matern, RationalQuadratic
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel
from sklearn.utils._param_validation import Interval, StrOptions

from skquantum._records import running
from skquantum.circuits import FEW, Encoding
from skquantum.execution import Backend, Evaluator, pauli_strings, resolve_observables
from skquantum.kernels._base import Kernel

BLOCK = 2**19  # values at a time
FEW_ROWS = 16
PAIRS = "pauli2"
# Squares of the rounding errors of single precision.
TINY = 1e-12


# Functions of what was measured, times the root of gamma.
OUTER: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    # ||rho - sigma||^2 is half the squared distance of the Bloch vectors.
    "gaussian": partial(rbf_kernel, gamma=0.5),
    "laplacian": partial(laplacian_kernel, gamma=1.0),
    "matern": Matern(nu=1.5),
    "rational_quadratic": RationalQuadratic(),
}


# Twice their derivatives for the squared distance, as functions of the distance.
SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gaussian": lambda d: -np.exp(-(d**2) / 2),
    "matern": lambda d: -3 * np.exp(-np.sqrt(3) * d),
    "rational_quadratic": lambda d: -((1 + d**2 / 2) ** -2),
}


class ProjectedKernel(Kernel):
    """Gaussian kernel of the one-qubit reduced density matrices.

    ``K(x, y) = exp(-gamma sum_k ||rho_k(x) - rho_k(y)||^2)`` with the Frobenius norm and the
    reduced density matrix ``rho_k`` of qubit k, which its three Pauli expectation values give
    [1]_. It has no fidelities, which go to zero as the register grows, but it concentrates in
    another way: under entangling encodings the reduced states approach the maximally mixed one,
    distances go to zero, and all values go to one [2]_. On hardware a row costs three circuits:
    all qubits are measured in the bases of X, Y and Z.

    Parameters
    ----------
    encoding : str or Encoding, default="zz"
        Circuit that encodes a row, or the name of one with its defaults.
    gamma : "scale" or float, default="scale"
        Inverse width of the Gaussian, positive. With "scale" an estimator sets it in `fit` to
        one over the mean squared distance of the training rows' reduced density matrices,
        summed over qubits, from their mean. It is 1 where there are no training rows to learn
        from.
    backend : Backend, default=None
        How the circuit is run; None means ``QsimBackend()``.
    outer : {"gaussian", "laplacian", "matern", "rational_quadratic"} or a kernel of \
scikit-learn's, default="gaussian"
        Classical kernel of what was measured, times ``sqrt(gamma)``: "gaussian" as above;
        "laplacian", ``exp(-d)`` of the sum d of absolute differences;
        :class:`~sklearn.gaussian_process.kernels.Matern` with ``nu=1.5``;
        :class:`~sklearn.gaussian_process.kernels.RationalQuadratic`; or any other kernel of
        :mod:`sklearn.gaussian_process.kernels`.
    observables : str or list of cirq.PauliSum, default="XYZ"
        What is measured. "XYZ" gives the reduced states of single qubits, and some of these
        letters less; "pauli2" gives the Pauli strings on at most two qubits, hence the reduced
        states of all pairs; or sums of Pauli strings on the qubits of the circuit.
    n_jobs : int, default=None
        Jobs that tiles of a matrix are shared among, as in :class:`FidelityKernel`.

    References
    ----------
    .. [1] H.-Y. Huang et al., "Power of data in quantum machine learning", Nature
       Communications 12, 2631 (2021), https://arxiv.org/abs/2011.01938
    .. [2] S. Thanasilp, S. Wang, M. Cerezo and Z. Holmes, "Exponential concentration in quantum
       kernel methods", Nature Communications 15, 5200 (2024), https://arxiv.org/abs/2208.11060

    Examples
    --------
    >>> from skquantum.kernels import ProjectedKernel
    >>> ProjectedKernel("angle")([[0.0], [3.141592653589793]]).round(4)
    array([[1.    , 0.1353],
           [0.1353, 1.    ]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "gamma": [StrOptions({"scale"}), Interval(Real, 0, None, closed="neither")],
        "outer": [StrOptions(set(OUTER)), gaussian_process.Kernel],
        "observables": [str, list, tuple],
        **Kernel._parameter_constraints,
    }

    def __init__(
        self,
        encoding: str | Encoding = "zz",
        gamma: float | str = "scale",
        backend: Backend | None = None,
        outer: Any = "gaussian",
        observables: str | Sequence[cirq.PauliSum] = "XYZ",
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(encoding=encoding, backend=backend, n_jobs=n_jobs)
        self.gamma = gamma
        self.outer = outer
        self.observables = observables

    def n_circuits(self, n_rows: int) -> int | None:
        letters = isinstance(self.observables, str) and self.observables != PAIRS
        return len(self.observables) * n_rows if letters else None

    def fitted(self, X: np.ndarray, weight: np.ndarray | None = None) -> Kernel:
        """Return the kernel with what depends on the rows settled; see `Kernel.fitted`."""
        # gamma, not the bandwidth, answers to the number of features.
        kernel = self._with_encoding(X, weight, n_together=FEW)
        if isinstance(self.gamma, str):
            values = kernel._measured(X.shape[1])(X)
            mean = np.average(values, axis=0, weights=weight)
            spread = np.average((values - mean) ** 2, axis=0, weights=weight).sum() / 2
            kernel.gamma = float(1 / spread) if spread > TINY else 1.0
            if not spread > TINY and np.ptp(X, axis=0).any():
                warnings.warn(
                    f"All training rows have the same one-qubit states with {kernel.encoding!r}, "
                    "so that the projected kernel is one everywhere: take kernel='fidelity' or "
                    "another encoding.",
                    UserWarning,
                    stacklevel=2,
                )
        return kernel

    def _gamma(self) -> float:
        return 1.0 if isinstance(self.gamma, str) else self.gamma

    def _matrix(self, X: np.ndarray, Y: np.ndarray | None) -> np.ndarray:
        self._parts()[1].check_matrix(len(X), len(X if Y is None else Y))
        measured = self._measured(X.shape[1])
        if Y is not None:
            return self._values(measured(X), measured(Y))
        return self._gram(measured(X))

    def _against(self, Y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        backend, measured = self._parts()[1], self._measured(Y.shape[1])
        kept = measured(Y)

        def values(X: np.ndarray) -> np.ndarray:
            backend.check_matrix(len(X), len(Y))
            return self._values(measured(X), kept)

        return values

    def _jvp(self, X: np.ndarray, tangents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not isinstance(self.outer, str) or self.outer not in SLOPES:
            raise ValueError(
                f"ProjectedKernel has no derivatives with outer={self.outer!r}; take one of "
                f"{', '.join(map(repr, SLOPES))}."
            )
        values, moved = self._measured_jvp(X, tangents)
        matrix, root = self._gram(values), np.sqrt(self._gamma())
        values, moved = root * values, root * moved
        slopes = SLOPES[self.outer](cdist(values, values))
        derivatives = np.empty((*matrix.shape, tangents.shape[2]))
        for p in range(tangents.shape[2]):
            cross = values @ moved[..., p].T
            own = np.diag(cross)
            # Half of how fast the squared distances change.
            derivatives[..., p] = slopes * (own[:, None] + own - cross - cross.T)
        return matrix, derivatives

    def _measured_jvp(self, X: np.ndarray, tangents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what is measured, (n, n_values), and its derivatives, (n, n_values, p)."""
        evaluator, block, index = self._evaluator(X.shape[1])
        rows = X[:, index].reshape(-1, index.shape[1])
        along = tangents[:, index].reshape(*rows.shape, -1)
        with running(self._parts()[1].run_facts, "gradients", len(rows)):
            values, pullback = evaluator.forward_vjp(block.encode(rows), np.empty(0))
            moved = np.empty((*values.shape, tangents.shape[2]))
            for k in range(values.shape[1]):
                one = np.zeros(values.shape)
                one[:, k] = 1.0
                slopes = block.encode_vjp(rows, pullback(one)[0])
                moved[:, k] = np.einsum("rf,rfp->rp", slopes, along)
        return values.reshape(len(X), -1), moved.reshape(len(X), -1, tangents.shape[2])

    def _diagonal(self, X: np.ndarray) -> np.ndarray:
        if isinstance(self.outer, str):
            return np.ones(len(X))  # the distance of what was measured from itself is zero
        return self.outer.diag(np.sqrt(self._gamma()) * self._measured(X.shape[1])(X))

    def _values(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        root, out = np.sqrt(self._gamma()), np.empty((len(left), len(right)))
        if self.outer == "gaussian" and len(left) < FEW_ROWS and out.size <= BLOCK:
            # What scikit-learn checks would take longer than the distances.
            return np.exp(-self._gamma() / 2 * cdist(left, right, "sqeuclidean"), out=out)
        outer = OUTER[self.outer] if isinstance(self.outer, str) else self.outer
        right = root * right
        for rows in _blocks(len(left), len(right)):
            out[rows] = outer(root * left[rows], right)
        return out

    def _gram(self, vectors: np.ndarray) -> np.ndarray:
        """Return the matrix of vectors with themselves, from its upper triangle."""
        out = np.empty((len(vectors), len(vectors)))
        for rows in _blocks(len(vectors), len(vectors)):
            block = self._values(vectors[rows], vectors[rows.start :])
            corner = block[:, : len(block)]
            block[:, : len(block)] = (corner + corner.T) / 2
            out[rows.start :, rows] = block.T
            out[rows, rows.start :] = block
        if isinstance(self.outer, str):
            np.fill_diagonal(out, 1.0)
        return out

    def _measured(self, n_features: int) -> Callable[[np.ndarray], np.ndarray]:
        """Return what measures the observables for rows of so many features."""
        evaluator, block, index = self._evaluator(n_features)
        facts = self._parts()[1].run_facts

        def measured(X: np.ndarray) -> np.ndarray:
            rows = block.encode(X[:, index].reshape(-1, index.shape[1]))
            with running(facts, "expectations", len(rows)):
                return evaluator.forward(rows, np.empty(0)).reshape(len(X), -1)

        return measured

    def _evaluator(self, n_features: int) -> tuple[Evaluator, Encoding, np.ndarray]:
        """Return what measures a block, its encoding, and the features of each block."""
        encoding, backend = self._parts()
        index, block = encoding.blocks(n_features), encoding.block
        circuit, symbols = block.compiled(index.shape[1])
        qubits = sorted(circuit.all_qubits())
        if isinstance(self.observables, str) and self.observables == PAIRS:
            measures: Any = list(pauli_strings(qubits, 2).values())
        else:
            measures = resolve_observables(self.observables, qubits)
        return backend.evaluator(circuit, symbols, (), measures), block, index


def _blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Split rows, since scikit-learn's function takes several times its result."""
    step = max(1, BLOCK // max(n_columns, 1))
    for begin in range(0, n_rows, step):
        yield slice(begin, begin + step)
