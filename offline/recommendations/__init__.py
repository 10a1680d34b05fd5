"""Measures recommendations: splits, readers of given splits, figures, and their report."""
