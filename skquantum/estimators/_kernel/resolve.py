"""The kernel that an estimator's parameters stand for."""

from __future__ import annotations

from collections.abc import Callable

import cirq

from skquantum._named_parts import is_same
from skquantum._validation import class_hint, shown, unknown
from skquantum.circuits import Encoding
from skquantum.execution import Backend
from skquantum.kernels import (
    AlignedKernel,
    FidelityKernel,
    Kernel,
    ProjectedKernel,
)

KERNELS: dict[str, Callable[..., Kernel]] = {
    "fidelity": FidelityKernel,
    "projected": ProjectedKernel,
    "aligned": lambda encoding, backend: AlignedKernel(FidelityKernel(encoding, backend)),
}
# What estimators with a kernel have for a default.
ENCODING, KERNEL = "reuploading", "projected"


def resolve_kernel(
    kernel: str | Kernel, encoding: str | Encoding = ENCODING, backend: Backend | None = None
) -> Kernel:
    """Return the kernel that a parameter stands for: a name uses the encoding and backend.

    Raises
    ------
    ValueError
        If the name is unknown, or an instance comes with an encoding or a backend that it does
        not have: they would not be used.
    """
    if isinstance(kernel, Kernel):
        own = kernel.get_params(deep=False)
        for name, value, default in (("encoding", encoding, ENCODING), ("backend", backend, None)):
            if is_same(value, default) or (name in own and is_same(value, own[name])):
                continue
            brings, remedy = f"has no parameter {name}", "Leave"
            if name in own:
                brings = f"brings its own {name}, {own[name]!r}"
                remedy = f"Set kernel__{name} and leave"
            raise ValueError(
                f"{name}={value!r} would not be used: kernel={kernel!r} {brings}. {remedy} "
                f"{name}={default!r}, or give the kernel by its name."
            )
        return kernel
    if isinstance(kernel, str) and kernel in KERNELS:
        return KERNELS[kernel](encoding=encoding, backend=backend)
    if isinstance(kernel, str):
        raise ValueError(unknown("kernel", kernel, KERNELS, "a Kernel instance works too"))
    hint = class_hint(kernel, Kernel)
    if isinstance(kernel, cirq.AbstractCircuit):
        hint = " Make it the encoding: encoding=CircuitEncoding(circuit)."
    raise TypeError(
        f"kernel must be a Kernel instance or one of {', '.join(map(repr, KERNELS))}; got "
        f"{shown(kernel)}.{hint}"
    )
