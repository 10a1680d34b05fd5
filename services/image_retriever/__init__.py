"""Finds products by how they look."""
