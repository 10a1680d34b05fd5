"""Promises, by room."""
