"""The offline programs, which end."""
