"""Series and tables of the literature, made on the spot, and windows of any series."""

from skquantum.datasets._series import (
    make_bessel,
    make_damped_pendulum,
    make_delayed_quantum_control,
    make_narma,
    make_population_inversion,
    make_windows,
)
from skquantum.datasets._tables import (
    make_ad_hoc,
    make_bars_and_stripes,
    make_hidden_manifold,
    make_hyperplanes,
    make_linearly_separable,
    make_spin_chain,
    make_two_curves,
)

__all__ = [
    "make_ad_hoc",
    "make_bars_and_stripes",
    "make_bessel",
    "make_damped_pendulum",
    "make_delayed_quantum_control",
    "make_hidden_manifold",
    "make_hyperplanes",
    "make_linearly_separable",
    "make_narma",
    "make_population_inversion",
    "make_spin_chain",
    "make_two_curves",
    "make_windows",
]
