"""Fidelity to a reference and line profiles."""
