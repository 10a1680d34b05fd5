"""Models that learn from what shoppers did, behind one contract."""
