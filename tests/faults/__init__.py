"""Faults of real processes under load."""
