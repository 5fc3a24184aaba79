"""Tables of the literature on quantum classifiers, each made from its formula."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.stats import unitary_group
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

Table = tuple[np.ndarray, np.ndarray]

_COUNT = [Interval(Integral, 1, None, closed="left")]
_PAIR = [Interval(Integral, 2, None, closed="left")]
_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
_RANDOM = ["random_state"]
MOST_DRAWS = 1000  # blocks of rows drawn before a margin is called too wide


@validate_params(
    {
        "n_samples": _PAIR,
        "n_features": [Interval(Integral, 1, 10, closed="both")],
        "gap": [Interval(Real, 0, 1, closed="left")],
        "random_state": _RANDOM,
    },
    prefer_skip_nested_validation=True,
)
def make_ad_hoc(
    n_samples: int = 200, *, n_features: int = 2, gap: float = 0.3, random_state: Any = None
) -> Table:
    r"""Make the data on which a quantum kernel is right by construction.

    Rows are uniform in :math:`(0, 2 \pi]`. The label is the sign of
    :math:`\langle \Phi(x) | V^\dagger Z^{\otimes n} V | \Phi(x) \rangle`, with the state
    :math:`\Phi(x)` of the ZZ feature map (two repetitions, all pairs entangled) and a random
    unitary V; rows closer to zero than the gap are left out [1]_. It is
    ``ZZEncoding(bandwidth=1.0, entanglement="full")`` that separates them.

    Parameters
    ----------
    n_samples : int, default=200
        Number of rows, half of them (one less if odd) of class 0.
    n_features : int, default=2
        Number of features, which is that of qubits: at most 10.
    gap : float, default=0.3
        Least absolute value of the expectation value, in [0, 1).
    random_state : int, RandomState instance or None, default=None
        Draws V and the rows.

    Returns
    -------
    X : ndarray of float64, shape (n_samples, n_features)
        Angles in radians.
    y : ndarray of int, shape (n_samples,)
        0 or 1.

    Raises
    ------
    ValueError
        If too few rows have so wide a gap.

    References
    ----------
    .. [1] V. Havlicek et al. (2019). Supervised learning with quantum-enhanced feature spaces.
       Nature 567, 209. :arxiv:`1804.11326`

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from skquantum import QuantumKernelSVC
    >>> from skquantum.circuits import ZZEncoding
    >>> from skquantum.datasets import make_ad_hoc
    >>> X, y = make_ad_hoc(random_state=0)
    >>> model = QuantumKernelSVC(ZZEncoding(bandwidth=1.0), kernel="fidelity", C=100)
    >>> print(round(cross_val_score(model, X, y).mean(), 2))
    1.0
    """
    rng = check_random_state(random_state)
    mixer = unitary_group.rvs(2**n_features, random_state=rng)
    signs = _signs(n_features)
    parity = signs.prod(axis=1)

    def draw(n_rows: int) -> Table:
        X = 2 * np.pi * (1 - rng.uniform(size=(n_rows, n_features)))
        phases = np.exp(1j * _zz_phases(X, signs))
        states = _hadamards(phases / np.sqrt(len(signs))) * phases
        values = (np.abs(states @ mixer.T) ** 2) @ parity
        return X, np.where(np.abs(values) >= gap, np.sign(values), 0)

    return _balanced(draw, n_samples, f"gap={gap}", rng)


def _signs(n_qubits: int) -> np.ndarray:
    """Return the signs that Z of each qubit gives to each basis state."""
    bits = np.arange(2**n_qubits)[:, None] >> np.arange(n_qubits)[::-1] & 1
    return 1 - 2 * bits


def _zz_phases(X: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return the phases of the ZZ feature map's diagonal, shape (n_rows, 2 ** n_features)."""
    phases = -X @ signs.T.astype(float)  # up to a global phase: 2 x on state 1
    for i, j in combinations(range(X.shape[1]), 2):
        pair = (np.pi - X[:, i]) * (np.pi - X[:, j])
        phases -= pair[:, None] * (signs[:, i] * signs[:, j])
    return phases


def _hadamards(states: np.ndarray) -> np.ndarray:
    """Apply a Hadamard gate to each qubit of each row."""
    n_rows, dim = states.shape
    for qubit in range(dim.bit_length() - 1):
        split = states.reshape(n_rows, 2**qubit, 2, -1)
        plus, minus = split[:, :, 0] + split[:, :, 1], split[:, :, 0] - split[:, :, 1]
        states = np.stack([plus, minus], axis=2).reshape(n_rows, dim) / np.sqrt(2)
    return states


def _balanced(
    draw: Callable[[int], Table], n_samples: int, demand: str, rng: np.random.RandomState
) -> Table:
    """Draw rows until both signs have enough of them; those of sign 0 are left out."""
    wanted = {-1: n_samples // 2, 1: n_samples - n_samples // 2}
    rows: dict[int, list[np.ndarray]] = {-1: [], 1: []}
    for _ in range(MOST_DRAWS):
        X, sign = draw(max(64, n_samples))
        for label, kept in rows.items():
            kept.append(X[sign == label])
        if all(sum(map(len, rows[label])) >= wanted[label] for label in wanted):
            break
    else:
        raise ValueError(
            f"{demand} leaves hardly a row of one class among {MOST_DRAWS * max(64, n_samples)} "
            "drawn. Choose a smaller one, or another random_state."
        )
    X = np.concatenate([np.concatenate(rows[label])[: wanted[label]] for label in (-1, 1)])
    return _shuffled(X, np.repeat([0, 1], [wanted[-1], wanted[1]]), rng)


def _shuffled(X: np.ndarray, y: np.ndarray, rng: np.random.RandomState) -> Table:
    order = rng.permutation(len(y))
    return X[order], y[order]


@validate_params(
    {
        "n_samples": _PAIR,
        "n_features": _COUNT,
        "margin": [*_NOT_NEGATIVE, None],
        "random_state": _RANDOM,
    },
    prefer_skip_nested_validation=True,
)
def make_linearly_separable(
    n_samples: int = 300,
    *,
    n_features: int = 10,
    margin: float | None = None,
    random_state: Any = None,
) -> Table:
    """Make two classes on the two sides of a hyperplane through a cube.

    Rows are uniform in the cube [-1, 1]^d; the label is the sign of the sum of their features
    [1]_.

    Parameters
    ----------
    n_samples : int, default=300
        Number of rows, half of them (one less if odd) of class 0.
    n_features : int, default=10
        Number of features.
    margin : float or None, default=None
        Least absolute value of the sum. None means ``0.02 * n_features``, as in [1]_.
    random_state : int, RandomState instance or None, default=None
        Draws the rows.

    Returns
    -------
    X : ndarray of float64, shape (n_samples, n_features)
        Features in [-1, 1].
    y : ndarray of int, shape (n_samples,)
        0 or 1.

    Raises
    ------
    ValueError
        If too few rows have so wide a margin.

    References
    ----------
    .. [1] J. Bowles, S. Ahmed and M. Schuld (2024). Better than classical? The subtle art of
       benchmarking quantum machine learning models. :arxiv:`2403.07059`

    Examples
    --------
    >>> from skquantum.datasets import make_linearly_separable
    >>> X, y = make_linearly_separable(n_features=2, random_state=0)
    >>> print(f"margin {abs(X.sum(axis=1)).min():.3f}")  # at least 0.02 for each feature
    margin 0.041
    """
    rng = check_random_state(random_state)
    margin = 0.02 * n_features if margin is None else margin

    def draw(n_rows: int) -> Table:
        X = rng.uniform(-1, 1, size=(n_rows, n_features))
        total = X.sum(axis=1)
        return X, np.where(np.abs(total) >= margin, np.sign(total), 0)

    return _balanced(draw, n_samples, f"margin={margin}", rng)


@validate_params(
    {
        "n_samples": _PAIR,
        "n_features": _COUNT,
        "manifold_dimension": _COUNT,
        "random_state": _RANDOM,
    },
    prefer_skip_nested_validation=True,
)
def make_hidden_manifold(
    n_samples: int = 300,
    *,
    n_features: int = 10,
    manifold_dimension: int = 6,
    random_state: Any = None,
) -> Table:
    r"""Make rows on a curved manifold, labelled by a small neural network on it.

    A row is :math:`\tanh(F c / \sqrt{m} - b)` with Gaussian coordinates c of m dimensions, a
    Gaussian matrix F and uniform offsets b; the label says whether
    :math:`v \cdot \tanh(W c)` is above its median [1]_ [2]_.

    Parameters
    ----------
    n_samples : int, default=300
        Number of rows, half of them of each class (one more of class 0 if odd).
    n_features : int, default=10
        Number of features.
    manifold_dimension : int, default=6
        Dimension m of the manifold.
    random_state : int, RandomState instance or None, default=None
        Draws the manifold, the network and the rows.

    Returns
    -------
    X : ndarray of float64, shape (n_samples, n_features)
        Features in (-1, 1).
    y : ndarray of int, shape (n_samples,)
        0 or 1.

    References
    ----------
    .. [1] S. Goldt, M. Mezard, F. Krzakala and L. Zdeborova (2020). Modeling the influence of
       data structure on learning in neural networks: the hidden manifold model. Physical Review
       X 10, 041044. :arxiv:`1909.11500`
    .. [2] J. Bowles, S. Ahmed and M. Schuld (2024). Better than classical? The subtle art of
       benchmarking quantum machine learning models. :arxiv:`2403.07059`

    Examples
    --------
    >>> from skquantum.datasets import make_hidden_manifold
    >>> X, y = make_hidden_manifold(random_state=0)
    >>> X.shape, int(y.sum())
    ((300, 10), 150)
    """
    rng = check_random_state(random_state)
    embedding = rng.normal(size=(manifold_dimension, n_features))
    offsets = rng.uniform(-1, 1, size=n_features)
    hidden = rng.normal(size=(manifold_dimension, manifold_dimension))
    output = rng.normal(size=manifold_dimension)
    coordinates = rng.normal(size=(n_samples, manifold_dimension))
    X = np.tanh(coordinates @ embedding / np.sqrt(manifold_dimension) - offsets)
    height = np.tanh(coordinates @ hidden.T) @ output
    return X, (height > np.median(height)).astype(int)


@validate_params(
    {
        "n_samples": _PAIR,
        "n_features": _COUNT,
        "degree": _COUNT,
        "offset": _NOT_NEGATIVE,
        "noise": _NOT_NEGATIVE,
        "random_state": _RANDOM,
    },
    prefer_skip_nested_validation=True,
)
def make_two_curves(
    n_samples: int = 300,
    *,
    n_features: int = 10,
    degree: int = 5,
    offset: float = 0.1,
    noise: float = 0.01,
    random_state: Any = None,
) -> Table:
    """Make two parallel curves: a Fourier series in each feature, and the same with an offset.

    The features are standardised at the end, as in [1]_.

    Parameters
    ----------
    n_samples : int, default=300
        Number of rows, half of them (one less if odd) of class 0.
    n_features : int, default=10
        Number of features.
    degree : int, default=5
        Highest frequency of the series, in half periods.
    offset : float, default=0.1
        What is added to every feature of the second curve.
    noise : float, default=0.01
        Standard deviation of what is added to every value.
    random_state : int, RandomState instance or None, default=None
        Draws the series, the rows and the noise.

    Returns
    -------
    X : ndarray of float64, shape (n_samples, n_features)
        Standardised features.
    y : ndarray of int, shape (n_samples,)
        0 or 1.

    References
    ----------
    .. [1] J. Bowles, S. Ahmed and M. Schuld (2024). Better than classical? The subtle art of
       benchmarking quantum machine learning models. :arxiv:`2403.07059`

    Examples
    --------
    >>> from skquantum.datasets import make_two_curves
    >>> X, y = make_two_curves(random_state=0)
    >>> X.shape, int(y.sum())
    ((300, 10), 150)
    """
    rng = check_random_state(random_state)
    factors = rng.uniform(size=(2, degree + 1, n_features))
    factors /= np.linalg.norm(factors)
    turns = np.pi * rng.uniform(size=(n_samples, 1)) * np.arange(degree + 1)
    waves = np.cos(turns) @ factors[0] + np.sin(turns) @ factors[1]
    y = np.repeat([0, 1], [n_samples // 2, n_samples - n_samples // 2])
    X = waves + offset * y[:, None] + noise * rng.normal(size=waves.shape)
    return _shuffled(StandardScaler().fit_transform(X), y, rng)


@validate_params(
    {
        "n_samples": _PAIR,
        "n_features": _COUNT,
        "n_hyperplanes": _COUNT,
        "hyperplane_dimension": _COUNT,
        "random_state": _RANDOM,
    },
    prefer_skip_nested_validation=True,
)
def make_hyperplanes(
    n_samples: int = 300,
    *,
    n_features: int = 10,
    n_hyperplanes: int = 2,
    hyperplane_dimension: int = 3,
    random_state: Any = None,
) -> Table:
    """Make rows labelled by the parity of the sides of several hyperplanes that they lie on.

    Gaussian points are labelled in a space of few dimensions, mapped linearly to the features,
    and standardised [1]_.

    Parameters
    ----------
    n_samples : int, default=300
        Number of rows, half of them (one less if odd) of class 0.
    n_features : int, default=10
        Number of features.
    n_hyperplanes : int, default=2
        Number of hyperplanes.
    hyperplane_dimension : int, default=3
        Dimension of the space that they lie in.
    random_state : int, RandomState instance or None, default=None
        Draws the hyperplanes, the map and the rows.

    Returns
    -------
    X : ndarray of float64, shape (n_samples, n_features)
        Standardised features.
    y : ndarray of int, shape (n_samples,)
        0 where a row is on the upper side of an odd number of hyperplanes, else 1.

    Raises
    ------
    ValueError
        If too few rows of one class are found.

    References
    ----------
    .. [1] J. Bowles, S. Ahmed and M. Schuld (2024). Better than classical? The subtle art of
       benchmarking quantum machine learning models. :arxiv:`2403.07059`

    Examples
    --------
    >>> from skquantum.datasets import make_hyperplanes
    >>> X, y = make_hyperplanes(random_state=0)
    >>> X.shape, int(y.sum())
    ((300, 10), 150)
    """
    rng = check_random_state(random_state)
    normals = rng.uniform(size=(hyperplane_dimension, n_hyperplanes))
    offsets = rng.uniform(size=n_hyperplanes)
    embedding = rng.uniform(size=(hyperplane_dimension, n_features))

    def draw(n_rows: int) -> Table:
        points = rng.normal(size=(n_rows, hyperplane_dimension))
        above = (points @ normals + offsets > 0).sum(axis=1)
        return points, 1 - 2 * (above % 2)

    points, y = _balanced(draw, n_samples, f"n_hyperplanes={n_hyperplanes}", rng)
    return StandardScaler().fit_transform(points @ embedding), y


@validate_params(
    {
        "n_samples": _COUNT,
        "height": _COUNT,
        "width": _COUNT,
        "noise": _NOT_NEGATIVE,
        "random_state": _RANDOM,
    },
    prefer_skip_nested_validation=True,
)
def make_bars_and_stripes(
    n_samples: int = 300,
    *,
    height: int = 4,
    width: int = 4,
    noise: float = 0.5,
    random_state: Any = None,
) -> Table:
    """Make noisy images of bars (columns, class 0) and stripes (rows, class 1).

    Each column, or row, is 1 or -1 with equal chance, and Gaussian noise is added [1]_.

    Parameters
    ----------
    n_samples : int, default=300
        Number of images.
    height, width : int, default=4
        Size in pixels.
    noise : float, default=0.5
        Standard deviation of the noise.
    random_state : int, RandomState instance or None, default=None
        Draws the images.

    Returns
    -------
    X : ndarray of float64, shape (n_samples, height * width)
        Pixels, row by row.
    y : ndarray of int, shape (n_samples,)
        0 for bars, 1 for stripes.

    References
    ----------
    .. [1] J. Bowles, S. Ahmed and M. Schuld (2024). Better than classical? The subtle art of
       benchmarking quantum machine learning models. :arxiv:`2403.07059`

    Examples
    --------
    >>> from skquantum.datasets import make_bars_and_stripes
    >>> X, y = make_bars_and_stripes(noise=0.0, random_state=1)
    >>> y[0], X[0].reshape(4, 4)
    (np.int64(1), array([[-1., -1., -1., -1.],
           [ 1.,  1.,  1.,  1.],
           [ 1.,  1.,  1.,  1.],
           [ 1.,  1.,  1.,  1.]]))
    """
    rng = check_random_state(random_state)
    y = rng.randint(2, size=n_samples)
    bars = rng.choice([-1.0, 1.0], size=(n_samples, 1, width))
    stripes = rng.choice([-1.0, 1.0], size=(n_samples, height, 1))
    images = np.where(y[:, None, None] == 1, stripes, bars)
    images = images + noise * rng.normal(size=images.shape)
    return images.reshape(n_samples, -1), y


@validate_params(
    {
        "n_samples": _COUNT,
        "n_spins": [Interval(Integral, 3, 12, closed="both")],
        "model": [StrOptions({"ising", "cluster"})],
        "strongest": [Interval(Real, 1, None, closed="neither")],
        "random_state": _RANDOM,
    },
    prefer_skip_nested_validation=True,
)
def make_spin_chain(
    n_samples: int = 100,
    *,
    n_spins: int = 6,
    model: str = "ising",
    strongest: float = 2.0,
    random_state: Any = None,
) -> Table:
    r"""Make ground states of a spin chain on both sides of its transition, as rows.

    A row holds the amplitudes of the ground state of a closed chain,
    :math:`-\sum_i Z_i Z_{i+1} - h \sum_i X_i` ("ising") or
    :math:`-\sum_i Z_{i-1} X_i Z_{i+1} - h \sum_i X_i` ("cluster"), for a field h drawn
    uniformly from (0, `strongest`). Both change their phase at h = 1 [1]_ [2]_. The amplitudes
    are real; ``AmplitudeEncoding`` loads them as they are.

    Parameters
    ----------
    n_samples : int, default=100
        Number of states.
    n_spins : int, default=6
        Number of spins, 3 to 12; a row has ``2 ** n_spins`` features.
    model : {"ising", "cluster"}, default="ising"
        Chain.
    strongest : float, default=2.0
        Largest field, above 1.
    random_state : int, RandomState instance or None, default=None
        Draws the fields.

    Returns
    -------
    X : ndarray of float64, shape (n_samples, 2 ** n_spins)
        Amplitudes of norm one, with a sum that is not negative.
    y : ndarray of int, shape (n_samples,)
        1 where the field is above 1.

    References
    ----------
    .. [1] P. Pfeuty (1970). The one-dimensional Ising model with a transverse field. Annals of
       Physics 57, 79.
    .. [2] I. Cong, S. Choi and M. D. Lukin (2019). Quantum convolutional neural networks. Nature
       Physics 15, 1273. :arxiv:`1810.03787`

    Examples
    --------
    >>> from skquantum.datasets import make_spin_chain
    >>> X, y = make_spin_chain(random_state=0)
    >>> X.shape
    (100, 64)
    """
    rng = check_random_state(random_state)
    fields = rng.uniform(0, strongest, size=n_samples)
    states = np.array([_ground_state(n_spins, model, field) for field in fields])
    return states, (fields > 1).astype(int)


def _ground_state(n_spins: int, model: str, field: float) -> np.ndarray:
    signs = _signs(n_spins)
    left, right = np.roll(signs, 1, axis=1), np.roll(signs, -1, axis=1)
    basis = np.arange(2**n_spins)
    energy = np.zeros((2**n_spins, 2**n_spins))
    if model == "ising":
        energy[basis, basis] = -(signs * right).sum(axis=1)
    for spin in range(n_spins):
        flipped = basis ^ (1 << (n_spins - 1 - spin))
        pull = field + (left[:, spin] * right[:, spin] if model == "cluster" else 0)
        energy[basis, flipped] -= pull
    _, vectors = eigh(energy, subset_by_index=[0, 0])
    state = vectors[:, 0]
    return -state if state.sum() < 0 else state
