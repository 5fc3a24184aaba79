"""Devices: where a circuit goes, how it is run, what is kept."""
