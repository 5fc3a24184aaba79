"""Make the pictures of the README and of the start page: python docs/make_pictures.py.

The one of a report needs Chromium with its driver, and the extra "browser".
"""

import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skquantum import QuantumKernelSVC
from skquantum.circuits import ReuploadingEncoding
from skquantum.cli import main

FOLDER = Path(__file__).parent / "_static"
SIZE = {"width": 985, "height": 765}  # the sentence, the rule, the scores


def report(path: Path) -> None:
    """Compare on the wine data, and take a picture of the top of the report."""
    from selenium import webdriver

    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        main(["compare", "wine", "--report", str(page)])
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
        for flag in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/p"):
            options.add_argument(flag)
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        browser = webdriver.Chrome(options=options, service=service)
        try:
            metrics = {**SIZE, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.get(page.as_uri())
            browser.save_screenshot(str(path))
        finally:
            browser.quit()


def boundaries(path: Path) -> None:
    """Draw the boundary of a fidelity kernel for three bandwidths, next to a classical kernel."""
    X, y = make_moons(200, noise=0.2, random_state=0)
    models = {
        f"fidelity, bandwidth {bandwidth}": QuantumKernelSVC(
            ReuploadingEncoding(bandwidth=bandwidth), kernel="fidelity", C=10
        )
        for bandwidth in (0.1, 0.3, 1.0)
    } | {"RBF kernel": SVC(C=10)}
    fig, axes = plt.subplots(1, 4, figsize=(10, 2.8), layout="constrained")
    for ax, (name, machine) in zip(axes, models.items(), strict=True):
        model = make_pipeline(StandardScaler(), machine)
        score = cross_val_score(model, X, y).mean()
        DecisionBoundaryDisplay.from_estimator(
            model.fit(X, y),
            X,
            ax=ax,
            grid_resolution=80,
            response_method="decision_function",
            cmap="RdBu",
            alpha=0.6,
        )
        ax.scatter(*X.T, c=y, cmap="RdBu", edgecolor="w", s=14)
        ax.set(title=f"{name}\naccuracy {score:.2f}", xticks=[], yticks=[])
        ax.title.set_fontsize(10)
    fig.savefig(path, dpi=90, facecolor="white", pil_kwargs={"optimize": True})


if __name__ == "__main__":
    boundaries(FOLDER / "boundaries.png")
    report(FOLDER / "report.png")
