"""The online programs, one folder a stage."""
