"""What a kernel promises on data: alignment, geometric difference, complexity, concentration."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_random_state, column_or_1d

from skquantum.inspection._plots import draw_decay, log_slopes
from skquantum.kernels import Kernel, are_values, centred, ideal_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of a matrix whose diagonal has the mean 1; below lies the rounding of single precision.
SMALLEST_EIGENVALUE = 1e-6


@dataclass(frozen=True, eq=False)
class KernelConcentration:
    """How the values of kernels draw together as rows get wider.

    Attributes
    ----------
    n_features : ndarray of int, shape (n_widths,)
        Widths of the rows.
    kernels : tuple of str
        Names of the kernels.
    means : ndarray of shape (n_kernels, n_widths)
        Means of the kernel's values for pairs of different rows.
    variances : ndarray of shape (n_kernels, n_widths)
        Their variances.
    """

    n_features: np.ndarray
    kernels: tuple[str, ...]
    means: np.ndarray
    variances: np.ndarray

    def slopes(self) -> dict[str, float]:
        """Return the slope of the logarithm of the variance for each kernel.

        Returns
        -------
        dict of str to float
            Of a straight line through the natural logarithms: what a further feature adds.
            Clearly below zero, the kernel concentrates exponentially.
        """
        return log_slopes(self.n_features, self.variances, self.kernels)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the variances against the width, on a logarithmic scale.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = draw_decay(ax, self.n_features, self.variances, self.kernels)
        ax.set(xlabel="features", ylabel="variance of the kernel")
        ax.legend()
        return ax


def kernel_concentration(
    kernels: Kernel | Mapping[str, Kernel],
    n_features: int | Sequence[int] = (2, 4, 6, 8),
    *,
    n_samples: int = 100,
    random_state: Any = None,
) -> KernelConcentration:
    """Measure how the values of kernels draw together as rows get wider.

    Values that concentrate exponentially can't be told apart with a realistic number of shots,
    and a machine that is trained on them predicts the same for all rows [1]_. Features are
    drawn uniformly from [0, 2 pi); kernels are fitted to them as estimators do, so that
    ``bandwidth="scale"`` and ``gamma="scale"`` take effect. What noise adds is seen with
    the same kernel on a noisy backend.

    Parameters
    ----------
    kernels : Kernel, or mapping of str to Kernel
        One kernel, or several with names.
    n_features : int or sequence of int, default=(2, 4, 6, 8)
        Widths of the rows.
    n_samples : int, default=100
        Rows; each pair of them gives a value.
    random_state : int, RandomState instance or None, default=None
        Where rows come from; each kernel gets the same.

    Returns
    -------
    KernelConcentration
        With ``means``, ``variances``, ``slopes()`` and ``plot()``.

    Raises
    ------
    ValueError
        If a number is too small or there is no kernel.

    References
    ----------
    .. [1] S. Thanasilp et al., "Exponential concentration in quantum kernel methods", Nature
       Communications 15, 5200 (2024), https://arxiv.org/abs/2208.11060

    Examples
    --------
    >>> from skquantum.circuits import AngleEncoding
    >>> from skquantum.inspection import kernel_concentration
    >>> from skquantum.kernels import FidelityKernel
    >>> kernels = {b: FidelityKernel(AngleEncoding(bandwidth=b)) for b in (1.0, 0.2)}
    >>> named = {f"bandwidth {b}": kernel for b, kernel in kernels.items()}
    >>> found = kernel_concentration(named, random_state=0)
    >>> {name: round(slope, 1) for name, slope in found.slopes().items()}
    {'bandwidth 1.0': -1.0, 'bandwidth 0.2': -0.0}
    """
    named = {repr(kernels): kernels} if isinstance(kernels, Kernel) else dict(kernels)
    if not named:
        raise ValueError("kernels must name one kernel at least, got none.")
    widths = (n_features,) if isinstance(n_features, int) else tuple(n_features)
    if not widths or min(widths) < 1:
        raise ValueError(f"n_features must be positive numbers, got {n_features!r}.")
    if n_samples < 3:
        raise ValueError(f"n_samples must be at least 3 for a variance, got {n_samples}.")
    rng = check_random_state(random_state)
    tables = [rng.uniform(0, 2 * np.pi, (n_samples, width)) for width in widths]
    pairs = np.triu_indices(n_samples, 1)
    values = np.array(
        [[kernel.fitted(X)(X)[pairs] for X in tables] for kernel in named.values()], dtype=float
    )
    return KernelConcentration(
        np.array(widths), tuple(named), values.mean(axis=-1), values.var(axis=-1, ddof=1)
    )


def kernel_alignment(K: ArrayLike, target: ArrayLike, *, centered: bool = True) -> float:
    """Return the alignment of a kernel matrix with labels, or with another one.

    It is the cosine of the angle between the two matrices. Centred, it goes with the accuracy
    that a kernel machine reaches, uncentred it often does not [1]_.

    Parameters
    ----------
    K : array-like of shape (n_samples, n_samples)
        Kernel matrix.
    target : array-like of shape (n_samples,) or (n_samples, n_samples)
        Labels, values, or another kernel matrix. Labels of classes stand for the matrix of ones
        where two rows have the same class, values for their outer product. Floats are values,
        whole ones too, unless there are two of them only; all else are labels.
    centered : bool, default=True
        Whether both matrices are centred first.

    Returns
    -------
    float
        At most 1, which equal matrices reach (up to a factor).

    Raises
    ------
    ValueError
        If shapes do not fit, or one matrix is zero, as that of a single class is when centred.

    References
    ----------
    .. [1] C. Cortes, M. Mohri and A. Rostamizadeh, "Algorithms for learning kernels based on
       centered alignment", Journal of Machine Learning Research 13, 795 (2012),
       https://arxiv.org/abs/1203.0550

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum.inspection import kernel_alignment
    >>> y = np.array(["a", "a", "b", "b"])
    >>> round(kernel_alignment(y[:, None] == y, y), 3)
    1.0
    """
    one = _checked_matrix(K, "K")
    is_matrix = np.ndim(target) == 2
    other = _checked_matrix(target, "target") if is_matrix else ideal_matrix(column_or_1d(target))
    if other.shape != one.shape:
        raise ValueError(f"K has {len(one)} rows, and target has {len(other)}.")
    least = np.finfo(float).eps * len(one) * np.linalg.norm(one) * np.linalg.norm(other)
    if centered:
        one, other = centred(one), centred(other)
    sizes = np.linalg.norm(one) * np.linalg.norm(other)
    if sizes <= least:
        raise ValueError(
            "The alignment with a matrix of zeros is undefined: all rows have the same label, or "
            "all values of the kernel are the same."
        )
    return float((one * other).sum() / sizes)


def geometric_difference(
    K_classical: ArrayLike, K_quantum: ArrayLike, *, regularization: float = 0.0
) -> float:
    r"""Return how much better a quantum kernel may be than a classical one, on any labels.

    With both matrices scaled to the trace n, it is the square root of the spectral norm of
    :math:`\sqrt{K_Q} K_C^{-1} \sqrt{K_Q}` [1]_. Where it is small against
    :math:`\sqrt{n}`, the classical kernel is guaranteed to predict as well whatever the labels
    are; where it is not, some labels exist on which the quantum kernel is better, and
    :func:`model_complexity` says whether yours are such.

    Parameters
    ----------
    K_classical, K_quantum : array-like of shape (n_samples, n_samples)
        Kernel matrices of the same rows.
    regularization : float, default=0.0
        Added to the eigenvalues of `K_classical`, whose mean is 1. Where zero would not do, since
        the matrix can't be inverted, 1e-6 is used, and a warning says so.

    Returns
    -------
    float
        At least 1 without regularization.

    Warns
    -----
    RuntimeWarning
        If the classical matrix had to be regularised.

    Raises
    ------
    ValueError
        If the matrices are not square, symmetric and of one size, or `regularization` is negative.

    References
    ----------
    .. [1] H.-Y. Huang et al., "Power of data in quantum machine learning", Nature Communications
       12, 2631 (2021), https://arxiv.org/abs/2011.01938

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics.pairwise import rbf_kernel
    >>> from skquantum.inspection import geometric_difference
    >>> from skquantum.kernels import FidelityKernel
    >>> X = np.random.default_rng(0).uniform(0, 6, (20, 2))
    >>> geometric_difference(rbf_kernel(X), FidelityKernel("angle")(X)) > 1
    True
    """
    classical = _spectrum(K_classical, "K_classical")
    values, vectors = _spectrum(K_quantum, "K_quantum")
    if len(values) != len(classical[0]):
        raise ValueError(
            f"K_classical has {len(classical[0])} rows, and K_quantum has {len(values)}; they "
            "must be matrices of the same rows."
        )
    eigenvalues, basis = classical
    shift = _checked_regularization(eigenvalues, regularization, "K_classical")
    weights = np.sqrt(np.maximum(eigenvalues, 0)) / (eigenvalues + shift)
    root = np.sqrt(np.maximum(values, 0)) * vectors
    return float(np.linalg.norm((weights[:, None] * basis.T) @ root, 2))


def model_complexity(K: ArrayLike, y: ArrayLike, *, regularization: float = 0.0) -> float:
    r"""Return how complex a function of a kernel has to be to give the labels.

    With the matrix scaled to the trace n, it is :math:`s = y^T K^{-1} y`, and the error of
    predictions is bounded by a multiple of :math:`\sqrt{s / n}` [1]_: far below n, the
    labels are easy for the kernel. That of a classical kernel is at most
    ``geometric_difference(K_classical, K_quantum) ** 2`` times that of the quantum one.

    With a regularization :math:`\lambda` and :math:`a = (K + \lambda)^{-1} y` it is
    :math:`s = (\lambda \|a\| + \sqrt{a^T K a})^2`, of which the first part is the error on the
    training rows.

    Parameters
    ----------
    K : array-like of shape (n_samples, n_samples)
        Kernel matrix.
    y : array-like of shape (n_samples,)
        Labels of two classes, which become -1 and 1, or values. Floats are values unless there
        are two of them only; all else are labels. Of more classes, take one against the others,
        one at a time.
    regularization : float, default=0.0
        Added to the eigenvalues, whose mean is 1, as ridge regression does. Where zero would not
        do, since the matrix can't be inverted, 1e-6 is used, and a warning says so.

    Returns
    -------
    float

    Warns
    -----
    RuntimeWarning
        If the matrix had to be regularised.

    Raises
    ------
    ValueError
        If there are more than two classes, shapes do not fit, or `regularization` is negative.

    References
    ----------
    .. [1] H.-Y. Huang et al., "Power of data in quantum machine learning", Nature Communications
       12, 2631 (2021), https://arxiv.org/abs/2011.01938

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum.inspection import model_complexity
    >>> model_complexity(np.eye(4), ["a", "b", "b", "a"])
    4.0
    """
    eigenvalues, basis = _spectrum(K, "K")
    values = _signs_or_values(column_or_1d(y))
    if len(values) != len(eigenvalues):
        raise ValueError(f"K has {len(eigenvalues)} rows, and y has {len(values)}.")
    shift = _checked_regularization(eigenvalues, regularization, "K")
    dual = (basis.T @ values) / (eigenvalues + shift)
    norm = np.sqrt(np.maximum(eigenvalues, 0) @ dual**2)
    return float((shift * np.linalg.norm(dual) + norm) ** 2)


def _checked_matrix(K: ArrayLike, name: str) -> np.ndarray:
    matrix: np.ndarray = check_array(K, dtype=np.float64, input_name=name)
    rounding = 1e-5 * np.abs(matrix).max()
    if len(matrix) != len(matrix.T) or not np.allclose(matrix, matrix.T, rtol=0, atol=rounding):
        raise ValueError(
            f"{name} must be a symmetric matrix, as a kernel gives for rows with themselves; got "
            f"shape {matrix.shape}."
        )
    return matrix


def _spectrum(K: ArrayLike, name: str) -> tuple[np.ndarray, np.ndarray]:
    matrix = _checked_matrix(K, name)
    trace = np.trace(matrix)
    if trace <= 0:
        raise ValueError(f"{name} must have a positive trace, got {trace:.3g}.")
    eigenvalues, vectors = np.linalg.eigh(matrix * (len(matrix) / trace))
    return eigenvalues, vectors


def _checked_regularization(eigenvalues: np.ndarray, regularization: float, name: str) -> float:
    if regularization < 0:
        raise ValueError(f"regularization must not be negative, got {regularization}.")
    if eigenvalues[0] + regularization >= SMALLEST_EIGENVALUE:
        return regularization
    # What rounding or shots took below zero is lifted above it as well.
    used = SMALLEST_EIGENVALUE - min(eigenvalues[0], 0.0)
    warnings.warn(
        f"{name} can't be inverted as it is (least eigenvalue {eigenvalues[0]:.2g}, where the "
        f"mean is 1): regularization={used:.2g} is used. Give a larger one for noisy values.",
        RuntimeWarning,
        stacklevel=3,
    )
    return float(used)


def _signs_or_values(y: np.ndarray) -> np.ndarray:
    if are_values(y):
        return y.astype(float)
    classes = np.unique(y)
    if len(classes) > 2:
        raise ValueError(
            f"y must be floats or labels of two classes, got {len(classes)} labels of type "
            f"{y.dtype}. Take one class against the others: y == {classes[0]!r}; values that are "
            "whole numbers: y.astype(float)."
        )
    return np.where(y == classes[-1], 1.0, -1.0)
