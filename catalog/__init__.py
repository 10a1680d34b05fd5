"""The vocabulary: what a product is, and where the catalogue is kept."""
