"""Files as people have them: some out of packages, others made in the form of well-known ones."""

import importlib.resources

import numpy as np
import pandas as pd


def _rng():
    return np.random.default_rng(0)


def _palmer(name):
    return importlib.resources.files("palmerpenguins").joinpath("data", name).read_text("utf-8")


def _vega(name):
    return importlib.resources.files("vega_datasets").joinpath("_data", name).read_text("utf-8")


def _statsmodels(name):
    import statsmodels.api as sm

    return getattr(sm.datasets, name).load_pandas().data.to_csv(index=False)


def _head(text, n=1000):
    return "".join(text.splitlines(keepends=True)[: n + 1])


def penguins():
    return _palmer("penguins.csv"), "species"


def penguins_raw():
    return _palmer("penguins-raw.csv"), "Sex"


def seattle_temps():
    return _head(_vega("seattle-temps.csv")), "temp"


def la_riots():
    return _vega("la-riots.csv"), "type"


def randhie():
    return _head(_statsmodels("randhie")), "mdvis"


def fair():
    return _head(_statsmodels("fair")), "affairs"


def longley():
    return _statsmodels("longley"), "TOTEMP"


def star98():
    return _statsmodels("star98"), "NABOVE"


def heart():
    return _statsmodels("heart"), "survival"


def titanic(n=240):
    """In the form of the passengers' list: names, tickets, cabins, gaps in age."""
    rng = _rng()
    sex, pclass = rng.choice(["male", "female"], n), rng.integers(1, 4, n)
    title = np.where(sex == "male", "Mr.", rng.choice(["Mrs.", "Miss."], n))
    age = np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 75, n))
    prefixes, decks = rng.choice(["PC ", "A/5 ", ""], n), rng.choice(list("ABC"), n)
    tickets, cabins = rng.integers(10_000, 1_000_000, n), rng.integers(0, 150, n)
    survived = (rng.random(n) < 0.2 + 0.5 * (sex == "female") - 0.05 * (pclass - 2)).astype(int)
    frame = pd.DataFrame(
        {
            "PassengerId": np.arange(1, n + 1),
            "Survived": survived,
            "Pclass": pclass,
            "Name": [f"Surname{i}, {t} Forename{i % 37}" for i, t in enumerate(title)],
            "Sex": sex,
            "Age": age,
            "SibSp": rng.integers(0, 4, n),
            "Ticket": [f"{a}{k}" for a, k in zip(prefixes, tickets, strict=True)],
            "Fare": np.round(rng.lognormal(3, 1, n), 4),
            "Cabin": [f"{a}{k}" if k < 40 else None for a, k in zip(decks, cabins, strict=True)],
            "Embarked": np.where(rng.random(n) < 0.01, None, rng.choice(list("SCQ"), n)),
        }
    )
    return frame.to_csv(index=False), "Survived"


def flights(n=300):
    """In the form of the flights among vega's data: a date with a time, delays, two airports."""
    rng = _rng()
    date = pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.integers(0, 130_000, n), unit="min")
    airports = [f"{a}{b}X" for a in "ABCD" for b in "LMNO"]
    distance = rng.integers(100, 2500, n)
    frame = pd.DataFrame(
        {
            "date": date.strftime("%Y/%m/%d %H:%M"),
            "delay": np.round(rng.normal(8, 20, n) + 0.2 * date.hour.to_numpy()).astype(int),
            "distance": distance,
            "origin": rng.choice(airports, n),
            "destination": rng.choice(airports, n),
        }
    )
    return frame.to_csv(index=False, sep="\t"), "delay"


def biopsy(n=240):
    """In the form of the Wisconsin biopsies: an ID, marks from 1 to 10, ? for gaps."""
    rng = _rng()
    bad = rng.random(n) < 0.35
    marks = {
        f"V{i}": np.clip(rng.poisson(np.where(bad, 6, 2)), 1, 10).astype(str) for i in range(1, 10)
    }
    marks["V6"][rng.random(n) < 0.03] = "?"
    ids = rng.integers(60_000, 1_400_000, n)
    ids[5:15] = ids[:10]
    frame = pd.DataFrame({"": np.arange(1, n + 1), "ID": ids, **marks})
    frame["class"] = np.where(bad, "malignant", "benign")
    return frame.to_csv(index=False), "class"


def credit(n=240):
    """In the form of the credit approvals: no header, + and - for classes, ? for gaps."""
    rng = _rng()
    good = rng.random(n) < 0.45
    columns = [
        np.where(rng.random(n) < 0.03, "?", rng.choice(["a", "b"], n)),
        np.where(rng.random(n) < 0.03, "?", np.round(rng.gamma(9, 3.5, n), 2).astype(str)),
        np.round(rng.gamma(1, 5, n), 3),
        rng.choice(["u", "y", "l"], n),
        rng.choice(list("wqmrck"), n),
        np.where(good ^ (rng.random(n) < 0.1), "t", "f"),
        [f"{k:05d}" for k in rng.integers(0, 40, n) * 40],
        rng.integers(0, 5000, n),
        np.where(good, "+", "-"),
    ]
    lines = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join(lines) + "\n", "column 9"


def european(n=200):
    """One of our own: semicolons, decimal commas, thousands, percent, dates with the day first."""
    rng = _rng()
    area, year = rng.gamma(8, 12, n), rng.integers(1950, 2020, n)
    price = 2500 * area * (1 + (year - 1950) / 100) + rng.normal(0, 2e4, n)

    def number(value, digits):
        text = f"{value:,.{digits}f}"
        return text.translate(str.maketrans(",.", ".,"))

    lines = ["Nr.;Straße;Fläche (m²);Baujahr;Anteil;Balkon;Verkauft am;Bezirk;Preis"]
    for i in range(n):
        day = pd.Timestamp("2015-01-01") + pd.Timedelta(days=int(rng.integers(0, 3000)))
        lines.append(
            f"{i + 1};Hauptstraße {i};{number(area[i], 1)};{year[i]};"
            f"{number(rng.random() * 100, 1)} %;"
            f"{'ja' if rng.random() < 0.5 else 'nein'};{day:%d.%m.%Y};"
            f"{rng.choice(['Nord', 'Süd', 'k. A.'])};{number(max(price[i], 9e4), 2)} €"
        )
    return "\n".join(lines) + ";;\n", "Preis"


TABLES = {
    make.__name__: make
    for make in (
        penguins, penguins_raw, titanic, seattle_temps, la_riots, flights,
        biopsy, credit, randhie, fair, longley, star98, heart, european,
    )
}  # fmt: skip


def write(name, folder):
    """Write a file; return its path and the column to predict."""
    text, target = TABLES[name]()
    path = folder / f"{name}.csv"
    path.write_text(text, encoding="cp1252" if name == "european" else "utf-8")
    return path, target
