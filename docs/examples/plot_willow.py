"""
The same pipeline on Google's virtual machine
=============================================

``willow_pink`` is a chip of 105 qubits. Its connections, its gates and its noise as it was
calibrated ship with ``cirq-google`` (in a clone, ``pip install '.[google]'``), and Google's
*quantum virtual machine* runs circuits as the chip would: one by one, compiled to its gates, on
its qubits, with its noise, and by shots. Here a kernel and a variational classifier of 4 qubits
run there. The pipelines are those of the exact run; only the backend is exchanged.
"""

# %%
# The exact run
# -------------

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import QuantumKernelSVC, VariationalClassifier
from skquantum.execution import QsimBackend, SamplerBackend
from skquantum.inspection import with_backend

X, y = load_iris(return_X_y=True)
X, y = X[y > 0], y[y > 0]  # the two species that are hard to tell apart
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=20, test_size=20, stratify=y, random_state=0
)
kernel_model = make_pipeline(StandardScaler(), QuantumKernelSVC("angle", kernel="fidelity", C=10))
circuit_model = make_pipeline(
    StandardScaler(),
    VariationalClassifier("angle", n_layers=2, learning_rate=0.1, max_iter=300, random_state=0),
)
exact = clone(kernel_model).fit(X_train, y_train)
trained = circuit_model.fit(X_train, y_train)
print(f"kernel, exact:  accuracy {exact.score(X_test, y_test):.2f}")
print(f"circuit, exact: accuracy {trained.score(X_test, y_test):.2f}")

# %%
# The kernel, trained and tested on the virtual machine
# -----------------------------------------------------
# Each entry of the kernel matrix is a circuit of its own, measured 500 times.

machine = SamplerBackend(device="willow_pink", repetitions=500, seed=0)
on_device = clone(kernel_model).set_params(quantumkernelsvc__backend=machine)
on_device.fit(X_train, y_train)
gram, exact_gram = (model[-1].kernel_matrix_ for model in (on_device, exact))
deviation = np.linalg.norm(gram - exact_gram) / np.linalg.norm(exact_gram)
print(f"kernel, willow_pink:  accuracy {on_device.score(X_test, y_test):.2f}")
print(f"deviation of the kernel matrix from the exact one: {deviation:.3f}")
print(f"its diagonal, one without noise: {np.diag(gram).mean():.3f} in the mean")

# %%
# The variational classifier, trained exactly, on the virtual machine
# -------------------------------------------------------------------
# Predicting takes one circuit for each row. Training took the exact simulator a moment, and would
# take a device this many:

print(f"circuits of the training on a device: {trained[-1].resources_['n_circuits']:,}")
moved = with_backend(trained, machine)
there, here = (model.predict_proba(X_test) for model in (moved, trained))
print(f"circuit, willow_pink: accuracy {moved.score(X_test, y_test):.2f}")
print(f"its probabilities are off by {np.abs(there - here).mean():.3f} in the mean")

# %%
# The same noise, without sampling circuits one by one
# ----------------------------------------------------
# ``QsimBackend`` takes the device's noise, too. Whole batches run at once, exactly, so that the
# variational classifier can be trained with it.

noisy = QsimBackend(noise="willow_pink")
model = clone(kernel_model).set_params(quantumkernelsvc__backend=noisy).fit(X_train, y_train)
change = np.linalg.norm(model[-1].kernel_matrix_ - exact_gram) / np.linalg.norm(exact_gram)
print(f"kernel, its noise:  accuracy {model.score(X_test, y_test):.2f}, deviation {change:.3f}")
model = clone(circuit_model).set_params(variationalclassifier__backend=noisy)
print(f"circuit, its noise: accuracy {model.fit(X_train, y_train).score(X_test, y_test):.2f}")

# %%
# What is missing to the deviation of the virtual machine is the scatter of 500 shots.
