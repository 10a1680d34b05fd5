"""The steps from each format of the catalogue to the next."""
