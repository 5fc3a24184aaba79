"""The report and the documentation in a real browser, on a phone, a tablet and a desk."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris

from skquantum import VariationalClassifier
from skquantum.comparison import DeviceTest, advise, compare

WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")
QUICK = {"cv": 3, "budget": 1, "verbose": 0}
DOCS = Path(__file__).parents[2] / "docs" / "_build" / "html"
DOC_PAGES = ("index", "quickstart", "guide/comparison", "tutorials/reading_the_report", "api")

# Text that is narrower than what it holds, or that reaches out of the window, unless something
# around it scrolls.
CLIPPED = """
const wide = document.documentElement.clientWidth;
const scrolls = e => e && e !== document.body
  && (["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
return [...document.querySelectorAll(arguments[0])].filter(e => {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  if (!box.width || scrolls(e)) return false;
  const cut = e.scrollWidth > e.clientWidth + 1 && style.display !== "inline";
  return cut || box.left < -1 || box.right > wide + 1;
}).map(e => e.tagName + ": " + e.textContent.slice(0, 60));
"""
# First columns that do not stay at the left edge when their table is scrolled to its end.
ADRIFT = """
const found = [];
for (const box of document.querySelectorAll(".skq-scroll")) {
  box.scrollLeft = box.scrollWidth;
  const edge = box.getBoundingClientRect().left;
  for (const row of box.querySelectorAll("table tr")) {
    const cell = row.firstElementChild, next = cell.nextElementSibling;
    const seen = cell.getBoundingClientRect();
    if (Math.abs(seen.left - edge) > 1) found.push("left: " + cell.textContent);
    if (next && Math.abs(next.getBoundingClientRect().top - seen.top) > 1)
      found.push("top: " + cell.textContent);
  }
  box.scrollLeft = 0;
}
return found;
"""
SCROLLED = """
return [...document.querySelectorAll(".skq-scroll")]
  .filter(e => e.querySelector("table") && e.scrollWidth > e.clientWidth).length;
"""
# Cells whose words are broken for want of room.
SQUEEZED = """
return [...document.querySelectorAll(".skq-scroll th[scope=row]")].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && box.height > 60 && box.height > box.width;
}).map(e => e.textContent);
"""
# Text whose contrast with what lies behind it is below 4.5 (WCAG 2.2, AA).
FAINT = """
const channels = text => text.match(/[0-9.]+/g).map(Number);
const over = (top, base) => {
  const alpha = top.length > 3 ? top[3] : 1;
  return base.map((c, i) => alpha * top[i] + (1 - alpha) * c);
};
const behind = e => {
  if (!e) return arguments[0] === "dark" ? [18, 18, 18] : [255, 255, 255];
  const own = channels(getComputedStyle(e).backgroundColor);
  return own.length > 3 && own[3] === 0 ? behind(e.parentElement)
    : over(own, behind(e.parentElement));
};
const light = c => {
  const [r, g, b] = c.map(v => v / 255).map(
    v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || ["STYLE", "SCRIPT"].includes(e.tagName)) continue;
  if (!e.getClientRects().length) continue;
  const style = getComputedStyle(e), base = behind(e);
  const ink = channels(e.closest("svg") ? style.fill : style.color);
  const [a, b] = [light(over(ink, base)), light(base)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) found.push(ratio.toFixed(2) + ": " + walker.currentNode.textContent.trim());
}
return [found, light(behind(document.querySelector("main")))];
"""


def classification():
    X, y = load_iris(return_X_y=True)
    names = load_iris().target_names
    models = ["QuantumKernelSVC", VariationalClassifier(max_iter=5)]
    baselines = ["logistic regression", "gradient boosting", "RBF SVM"]
    found = compare(models, X[::3], names[y[::3]], baselines=baselines, **QUICK)
    found.table = [
        (f"column {i}", "a category, one column for each of 5 values") for i in range(15)
    ]
    found.notes = ["The columns are separated by semicolons."]
    found.run["name"] = "a_file_whose_name_is_rather_long_and_has_no_spaces_measured_in_2026.csv"
    return found


def regression():
    X, y = load_diabetes(return_X_y=True)
    baselines = ["ridge regression", "RBF SVM"]
    return compare("QuantumKernelSVR", X[::6], y[::6], baselines=baselines, **QUICK)


def series():
    pd = pytest.importorskip("pandas")
    dates = pd.date_range("2012-01-01", periods=120, freq="MS")
    wave = np.sin(np.arange(120) * np.pi / 6) + 0.01 * np.arange(120)
    baselines = ["persistence", "seasonal naive", "ridge autoregression"]
    return compare("QuantumKernelSVR", pd.Series(wave, dates), baselines=baselines, **QUICK)


def device():
    X, y = load_iris(return_X_y=True)
    test = DeviceTest(0.01, shots=50)
    baselines = ["logistic regression"]
    return compare("QuantumKernelSVC", X[::4], y[::4], baselines=baselines, device=test, **QUICK)


def advice():
    return advise(*load_iris(return_X_y=True), latency=0.05, max_rows=60)


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the models warn of stands in the reports
        return {
            make.__name__: make().to_html(folder / f"{make.__name__}.html")
            for make in (classification, regression, series, device, advice)
        }


def show(driver, path, width, scheme="light"):
    """Open a page in a window of some width, in light or dark colours."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get_log("browser")
    driver.get(path.as_uri())


def errors(driver):
    """Return everything that the browser complains of."""
    return [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def broken(driver):
    """Return scripts that failed and files that are missing.

    Without a network the documentation's mathematics can't be loaded, and the theme itself logs,
    where nobody has chosen a colour scheme yet, that it takes the browser's.
    """
    return [
        entry["message"]
        for entry in errors(driver)
        if entry["source"] == "javascript"
        or (entry["source"] == "network" and entry["message"].startswith("file:"))
    ]


def scrolls_sideways(driver):
    wide = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    scroll, client = driver.execute_script(wide)
    return scroll > client


KINDS = ("classification", "regression", "series", "device", "advice")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_reports(driver, reports, kind, width, scheme):
    show(driver, reports[kind], width, scheme)
    for unfolded in (False, True):
        driver.execute_script(
            "for (const e of document.querySelectorAll('details')) e.open = arguments[0]", unfolded
        )
        assert not scrolls_sideways(driver)
        assert not driver.execute_script(
            CLIPPED, "h1, h2, h3, p, figcaption, dt, dd, pre, code, svg"
        )
        assert not driver.execute_script(SQUEEZED)
        faint, paper = driver.execute_script(FAINT, scheme)
        assert not faint
        assert paper < 0.05 if scheme == "dark" else paper > 0.9
    assert not driver.execute_script(ADRIFT)
    assert not errors(driver)


def test_there_is_something_to_scroll_on_a_phone(driver, reports):
    """Without that, the test of sticky columns would test nothing."""
    show(driver, reports["classification"], 360)
    assert driver.execute_script(SCROLLED) >= 2


def test_terms_explain_themselves(driver, reports):
    show(driver, reports["classification"], 1280)
    titles = driver.execute_script(
        "return [...document.querySelectorAll('thead abbr')].map(e => e.title)"
    )
    assert len(titles) >= 8
    assert all(titles)


def test_the_checks_find_what_is_wrong(driver, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<!DOCTYPE html><title>bad</title><body style='background: #fff'><main>"
        "<h1 style='white-space: nowrap; width: 90px; overflow: hidden'>a heading that is cut</h1>"
        "<p style='width: 2000px'>wide</p><p style='color: #aaa'>faint</p>"
        "<div class='skq-scroll' style='overflow-x: auto'><table style='width: 3000px'>"
        "<tr><th>adrift</th><td>1</td></tr></table></div>"
        "<script>throw new Error('broken')</script></main>",
        encoding="utf-8",
    )
    show(driver, page, 768)
    assert scrolls_sideways(driver)
    assert len(driver.execute_script(CLIPPED, "h1, p")) == 2
    assert driver.execute_script(FAINT, "light")[0] == ["2.32: faint"]
    assert driver.execute_script(ADRIFT) == ["left: adrift"]
    assert any("broken" in error for error in broken(driver))


@pytest.mark.skipif(not DOCS.exists(), reason="the documentation is not built: make docs")
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", DOC_PAGES)
def test_documentation(driver, name, width):
    path = DOCS / f"{name}.html"
    if not path.exists():
        pytest.skip(f"{name} is not built")
    show(driver, path, width)
    assert not scrolls_sideways(driver)
    assert not driver.execute_script(CLIPPED, "article h1, article h2, article h3, article pre")
    assert not broken(driver)
