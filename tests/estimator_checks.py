"""Which of scikit-learn's checks can see which configuration."""

import re

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

# Another encoding, backend, kernel or solver changes what is computed from rows and weights, and
# nothing that validates, tags, clones or names: of scikit-learn's checks these can fail for it.
SEEN_BY = {
    "check_dict_unchanged": "predicting stores nothing on a part",
    "check_estimators_dtypes": "numbers of every type reach the circuits",
    "check_estimators_nan_inf": "what is no number is refused before a circuit runs",
    "check_estimators_overwrite_params": "fitting changes no part that was passed in",
    "check_estimators_pickle": "what has been learned survives with its parts",
    "check_fit2d_1feature": "one feature is a circuit too",
    "check_fit2d_1sample": "so is one row",
    "check_fit_idempotent": "randomness comes from random_state and the backend's seed alone",
    "check_methods_sample_order_invariance": "a row's result is its own, in any order",
    "check_methods_subset_invariance": "and in a batch of any size",
    "check_non_transformer_estimators_n_iter": "a solver counts its iterations",
    "check_readonly_memmap_input": "rows are not written to",
    "check_sample_weight_equivalence_on_dense_data": "weights are repetitions, for every loss",
    "check_transformer_general": "fit_transform is transform after fit",
}


def name_of(check):
    """Return the name of a check, which comes as a partial function."""
    return check.func.__name__


def _id(value):
    return name_of(value) if hasattr(value, "func") else re.sub(r"\s", "", repr(value))


def parametrize_with_checks_that_see(estimators, without=frozenset()):
    """Decorate a test of an estimator and a check: as scikit-learn's, with the checks above."""
    names = SEEN_BY.keys() - without
    cases = [
        case
        for estimator in estimators
        for case in estimator_checks_generator(estimator)
        if name_of(case[1]) in names
    ]
    return pytest.mark.parametrize(("estimator", "check"), cases, ids=_id)
