"""What all that has a quantum kernel shares: the parameters that make it."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.base import BaseEstimator

from skquantum._named_parts import NamedPartsMixin
from skquantum.circuits import Encoding, resolve_encoding
from skquantum.estimators._kernel.resolve import resolve_kernel
from skquantum.execution import Backend, resolve_backend
from skquantum.kernels import Kernel


class KernelPartsMixin(NamedPartsMixin):
    """An estimator with a kernel, by its name or as it is, its encoding and its backend."""

    _named_parts: ClassVar = {
        "encoding": resolve_encoding,
        "backend": resolve_backend,
        "kernel": resolve_kernel,  # the last: it uses the others
    }
    _shared: ClassVar = {"kernel": ("encoding", "backend")}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "encoding": [str, Encoding],
        "kernel": [str, Kernel],
        "backend": [Backend, None],
    }

    encoding: str | Encoding
    kernel: str | Kernel
    backend: Backend | None

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        if part != "kernel":
            return super()._resolve_part(part, value, params)
        encoding, backend = (params.get(p, getattr(self, p)) for p in ("encoding", "backend"))
        return resolve_kernel(value, encoding, backend)
