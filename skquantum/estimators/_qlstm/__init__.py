"""The recurrent estimator and its parts."""
