"""What noise and shots do to models, measured."""

import cirq
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import (
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumKernelSVR,
    VariationalClassifier,
)
from skquantum.circuits import ZZEncoding
from skquantum.execution import MitigatedBackend, QsimBackend, ReferenceBackend
from skquantum.inspection import noise_sweep, with_backend
from skquantum.kernels import FidelityKernel

X, Y = load_iris(return_X_y=True)
X, Y = X[::5], Y[::5]
SMOOTH = ZZEncoding(n_qubits=2, bandwidth=0.2)


def test_a_sweep_measures_score_calibration_and_concentration():
    # Of fidelities: the gamma of a projected kernel makes up for depolarising noise.
    model = make_pipeline(
        StandardScaler(),
        QuantumKernelSVC("angle", kernel="fidelity", C=10, probability=True, random_state=0),
    )
    sweep = noise_sweep(model, X, Y, noise=[0, 0.02, 0.5], shots=[None, 100], cv=2, random_state=0)
    assert set(sweep.measures) == {"score", "calibration_error", "kernel_spread"}
    assert all(values.shape == (3, 2, 2) for values in sweep.measures.values())
    spread = sweep.measures["kernel_spread"].mean(axis=-1)
    assert (np.diff(spread[:, 0]) < 0).all()  # the more noise, the closer to one number
    assert spread[2, 1] > spread[2, 0]  # what is left then is the scatter of shots
    score = sweep.measures["score"].mean(axis=-1)
    assert score[0, 0] > 0.8
    assert score[2, 1] < 0.8
    assert not model[-1].__dict__.get("svm_")  # the given one stays unfitted


def test_without_noise_it_is_cross_validation():
    from sklearn.model_selection import cross_val_score

    model = make_pipeline(StandardScaler(), QuantumKernelSVC(SMOOTH))
    sweep = noise_sweep(model, X, Y, noise=[None], cv=3, scoring="f1_macro")
    expected = cross_val_score(model, X, Y, cv=3, scoring="f1_macro")
    np.testing.assert_allclose(sweep.measures["score"][0, 0], expected)


def test_frames_and_plots():
    sweep = noise_sweep(
        QuantumKernelSVR(SMOOTH),
        X,
        X[:, 0],
        noise=[0, cirq.ConstantQubitNoiseModel(cirq.depolarize(0.01))],
        shots=[None, 50],
        cv=2,
        random_state=1,
    )
    frame = sweep.to_frame()
    assert frame["noise"].tolist() == [0.0, 0.0, "ConstantQubitNoiseModel"] + [frame["noise"][3]]
    assert frame["shots"].tolist() == [np.inf, 50, np.inf, 50]
    assert frame["score"][0] == pytest.approx(sweep.measures["score"][0, 0].mean())
    assert frame["score_std"][0] == pytest.approx(sweep.measures["score"][0, 0].std(ddof=1))
    assert len(sweep.to_frame(per_fold=True)) == 8
    figure = sweep.plot()
    assert len(figure.axes) == 2
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["0", "ConstantQubitNoiseModel"]
    _, axes = plt.subplots(1, 2)
    assert sweep.plot(axes) is axes[0].figure
    plt.close("all")


def test_a_seed_makes_it_reproducible():
    sweeps = [
        noise_sweep(
            QuantumKernelSVC(SMOOTH), X, Y, noise=[0.01], shots=[20], cv=2, random_state=seed
        ).measures["kernel_spread"]
        for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(sweeps[0], sweeps[1])
    assert not np.array_equal(sweeps[0], sweeps[2])


@pytest.mark.parametrize(
    ("model", "where"),
    [
        (QuantumKernelSVC(kernel=FidelityKernel(SMOOTH)), ["backend", "kernel__backend"]),
        (
            make_pipeline(QuantumFeatureTransformer(SMOOTH), LogisticRegression()),
            ["quantumfeaturetransformer__backend"],
        ),
        (
            QuantumKernelSVC(SMOOTH, backend=MitigatedBackend(QsimBackend(max_memory="1GiB"))),
            ["backend__backend", "kernel__backend__backend"],
        ),
        (
            make_pipeline(QuantumFeatureTransformer(SMOOTH), QuantumKernelSVC(SMOOTH)),
            [
                "quantumfeaturetransformer__backend",
                "quantumkernelsvc__backend",
                "quantumkernelsvc__kernel__backend",
            ],
        ),
    ],
)
def test_noise_gets_to_every_part(model, where):
    # A machine and its kernel have one backend, under the names of both.
    from skquantum.inspection._backends import noisy, on_other_backend

    changed = on_other_backend(model, lambda backend: noisy(backend, 0.1, 7, 1)).get_params()
    found = [name for name, value in changed.items() if isinstance(value, QsimBackend)]
    assert sorted(found) == where
    for name in where:
        backend = changed[name]
        assert (backend.noise, backend.shots, backend.seed) == (0.1, 7, 1)
    if "backend__backend" in where:
        assert changed["backend__backend__max_memory"] == "1GiB"


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), QuantumKernelSVC(SMOOTH, probability=True)),
        QuantumKernelSVC(kernel=FidelityKernel(SMOOTH)),
        GridSearchCV(QuantumKernelSVC(SMOOTH), {"C": [1, 10]}, cv=2),
        CalibratedClassifierCV(QuantumKernelSVC(SMOOTH), cv=2, ensemble=False),
        VariationalClassifier(n_layers=1, max_iter=5, random_state=0),
        make_pipeline(QuantumFeatureTransformer(SMOOTH), LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fitted_models_move_to_other_backends(model):
    fitted = model.fit(X, Y)

    def outputs(model):
        return getattr(model, "predict_proba", getattr(model, "decision_function", None))(X)

    before = outputs(fitted)
    same = with_backend(fitted, ReferenceBackend())
    np.testing.assert_allclose(outputs(same), before, atol=1e-4)
    noisy = with_backend(fitted, QsimBackend(noise=0.2))
    assert np.abs(outputs(noisy) - before).max() > 1e-3
    np.testing.assert_array_equal(outputs(fitted), before)
    assert not [
        name
        for name, value in fitted.get_params().items()
        if isinstance(value, QsimBackend) and value.noise
    ]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_recurrent_models_move_too():
    model = QLSTMRegressor(max_iter=2, random_state=0).fit(X, X[:, 0])
    same, noisy = (
        with_backend(model, backend) for backend in (ReferenceBackend(), QsimBackend(noise=0.2))
    )
    np.testing.assert_allclose(same.predict(X), model.predict(X), atol=1e-4)
    assert np.abs(noisy.predict(X) - model.predict(X)).max() > 1e-3


def test_a_regressor_in_a_wrapper_moves():
    model = TransformedTargetRegressor(QuantumKernelSVR(SMOOTH), transformer=StandardScaler())
    model.fit(X, X[:, 0])
    noisy = with_backend(model, QsimBackend(noise=0.2))
    assert noisy.score(X, X[:, 0]) < model.score(X, X[:, 0])


def test_bad_input():
    with pytest.raises(ValueError, match="has no part with a parameter 'backend'"):
        noise_sweep(LogisticRegression(), X, Y)
    with pytest.raises(ValueError, match="Give at least one level: noise="):
        noise_sweep(QuantumKernelSVC(), X, Y, noise=[])
    with pytest.raises(ValueError, match="no parameters 'noise' and 'shots'"):
        noise_sweep(QuantumKernelSVC(backend=ReferenceBackend()), X, Y)
    with pytest.raises(ValueError, match="no fitted part that runs circuits"):
        with_backend(LogisticRegression().fit(X, Y), QsimBackend())
    with pytest.raises(TypeError, match="backend must be a Backend"):
        with_backend(QuantumKernelSVC(SMOOTH).fit(X, Y), "willow_pink")
