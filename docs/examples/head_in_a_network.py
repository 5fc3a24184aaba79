"""
A quantum head in a network
===========================

A small convolutional network on images of digits, with two heads of about as many parameters: a
circuit of four qubits, and a hidden layer of ten units. Everything is trained together by PyTorch,
which the documentation's build does not install: the output below is that of a run.

In a clone: ``pip install '.[torch]' skorch``.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from skorch import NeuralNetClassifier
from torch import nn

from skquantum.circuits import AngleEncoding, StronglyEntangling
from skquantum.torch import QuantumModule

images, digits = load_digits(return_X_y=True)
X = (images.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
y = digits.astype(np.int64)


# %%
# Two networks
# ------------
#
# The same convolution and the same bottleneck of four numbers; only the head differs.


class Net(nn.Module):
    """Images to scores of the ten digits."""

    def __init__(self, head="circuit", n_layers=2):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 8, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(72, 4),
            nn.Tanh(),
        )
        if head == "circuit":
            encoding, ansatz = AngleEncoding(bandwidth=np.pi / 2), StronglyEntangling(n_layers)
            circuit = QuantumModule(encoding, ansatz, "XYZ", n_features=4)
            self.head = nn.Sequential(circuit, nn.Linear(12, 10))
        else:
            self.head = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 10))

    def forward(self, images):
        """Return the scores."""
        return self.head(self.trunk(images))


def n_parameters(module):
    """Return how many numbers are trained."""
    return sum(p.numel() for p in module.parameters())


# %%
# Trained by PyTorch
# ------------------
#
# Five folds with a seed each. The Brier score is the mean squared error of the probabilities,
# summed over classes: lower is better.


def fold_scores(head, train, test, seed):
    """Return accuracy and Brier score on held-out images."""
    torch.manual_seed(seed)
    net = Net(head)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    inputs, labels = torch.from_numpy(X[train]), torch.from_numpy(y[train])
    for _ in range(30):
        for batch in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        chances = net(torch.from_numpy(X[test])).softmax(1).numpy()
    brier = np.square(chances - np.eye(10)[y[test]]).sum(1).mean()
    return accuracy_score(y[test], chances.argmax(1)), brier


folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
for head in ("circuit", "hidden layer"):
    found = np.array([fold_scores(head, *fold, seed) for seed, fold in enumerate(folds)])
    means, spreads = found.mean(0), found.std(0)
    print(
        f"{head:12}: {n_parameters(Net(head).head)} parameters, accuracy {means[0]:.3f} +- "
        f"{spreads[0]:.3f}, Brier score {means[1]:.3f} +- {spreads[1]:.3f}"
    )

# %%
# .. code-block:: none
#
#    circuit     : 154 parameters, accuracy 0.920 +- 0.016, Brier score 0.121 +- 0.018
#    hidden layer: 160 parameters, accuracy 0.935 +- 0.013, Brier score 0.104 +- 0.020
#
# The classical head is the better one, by about the spread of the folds: nothing here asks for a
# circuit.

# %%
# Searched by scikit-learn
# ------------------------
#
# Through skorch the network is an estimator, and the circuit's parameters take part in a grid
# search.

torch.manual_seed(0)
model = NeuralNetClassifier(
    Net,
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.Adam,
    lr=0.01,
    max_epochs=15,
    verbose=0,
)
search = GridSearchCV(model, {"module__n_layers": [1, 3]}, cv=2, scoring="accuracy").fit(X, y)
for n_layers, mean in zip([1, 3], search.cv_results_["mean_test_score"], strict=True):
    print(f"{n_layers} layers: accuracy {mean:.3f}")

# %%
# .. code-block:: none
#
#    1 layers: accuracy 0.683
#    3 layers: accuracy 0.741
