"""Which solvers there are: five stochastic ones, and the methods of `scipy.optimize.minimize`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import solve

from skquantum._steps import STEP_RULES, adam
from skquantum._validation import unknown

# Spall's exponents and, for angles in radians, the size of a probe.
SPSA_DECAY, SPSA_PROBE_DECAY, SPSA_PROBE = 0.602, 0.101, 0.1

# Of models that know the metric of their states. Added to its diagonal, which is 1/4 at most for a
# rotation.
NATURAL, DAMPING = "natural", 1e-2

WITH_GRADIENT = ("BFGS", "CG", "L-BFGS-B", "Newton-CG", "SLSQP", "TNC", "trust-constr")
WITHOUT_GRADIENT = ("COBYLA", "COBYQA", "Nelder-Mead", "Powell")
NEED_HESSIAN = ("dogleg", "trust-exact", "trust-krylov", "trust-ncg")


def natural(
    theta: np.ndarray,
    grad: np.ndarray,
    slots: dict[str, np.ndarray],
    step: int,
    rate: float,
    *,
    part: slice,
    metric: np.ndarray,
) -> None:
    """Take a step of natural gradient in the weights of a circuit, and of Adam in all else.

    In place. The gradient is divided by the metric of the states (Stokes et al. 2020,
    arXiv:1909.02108), damped where weights hardly move them.
    """
    damped = metric + DAMPING * np.eye(len(metric))
    weights = theta[part] - rate * solve(damped, grad[part], assume_a="pos")
    adam(theta, grad, slots, step, rate)
    theta[part] = weights


def spsa_probe(
    loss: Callable[[np.ndarray], float],
    theta: np.ndarray,
    step: int,
    horizon: int,
    rate: float,
    rng: np.random.RandomState,
) -> tuple[float, np.ndarray, float]:
    """Probe a loss on both sides along one random direction (Spall 1998).

    Whatever the number of parameters, two evaluations make a step.

    Parameters
    ----------
    loss : callable
        The loss of the current rows.
    theta : ndarray
        Parameters.
    step, horizon : int
        Number of the step from 0, and of all steps.
    rate : float
        Rate of the first step.
    rng : RandomState
        Where the direction comes from.

    Returns
    -------
    loss : float
        Mean of the two evaluations.
    grad : ndarray
        Estimate of the gradient.
    rate : float
        The rate of this step; it decays as Spall advises.
    """
    width = SPSA_PROBE / (step + 1) ** SPSA_PROBE_DECAY
    direction = rng.choice([-1.0, 1.0], len(theta))
    ahead, behind = loss(theta + width * direction), loss(theta - width * direction)
    stability = 0.1 * horizon
    decay = ((1 + stability) / (step + 1 + stability)) ** SPSA_DECAY
    grad = (ahead - behind) / (2 * width) * direction
    return (ahead + behind) / 2, grad, rate * decay


def resolve_solver(solver: str, more: tuple[str, ...] = ()) -> str:
    """Return a solver as it is known here or to `scipy.optimize.minimize`, or raise an error.

    `more` names those that an estimator knows besides.
    """
    stochastic = {name: name for name in (*STEP_RULES, "spsa", *more)}
    scipy_names = {name.lower(): name for name in (*WITH_GRADIENT, *WITHOUT_GRADIENT)}
    names = stochastic | {"lbfgs": "L-BFGS-B"} | scipy_names
    found = names.get(solver.lower())
    if found is not None:
        return found
    known = [*stochastic, "lbfgs", *scipy_names.values()]
    if solver.lower() in NEED_HESSIAN:
        raise ValueError(
            f"solver={solver!r} needs second derivatives, which circuits do not offer. "
            f"Choose from {', '.join(map(repr, known))}."
        )
    raise ValueError(unknown("solver", solver, known))


def is_stochastic(solver: str) -> bool:
    """Whether a resolved solver goes through mini-batches."""
    return solver in STEP_RULES or solver in ("spsa", NATURAL)


def uses_gradient(solver: str) -> bool:
    """Whether a resolved solver asks for the gradient."""
    return solver in STEP_RULES or solver == NATURAL or solver in WITH_GRADIENT


def scipy_options(method: str, max_iter: int, tol: float) -> dict[str, Any]:
    """Return the arguments of `scipy.optimize.minimize` for a number of iterations and `tol`."""
    if method == "TNC":  # counts evaluations only; about three make an iteration
        return {"tol": tol, "options": {"maxfun": 3 * max_iter}}
    if method == "L-BFGS-B":  # as MLPClassifier: tol is about the gradient, not about the loss
        return {"options": {"maxiter": max_iter, "maxfun": 15000, "gtol": tol}}
    return {"tol": tol, "options": {"maxiter": max_iter}}
