"""Time series of the literature on quantum recurrent networks, and windows of any series."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.special import jv
from scipy.stats import poisson
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_params,
)

_COUNT = [Interval(Integral, 1, None, closed="left")]
_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
_NUMBER = [Real]


@validate_params(
    {"series": ["array-like"], "window": _COUNT, "horizon": _COUNT, "stride": _COUNT},
    prefer_skip_nested_validation=True,
)
def make_windows(
    series: ArrayLike, window: int, horizon: int = 1, stride: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series into windows and the values that come after each.

    Parameters
    ----------
    series : array-like of shape (n_timesteps,) or (n_timesteps, n_channels)
        Values in the order of time, at equal distances.
    window : int
        Number of time steps of a window.
    horizon : int, default=1
        Number of time steps to predict: those right after the window.
    stride : int, default=1
        Distance of the starts of two windows.

    Returns
    -------
    X : ndarray of float64, shape (n_windows, window * n_channels)
        Windows, oldest value first; all channels of a time step side by side, so that
        ``X.reshape(len(X), window, n_channels)`` has them apart.
    y : ndarray of float64, shape (n_windows,) or (n_windows, horizon * n_channels)
        The values after each window, in the same order; one-dimensional for one value.

    Raises
    ------
    ValueError
        If the series is not made of finite numbers, or is too short for a window and its
        horizon.

    Examples
    --------
    >>> from skquantum.datasets import make_windows
    >>> X, y = make_windows([0, 1, 2, 3, 4, 5], window=3, horizon=2)
    >>> X
    array([[0., 1., 2.],
           [1., 2., 3.]])
    >>> y
    array([[3., 4.],
           [4., 5.]])
    """
    values = _as_series(series)
    length, n_channels = values.shape
    if horizon >= length:
        raise ValueError(
            f"horizon={horizon} is not shorter than the series, which has {length} time steps. "
            "Predict fewer steps, or use a longer series."
        )
    if window + horizon > length:
        raise ValueError(
            f"The series has {length} time steps; window={window} and horizon={horizon} need at "
            f"least {window + horizon}. Use a window of at most {length - horizon}, or a longer "
            "series."
        )
    # (n_windows, n_channels, window + horizon), a view
    pieces = sliding_window_view(values, window + horizon, axis=0)[::stride]
    pieces = np.ascontiguousarray(pieces.swapaxes(1, 2)).reshape(len(pieces), -1)
    X, y = np.split(pieces, [window * n_channels], axis=1)
    return X.copy(), y[:, 0].copy() if y.shape[1] == 1 else y.copy()


def _as_series(series: Any) -> np.ndarray:
    """Return a series as finite numbers of shape (n_timesteps, n_channels)."""
    try:
        values = np.array(series, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"series must be made of numbers: {error}") from error
    if values.ndim not in (1, 2) or 0 in values.shape[1:]:
        raise ValueError(
            "series must have shape (n_timesteps,) or (n_timesteps, n_channels), got "
            f"{values.shape}."
        )
    values = values[:, None] if values.ndim == 1 else values
    if not np.isfinite(values).all():
        step, channel = np.argwhere(~np.isfinite(values))[0]
        where = f" of channel {channel}" if values.shape[1] > 1 else ""
        raise ValueError(
            f"series must be finite, got {values[step, channel]} at time step {step}{where}. "
            "Fill gaps first, for instance by interpolation."
        )
    return values


@validate_params(
    {
        "n_samples": _COUNT,
        "duration": _POSITIVE,
        "damping": _NOT_NEGATIVE,
        "gravity": _POSITIVE,
        "length": _POSITIVE,
        "mass": _POSITIVE,
        "velocity": _NUMBER,
    },
    prefer_skip_nested_validation=True,
)
def make_damped_pendulum(
    n_samples: int = 240,
    *,
    duration: float = 20.0,
    damping: float = 0.15,
    gravity: float = 9.81,
    length: float = 1.0,
    mass: float = 1.0,
    velocity: float = 3.0,
) -> np.ndarray:
    r"""Make the angular velocity of a damped pendulum.

    It solves :math:`\ddot\theta = -\frac{b}{m} \dot\theta - \frac{g}{l} \sin\theta` from
    :math:`\theta(0) = 0`. The defaults are those of Chen, Yoo and Fang [1]_, who call it damped
    simple harmonic motion.

    Parameters
    ----------
    n_samples : int, default=240
        Number of values, at equal distances from time 0 to `duration`.
    duration : float, default=20.0
        Time of the last value, in seconds.
    damping : float, default=0.15
        The factor b, in kg/s.
    gravity, length, mass : float, default=9.81, 1.0 and 1.0
        In m/s², m and kg.
    velocity : float, default=3.0
        Angular velocity at the start, in radians per second.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Angular velocity, in radians per second.

    References
    ----------
    .. [1] S. Y.-C. Chen, S. Yoo and Y.-L. L. Fang (2022). Quantum long short-term memory.
       ICASSP 2022. :arxiv:`2009.01783`

    Examples
    --------
    >>> from skquantum.datasets import make_damped_pendulum
    >>> make_damped_pendulum(3, duration=1.0).round(3)
    array([ 3.   ,  0.191, -2.747])
    """
    times = np.linspace(0, duration, n_samples)

    def slope(_: float, state: np.ndarray) -> list[float]:
        angle, speed = state
        return [speed, -damping / mass * speed - gravity / length * np.sin(angle)]

    solution = solve_ivp(
        slope, (0, duration), [0.0, velocity], "DOP853", times, rtol=1e-10, atol=1e-12
    )
    return solution.y[1]


@validate_params(
    {
        "n_samples": _COUNT,
        "order": _NOT_NEGATIVE,
        "start": _NOT_NEGATIVE,
        "stop": _POSITIVE,
    },
    prefer_skip_nested_validation=True,
)
def make_bessel(
    n_samples: int = 256, *, order: float = 2, start: float = 2.0, stop: float = 100.0
) -> np.ndarray:
    r"""Make a Bessel function of the first kind, by default :math:`J_2` [1]_.

    Parameters
    ----------
    n_samples : int, default=256
        Number of values, at equal distances from `start` to `stop`.
    order : float, default=2
        Order of the function.
    start, stop : float, default=2.0 and 100.0
        Arguments of the first and the last value.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Values of the function.

    References
    ----------
    .. [1] S. Y.-C. Chen, S. Yoo and Y.-L. L. Fang (2022). Quantum long short-term memory.
       ICASSP 2022. :arxiv:`2009.01783`

    Examples
    --------
    >>> from skquantum.datasets import make_bessel
    >>> make_bessel(3, start=0, stop=4).round(3)
    array([0.   , 0.353, 0.364])
    """
    return jv(order, np.linspace(start, stop, n_samples))


@validate_params(
    {"n_samples": _COUNT, "delay": _POSITIVE, "decay": _NOT_NEGATIVE, "sharpness": _POSITIVE},
    prefer_skip_nested_validation=True,
)
def make_delayed_quantum_control(
    n_samples: int = 2200, *, delay: float = 2.0, decay: float = 1 / 16, sharpness: float = 10.0
) -> np.ndarray:
    r"""Make the series of Chen, Yoo and Fang for delayed quantum control [1]_.

    It stands for the signal of a two-level atom before a mirror: a photon comes back with a
    delay :math:`\tau`, over and over, as pulses under a decaying envelope,
    :math:`x(t) = e^{-\gamma t} \sum_{n=0}^{10} e^{-s (t - n \tau)^2}` from
    :math:`t = -\tau` to :math:`10 \tau`. It is this formula of the authors' programs, not a
    solution of equations of motion.

    Parameters
    ----------
    n_samples : int, default=2200
        Number of values, at equal distances, the end excluded.
    delay : float, default=2.0
        Distance of pulses, :math:`\tau`.
    decay : float, default=1/16
        Rate of the envelope, :math:`\gamma`.
    sharpness : float, default=10.0
        Inverse squared width of a pulse, :math:`s`.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Values of the series.

    References
    ----------
    .. [1] S. Y.-C. Chen, S. Yoo and Y.-L. L. Fang (2022). Quantum long short-term memory.
       ICASSP 2022. :arxiv:`2009.01783`

    Examples
    --------
    >>> from skquantum.datasets import make_delayed_quantum_control
    >>> make_delayed_quantum_control(11).round(3)
    array([0.   , 1.   , 0.882, 0.779, 0.687, 0.607, 0.535, 0.472, 0.417,
           0.368, 0.325])
    """
    times = np.linspace(-delay, 10 * delay, n_samples, endpoint=False)
    pulses = np.exp(-sharpness * (times[:, None] - delay * np.arange(11)) ** 2).sum(axis=1)
    return pulses * np.exp(-decay * times)


@validate_params(
    {"n_samples": _COUNT, "mean_photons": _POSITIVE, "coupling": _POSITIVE, "duration": _POSITIVE},
    prefer_skip_nested_validation=True,
)
def make_population_inversion(
    n_samples: int = 1000,
    *,
    mean_photons: float = 40.0,
    coupling: float = 1.0,
    duration: float = 60.0,
) -> np.ndarray:
    r"""Make the population inversion of an atom in a cavity: collapse and revival [1]_ [2]_.

    In the Jaynes-Cummings model, at resonance, an excited atom meets a field in a coherent state
    of :math:`\bar n` photons, :math:`W(t) = \sum_n p_n \cos(2 g t \sqrt{n + 1})` with Poisson
    probabilities :math:`p_n`. Oscillations collapse within a time of about :math:`1 / g` and
    revive around multiples of :math:`2 \pi \sqrt{\bar n} / g`.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of values, at equal distances from time 0 to `duration`.
    mean_photons : float, default=40.0
        Mean number of photons of the field.
    coupling : float, default=1.0
        Coupling g of atom and field, as an angular frequency.
    duration : float, default=60.0
        Time of the last value, in the inverse unit of the coupling. The default shows the first
        revival.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Probability of the excited state minus that of the ground state.

    References
    ----------
    .. [1] S. Y.-C. Chen, S. Yoo and Y.-L. L. Fang (2022). Quantum long short-term memory.
       ICASSP 2022. :arxiv:`2009.01783`
    .. [2] J. H. Eberly, N. B. Narozhny and J. J. Sanchez-Mondragon (1980). Periodic spontaneous
       collapse and revival in a simple quantum model. Physical Review Letters 44, 1323.

    Examples
    --------
    >>> from skquantum.datasets import make_population_inversion
    >>> series = make_population_inversion()
    >>> series.shape, float(series[0])
    ((1000,), 1.0)
    """
    times = np.linspace(0, duration, n_samples)
    # Beyond ten standard deviations nothing of double precision is left.
    width = 10 * (mean_photons**0.5 + 1)
    photons = np.arange(max(0, int(mean_photons - width)), int(mean_photons + width) + 1)
    probability = poisson.pmf(photons, mean_photons)
    probability /= probability.sum()
    return np.cos(2 * coupling * np.sqrt(photons + 1) * times[:, None]) @ probability


@validate_params(
    {
        "n_samples": _COUNT,
        "order": _COUNT,
        "drive": [StrOptions({"sines", "uniform"})],
        "period": _POSITIVE,
        "return_drive": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_narma(
    n_samples: int = 300,
    *,
    order: int = 5,
    drive: str = "sines",
    period: float = 100,
    return_drive: bool = False,
    random_state: Any = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    r"""Make a nonlinear autoregressive moving average (NARMA) series.

    :math:`y_{t+1} = 0.3 y_t + 0.05 y_t \sum_{j=0}^{k-1} y_{t-j} + 1.5 u_{t-k+1} u_t + 0.1` for
    order k, driven by u, with y and u zero before the start [1]_.

    Parameters
    ----------
    n_samples : int, default=300
        Number of values.
    order : int, default=5
        Order k; 5 (NARMA5) and 10 (NARMA10) are in use.
    drive : {"sines", "uniform"}, default="sines"
        What drives the series: the product of three sines of Suzuki et al. [2]_, with values in
        [0, 0.2], or independent uniform numbers from [0, 0.5] as in the original [1]_.
    period : float, default=100
        Time steps T of the sines, :math:`u_t = 0.1 (\prod_i \sin(2 \pi a_i t / T) + 1)` with
        :math:`a = 2.11, 3.73, 4.11`; 100 in the literature [2]_.
    return_drive : bool, default=False
        Whether to return the drive, too.
    random_state : int, RandomState instance or None, default=None
        For uniform numbers.

    Returns
    -------
    y : ndarray of float64, shape (n_samples,)
        The series.
    u : ndarray of float64, shape (n_samples,)
        The drive, if `return_drive`; ``u[t]`` goes into ``y[t + 1]``.

    Raises
    ------
    ValueError
        If the series grows without bounds, as it may with uniform numbers.

    References
    ----------
    .. [1] A. F. Atiya and A. G. Parlos (2000). New results on recurrent network training:
       unifying the algorithms and accelerating convergence. IEEE Transactions on Neural
       Networks 11, 697.
    .. [2] Y. Suzuki, Q. Gao, K. C. Pradel, K. Yasuoka and N. Yamamoto (2022). Natural quantum
       reservoir computing for temporal information processing. Scientific Reports 12, 1353.
       :arxiv:`2107.05808`

    Examples
    --------
    >>> from skquantum.datasets import make_narma
    >>> make_narma(4, order=2).round(4)
    array([0.    , 0.1   , 0.1456, 0.1615])
    """
    if drive == "uniform":
        u = check_random_state(random_state).uniform(0, 0.5, n_samples)
    else:
        turns = 2 * np.pi * np.arange(n_samples) / period
        u = 0.1 * (np.sin(2.11 * turns) * np.sin(3.73 * turns) * np.sin(4.11 * turns) + 1)
    y = np.zeros(n_samples)
    for t in range(n_samples - 1):
        past = y[max(0, t - order + 1) : t + 1].sum()
        before = u[t - order + 1] if t >= order - 1 else 0.0
        y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * past + 1.5 * before * u[t] + 0.1
        if y[t + 1] > 1e6:
            raise ValueError(
                f"The series of order={order} grows without bounds with this drive; use another "
                "random_state or a lower order."
            )
    return (y, u) if return_drive else y
