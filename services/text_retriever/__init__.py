"""Finds products by words."""
