"""Quantum kernels whose bandwidths Gaussian processes tune."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.gaussian_process.kernels import Hyperparameter
from sklearn.gaussian_process.kernels import Kernel as GaussianProcessBase
from sklearn.utils import check_array

from skquantum._validation import class_hint, shown
from skquantum.circuits import Encoding, in_blocks, resolve_encoding
from skquantum.execution import DenseBackend
from skquantum.kernels._base import Kernel
from skquantum.kernels._fidelity import FidelityKernel


class GaussianProcessKernel(GaussianProcessBase):
    """A quantum kernel of rows times a bandwidth, which scikit-learn's Gaussian processes tune.

    ``K(x, y) = kernel(bandwidth * x, bandwidth * y)``. It is one of scikit-learn's kernels:
    ``ConstantKernel() * GaussianProcessKernel("zz") + WhiteKernel()`` has the hyperparameters of
    all three, and `GaussianProcessRegressor` and `GaussianProcessClassifier` maximise the marginal
    likelihood for them [1]_. Derivatives for the bandwidth are exact: of the states, carried
    forward through the circuit, for fidelities; of expectation values, by the backend's own
    gradients, for projected kernels. As with any periodic kernel the likelihood has several
    maxima: let ``n_restarts_optimizer`` look for the highest.

    Parameters
    ----------
    kernel : Kernel, Encoding or str, default="zz"
        Quantum kernel; an encoding or its name stands for its fidelity kernel in double
        precision, ``FidelityKernel(encoding, backend=DenseBackend())``, of at most 8 qubits; more
        than 8 features are put into blocks of two.
        Gaussian processes decompose the matrix, and single precision (1e-6) does for that only
        with a `WhiteKernel` or an `alpha` well above it.
    bandwidth : float or array-like of shape (n_features,), default=1.0
        Positive factor on all features, or one for each (automatic relevance determination). An
        encoding's own ``bandwidth="scale"`` counts as 1 here.
    bandwidth_bounds : pair of floats > 0 or "fixed", default=(0.01, 10.0)
        Lower and upper bound on `bandwidth`; "fixed" leaves it as it is.

    See Also
    --------
    FidelityKernel, ProjectedKernel : Kernels to be tuned.

    References
    ----------
    .. [1] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning",
       section 5.4, MIT Press (2006), https://gaussianprocess.org/gpml/

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> from sklearn.gaussian_process.kernels import WhiteKernel
    >>> from skquantum.kernels import GaussianProcessKernel
    >>> X = np.linspace(0, 6, 25)[:, None]
    >>> y = np.sin(2 * X[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=25)
    >>> kernel = GaussianProcessKernel("angle") + WhiteKernel(0.01)
    >>> model = GaussianProcessRegressor(kernel).fit(X, y)
    >>> print(f"{model.kernel_.k1.bandwidth:.1f}")
    2.0
    """

    def __init__(
        self,
        kernel: Kernel | Encoding | str = "zz",
        bandwidth: Any = 1.0,
        bandwidth_bounds: Any = (0.01, 10.0),
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.bandwidth_bounds = bandwidth_bounds

    @property
    def hyperparameter_bandwidth(self) -> Hyperparameter:
        """What scikit-learn knows of the bandwidth."""
        n = np.size(self.bandwidth)
        _check_bounds(self.bandwidth_bounds)
        return Hyperparameter("bandwidth", "numeric", self.bandwidth_bounds, n)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, those of the quantum kernel as ``kernel__...``.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return those of the quantum kernel as well.

        Returns
        -------
        dict
        """
        params = dict(super().get_params(deep=False))
        if deep and hasattr(self.kernel, "get_params"):
            nested = self.kernel.get_params().items()
            params.update({f"kernel__{name}": value for name, value in nested})
        return params

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        """Return the kernel matrix, with its gradient if asked for.

        Parameters
        ----------
        X : array-like of shape (n_samples_X, n_features)
            Rows.
        Y : array-like of shape (n_samples_Y, n_features), default=None
            Other rows; None gives the symmetric matrix of `X`.
        eval_gradient : bool, default=False
            Whether to return the gradient for the logarithm of the bandwidth, too.

        Returns
        -------
        K : ndarray of shape (n_samples_X, n_samples_Y)
            Kernel values.
        K_gradient : ndarray of shape (n_samples_X, n_samples_X, n_dims)
            With `eval_gradient` only.

        Raises
        ------
        ValueError, TypeError
            If a parameter is not valid, the rows do not suit the kernel, `eval_gradient` comes
            with `Y`, or the kernel has no derivatives; set ``bandwidth_bounds="fixed"`` then.
        """
        kernel, scaled, factors = self._resolved(X)
        if not eval_gradient:
            return kernel(scaled, None if Y is None else self._resolved(Y)[1])
        if Y is not None:
            raise ValueError("eval_gradient=True is for the matrix of X alone, with Y=None.")
        if self.hyperparameter_bandwidth.fixed:
            matrix = kernel(scaled)
            return matrix, np.empty((*matrix.shape, 0))
        # d(factor x)/d(log factor) is the scaled feature itself.
        tangents = scaled[:, :, None]
        if np.size(self.bandwidth) > 1:
            tangents = tangents * np.eye(len(factors))
        try:
            return kernel.jvp(scaled, tangents)
        except ValueError as error:
            raise ValueError(
                f"The bandwidth of {self!r} can't be tuned: {error} Or set "
                "bandwidth_bounds='fixed'."
            ) from error

    def diag(self, X: Any) -> np.ndarray:
        """Return the kernel values of rows with themselves.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        kernel, scaled, _ = self._resolved(X)
        return kernel.diag(scaled)

    def is_stationary(self) -> bool:
        """Whether the kernel depends on differences of rows only; not in general."""
        return False

    def __repr__(self) -> str:
        bandwidth = np.array2string(np.asarray(self.bandwidth), precision=3, separator=", ")
        return f"{type(self).__name__}({self.kernel!r}, bandwidth={bandwidth})"

    def _resolved(self, X: Any) -> tuple[Kernel, np.ndarray, np.ndarray]:
        """Return the quantum kernel, the rows times the bandwidth, and the factors."""
        rows = check_array(X, dtype=np.float64, input_name="X")
        factors = factors_on_rows(self.bandwidth, rows.shape[1])
        return resolve_kernel(self.kernel, rows.shape[1]), rows * factors, factors


def factors_on_rows(bandwidth: Any, n_features: int) -> np.ndarray:
    """Return the positive factor on each feature, shape (n_features,)."""
    factors = np.asarray(bandwidth, dtype=float)
    fits = factors.shape in ((), (1,), (n_features,))
    if not fits or not (np.isfinite(factors) & (factors > 0)).all():
        raise ValueError(
            "bandwidth must be a positive number, or one for each of the "
            f"{n_features} features, got {shown(bandwidth)}."
        )
    return np.broadcast_to(factors, n_features).astype(float)


def resolve_kernel(kernel: Any, n_features: int = 1) -> Kernel:
    """Return a quantum kernel, that of an encoding's fidelities in double precision.

    More features than the encoding has room for are put into blocks, as estimators do.
    """
    if isinstance(kernel, Kernel):
        return kernel
    if isinstance(kernel, str | Encoding):
        encoding = in_blocks(resolve_encoding(kernel), n_features)
        return FidelityKernel(encoding, backend=DenseBackend())
    raise TypeError(
        "kernel must be a Kernel such as FidelityKernel('zz'), an Encoding or the name of one, "
        f"got {shown(kernel)}.{class_hint(kernel, Kernel)}"
    )


def _check_bounds(bounds: Any) -> None:
    if isinstance(bounds, str) and bounds == "fixed":
        return
    pairs = np.asarray(bounds) if not isinstance(bounds, str) else np.empty(0)
    numbers = pairs.dtype.kind in "fiu" and pairs.ndim in (1, 2) and pairs.shape[-1] == 2
    if not numbers or not ((pairs[..., 0] > 0) & (pairs[..., 0] <= pairs[..., 1])).all():
        raise ValueError(
            "bandwidth_bounds must be 'fixed' or a pair (low, high) with 0 < low <= high, got "
            f"{bounds!r}."
        )
