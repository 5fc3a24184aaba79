"""What the parameter `noise` of a backend stands for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cirq
import numpy as np

from skquantum._validation import shown
from skquantum.execution._noise.models import Noise


class _ByIdentity:
    """A key for caches: models that differ may compare equal (`prepend`), or not hash at all."""

    def __init__(self, model: cirq.NoiseModel) -> None:
        self.model = model

    def __hash__(self) -> int:
        return id(self.model)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self.model is other.model


def resolve_noise(noise: Any) -> Noise | None:
    """Return what the parameter `noise` stands for.

    Parameters
    ----------
    noise : None, float, str or cirq.NoiseModel

    Returns
    -------
    Noise or None
        None for a simulation without noise. Equal arguments give the same object.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, no probability, or the name of no device.
    """
    if noise is None or noise is cirq.NO_NOISE:
        return None
    if isinstance(noise, cirq.NoiseModel):
        return _of_model(_ByIdentity(noise))
    if isinstance(noise, str):
        from skquantum.execution._noise.calibrated import device_noise

        return device_noise(noise)
    if isinstance(noise, float | int | np.number) and not isinstance(noise, bool):
        if not 0 <= noise <= 1:
            raise ValueError(
                f"noise={noise!r} is no probability: as a number it is the strength of a "
                "depolarizing channel, from 0 to 1."
            )
        return _depolarizing(float(noise)) if noise else None
    raise TypeError(
        "noise must be None, a number (the strength of depolarizing noise after every moment), a "
        "cirq.NoiseModel, or the name of a Google device such as 'willow_pink', got "
        f"{shown(noise)}.{advice(noise)}"
    )


def advice(noise: Any) -> str:
    """Return what to do about noise of a type that there is not, after a space; or nothing."""
    if isinstance(noise, cirq.Gate):
        return " Wrap a gate's noise in cirq.ConstantQubitNoiseModel(...)."
    return ""


@lru_cache(maxsize=32)
def _of_model(key: _ByIdentity) -> Noise:
    return Noise(key.model)


@lru_cache(maxsize=32)
def _depolarizing(strength: float) -> Noise:
    return Noise(cirq.ConstantQubitNoiseModel(cirq.depolarize(strength)))
