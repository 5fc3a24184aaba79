import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure
from sklearn.dummy import DummyClassifier

from skquantum import VariationalClassifier
from skquantum.comparison import compare
from skquantum.comparison._summary import Column

VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Checks that every element is closed."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(comparison, tmp_path_factory):
    path = comparison.to_html(tmp_path_factory.mktemp("report") / "report.html")
    return path.read_text(encoding="utf-8")


def test_the_page_is_well_formed(page):
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert not parser.open


def test_the_page_needs_no_other_file(page):
    assert not re.search(r"https?:|//\w|@import|<script|<link|<img|<iframe|url\((?!#)", page)
    assert not re.search(r'(?:src|href)="(?!#)', page)


def test_the_page_tells_everything(page, comparison):
    for text in (
        "The rule, fixed before the run.",
        "costs at most 1.5 times as much",
        *comparison.models,
        "Score of each fold",
        "Calibration",
        "two-qubit gates",
        "simulations run in a fit",
        "encoding__bandwidth",
        "2 of 6: nearest to its own, rest at random",
        "StandardScaler",
        "60 rows, 4 features",
        "qsimcirq",
        "random_state=0",
        comparison.run["data fingerprint"],
    ):
        assert text in page, text
    assert "(x_0" in page or "x_0" in page  # the circuit's drawing
    assert page.count("<svg") == 2
    assert page.count("skq-best") > len(comparison.columns) - 1


def test_reports_of_the_same_run_are_the_same(comparison, page, tmp_path):
    assert comparison.to_html(tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_without_a_path_the_report_is_a_string(comparison, page):
    assert comparison.to_html() == page


def test_names_are_escaped(iris):
    name = "<script>alert('&')</script>"
    found = compare({name: DummyClassifier()}, *iris, baselines=["RBF SVM"], cv=2, budget=1)
    found.run["name"] = name
    assert "<script" not in found._repr_html_()
    assert "&lt;script&gt;" in found._repr_html_()


def test_a_name_that_matplotlib_would_take_for_a_formula(iris):
    found = compare({"$x_{$": DummyClassifier()}, *iris, baselines=["RBF SVM"], cv=2, budget=1)
    assert "$x_{$" in found._repr_html_()


def test_the_notebook_repr_is_a_fragment(comparison):
    html = comparison._repr_html_()
    assert html.startswith("<style>")
    assert "<body" not in html
    assert comparison.models[-1] in html


def test_plot(comparison):
    figure = comparison.plot()
    scores, calibration = figure.axes
    labels = [label.get_text() for label in scores.get_yticklabels()]
    assert labels == comparison.models[::-1]
    assert [t.get_text() for t in calibration.get_legend().get_texts()] == comparison.models
    mine = Figure()
    assert comparison.plot(mine.subplots(1, 2)) is mine


def test_text(comparison):
    text = str(comparison)
    assert text.startswith("Rule: A model passes if")
    assert max(map(len, text.splitlines())) <= 110
    for name in comparison.models:
        assert text.count(f"\n{name} ") >= 2
    assert repr(comparison).startswith("<Comparison of logistic regression, ")


@pytest.mark.parametrize(
    ("key", "mean", "std", "shown"),
    [
        ("accuracy", 0.5, 0.01234, "0.500 ± 0.012"),
        ("accuracy", 0.5, float("nan"), "0.500"),
        ("rmse", 1234.56, 7.89, "1234.6 ± 7.9"),
        ("accuracy", float("nan"), 0.0, "–"),
        ("fit_time", 2.0, 0.5, "2.00 ± 0.50 s"),
        ("fit_time", 0.0123, 0.1, "12.3 ± 100.0 ms"),
        ("predict_time", 1.5e-6, 1e-7, "1.50 ± 0.10 µs"),
        ("predict_time", 1e-8, 0.0, "0.01 ± 0.00 µs"),
    ],
)
def test_numbers_for_people(key, mean, std, shown):
    assert Column(key, key, True).shown(mean, std) == shown


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_curves_of_the_models_compared(iris, page, tmp_path):
    models = {"trained": (VariationalClassifier(max_iter=3), {})}
    found = compare(models, *iris, baselines=["logistic regression"], cv=2)
    assert [len(result.loss_curve) for result in found.of("trained")] == [3, 3]
    assert found.of("logistic regression")[0].loss_curve is None
    text = found.to_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<figcaption>Training</figcaption>" in text
    assert "<figcaption>Training</figcaption>" not in page
