"""From a circuit to a program, which has no circuit in it."""
