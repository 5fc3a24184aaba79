"""From a program and rows to numbers."""
