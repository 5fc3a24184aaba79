"""Laws of parameters that are parts, or names of parts, over every class that has some."""

import itertools

import cirq
import pytest
import sympy
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_iris
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skquantum import circuits, estimators, execution, kernels
from skquantum._named_parts import NamedPartsMixin
from skquantum.circuits import AngleEncoding, PoolingNetwork, RealAmplitudes, ZZEncoding
from skquantum.estimators import (
    QLSTMClassifier,
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumPoolingTransformer,
    QuantumReservoirTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.execution import MitigatedBackend, QsimBackend
from skquantum.kernels import FidelityKernel, Kernel, ProjectedKernel

ROOMS = circuits, estimators, execution, kernels
NEEDED = {
    "CircuitEncoding": {"circuit": cirq.Circuit(cirq.ry(sympy.Symbol("x"))(cirq.q(0)))},
    "CircuitAnsatz": {"circuit": cirq.Circuit(cirq.ry(sympy.Symbol("w"))(cirq.q(0)))},
    "MitigatedBackend": {"backend": None},
    "SamplerBackend": {"sampler": None},
    "SumKernel": {"k1": FidelityKernel("angle"), "k2": ProjectedKernel()},
    "ProductKernel": {"k1": 0.5, "k2": FidelityKernel()},
}


def public_classes():
    for value in (getattr(room, name) for room in ROOMS for name in room.__all__):
        is_class = isinstance(value, type) and issubclass(value, NamedPartsMixin)
        if is_class and not getattr(value, "__abstractmethods__", None):
            yield value


class Pair(Kernel):
    """A kernel made of kernels, with a constructor of its own."""

    def __init__(self, left=None, right=None):
        self.left = left
        self.right = right

    def _matrix(self, X, Y):
        return self.left(X, Y) + self.right(X, Y)


INSTANCES = [kind(**NEEDED.get(kind.__name__, {})) for kind in public_classes()] + [
    QuantumKernelSVC("angle", kernel="projected"),
    QuantumKernelSVC(kernel=ProjectedKernel("angle"), backend=None),
    QuantumKernelSVC(kernel=Pair(FidelityKernel(), ProjectedKernel("angle"))),
    QuantumKernelSVC(backend=MitigatedBackend(None)),
    VariationalClassifier(ansatz=PoolingNetwork()),
    VariationalClassifier(ansatz="pooling"),
    QuantumFeatureTransformer(ansatz="hardware_efficient"),
    QuantumReservoirTransformer(ansatz="hardware_efficient"),
    QLSTMRegressor(ansatz="real_amplitudes"),
    QLSTMClassifier(ansatz="real_amplitudes"),
    SVC(kernel=FidelityKernel("angle")),
    GaussianProcessRegressor(kernel=FidelityKernel("angle")),
    make_pipeline(StandardScaler(), QuantumKernelSVC()),
]


def other(value):
    """Return another value of the kind of one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return "another" if isinstance(value, str) else 7 if value is None else None


def stored(model):
    return {k: v for k, v in model.get_params(deep=False).items()}


def nested(model):
    return [name for name in model.get_params() if "__" in name]


def test_the_instances_are_of_every_kind():
    names = {type(model).__name__ for model in INSTANCES}
    assert {"FidelityKernel", "QsimBackend", "ZZEncoding", "QLSTMRegressor"} <= names


@pytest.mark.parametrize("model", INSTANCES, ids=repr)
def test_what_is_listed_can_be_set(model):
    for name, value in model.get_params().items():
        if "__" not in name or hasattr(value, "get_params"):
            continue
        changed = clone(model).set_params(**{name: other(value)})
        assert changed.get_params()[name] == other(value), name
        # What is listed as a part, or stands for one, is set as one as well.
        again = clone(changed)
        assert repr(again.get_params()[name]) == repr(other(value)), name


@pytest.mark.parametrize("model", INSTANCES, ids=repr)
def test_setting_what_is_the_case_changes_nothing(model):
    model = clone(model)
    before = stored(model)
    model.set_params(**model.get_params())
    for name, value in stored(model).items():
        # A pipeline makes a new list of the same steps.
        assert value is before[name] or (name == "steps" and repr(value) == repr(before[name]))


@pytest.mark.parametrize("model", INSTANCES, ids=repr)
def test_a_clone_stores_what_came(model):
    for name, value in stored(clone(model)).items():
        assert isinstance(value, BaseEstimator) or repr(value) == repr(stored(model)[name])


@pytest.mark.parametrize("model", INSTANCES, ids=repr)
def test_unknown_names_are_refused_and_change_nothing(model):
    model = clone(model)
    before = stored(model)
    for name in nested(model) + ["nothing"]:
        wrong = name.rpartition("__")[0] + "__nothing" if "__" in name else name
        with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
            model.set_params(**{wrong: 1})
    assert all(value is before[name] for name, value in stored(model).items())


ORDERED = [
    (QuantumKernelSVC(), {"encoding": "angle", "encoding__bandwidth": 0.5}),
    (QuantumKernelSVC(), {"kernel": "projected", "kernel__gamma": 2.0, "encoding": "angle"}),
    (FidelityKernel(), {"encoding": "angle", "encoding__bandwidth": 0.5}),
    (MitigatedBackend(None), {"backend": QsimBackend(), "backend__shots": 5}),
    (VariationalRegressor(), {"ansatz": "real_amplitudes", "ansatz__entanglement": "full"}),
    (QuantumPoolingTransformer(), {"convolution": "so4", "convolution__n_layers": 2}),
    (PoolingNetwork(), {"convolution": "so4", "convolution__n_layers": 2}),
]


@pytest.mark.parametrize(("model", "params"), ORDERED, ids=repr)
def test_the_order_within_a_call_does_not_matter(model, params):
    texts = {
        repr(clone(model).set_params(**dict(order)))
        for order in itertools.permutations(params.items())
    }
    assert len(texts) == 1
    assert str(list(params.values())[1]) in texts.pop()


# Parameters that do not replace one another: in any order, in calls of their own, also with a
# clone in between.
INDEPENDENT = [
    (QuantumKernelSVC(kernel="projected"), {"kernel__gamma": 2.0, "encoding__bandwidth": 0.5}),
    (QuantumKernelSVC(kernel="projected"), {"kernel__gamma": 2.0, "encoding": "angle"}),
    (QuantumKernelSVC(kernel="projected"), {"kernel__gamma": 2.0, "backend__shots": 9}),
    (QuantumKernelSVC("angle"), {"kernel__encoding__bandwidth": 0.5, "C": 2.0}),
    (
        VariationalClassifier(ansatz="real_amplitudes"),
        {"ansatz__entanglement": "full", "n_layers": 7},
    ),
    (QLSTMRegressor(ansatz="rings"), {"ansatz__gate": "cz", "n_layers": 4, "entangler": "both"}),
]


@pytest.mark.parametrize(("model", "params"), INDEPENDENT, ids=repr)
def test_the_order_of_calls_does_not_matter(model, params):
    found = set()
    for order in itertools.permutations(params.items()):
        changed = clone(model)
        for name, value in order:
            changed = clone(changed).set_params(**{name: value})
        changed._validate_params()
        now = changed.get_params()
        assert all(now[name] == value for name, value in params.items())
        found.add(repr({name: now[name] for name in sorted(now) if "." not in str(now[name])}))
    assert len(found) == 1


def test_shared_parameters_agree_and_the_callers_kernel_stays_as_it_is():
    kernel = ProjectedKernel()
    model = QuantumKernelSVC("zz", kernel=kernel).set_params(encoding__bandwidth=0.5)
    assert model.kernel.encoding is model.encoding
    assert repr(model.encoding) == "ZZEncoding(bandwidth=0.5)"
    assert kernel.encoding == "zz"
    named = QuantumKernelSVC("angle").set_params(kernel__encoding__bandwidth=0.5)
    assert named.kernel == "projected"
    assert repr(named.encoding) == "AngleEncoding(bandwidth=0.5)"


def test_one_parameter_under_two_names_can_not_have_two_values():
    with pytest.raises(ValueError, match="are one parameter here, and can't be set to both"):
        QuantumKernelSVC().set_params(encoding__bandwidth=0.5, kernel__encoding__bandwidth=0.7)


def test_a_kernel_of_its_own_encoding_keeps_it():
    model = QuantumKernelSVC(kernel=FidelityKernel("angle")).set_params(
        encoding=ZZEncoding(reps=1)
    )
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="would not be used"):
        model.fit(X, y)
    assert model.kernel.encoding == "angle"


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (SVC(kernel=FidelityKernel("angle")), {"kernel__encoding__bandwidth": [0.3, 1.0]}),
        (QuantumKernelSVC(), {"encoding": ["angle"], "encoding__bandwidth": [0.3, 1.0]}),
        (QuantumKernelSVC(), {"encoding__bandwidth": [0.3, 1.0], "encoding": ["angle"]}),
        (
            QuantumKernelSVC(AngleEncoding(), kernel="projected"),
            {"kernel__gamma": [0.5, 1.0], "kernel__encoding__bandwidth": [0.3]},
        ),
    ],
    ids=repr,
)
def test_in_a_grid_search(model, grid):
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X[::5], y[::5])
    assert search.best_params_.keys() == grid.keys()
    assert search.best_score_ > 0.8


def test_a_named_block_is_the_one_of_its_name():
    for name in ("su4", "so4", "u2"):
        named = PoolingNetwork(name)
        spelled = PoolingNetwork(circuits.resolve_convolution(name))
        for n_qubits in (1, 2, 5):
            assert named.symbols(n_qubits) == spelled.symbols(n_qubits)
            assert cirq.equal_up_to_global_phase(
                *(
                    cirq.unitary(
                        cirq.resolve_parameters(
                            network.build(n_qubits),
                            {s: 0.1 * i for i, s in enumerate(network.symbols(n_qubits))},
                        )
                    )
                    for network in (named, spelled)
                )
            )
    deeper = PoolingNetwork("u2").set_params(convolution__n_layers=3)
    assert len(deeper.symbols(2)) == 3 * 2 + 2
    assert isinstance(PoolingNetwork(RealAmplitudes()).convolution, RealAmplitudes)
