"""Adam as the training benchmarks ask for it: in NumPy for the oracles, and for JAX's peers.

Kingma and Ba (2015), https://arxiv.org/abs/1412.6980, with the defaults of every library.
"""

import numpy as np

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


def oracle_adam(loss_and_gradients, start, rate, n_steps):
    """Return the loss before each step; the function takes and returns lists of arrays."""
    parameters = [array.copy() for array in start]
    means = [np.zeros_like(array) for array in parameters]
    squares = [np.zeros_like(array) for array in parameters]
    losses = []
    for step in range(1, n_steps + 1):
        loss, *gradients = loss_and_gradients(*parameters)
        losses.append(float(loss))
        for array, gradient, mean, square in zip(
            parameters, gradients, means, squares, strict=True
        ):
            mean += (1 - BETA_1) * (gradient - mean)
            square += (1 - BETA_2) * (gradient**2 - square)
            corrected = mean / (1 - BETA_1**step)
            array -= rate * corrected / (np.sqrt(square / (1 - BETA_2**step)) + EPSILON)
    return losses


def jax_adam(loss, rate, n_steps):
    """Compile all steps as one loop, which is quicker than a compiled step called so many times.

    The function returned takes a list of parameters and what else the loss takes, and returns the
    trained parameters and the loss before each step.
    """
    import jax
    import jax.numpy as jnp

    @jax.jit
    def train(parameters, *data):
        def one_step(carry, step):
            parameters, means, squares = carry
            value, gradients = jax.value_and_grad(loss)(parameters, *data)
            means = [m + (1 - BETA_1) * (g - m) for m, g in zip(means, gradients, strict=True)]
            squares = [
                s + (1 - BETA_2) * (g * g - s) for s, g in zip(squares, gradients, strict=True)
            ]
            scale = jnp.sqrt(1 - BETA_2**step)
            parameters = [
                p - rate * scale / (1 - BETA_1**step) * m / (jnp.sqrt(s) + EPSILON * scale)
                for p, m, s in zip(parameters, means, squares, strict=True)
            ]
            return (parameters, means, squares), value

        zeros = [jnp.zeros_like(p) for p in parameters]
        steps = jnp.arange(1.0, n_steps + 1)
        (parameters, _, _), losses = jax.lax.scan(one_step, (parameters, zeros, zeros), steps)
        return parameters, losses

    return train
