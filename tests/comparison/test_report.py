import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.dummy import DummyClassifier

from skquantum import VariationalClassifier
from skquantum.comparison import compare
from skquantum.comparison._measure import false_positive_rate
from skquantum.comparison._pages.circuit import MOST_STEPS, outline_svg
from skquantum.comparison._rule import Verdict
from skquantum.comparison._summary import Column
from skquantum.comparison._wording import headline

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
    assert page.count("<svg") == 4  # scores, difference, calibration, the circuit in outline
    assert page.count("skq-best") > len(comparison.columns) - 1


def test_the_page_opens_with_one_sentence_then_the_rule_then_the_table(page, comparison):
    answer, rule, table, reasons = (
        page.index(part)
        for part in ('class="skq-answer', "The rule, fixed before the run.", "<table>", "Why</h2>")
    )
    assert answer < rule < table < reasons
    opening = re.search(r'class="skq-answer[^>]*>(.*?)</p>', page).group(1)
    assert opening == comparison.headline == comparison.verdicts[0].advice


def test_every_column_explains_itself(page, comparison):
    for column in comparison.columns:
        assert column.help
        assert f'<abbr title="{column.help}">{column.title}</abbr>' in page
        assert f"<dt>{column.title}</dt><dd>{column.help}</dd>" in page


def test_hardware_is_told_in_hours_and_money(page, comparison):
    assert "One fit of QuantumKernelSVC on hardware would keep it busy for about" in page
    assert re.search(r"and cost [\d,]+ to [\d,]+ USD", page)
    assert "a circuit of 1,000 shots takes 100 ms and costs 0.035 to 0.15 USD" in page
    assert "0.035 to 0.15 USD" in " ".join(str(comparison).split())


def test_the_date_and_the_versions_stand_in_the_report(page, comparison):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d[+-]\d\d:\d\d", comparison.run["date"])
    assert page.count(comparison.run["date"]) == 2
    assert "skquantum " + comparison.run["skquantum"] in page


def test_confusions_are_counted_over_all_folds(page, comparison, iris):
    counts = sum(r.confusion for r in comparison.of("QuantumKernelSVC"))
    assert counts.sum() == len(iris[1])
    assert counts.sum(axis=1).tolist() == [20, 20, 20]
    assert np.trace(counts) / 60 == pytest.approx(
        comparison.mean("QuantumKernelSVC", "accuracy")[0]
    )
    assert page.count('class="skq-matrix"') == 2  # the best baseline's, and the model's
    assert "<th>true, taken for</th>" in page


def test_of_many_classes_the_most_frequent_confusions_are_listed(comparison):
    labels = np.array([f"<{i}>" for i in range(13)])
    counts = np.eye(13, dtype=int)
    counts[3, 5] = 7
    many = replace(
        comparison,
        results=[
            replace(r, classes=labels, confusion=counts, probabilities=None)
            for r in comparison.results
        ],
    )
    page = many.to_html()
    assert 'class="skq-matrix"' not in page
    assert "&lt;3&gt;</th><td>&lt;5&gt;</td><td>21</td>" in page


@pytest.mark.parametrize(
    ("counts", "rate"),
    [
        ([[90, 10], [3, 7]], 0.1),
        ([[5, 0], [0, 5]], 0.0),
        ([[8, 1, 1], [0, 10, 0], [0, 0, 10]], (0 + 1 / 20 + 1 / 20) / 3),
        ([[0, 0], [2, 3]], float("nan")),
    ],
)
def test_false_positive_rates(counts, rate):
    assert false_positive_rate(np.array(counts)) == pytest.approx(rate, nan_ok=True)


def test_what_was_done_to_the_columns_stands_in_the_report(comparison):
    few = replace(comparison, table=[("Sex", "2 categories: <b>")], notes=["Semicolons."])
    page = few.to_html()
    assert "<h2>The table</h2><p>Semicolons.</p>" in page
    assert '<th scope="row">Sex</th><td>2 categories: &lt;b&gt;</td>' in page
    many = replace(comparison, table=[(f"c{i}", "as it is") for i in range(13)])
    assert "What was done to each of 13 columns</summary>" in many.to_html()
    assert "<h2>The table</h2>" not in comparison.to_html()


def test_a_report_of_what_has_just_begun(comparison):
    begun = replace(comparison, results=[])
    assert "INCOMPLETE: 0 of 9" in begun.to_html()
    assert "No verdict on QuantumKernelSVC: no fold is finished" in begun._repr_html_()


def test_the_outline_of_a_circuit_keeps_crossing_lines_apart():
    outline = [[((0, 2), True), ((1, 3), False)], [((0,), True)]]
    svg = outline_svg(outline, "a <circuit>")
    lines = re.findall(r'class="skq-(\w+)-line" d="M(\d+) ', svg)
    assert lines == [("data", "14"), ("fixed", "28")]
    assert svg.count("<circle") == 4 and svg.count("<rect") == 1
    assert "a &lt;circuit&gt;" in svg
    long = outline_svg([[((0,), False)]] * (MOST_STEPS + 5), "long")
    assert long.count("<rect") == MOST_STEPS
    assert "And 5 more moments" in long


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        (
            ["use", "reject"],
            "Use a: it is better than the best baseline, B, and the best of the 2",
        ),
        (["either", "reject"], "of the 2 models compared, a passes the rule, but is not shown"),
        (["either", "either", "reject"], "a and b pass the rule, but are not shown to be better"),
        (["reject", "reject"], "Use the classical model, B: none of the 2 models compared passes"),
        (["failed", "unfinished"], "There is no verdict on any of the 2 models compared."),
        (["failed", "reject"], "Use the classical model, B: none of the 2"),
    ],
)
def test_one_sentence_for_several_models(decisions, said):
    verdicts = [
        Verdict(name, "B", decision, advice=f"Use {name}: it is better than the best baseline, B.")
        for name, decision in zip("abc", decisions, strict=False)
    ]
    assert said in headline(verdicts, {"a": 0.9, "b": 0.8, "c": 0.7})


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
