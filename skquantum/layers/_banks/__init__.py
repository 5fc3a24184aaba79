"""Circuits that read the same values, as the gates of a cell do."""
