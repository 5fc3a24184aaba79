"""Circuits as modules of PyTorch: a layer of a network that is trained with the rest of it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import cirq
import numpy as np
import sympy
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skquantum._validation import install_hint, shown, unknown
from skquantum.circuits import Ansatz, Encoding, resolve_ansatz
from skquantum.execution import Backend, DenseBackend
from skquantum.layers import QuantumLayer, check_init, initial_weights

try:
    import torch
except ImportError as error:
    raise ImportError(f"skquantum.torch needs PyTorch: {install_hint('torch')}.") from error

__all__ = ["QuantumModule"]


class QuantumModule(torch.nn.Module):
    """Expectation values of a circuit as a layer of a network.

    All rows of a batch go through the batched simulator at once, forwards and backwards, and
    gradients reach the circuit's weights and the layers in front. The module is saved, copied,
    moved and trained as others are; circuits are run by the CPU, wherever the tensors are.

    Parameters of type float32 (torch's default) are run in single precision. With float64 (after
    ``module.double()``) and no `backend` of your own, registers of up to 8 qubits are run by
    :class:`~skquantum.execution.DenseBackend` in double precision, so that
    :func:`torch.autograd.gradcheck` passes.

    Parameters
    ----------
    encoding : str or Encoding
        Circuit that encodes the inputs, most of them as angles in radians, or its name.
    ansatz : str or Ansatz
        Circuit whose symbols are the weights, or its name.
    observables : None, str or sequence of cirq.PauliSum, default=None
        What is measured: None stands for "Z", the Z of each qubit; letters of "XYZ" for these
        Paulis of each qubit.
    n_features : int
        Size of the last axis of the inputs.
    backend : Backend, default=None
        How the circuit is run; None means ``QsimBackend()``.
    reupload : bool or "trainable", default=False
        Repeat the encoding before each layer of the ansatz; with "trainable", with factors on the
        data that are weights as well.
    init : {"small_normal", "identity_blocks", "uniform"} or array-like of shape (n_weights,), \
default="small_normal"
        Weights to start from, as for :class:`skquantum.VariationalClassifier`.
    gradient : {"auto", "adjoint", "parameter-shift", "spsa"}, default="auto"
        How gradients are computed.
    random_state : int, RandomState instance or None, default=None
        Draws the weights to start from. None takes the seed from torch's generator, so that
        ``torch.manual_seed`` settles them.

    Attributes
    ----------
    weights : torch.nn.Parameter of shape (n_weights,)
        Weights of the circuit, in radians for the ansätze of this package.
    layer : QuantumLayer
        The circuit. It is made from the arguments and is no part of `state_dict`.
    in_features, out_features : int
        Sizes of the last axis of inputs and outputs.

    See Also
    --------
    skquantum.layers.QuantumLayer : The same for NumPy.

    Examples
    --------
    >>> import torch
    >>> from skquantum.torch import QuantumModule
    >>> head = QuantumModule("angle", "strongly_entangling", n_features=4, random_state=0)
    >>> net = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Tanh(), head)
    >>> net(torch.zeros(5, 8)).shape
    torch.Size([5, 4])
    """

    def __init__(
        self,
        encoding: str | Encoding,
        ansatz: str | Ansatz,
        observables: str | Sequence[cirq.PauliSum | cirq.PauliString] | None = None,
        *,
        n_features: int,
        backend: Backend | None = None,
        reupload: bool | str = False,
        init: str | ArrayLike = "small_normal",
        gradient: str = "auto",
        random_state: Any = None,
    ) -> None:
        check_init(init)
        layer = QuantumLayer(
            encoding,
            ansatz,
            observables,
            backend,
            n_features=n_features,
            reupload=reupload,
            identity_blocks=isinstance(init, str) and init == "identity_blocks",
            gradient=gradient,
        )
        rng = _random_state(random_state)
        weights = initial_weights(init, layer, resolve_ansatz(ansatz), rng)
        self._start(layer, weights, is_settled=backend is not None or gradient != "auto")

    @classmethod
    def from_layer(cls, layer: QuantumLayer, weights: ArrayLike) -> Self:
        """Return a module of a layer with weights, such as those of a fitted model.

        Parameters
        ----------
        layer : QuantumLayer
            For instance ``layer_`` of a :class:`skquantum.VariationalClassifier`.
        weights : array-like of shape (n_weights,)
            For instance its ``weights_``. Back again:
            ``VariationalClassifier(init=module.weights.detach().numpy(), ...)``.

        Returns
        -------
        QuantumModule
            It runs on the layer's backend, in the precision of that.
        """
        module = cls.__new__(cls)
        values = np.asarray(weights, dtype=float)
        if values.shape != (layer.n_weights,):
            raise ValueError(
                f"weights has shape {values.shape}, but the layer has {layer.n_weights} weights."
            )
        module._start(layer, values, is_settled=True)
        return module

    @classmethod
    def from_circuit(
        cls,
        circuit: cirq.AbstractCircuit,
        data: Sequence[sympy.Symbol | str],
        weights: Sequence[sympy.Symbol | str],
        observables: str | Sequence[cirq.PauliSum | cirq.PauliString] | None = None,
        *,
        backend: Backend | None = None,
        init: str | ArrayLike = "uniform",
        gradient: str = "auto",
        random_state: Any = None,
    ) -> Self:
        """Return a module of a circuit of your own, in which data and weights may meet.

        Parameters
        ----------
        circuit : cirq.Circuit or cirq.FrozenCircuit
            A circuit of unitary gates.
        data, weights : sequence of sympy.Symbol or str
            Symbols that receive the inputs, in order, and those that are trained.
        observables, backend, gradient, random_state
            As for the class.
        init : "uniform" or array-like of shape (n_weights,), default="uniform"
            Weights to start from; "uniform" draws angles from 0 to 2 pi.

        Returns
        -------
        QuantumModule
        """
        layer = QuantumLayer.from_circuit(
            circuit, data, weights, observables, backend, gradient=gradient
        )
        if isinstance(init, str):
            if init != "uniform":
                raise ValueError(unknown("init", init, ["uniform"], "an array works too"))
            values = _random_state(random_state).uniform(0, 2 * np.pi, layer.n_weights)
        else:
            values = np.asarray(init, dtype=float)
        module = cls.from_layer(layer, values)
        module._is_settled = backend is not None or gradient != "auto"
        return module

    def _start(self, layer: QuantumLayer, weights: np.ndarray, *, is_settled: bool) -> None:
        super().__init__()
        self.layer, self._is_settled = layer, is_settled
        self._dense: QuantumLayer | None = None
        self.weights = torch.nn.Parameter(torch.tensor(weights, dtype=torch.get_default_dtype()))

    @property
    def in_features(self) -> int:
        """Size of the last axis of the inputs."""
        return self.layer.n_features

    @property
    def out_features(self) -> int:
        """Size of the last axis of the outputs."""
        return self.layer.n_outputs

    def extra_repr(self) -> str:
        """Return what stands between the brackets of the module's representation."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"n_qubits={self.layer.n_qubits}, n_weights={self.layer.n_weights}"
        )

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return expectation values.

        Parameters
        ----------
        inputs : tensor of shape (..., n_features)
            Real numbers, on any device.

        Returns
        -------
        tensor of shape (..., out_features)
            On the device of the inputs, of the type of inputs and weights together.

        Raises
        ------
        TypeError
            If the inputs are no tensor of real numbers.
        ValueError
            If the last axis has another size, or a number is not finite.
        """
        if not isinstance(inputs, torch.Tensor) or not inputs.is_floating_point():
            found = str(inputs.dtype) if isinstance(inputs, torch.Tensor) else shown(inputs)
            raise TypeError(f"inputs must be a tensor of floating-point numbers, got {found}.")
        if inputs.ndim == 0 or inputs.shape[-1] != self.in_features:
            raise ValueError(
                f"inputs must have {self.in_features} features on the last axis, the n_features "
                f"of the module, got shape {tuple(inputs.shape)}."
            )
        rows = inputs.reshape(-1, self.in_features)
        layer = self._layer_for(rows)
        out = _Expectations.apply(rows, self.weights, layer, torch.is_grad_enabled())
        return out.reshape(*inputs.shape[:-1], self.out_features)

    def _layer_for(self, rows: torch.Tensor) -> QuantumLayer:
        """Return the circuit in the precision of the numbers."""
        is_double = torch.promote_types(rows.dtype, self.weights.dtype) == torch.float64
        if not is_double or self._is_settled or self.layer.n_qubits > DenseBackend.most_qubits:
            return self.layer
        if self._dense is None:
            self._dense = copy(self.layer)
            self._dense.move_to(DenseBackend())
        return self._dense


class _Expectations(torch.autograd.Function):
    """The circuit as a node of torch's graph."""

    @staticmethod
    def forward(
        ctx: Any, rows: torch.Tensor, weights: torch.Tensor, layer: QuantumLayer, is_graph: bool
    ) -> torch.Tensor:
        X, w = _numbers(rows), _numbers(weights)
        by_rows, by_weights = ctx.needs_input_grad[:2]
        if is_graph and (by_rows or by_weights):
            outputs, ctx.pullback = layer.forward_vjp(X, w, data_gradient=by_rows)
        else:
            outputs = layer.forward(X, w)
        ctx.save_for_backward(rows, weights)
        kind = torch.promote_types(rows.dtype, weights.dtype)
        return torch.from_numpy(outputs).to(device=rows.device, dtype=kind)

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        rows, weights = ctx.saved_tensors
        by_rows, by_weights = _Pullback.apply(cotangents[0], rows, weights, ctx.pullback)
        return by_rows, by_weights, None, None


class _Pullback(torch.autograd.Function):
    """The gradient as a node of its own, whose derivative is refused."""

    @staticmethod
    def forward(
        ctx: Any, cotangent: torch.Tensor, rows: torch.Tensor, weights: torch.Tensor, pullback: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        by_rows, by_weights = pullback(_numbers(cotangent))
        return (
            torch.from_numpy(by_rows).to(device=rows.device, dtype=rows.dtype),
            torch.from_numpy(by_weights).to(device=weights.device, dtype=weights.dtype),
        )

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        raise NotImplementedError(
            "QuantumModule has first derivatives only: leave out create_graph=True, and losses "
            "that hold gradients of the circuit."
        )


def _numbers(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().to(torch.float64).numpy()


def _random_state(random_state: Any) -> np.random.RandomState:
    if random_state is None:
        return np.random.RandomState(int(torch.randint(2**31 - 1, ()).item()))
    return check_random_state(random_state)
