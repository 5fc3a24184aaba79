"""Pooling by windows: quantum and classical."""
