"""The result of `compare`: what was found, and the ways to look at it."""

from pathlib import Path
from typing import Any, Self, overload

from skquantum.comparison import _pages, _records, _tracking
from skquantum.comparison._findings import Findings


class Comparison(Findings):
    """Result of `compare`: what every model did on every fold, and what the rule says of it.

    Attributes
    ----------
    rule : DecisionRule
        As fixed before the run.
    task : {"classification", "regression", "series"}
        What was predicted.
    metric : str
        Name of the score that models were tuned and judged by.
    entrants : list of Entrant
        The models as they entered, baselines first.
    n_folds : int
        Number of outer folds.
    device : DeviceTest or None
        What the quantum models were tried on besides, if anything.
    results : list of FoldResult
        One for each model and finished fold.
    cautions : list of str
        Why a quantum model is a poor idea here, if it is one, and what to read with care.
    run : dict of str to str
        What was run: data, seed, call, versions, machine.
    elapsed : float
        Seconds that it took.
    table : list of (str, str)
        Of a data frame or file, each column and what is done to it, in its order.
    notes : list of str
        What else is to be known of the data, in whole sentences.
    times : list of str or None
        Of a series with dates, the date of the last step that each window forecasts.
    studies : list of Study
        Of labels, seeds, stages and values of a parameter, where they were asked for.

    See Also
    --------
    compare : Makes it.
    """

    def plot(self, axes: Any = None) -> Any:
        """Plot the scores of all folds; also calibration curves, or forecasts of a series.

        Parameters
        ----------
        axes : sequence of matplotlib axes, default=None
            Where to draw: one for regression, two for the other tasks. By default, a new figure.

        Returns
        -------
        figure : matplotlib.figure.Figure
            The figure drawn on.
        """
        return _pages.plot(self, axes)

    @overload
    def to_html(self, path: None = None) -> str: ...

    @overload
    def to_html(self, path: str | Path) -> Path: ...

    def to_html(self, path: str | Path | None = None) -> str | Path:
        """Write the report: one HTML file that needs no other.

        Parameters
        ----------
        path : str, Path or None, default=None
            Where to write it; by default nowhere.

        Returns
        -------
        report : Path or str
            The file written, or without `path` the page itself.
        """
        if path is None:
            return _pages.page(self)
        path = Path(path)
        path.write_text(_pages.page(self), encoding="utf-8")
        return path

    @overload
    def to_json(self, path: None = None) -> str: ...

    @overload
    def to_json(self, path: str | Path) -> Path: ...

    def to_json(self, path: str | Path | None = None) -> str | Path:
        """Write all that was found, so that `from_json` has it again, exactly.

        Parameters
        ----------
        path : str, Path or None, default=None
            Where to write it; by default nowhere.

        Returns
        -------
        written : Path or str
            The file written, or without `path` the JSON itself. The user guide tells its keys.

        Raises
        ------
        ValueError
            If the device has noise that is neither a name nor a number.
        """
        if path is None:
            return _records.dumps(self)
        path = Path(path)
        path.write_text(_records.dumps(self), encoding="utf-8")
        return path

    @classmethod
    def from_json(cls, source: str | Path) -> Self:
        """Return the comparison that `to_json` wrote.

        Parameters
        ----------
        source : str or Path
            A file, or JSON itself.

        Returns
        -------
        comparison : Comparison
            With the same table, verdict, plot and report.

        Raises
        ------
        ValueError
            If it is no comparison, of a version that is not known, or damaged.
        """
        return cls(**_records.read(source))

    def log_to_mlflow(self, run_name: str | None = None) -> str:
        """Log all of it to MLflow, where :func:`mlflow.set_tracking_uri` says.

        One run holds rule, data, versions, the verdict as a tag, and the report and the JSON as
        artifacts; a run inside it for each model its pipeline and settings, means and spreads, the
        scores of each fold as steps, resources, and the training loss of the last fold.

        Parameters
        ----------
        run_name : str, default=None
            What to call the run; None takes the name of the data.

        Returns
        -------
        run_id : str
            Of the run that holds the others.

        Raises
        ------
        ImportError
            If MLflow is not installed.
        """
        write = {"report.html": self.to_html, "comparison.json": self.to_json}
        return _tracking.log_comparison(self, run_name, write)

    def difference(self, other: Findings, names: tuple[str, str] = ("before", "after")) -> str:
        """Say how another comparison differs: what was run, the scores, the verdict.

        Parameters
        ----------
        other : Comparison
            The later one.
        names : (str, str), default=("before", "after")
            What the two are called.

        Returns
        -------
        text : str
        """
        return _records.difference(self, other, names)

    def _repr_html_(self) -> str:
        return _pages.fragment(self)

    def __str__(self) -> str:
        return _pages.text(self)

    def __repr__(self) -> str:
        state = "" if self.complete else ", incomplete"
        return f"<Comparison of {', '.join(self.models)} over {self.n_folds} folds{state}>"
