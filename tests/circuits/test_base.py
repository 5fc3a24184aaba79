"""The template's own machinery: a minimal subclass, the cache, names."""

import cirq
import numpy as np
import pytest
import sympy

from skquantum._validation import did_you_mean
from skquantum.circuits import (
    ANSATZE,
    ENCODINGS,
    AngleEncoding,
    Encoding,
    RealAmplitudes,
    StronglyEntangling,
    Template,
    ZZEncoding,
    resolve_ansatz,
    resolve_encoding,
)


class Weights(Template):
    """A template that writes `build` only, with parameters of every kind."""

    def __init__(self, option=None, inner=None):
        self.option = option
        self.inner = inner

    def build(self, n_qubits):
        return cirq.Circuit(
            cirq.ry(sympy.Symbol(f"w{i}"))(q) for i, q in enumerate(cirq.LineQubit.range(n_qubits))
        )


def test_build_is_all_that_a_template_has_to_write():
    template = Weights()
    assert template.width(12) == 12
    assert [s.name for s in template.symbols(12)] == [f"w{i}" for i in range(12)]
    assert template.compiled(12)[1] == template.symbols(12)


@pytest.mark.parametrize(
    ("option", "same", "other"),
    [
        ([1, 2], [1, 2], (1, 2)),
        (np.arange(3.0), np.arange(3.0), np.arange(3)),
        ({"a": [1]}, {"a": [1]}, {"a": [2]}),
        (cirq.Circuit(cirq.X(cirq.q(0))), cirq.FrozenCircuit(cirq.X(cirq.q(0))), cirq.Circuit()),
        (ZZEncoding(), ZZEncoding(), ZZEncoding(reps=3)),
        (ZZEncoding, ZZEncoding, AngleEncoding),
    ],
    ids=["list", "array", "dict", "circuit", "estimator", "class"],
)
def test_the_cache_compares_parameters_by_value(option, same, other):
    circuit, _ = Weights(option).compiled(2)
    assert Weights(same).compiled(2)[0] is circuit
    assert Weights(other).compiled(2)[0] is not circuit
    assert Weights(inner=Weights(option)).compiled(2)[0] is not circuit


def test_the_cache_notices_what_changes_in_place():
    option = [1]
    template = Weights(option)
    circuit, _ = template.compiled(2)
    option.append(2)
    assert template.compiled(2)[0] is not circuit
    assert Weights([1]).compiled(2)[0] is circuit


def test_parameters_that_can_not_be_compared_are_not_cached():
    template = Weights({1, 2})
    first, second = template.compiled(2)[0], template.compiled(2)[0]
    assert first == second
    assert first is not second


def test_the_cache_tells_classes_apart():
    class Other(Weights):
        pass

    assert Other().compiled(2)[0] is not Weights().compiled(2)[0]


def test_symbols_that_receive_nothing_are_refused():
    class Careless(Encoding):
        def build(self, n_features):
            x, y10, y9 = sympy.symbols("x_0 y10 y9")
            return cirq.Circuit(cirq.rx(x + y9 * y10)(cirq.q(0)))

    with pytest.raises(ValueError, match=r"Careless built .* no value: y9, y10\."):
        Careless().compiled(1)


@pytest.mark.parametrize(
    ("resolve", "names"),
    [(resolve_encoding, ENCODINGS), (resolve_ansatz, ANSATZE)],
    ids=["encoding", "ansatz"],
)
def test_a_name_stands_for_the_defaults(resolve, names):
    for name, cls in names.items():
        template = resolve(name)
        assert type(template) is cls
        assert template is not resolve(name)
        assert template.get_params() == cls().get_params()


def test_a_template_stands_for_itself():
    encoding, ansatz = ZZEncoding(), StronglyEntangling()
    assert resolve_encoding(encoding) is encoding
    assert resolve_ansatz(ansatz) is ansatz


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ("zzz", ValueError, r"Unknown encoding 'zzz'\. Did you mean 'zz'\? Choose from 'angle'"),
        ("Angel", ValueError, r"Did you mean 'angle'\?"),
        ("fourier", ValueError, r"Unknown encoding 'fourier'\. Choose from"),
        (3, TypeError, "encoding must be an Encoding instance or one of 'angle'.*got 3"),
        (None, TypeError, "got None"),
        (ZZEncoding, TypeError, r"Did you mean ZZEncoding\(\)\?"),
        (cirq.Circuit(), TypeError, r"Wrap it: CircuitEncoding\(circuit\)"),
        (Weights(), TypeError, "must be an Encoding instance"),
    ],
    ids=str,
)
def test_other_encodings_are_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        resolve_encoding(wrong)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (
            "TreeTensor",
            ValueError,
            r"Unknown ansatz 'TreeTensor'\. Did you mean 'tree_tensor'\? Choose from",
        ),
        ("zz", ValueError, r"Unknown ansatz 'zz'\. Choose .*; an Ansatz instance works too"),
        (3, TypeError, "ansatz must be an Ansatz instance or one of 'strongly_ent.*got 3"),
        (RealAmplitudes, TypeError, r"Did you mean RealAmplitudes\(\)\?"),
        (ZZEncoding(), TypeError, r"must be an Ansatz instance .*got ZZEncoding\(\)"),
        (cirq.Circuit(), TypeError, r"must be an Ansatz .*Wrap it: CircuitAnsatz\(circuit\)"),
    ],
    ids=str,
)
def test_other_ansatze_are_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        resolve_ansatz(wrong)


def test_errors_name_the_parameter():
    with pytest.raises(ValueError, match="Unknown feature_map 'x'"):
        resolve_encoding("x", param="feature_map")
    with pytest.raises(TypeError, match="cell must be an Ansatz instance"):
        resolve_ansatz(None, param="cell")


def test_did_you_mean_ignores_case_and_distant_names():
    assert did_you_mean("IRIS", ["Iris", "wine"]) == " Did you mean 'Iris'?"
    assert did_you_mean("anything", ["Iris", "wine"]) == ""
    assert did_you_mean("x", []) == ""
