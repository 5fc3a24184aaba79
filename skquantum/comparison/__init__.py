"""Quantum models next to strong classical baselines, under a rule fixed before the run."""

from skquantum._rooms import hand_out
from skquantum.comparison._advice import Advice, KernelOutlook
from skquantum.comparison._advise import advise
from skquantum.comparison._card import model_card
from skquantum.comparison._commands import diff as diff
from skquantum.comparison._commands import list_models as list_models
from skquantum.comparison._commands import rerun as rerun
from skquantum.comparison._commands import run_advise as run_advise
from skquantum.comparison._commands import run_compare as run_compare
from skquantum.comparison._commands import run_fit as run_fit
from skquantum.comparison._commands import run_predict as run_predict
from skquantum.comparison._commands import show as show
from skquantum.comparison._device import DeviceTest
from skquantum.comparison._models import BASELINES, MODELS, ModelEntry
from skquantum.comparison._naive import Persistence, SeasonalNaive
from skquantum.comparison._result import Comparison
from skquantum.comparison._rule import DecisionRule, Verdict
from skquantum.comparison._runner import compare
from skquantum.comparison._study import Study
from skquantum.comparison._table import (
    Categories,
    Date,
    GapOrNot,
    ManyCategories,
    Number,
    Plan,
    TableEncoder,
    Text,
)
from skquantum.comparison._table_model import TableModel, fit_table

__all__ = [
    "BASELINES",
    "MODELS",
    "Advice",
    "Comparison",
    "DecisionRule",
    "DeviceTest",
    "KernelOutlook",
    "ModelEntry",
    "Persistence",
    "SeasonalNaive",
    "Study",
    "TableModel",
    "Verdict",
    "advise",
    "compare",
    "fit_table",
    "model_card",
]

# What saved models of tables are made of.
_INNER = (Categories, Date, GapOrNot, ManyCategories, Number, Plan, TableEncoder, Text)
hand_out(globals(), *_INNER)
