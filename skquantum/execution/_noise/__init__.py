"""Noise and shots: what they are, and how the engine runs them."""
